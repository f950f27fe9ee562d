// SPDX-License-Identifier: MIT
// The task attempts of a job as curves: how much of its cores and its memory each used, and how long it was held up by
// discs. Pure.
import type { TaskUse } from './api.ts';
import { least, mean, most, pool, reachOf, type Series, withGaps } from './series.ts';

/** What is drawn, in this order. */
export const TASK_CHARTS = ['cpu', 'memory', 'waiting', 'received', 'sent'] as const;
export type TaskChart = (typeof TASK_CHARTS)[number];

export interface TaskCurve extends Record<TaskChart, Series> {
  key: string;
  /** "worker-0" */
  task: string;
  taskAttempt: number;
  use: TaskUse;
  /** How far apart points are, ms. */
  step: number;
}

/** Those of one job attempt, as the server orders them. */
export function taskCurves(uses: readonly TaskUse[], jobAttempt: number): TaskCurve[] {
  return uses
    .filter((use) => use.jobAttempt === jobAttempt)
    .map((use) => {
      const { stepMs: step, time: x, cpu, memoryMax, waiting, received, sent } = use.curve ?? { stepMs: 0, time: [], cpu: [], memoryMax: [], waiting: [], received: [], sent: [] };
      const spaced = (y: readonly (number | null)[]): Series => withGaps({ x, y: [...y] }, reachOf(x, step));
      const task = `${use.taskRoleName}-${use.taskIndex}`;
      return {
        key: `${task}/${use.taskAttempt}`,
        task,
        taskAttempt: use.taskAttempt,
        use,
        step,
        cpu: spaced(cpu),
        memory: spaced(memoryMax),
        waiting: spaced(waiting),
        received: spaced(received),
        sent: spaced(sent),
      };
    });
}

/** The server's looks at two tasks are a moment apart, but seldom so much. */
const SHORTEST_STEP_MS = 10_000;

/** Several tasks as one: in each step their mean, the task with the least and the one with the most. */
export function pooledTasks(curves: readonly TaskCurve[], chart: TaskChart): Record<'mean' | 'least' | 'most', Series> {
  const width = curves.reduce((widest, { step }) => Math.max(widest, step), SHORTEST_STEP_MS);
  // Each task counts once a step, however many points it has there.
  const tasks = curves.map((one) => pool([one[chart]], width, chart === 'cpu' || chart === 'waiting' ? mean : most));
  const of = (how: (values: number[]) => number): Series => withGaps(pool(tasks, width, how), 1.5 * width);
  return { mean: of(mean), least: of(least), most: of(most) };
}
