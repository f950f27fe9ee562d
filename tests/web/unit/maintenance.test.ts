// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyOf, jobsOf, localMoment, movedTo, namesOf, refusedAt, type Draft } from '../../../web/src/maintenance.ts';

const draft = (over: Partial<Draft> = {}): Draft => ({ all: false, nodes: 'gpu-1', start: '2026-12-01T08:00', end: '2026-12-01T12:00', onStart: 'wait', reason: 'disks', ...over });

test('names stand between commas and spaces, each counts once', () => {
  assert.deepEqual(namesOf(' gpu-1, gpu-2,gpu-1\n gpu-3，gpu-4 '), ['gpu-1', 'gpu-2', 'gpu-3', 'gpu-4']);
  assert.deepEqual(namesOf(' , '), []);
});

test('a window is sent with its nodes or with all, and with moments', () => {
  const [start, end] = [new Date(2026, 11, 1, 8).getTime(), new Date(2026, 11, 1, 12).getTime()];
  assert.deepEqual(bodyOf(draft()), { body: { nodes: ['gpu-1'], start, end, onStart: 'wait', reason: 'disks' } });
  assert.deepEqual(bodyOf(draft({ all: true, onStart: 'stop' })), { body: { all: true, start, end, onStart: 'stop', reason: 'disks' } });
});

test('what is missing is told at its field', () => {
  assert.deepEqual(bodyOf(draft({ nodes: ' ' })), { at: 'nodes' });
  assert.deepEqual(bodyOf(draft({ start: '' })), { at: 'start' });
  assert.deepEqual(bodyOf(draft({ end: '' })), { at: 'end' });
  assert.deepEqual(bodyOf(draft({ end: '2026-12-01T08:00' })), { at: 'end' });
});

test('jobs of several tasks and nodes are counted once', () => {
  const task = (username: string, name: string) => ({ username, name });
  assert.deepEqual(jobsOf([task('bo', 'x'), task('ana', 'y'), task('bo', 'x')]), ['ana~y', 'bo~x']);
});

test('a refusal stands at the field that it is about', () => {
  assert.equal(refusedAt('Node gpu-9 is not found.'), 'nodes');
  assert.equal(refusedAt('A maintenance window ends after it has begun, and after now.'), 'end');
  assert.equal(refusedAt('"start" and "end" must be ms since 1970, the end after the start.'), 'end');
  assert.equal(refusedAt('There are 256 maintenance windows already; no more are kept.'), '');
});

test('a window gets another end, and keeps the rest', () => {
  const window = { id: 7, state: 'active', all: false, nodes: ['n1'], start: Date.parse('2030-01-01T08:00'), end: 0, onStart: 'stop', reason: 'disks', username: 'bo' } as const;
  const later = Date.parse('2030-01-02T08:00');
  assert.deepEqual(movedTo({ ...window, nodes: ['n1'] }, '2030-01-02T08:00'), { nodes: ['n1'], start: window.start, end: later, onStart: 'stop', reason: 'disks' });
  assert.deepEqual(movedTo({ ...window, all: true, nodes: [] }, '2030-01-02T08:00')?.all, true);
  for (const bad of ['', 'soon', '2030-01-01T08:00', '2029-01-01T08:00']) assert.equal(movedTo({ ...window, nodes: [] }, bad), null, bad);
  assert.equal(localMoment(later), '2030-01-02T08:00');
});
