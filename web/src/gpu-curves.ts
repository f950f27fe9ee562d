// SPDX-License-Identifier: MIT
// The GPUs of a job attempt as curves: what the server has kept with each task attempt, and behind it, while the task
// runs, the samples that are only in memory yet. Pure.
import type { Device, GpuUse, JobDetail } from './api.ts';
import { least, mean, most, pool, reachOf, type Series, withGaps } from './series.ts';
import { allTasks } from './tasks.ts';

export interface GpuCurve {
  key: string;
  /** "worker-0" */
  task: string;
  taskAttempt: number;
  node: string | null;
  /** Index on the node. */
  gpu: number;
  /** null: nothing is kept yet. */
  use: GpuUse | null;
  running: boolean;
  memoryTotal: number;
  /** How far apart points are, ms. */
  step: number;
  utilization: Series;
  /** The largest of each point. */
  peak: Series;
  memory: Series;
}

/** A GPU that a running task has now. */
export interface HeldGpu {
  key: string;
  task: string;
  taskAttempt: number;
  node: string;
  gpu: number;
  /** When the attempt began, ms. */
  since: number;
}

const keyOf = (task: string, attempt: number, node: string | null, gpu: number): string =>
  `${task}/${attempt}/${node ?? ''}/${gpu}`;

/** GPUs that exist and are held at this moment; of an attempt that has ended there are none. */
export function heldGpus(detail: JobDetail): HeldGpu[] {
  return allTasks(detail).flatMap(({ role, status }) => {
    const node = status.node ?? status.containerNodeName;
    const since = status.currentAttemptLaunchedTime;
    if (!node || since === null || status.currentAttemptCompletedTime !== null || status.simulatedGpus) return [];
    const task = `${role}-${status.taskIndex}`;
    return (status.containerGpus ?? []).map((gpu) => ({
      key: keyOf(task, status.attemptId, node, gpu),
      task,
      taskAttempt: status.attemptId,
      node,
      gpu,
      since,
    }));
  });
}

const EMPTY: Series = { x: [], y: [] };

/** Behind `after`, of samples that one node tells. */
function samplesAfter(found: Device | undefined, after: number, what: 'utilization' | 'memoryUsed'): Series {
  const { time, [what]: values } = found?.history ?? { time: [], utilization: [], memoryUsed: [] };
  const x: number[] = [];
  const y: (number | null)[] = [];
  time.forEach((at, i) => {
    if (at <= after) return;
    x.push(at);
    y.push(values[i] ?? null);
  });
  return { x, y };
}

/** What is kept, then what is newer than that. */
function joined(kept: Series, newer: Series, step: number): Series {
  const x = [...kept.x, ...newer.x];
  return withGaps({ x, y: [...kept.y, ...newer.y] }, reachOf(x, step));
}

/** `samples`: of each node that was asked, its GPUs. Ordered as the server orders tasks. */
export function gpuCurves(
  uses: readonly GpuUse[],
  held: readonly HeldGpu[],
  samples: ReadonlyMap<string, readonly Device[]>,
): GpuCurve[] {
  const curves = new Map<string, GpuCurve>();
  const add = (one: Omit<HeldGpu, 'node' | 'since'> & { node: string | null }, use: GpuUse | null, live: HeldGpu | undefined): void => {
    const { stepMs: step, time: x, utilization, utilizationMax, memoryMax } = use?.curve ?? {
      stepMs: 0,
      time: [],
      utilization: [],
      utilizationMax: [],
      memoryMax: [],
    };
    const found = live && samples.get(live.node)?.find(({ index }) => index === live.gpu);
    const after = Math.max(use?.lastSampleTime ?? 0, live?.since ?? 0);
    const busy = live ? samplesAfter(found, after, 'utilization') : EMPTY;
    const full = live ? samplesAfter(found, after, 'memoryUsed') : EMPTY;
    curves.set(one.key, {
      key: one.key,
      task: one.task,
      taskAttempt: one.taskAttempt,
      node: one.node,
      gpu: one.gpu,
      use,
      running: live !== undefined,
      memoryTotal: use?.memoryTotal || (found?.sample?.memoryTotal ?? 0),
      step,
      utilization: joined({ x, y: utilization }, busy, step),
      peak: joined({ x, y: utilizationMax }, busy, step),
      memory: joined({ x, y: memoryMax }, full, step),
    });
  };
  const living = new Map(held.map((one) => [one.key, one]));
  for (const use of uses) {
    const task = `${use.taskRoleName}-${use.taskIndex}`;
    const key = keyOf(task, use.taskAttempt, use.node, use.gpu);
    add({ key, task, taskAttempt: use.taskAttempt, node: use.node, gpu: use.gpu }, use, living.get(key));
  }
  for (const one of held) if (!curves.has(one.key)) add(one, null, one);
  return [...curves.values()];
}

/** How far back a node is to be asked, so that nothing is missing behind what is kept, in seconds. `newest` is the time
 *  of the last sample that the node has told: the server's clock, not ours. */
export function secondsToAsk(uses: readonly GpuUse[], held: readonly HeldGpu[], newest: number | null): number {
  if (newest === null) return FIRST_SECONDS;
  const kept = new Map(uses.map((use) => [keyOf(`${use.taskRoleName}-${use.taskIndex}`, use.taskAttempt, use.node, use.gpu), use.lastSampleTime]));
  const after = held.map(({ key, since }) => Math.max(since, kept.get(key) ?? 0));
  const seconds = Math.ceil((newest - after.reduce((a, b) => Math.min(a, b), newest)) / 1000);
  return Math.min(HOUR_SECONDS, seconds + SLACK_SECONDS);
}

const FIRST_SECONDS = 120;
const SLACK_SECONDS = 30;
/** The server keeps no more in memory. */
const HOUR_SECONDS = 3600;

export interface Pooled {
  mean: Series;
  least: Series;
  most: Series;
  memory: Series;
}

/** Samples of two GPUs are a moment apart, but seldom so much. */
const SHORTEST_STEP_MS = 10_000;

/** Several GPUs as one: in each step their mean, the least and the most busy one, and the fullest. */
export function pooled(curves: readonly GpuCurve[]): Pooled {
  const width = curves.reduce((widest, { step }) => Math.max(widest, step), SHORTEST_STEP_MS);
  const spaced = (series: Series): Series => withGaps(series, 1.5 * width);
  const busy = curves.map(({ utilization }) => utilization);
  return {
    mean: spaced(pool(busy, width, mean)),
    // Of each GPU the mean of the step: the question is which GPU lags, not which moment.
    least: spaced(pool(busy.map((one) => pool([one], width, mean)), width, least)),
    most: spaced(pool(curves.map(({ peak }) => peak), width, most)),
    memory: spaced(pool(curves.map(({ memory }) => memory), width, most)),
  };
}
