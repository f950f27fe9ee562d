// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ScalarRun } from '../../../web/src/api.ts';
import { COMPARED_MAX, comparedJobs, interleaved, newestRuns } from '../../../web/src/compare.ts';
import { compareHref, parseRoute } from '../../../web/src/router.ts';
import { runKey, runNames } from '../../../web/src/scalars.ts';

const run = (over: Partial<ScalarRun> = {}): ScalarRun => ({
  jobAttempt: 0, taskRoleName: 'main', taskIndex: 0, taskAttempt: 0, folder: '', damaged: 0, complete: true, tagsLeftOut: 0,
  tags: [{ tag: 'loss', count: 0, notFinite: 0, step: 0, time: null, value: 0, min: null, minStep: null, max: null, maxStep: null }],
  ...over,
});
const say = { attempt: String, try: String };

test('an address names each job once, in full, and not too many', () => {
  const of = (jobs: string): string[] => comparedJobs(new URLSearchParams({ jobs }), 'ana');
  assert.deepEqual(of('a, ana~a,bob~a,,'), ['ana~a', 'bob~a']);
  assert.deepEqual(comparedJobs(new URLSearchParams(), 'ana'), []);
  assert.equal(of(Array.from({ length: 20 }, (_, i) => `j${i}`).join()).length, COMPARED_MAX);
  assert.deepEqual(comparedJobs(parseRoute(compareHref(['ana~a', 'bob~b'])).query, 'ana'), ['ana~a', 'bob~b']);
});

test('the newest attempt that wrote anything is compared', () => {
  const runs = [run(), run({ jobAttempt: 1 }), run({ jobAttempt: 2, tags: [] })];
  assert.deepEqual(newestRuns('ana~a', runs).map(({ job, jobAttempt }) => [job, jobAttempt]), [['ana~a', 1]]);
  assert.deepEqual(newestRuns('ana~a', []), []);
});

test('the first run of each job stands before the second of any', () => {
  const of = (job: string, count: number): ScalarRun[] => Array.from({ length: count }, (_, taskIndex) => run({ job, taskIndex }));
  assert.deepEqual(interleaved([of('a', 3), [], of('b', 1)]).map(({ job, taskIndex }) => `${job}${taskIndex}`), ['a0', 'b0', 'a1', 'a2']);
  assert.deepEqual(interleaved([]), []);
});

test('runs of several jobs are told apart, and those of one are not named by it', () => {
  const both = [run({ job: 'ana~a' }), run({ job: 'ana~b' })];
  assert.deepEqual([...runNames(both, say).values()], ['ana~a · main-0', 'ana~b · main-0']);
  assert.notEqual(runKey(both[0] as ScalarRun), runKey(both[1] as ScalarRun));
  assert.deepEqual([...runNames(both.slice(0, 1), say).values()], ['main-0']);
});
