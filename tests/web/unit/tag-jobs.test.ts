// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Tagged, tagEach, untold } from '../../../web/src/tag-jobs.ts';

test('each job has its own result, and one that fails keeps no other from its turn', async () => {
  const told: Tagged[][] = [];
  const put = async (job: string): Promise<void> => {
    if (job === 'bo~b') throw new Error('not yours');
  };
  const rows = await tagEach(['ana~a', 'bo~b', 'ana~c'], put, (now) => told.push(now));
  assert.deepEqual(rows, [
    { job: 'ana~a', problem: '' },
    { job: 'bo~b', problem: 'not yours' },
    { job: 'ana~c', problem: '' },
  ]);
  assert.deepEqual(told.map((now) => now.filter(({ problem }) => problem !== null).length), [1, 2, 3]);
  assert.deepEqual(untold(['x']), [{ job: 'x', problem: null }]);
});
