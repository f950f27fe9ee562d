// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { bodyOf, fieldOf, KINDS, offsetText, withKind } from '../../../web/src/notices.ts';

test('the kinds are those of the server, in its order', () => {
  const source = readFileSync(new URL('../../../../../server/notice/notice.c', import.meta.url), 'utf8');
  const names = [...source.matchAll(/\[NOTICE_\w+\] = \{"(\w+)"/g)].map((found) => found[1]);
  assert.deepEqual([...KINDS, 'test'], names);
});

test('a kind is taken or left, and the order stays', () => {
  assert.deepEqual(withKind(['idle', 'failed'], 'succeeded', true), ['succeeded', 'failed', 'idle']);
  assert.deepEqual(withKind(['idle', 'failed'], 'failed', false), ['idle']);
  assert.deepEqual(withKind(['idle'], 'idle', true), ['idle']);
});

test('the clock of a browser is written as the server takes it', () => {
  assert.equal(offsetText(-480), '+08:00');
  assert.equal(offsetText(210), '-03:30');
  assert.equal(offsetText(0), '+00:00');
  assert.equal(offsetText(-345), '+05:45');
});

test('a refusal stands at the field that it names', () => {
  const fields = ['name', 'url', 'kinds', 'utcOffset'] as const;
  assert.equal(fieldOf('"utcOffset" is UTC or such as +08:00.', fields), 'utcOffset');
  assert.equal(fieldOf('The URL must begin with https://.', fields), 'url');
  assert.equal(fieldOf("A webhook's name has 1 to 64 letters.", fields), 'name');
  assert.equal(fieldOf('There is no kind of notifications "x".', fields), 'kinds');
  assert.equal(fieldOf('There are 10 webhooks already, which is the most.', fields), '');
  assert.equal(fieldOf('"digestMinutes" is from 0 to 10080.', fields), '');
});

test('the name of a webhook is in the path alone', () => {
  const body = bodyOf({ name: 'chat', url: 'https://x.org/', shape: 'slack', kinds: ['idle'], quietHours: true, enabled: false, ...{ createdTime: 5 } });
  assert.deepEqual(body, { url: 'https://x.org/', shape: 'slack', kinds: ['idle'], quietHours: true, enabled: false });
});
