// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GpuMap, MapNode } from '../../../web/src/api-admin.ts';
import { HEAD_HEIGHT, ownerOf, ROW_HEIGHT, rowsBetween, rowsOf, sumsOf, tilesOf } from '../../../web/src/gpu-map.ts';

const node = (name: string, over: Partial<MapNode> = {}): MapNode => ({
  name, state: 'up', sku: 'a100', model: 'A100', simulated: false,
  utilization: [0, 50, null, 0], memory: [0, 10, null, 0], wrong: [null, null, null, 'failed'], job: [0, 1, -1, null], ...over,
});
const map: GpuMap = {
  jobs: [{ username: 'ana', name: 'train', virtualCluster: 'vision' }, { username: 'bo', name: 'other', virtualCluster: 'nlp' }],
  nodes: [node('n10'), node('n2'), node('h1', { sku: 'h100', job: [null, null, null, null], wrong: [null, null, null, null] })],
};
const ana = { user: 'ana', vcs: ['nlp'] };
const all = { q: '', sku: '', show: 'all' } as const;

test('a GPU is free, the viewer\'s, of a cluster of theirs, of others, or of a job they may not know', () => {
  const [mine, other] = map.jobs;
  assert.equal(ownerOf(null, false, ana), 'free');
  assert.equal(ownerOf(mine, true, ana), 'mine');
  assert.equal(ownerOf(other, true, ana), 'vc');
  assert.equal(ownerOf(other, true, { user: 'ana', vcs: [] }), 'other');
  assert.equal(ownerOf(null, true, ana), 'hidden');
});

test('nodes are ordered by SKU and as people count', () => {
  assert.deepEqual(tilesOf(map, all, ana).map((tile) => tile.node.name), ['n2', 'n10', 'h1']);
});

test('a filter keeps the nodes with a GPU that it means, and marks which', () => {
  const meant = (filter: object) => tilesOf(map, { ...all, ...filter }, ana).map((tile) => [tile.node.name, ...tile.cells.flatMap((cell, i) => (cell.meant ? [i] : []))]);
  assert.deepEqual(meant({ q: 'ana~tr' }), [['n2', 0], ['n10', 0]]);
  assert.deepEqual(meant({ q: 'N10' }), [['n10', 0, 1, 2, 3]]);
  assert.deepEqual(meant({ sku: 'h100' }), [['h1', 0, 1, 2, 3]]);
  assert.deepEqual(meant({ show: 'idle' }), [['n2', 0], ['n10', 0]]);
  assert.deepEqual(meant({ show: 'wrong' }), [['n2', 3], ['n10', 3]]);
  assert.deepEqual(meant({ show: 'free', q: 'n2' }), []);
  assert.deepEqual(meant({ show: 'held', q: 'nlp' }), [['n2', 1], ['n10', 1]]);
});

test('sums count what is meant', () => {
  assert.deepEqual(sumsOf(tilesOf(map, all, ana)), { gpus: 12, held: 6, idle: 2, wrong: 2 });
  assert.deepEqual(sumsOf(tilesOf(map, { ...all, show: 'held' }, ana)), { gpus: 6, held: 6, idle: 2, wrong: 0 });
});

test('rows are as wide as the page, and only those in sight are found', () => {
  const many = { ...map, nodes: Array.from({ length: 100 }, (_, i) => node(`n${i}`)) };
  const { rows, height } = rowsOf(tilesOf(many, all, ana), 200);
  assert.equal(rows.length, 1 + 34);
  assert.equal(height, HEAD_HEIGHT + 34 * ROW_HEIGHT);
  assert.deepEqual(rowsBetween(rows, 0, 1), [0, 1]);
  assert.deepEqual(rowsBetween(rows, HEAD_HEIGHT, HEAD_HEIGHT + ROW_HEIGHT + 1), [1, 3]);
  assert.deepEqual(rowsBetween(rows, -500, 0), [0, 0]);
  assert.deepEqual(rowsBetween(rows, height, height + 500), [35, 35]);
  assert.equal(rowsOf(tilesOf(many, all, ana), 1).rows.length, 101);
});
