// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseViews, VIEW_NAME_MAX, VIEWS_MAX, withoutView, withView } from '../../../web/src/views-kept.ts';

const many = Array.from({ length: VIEWS_MAX }, (_, at) => ({ name: `v${at}`, query: '' }));

test('what the browser kept is read again', () => {
  const views = [{ name: 'mine, failed', query: 'user=%40me&state=FAILED&columns=exit' }];
  assert.deepEqual(parseViews(JSON.stringify(views)), views);
});

test('what others wrote there does no harm', () => {
  for (const text of [null, '', '{', '{}', '7', 'null', '[null, 1, {"name": "x"}, {"name": "", "query": ""}]']) assert.deepEqual(parseViews(text), []);
  assert.deepEqual(parseViews(JSON.stringify([{ name: 'x'.repeat(VIEW_NAME_MAX + 1), query: '' }])), []);
  assert.equal(parseViews(JSON.stringify([...many, ...many])).length, VIEWS_MAX);
});

test('a name is there once, in its place', () => {
  const views = [{ name: 'a', query: '' }, { name: 'b', query: '' }];
  assert.deepEqual(withView(views, { name: 'a', query: 'vc=x' }), [{ name: 'a', query: 'vc=x' }, views[1]]);
  assert.deepEqual(withoutView(views, 'a'), [views[1]]);
});

test('there is an end to them, but not to changing one', () => {
  assert.equal(withView(many, { name: 'new', query: '' }), null);
  assert.equal(withView(many, { name: 'v0', query: 'vc=x' })?.length, VIEWS_MAX);
});
