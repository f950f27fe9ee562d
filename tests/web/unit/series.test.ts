// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Device, GpuUse, JobDetail, ScalarRun, TaskUse } from '../../../web/src/api.ts';
import { gpuCurves, heldGpus, pooled, secondsToAsk } from '../../../web/src/gpu-curves.ts';
import { groupTags, hasSteps, runNames, seriesOf } from '../../../web/src/scalars.ts';
import { pooledTasks, taskCurves } from '../../../web/src/task-curves.ts';
import { align, figures, nearest, pool, mean, most, smooth, valueAt, withGaps, zoomed } from '../../../web/src/series.ts';

test('points that are too far apart are not connected', () => {
  assert.deepEqual(withGaps({ x: [0, 1, 10], y: [5, 6, 7] }, 3), { x: [0, 1, 5.5, 10], y: [5, 6, null, 7] });
});

test('a series without a point at another one has no gap there', () => {
  const { x, ys } = align([{ x: [1, 3], y: [1, null] }, { x: [2], y: [2] }]);
  assert.deepEqual(x, [1, 2, 3]);
  assert.deepEqual(ys, [[1, undefined, null], [undefined, 2, undefined]]);
});

test('the value at a place is the nearest, and none beyond the ends', () => {
  const series = { x: [0, 10, 20], y: [1, null, 3] };
  assert.deepEqual([nearest(series.x, 14), nearest(series.x, 16), nearest([], 1)], [1, 2, -1]);
  assert.deepEqual([valueAt(series, 2), valueAt(series, 11), valueAt(series, 19), valueAt(series, 21)], [1, null, 3, null]);
});

test('figures count no gap and only what is shown', () => {
  const series = { x: [0, 1, 2, 3], y: [10, null, 20, 90] };
  assert.deepEqual(figures(series, [0, 2]), { count: 2, mean: 15, least: 10, most: 20, last: 20 });
  assert.equal(figures({ x: [1], y: [null] }), null);
});

test('of several as one, each counts once a step, however often it was sampled', () => {
  const often = { x: [0, 1, 2, 3], y: [100, 100, 100, 100] };
  const once = { x: [1], y: [0] };
  assert.deepEqual(pool([often, once], 10, mean), { x: [0], y: [50] });
  assert.deepEqual(pool([{ x: [0], y: [null] }], 10, most), { x: [], y: [] });
});

test('smoothing begins at the first value and leaves gaps', () => {
  assert.deepEqual(smooth([4, null, 4], 0.9).map((y) => y && Math.round(y * 1e9) / 1e9), [4, null, 4]);
  assert.deepEqual(smooth([1, 2], 0), [1, 2]);
  assert.equal(smooth([0, 3], 0.5)[1], 2); // (0.25 * 0 + 0.5 * 3) / 0.75
});

test('zooming out ends with everything, and growing goes on', () => {
  assert.deepEqual(zoomed([0, 100], null, 0.5, 20), [10, 60]);
  assert.deepEqual(zoomed([0, 100], [10, 60], 0.5, 90), [22.5, 47.5]);
  assert.equal(zoomed([0, 100], [10, 60], 4, null), null);
});

// ---- GPUs ----

const use = (over: Partial<GpuUse>): GpuUse => ({
  jobAttempt: 0, taskRoleName: 'worker', taskIndex: 0, taskAttempt: 0, node: 'n', gpu: 0, lastSampleTime: 2500, sampledMs: 2000, idleMs: 0,
  utilization: 50, utilizationMax: 60, utilizationP50: 50, utilizationP95: 60, memoryTotal: 80, memoryMean: 4, memoryMax: 5, energyJoules: 1,
  curve: { stepMs: 1000, time: [1000, 2000], utilization: [50, 50], utilizationMax: [60, 60], memoryMax: [5, 5] },
  ...over,
});

const task = (over = {}) => ({ taskIndex: 0, attemptId: 0, node: 'n', containerNodeName: 'n', containerGpus: [0], simulatedGpus: false,
  currentAttemptLaunchedTime: 900, currentAttemptCompletedTime: null, ...over });

const detail = (...tasks: object[]) => ({ taskRoles: { worker: { taskStatuses: tasks } } }) as unknown as JobDetail;

const node = (time: number[], utilization: (number | null)[]): Map<string, Device[]> =>
  new Map([['n', [{ index: 0, sample: { memoryTotal: 80 }, history: { time, utilization, memoryUsed: utilization.map(() => 7) } } as Device]]]);

test('samples follow what is kept, and none of it twice', () => {
  const [curve] = gpuCurves([use({})], heldGpus(detail(task())), node([1500, 2500, 3000], [1, 2, 33]));
  assert.deepEqual(curve?.utilization, { x: [1000, 2000, 3000], y: [50, 50, 33] });
  assert.deepEqual(curve?.memory.y, [5, 5, 7]);
});

test('a GPU of which nothing is kept yet has the samples since its task began', () => {
  const [curve] = gpuCurves([], heldGpus(detail(task())), node([800, 1000, 2000], [99, 1, null]));
  assert.deepEqual([curve?.utilization, curve?.memoryTotal, curve?.use], [{ x: [1000, 2000], y: [1, null] }, 80, null]);
});

test('an attempt that has ended, and a GPU that does not exist, take no samples', () => {
  assert.deepEqual(heldGpus(detail(task({ currentAttemptCompletedTime: 3000 }), task({ simulatedGpus: true }), task({ containerGpus: null }))), []);
  const curves = gpuCurves([use({ taskAttempt: 0 })], heldGpus(detail(task({ attemptId: 1 }))), node([3000], [33]));
  assert.deepEqual(curves.map(({ taskAttempt, utilization }) => [taskAttempt, utilization.x]), [[0, [1000, 2000]], [1, [3000]]]);
});

test('a node is asked as far back as something is missing', () => {
  const held = heldGpus(detail(task()));
  assert.equal(secondsToAsk([], held, null), 120);
  assert.equal(secondsToAsk([use({})], held, 12_500), 10 + 30);
  assert.equal(secondsToAsk([], held, 9e9), 3600);
});

test('of all GPUs the least busy one is told, not the least moment', () => {
  const at = (gpu: number, values: number[]) => gpuCurves([use({ gpu, curve: { stepMs: 5000, time: values.map((_, i) => i * 5000), utilization: values, utilizationMax: values, memoryMax: values } })], [], new Map());
  const all = pooled([...at(0, [0, 100]), ...at(1, [40, 40])]);
  assert.deepEqual([all.mean.y, all.least.y, all.most.y, all.memory.y], [[45], [40], [100], [100]]);
});

// ---- cores, memory and discs of tasks ----

const taskUse = (over: Partial<TaskUse>): TaskUse => ({
  jobAttempt: 1, taskRoleName: 'worker', taskIndex: 0, taskAttempt: 0, node: 'n', sampledMs: 2000, cores: 4, cpuSeconds: 2, coresUsed: 1, coresUsedMax: 2,
  memoryLimit: 100, memoryMean: 5, memoryMax: 9, diskReadBytes: null, diskWrittenBytes: null, waitingMs: 500, networkReceivedBytes: null, networkSentBytes: 3,
  curve: { stepMs: 5000, time: [0, 5000, 60_000], cpu: [25, null, 50], memoryMax: [5, 9, 7], waiting: [0, 10, 20], received: [null, 1, 2], sent: [0, 0, 3] },
  ...over,
});

test('tasks of another job attempt are not drawn, and where nothing came there is a gap', () => {
  const [curve, none] = taskCurves([taskUse({ jobAttempt: 0 }), taskUse({})], 1);
  assert.equal(none, undefined);
  assert.deepEqual([curve?.key, curve?.cpu], ['worker-0/0', { x: [0, 5000, 60_000], y: [25, null, 50] }]);
  const [far] = taskCurves([taskUse({ curve: { stepMs: 5000, time: [0, 5000, 10_000, 60_000], cpu: [1, 2, 3, 4], memoryMax: [1, 2, 3, 4], waiting: [1, 2, 3, 4], received: [1, 2, 3, 4], sent: [1, 2, 3, 4] } })], 1);
  assert.deepEqual(far?.memory, { x: [0, 5000, 10_000, 35_000, 60_000], y: [1, 2, 3, null, 4] });
  const { curve: _, ...bare } = taskUse({});
  assert.deepEqual(taskCurves([bare], 1)[0]?.waiting, { x: [], y: [] });
});

test('of all tasks the one with the least is told, not the least moment; memory by its highest', () => {
  const at = (taskIndex: number, values: number[]) =>
    taskUse({ taskIndex, curve: { stepMs: 5000, time: values.map((_, i) => i * 5000), cpu: values, memoryMax: values, waiting: values, received: values, sent: values } });
  const curves = taskCurves([at(0, [0, 100]), at(1, [40, 40])], 1);
  const cpu = pooledTasks(curves, 'cpu');
  assert.deepEqual([cpu.mean.y, cpu.least.y, cpu.most.y], [[45], [40], [50]]);
  assert.deepEqual(pooledTasks(curves, 'sent').mean.y, [70]);
  const memory = pooledTasks(curves, 'memory');
  assert.deepEqual([memory.mean.y, memory.least.y, memory.most.y], [[70], [40], [100]]);
});

// ---- scalars ----

const tag = (name: string, step = [0, 10], value: (number | 'NaN')[] = [1, 'NaN']) => ({ tag: name, count: step.length, notFinite: 1, step: 10, time: 2000, value: 1, min: 1,
  minStep: 0, max: 1, maxStep: 0, points: { step, time: step.map((_, i) => 1000 + 500 * i), value } });

const scalarRun = (over: Partial<ScalarRun>): ScalarRun => ({ jobAttempt: 0, taskRoleName: 'worker', taskIndex: 0, taskAttempt: 0, folder: 'tb', damaged: 0, complete: true,
  tags: [tag('loss'), tag('train/acc'), tag('train/loss')], tagsLeftOut: 0, ...over });

test('tags stand together by what is before their slash', () => {
  const groups = groupTags([scalarRun({}), scalarRun({ taskIndex: 1, tags: [tag('train/loss')] })], '');
  assert.deepEqual([...groups].map(([name, charts]) => [name, charts.map((one) => [one.tag, one.of.length])]), [['', [['loss', 1]]], ['train', [['train/acc', 1], ['train/loss', 2]]]]);
  assert.deepEqual([...groupTags([scalarRun({})], 'ACC').keys()], ['train']);
});

test('runs are called by what differs', () => {
  const say = { attempt: (number: number) => `a${number}`, try: (number: number) => `t${number}` };
  assert.deepEqual([...runNames([scalarRun({})], say).values()], ['worker-0']);
  assert.deepEqual([...runNames([scalarRun({}), scalarRun({ jobAttempt: 1, folder: '' })], say).values()], ['worker-0 · tb · a0', 'worker-0 · . · a1']);
});

test('what is not finite is a gap; without steps there is only time', () => {
  assert.deepEqual(seriesOf(tag('x'), 'step'), { x: [0, 10], y: [1, null] });
  assert.deepEqual(seriesOf(tag('x'), 'relative').x, [0, 500]);
  assert.deepEqual(seriesOf(tag('x'), 'wall').x, [1000, 1500]);
  const run = scalarRun({});
  assert.deepEqual([hasSteps([{ run, tag: tag('x') }]), hasSteps([{ run, tag: tag('x', [0, 0]) }])], [true, false]);
});
