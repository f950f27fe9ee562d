// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rowsInSight, WHOLE_ROWS } from '../../../web/src/rows-in-sight.ts';

test('a short table is drawn whole', () => {
  assert.deepEqual(rowsInSight(WHOLE_ROWS, 30, 5000, 6000), { first: 0, last: WHOLE_ROWS });
  assert.deepEqual(rowsInSight(0, 0, 0, 0), { first: 0, last: 0 });
});

test('of a long one, what is in sight', () => {
  assert.deepEqual(rowsInSight(2000, 30, -600, 900), { first: 0, last: 30 });
  assert.deepEqual(rowsInSight(2000, 30, 3000, 4500), { first: 100, last: 150 });
  assert.deepEqual(rowsInSight(2000, 30, 59_000, 62_000), { first: 1966, last: 2000 });
});

test('scrolled past its end there is still a row, and no more than there are', () => {
  assert.deepEqual(rowsInSight(300, 30, 90_000, 99_000), { first: 299, last: 300 });
});

test('before a row was measured there are a few', () => {
  const { first, last } = rowsInSight(2000, 0, 0, 900);
  assert.ok(first === 0 && last > 20 && last < 100);
});
