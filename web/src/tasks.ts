// SPDX-License-Identifier: MIT
// Questions that several parts of the job page ask of a job's tasks. Pure.
import type { JobDetail, Reservation, TaskStatus } from './api.ts';

export interface Task {
  role: string;
  status: TaskStatus;
}

/** All tasks, role by role, in the server's order. */
export function allTasks(detail: JobDetail): Task[] {
  return Object.entries(detail.taskRoles).flatMap(([role, { taskStatuses }]) =>
    taskStatuses.map((status) => ({ role, status })),
  );
}

/** "worker-0": how people name a task. */
export const taskName = (task: Task): string => `${task.role}-${task.status.taskIndex}`;

/** The task to look at first: one that failed, else the first. */
export function mainTask(tasks: readonly Task[]): Task | undefined {
  return tasks.find((task) => task.status.taskState === 'FAILED') ?? tasks[0];
}

/** A task without GPUs may run on a node whose GPUs are simulated: that says nothing about the task. */
export const usesSimulatedGpus = (tasks: readonly Task[]): boolean =>
  tasks.some(({ status }) => status.simulatedGpus && (status.containerGpus?.length ?? 0) > 0);

export const ranOnHost = (tasks: readonly Task[]): boolean => tasks.some((task) => task.status.onHost);

/** The debug reservation that has not ended; a job has one at most. */
export const liveReservation = (all: readonly Reservation[] | undefined): Reservation | undefined =>
  all?.find(({ state }) => state === 'HELD' || state === 'ENDING');

/** How many tasks are in each state, most frequent first. */
export function countStates(tasks: readonly TaskStatus[]): [TaskStatus['taskState'], number][] {
  const counts = new Map<TaskStatus['taskState'], number>();
  for (const task of tasks) counts.set(task.taskState, (counts.get(task.taskState) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]);
}
