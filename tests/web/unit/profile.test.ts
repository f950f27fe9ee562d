// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitOf, provingFirst, seconds } from '../../../web/src/profile.ts';

const proofs = [{ figure: 'intensity', value: 21, below: 35 }, { figure: 'busy', value: 97, atLeast: 80 }];

test('figures that prove something come first, and those that are not known not at all', () => {
  const figures = { busy: 97, power: 40, cpu: null, intensity: 21 };
  assert.deepEqual(provingFirst({ proofs, figures }).map(({ name }) => name), ['intensity', 'busy', 'power']);
  assert.deepEqual(provingFirst({ proofs, figures: { busy: null } }), []);
});

test('a proof has the limit on its side', () => {
  assert.deepEqual(limitOf({ proofs }, 'intensity'), { side: 'below', value: 35 });
  assert.deepEqual(limitOf({ proofs }, 'busy'), { side: 'least', value: 80 });
  assert.equal(limitOf({ proofs: [{ figure: 'busy', value: 1, below: null }] }, 'busy'), null);
  assert.equal(limitOf({ proofs }, 'power'), null);
});

test('the name of a figure tells its unit', () => {
  assert.deepEqual(['stillSeconds', 'busy'].map(seconds), [true, false]);
});
