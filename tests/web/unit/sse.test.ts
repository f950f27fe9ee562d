// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoff, changeOf, SseParser } from '../../../web/src/sse.ts';

const STREAM = ': ping\n\nid: 7\nevent: job\ndata: {"a":\ndata: 1}\n\n\r\nid:8\r\nevent:reset\r\ndata:\r\n\r\n';
const EVENTS = [
  { id: '7', type: 'job', data: '{"a":\n1}' },
  { id: '8', type: 'reset', data: '' },
];

test('events come out whole, however the pieces are cut', () => {
  for (let size = 1; size <= STREAM.length; size += 1) {
    const parser = new SseParser();
    const events = [];
    for (let at = 0; at < STREAM.length; at += size) events.push(...parser.push(STREAM.slice(at, at + size)));
    assert.deepEqual(events, EVENTS, `pieces of ${size}`);
  }
});

test('a comment is no event, an event without data neither', () => {
  assert.deepEqual(new SseParser().push(': ping\n\nevent: job\n\n'), []);
});

test('an event without an id keeps the last one', () => {
  assert.deepEqual(
    new SseParser().push('id: 3\ndata: a\n\ndata: b\n\n').map((event) => event.id),
    ['3', '3'],
  );
});

test('a job event names the job, with or without its user', () => {
  assert.deepEqual(changeOf('job', '{"name":"train","user":"ana"}'), { kind: 'job', name: 'ana~train' });
  assert.deepEqual(changeOf('job', '{"name":"ana~train","user":"ana"}'), { kind: 'job', name: 'ana~train' });
  assert.deepEqual(changeOf('reset', ''), { kind: 'reset' });
});

test('new settings of the site are a change', () => {
  assert.deepEqual(changeOf('settings', '{}'), { kind: 'settings' });
});

test('what is not understood is not a change', () => {
  for (const data of ['', '{', '[]', 'null', '{"name":7,"user":"ana"}']) assert.equal(changeOf('job', data), null);
  assert.equal(changeOf('weather', '{}'), null);
});

test('waits double, are bounded and spread', () => {
  assert.equal(backoff(0, 1), 500);
  assert.equal(backoff(2, 1), 2000);
  assert.equal(backoff(2, 0), 1000);
  assert.equal(backoff(1000, 1), 15_000);
});
