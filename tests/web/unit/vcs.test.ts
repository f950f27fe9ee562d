// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VirtualCluster } from '../../../web/src/api-admin.ts';
import { barOf, borrowedAfter, changesOf, draftOf, EMPTY_SPEC, treeOf } from '../../../web/src/vcs.ts';

const gpus = { guaranteed: 8, used: 6, borrowed: 0, opportunistic: 0, free: 2 };
const vc = (over: Partial<VirtualCluster> = {}): VirtualCluster => ({ ...EMPTY_SPEC, status: 'Running', gpus, unfinishedJobs: 0, liveReservations: 0, ...over });

test('the tree has children below their parents, and loses nobody', () => {
  const tree = treeOf({ b: vc(), a: vc({ parent: 'b' }), c: vc({ parent: 'a' }), lost: vc({ parent: 'gone' }), x: vc({ parent: 'y' }), y: vc({ parent: 'x' }) });
  assert.deepEqual(tree.map(({ name, depth }) => [name, depth]), [['b', 0], ['a', 1], ['c', 2], ['lost', 0], ['x', 0], ['y', 1]]);
});

test('a bar ends its guarantee at the mark; what is beyond is drawn beyond', () => {
  assert.deepEqual(barOf(gpus), { segments: [{ what: 'used', from: 0, width: 75 }], mark: 100 });
  const { segments, mark } = barOf({ guaranteed: 5, used: 4, borrowed: 3, opportunistic: 2, free: 1 });
  assert.equal(mark, 50);
  assert.deepEqual(segments, [{ what: 'used', from: 0, width: 40 }, { what: 'borrowed', from: 50, width: 30 }, { what: 'opportunistic', from: 80, width: 20 }]);
  assert.deepEqual(barOf({ guaranteed: 0, used: 0, borrowed: 0, opportunistic: 0, free: 0 }), { segments: [], mark: 0 });
});

test('a draft that was not touched changes nothing', () => {
  const spec = vc({ guarantee: [{ sku: 'a100', gpus: 8, nodes: 0 }], pins: ['n1'], idle: { rules: [] }, borrow: 3 });
  assert.deepEqual(changesOf(spec, draftOf(spec)), { change: {}, lines: [], bad: [] });
});

test('only what changed is sent, and told', () => {
  const spec = vc({ guarantee: [{ sku: 'a100', gpus: 8 }] });
  const draft = draftOf(spec);
  draft.guarantee[0]!.gpus = '4';
  draft.guarantee.push({ sku: 'h100', gpus: '', sockets: '', nodes: '2', racks: '', pods: '' });
  draft.numbers.borrow = ' 5 ';
  draft.pins = 'n1, n2';
  const { change, lines, bad } = changesOf(spec, draft, (shape) => shape.toUpperCase());
  assert.deepEqual(bad, []);
  assert.deepEqual(change, { guarantee: [{ sku: 'a100', gpus: 4 }, { sku: 'h100', nodes: 2 }], borrow: 5, pins: ['n1', 'n2'] });
  assert.deepEqual(lines.map(({ field, of, before, after }) => [field, of, before, after]), [
    ['guarantee', 'a100', '8 GPUS', '4 GPUS'], ['guarantee', 'h100', '0', '2 NODES'], ['borrow', '', '0', '5'], ['pins', '', '', 'n1, n2'],
  ]);
});

test('what makes no sense is named and not sent', () => {
  const draft = draftOf(EMPTY_SPEC);
  draft.numbers.maxGpus = '-1';
  draft.numbers.borrow = '1e3';
  draft.idle = '{';
  draft.guarantee = [{ sku: '', gpus: '3', sockets: '', nodes: '', racks: '', pods: '' }];
  const { change, bad } = changesOf(EMPTY_SPEC, draft);
  assert.deepEqual(bad.sort(), ['borrow', 'guarantee', 'idle', 'maxGpus']);
  assert.deepEqual(change, {});
});

test('a smaller guarantee makes borrowers of those who hold it', () => {
  assert.equal(borrowedAfter(gpus, [{ sku: 'a100', gpus: 4 }]), 2);
  assert.equal(borrowedAfter(gpus, [{ sku: 'a100', gpus: 16 }]), 0);
  assert.equal(borrowedAfter(gpus, [{ sku: 'a100', nodes: 1 }]), null);
});
