// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JobDetail, Reservation, TaskStatus } from '../../../web/src/api.ts';
import { allTasks, countStates, liveReservation, mainTask, ranOnHost, taskName, usesSimulatedGpus } from '../../../web/src/tasks.ts';

const task = (taskIndex: number, taskState: TaskStatus['taskState'], over: Partial<TaskStatus> = {}) =>
  ({ taskIndex, taskState, ...over }) as TaskStatus;

const detail = (roles: Record<string, TaskStatus[]>) =>
  ({
    taskRoles: Object.fromEntries(
      Object.entries(roles).map(([name, taskStatuses]) => [name, { taskRoleStatus: { name }, taskStatuses }]),
    ),
  }) as JobDetail;

test('tasks are listed role by role', () => {
  const tasks = allTasks(detail({ ps: [task(0, 'RUNNING')], worker: [task(0, 'RUNNING'), task(1, 'WAITING')] }));
  assert.deepEqual(tasks.map(taskName), ['ps-0', 'worker-0', 'worker-1']);
});

test('a reservation is shown until it has ended', () => {
  const one = (state: Reservation['state']) => ({ state }) as Reservation;
  assert.equal(liveReservation(undefined), undefined);
  assert.equal(liveReservation([one('ENDED'), one('LOST')]), undefined);
  assert.equal(liveReservation([one('ENDED'), one('HELD')])?.state, 'HELD');
  assert.equal(liveReservation([one('ENDING')])?.state, 'ENDING');
});

test('the task to look at is the one that failed', () => {
  const tasks = allTasks(detail({ ps: [task(0, 'STOPPED')], worker: [task(0, 'SUCCEEDED'), task(1, 'FAILED')] }));
  assert.equal(mainTask(tasks)?.status.taskIndex, 1);
  assert.equal(mainTask(tasks.slice(0, 2)), tasks[0]);
  assert.equal(mainTask([]), undefined);
});

test('states are counted, the most frequent first', () => {
  const states = [task(0, 'FAILED'), task(1, 'RUNNING'), task(2, 'RUNNING')];
  assert.deepEqual(countStates(states), [['RUNNING', 2], ['FAILED', 1]]);
});

test('one task on the host, or on simulated GPUs, labels the job', () => {
  const tasks = allTasks(detail({ a: [task(0, 'RUNNING'), task(1, 'RUNNING', { onHost: true })] }));
  assert.equal(ranOnHost(tasks), true);
  assert.equal(usesSimulatedGpus(tasks), false);
});

test('GPUs are simulated only where a task has some', () => {
  const label = (containerGpus: number[]) =>
    usesSimulatedGpus(allTasks(detail({ a: [task(0, 'RUNNING', { simulatedGpus: true, containerGpus })] })));
  assert.equal(label([]), false);
  assert.equal(label([2]), true);
});
