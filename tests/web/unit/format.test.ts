// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { absolute, ago, bytes, clocks, count, duration, figure, fullName, percent } from '../../../web/src/format.ts';

const SECOND = 1000;
const HOUR = 3600 * SECOND;

test('durations show two units at most', () => {
  assert.equal(duration(0), '0s');
  assert.equal(duration(59_999), '59s');
  assert.equal(duration(60_000), '1m 00s');
  assert.equal(duration(42 * 60_000 + 5_000), '42m 05s');
  assert.equal(duration(3 * HOUR + 2 * 60_000), '3h 02m');
  assert.equal(duration(49 * HOUR), '2d 01h');
});

test('a clock that runs behind gives no negative duration', () => {
  assert.equal(duration(-5000), '0s');
});

test('relative times take the largest unit that fits', () => {
  const now = 1_700_000_000_000;
  assert.equal(ago(now, now, 'en'), 'now');
  assert.equal(ago(now, now - 59 * SECOND, 'en'), '59 sec. ago');
  assert.equal(ago(now, now - 119 * SECOND, 'en'), '1 min. ago');
  assert.equal(ago(now, now - 23 * HOUR, 'en'), '23 hr. ago');
  assert.equal(ago(now, now - 49 * HOUR, 'en'), '2 days ago');
  assert.equal(ago(now, now - 3 * HOUR, 'zh-CN'), '3小时前');
});

test('the absolute time names day, time and zone', () => {
  assert.match(absolute(0, 'en-GB'), /19(69|70).*\d\d:\d\d:\d\d/);
});

test('sizes are binary', () => {
  assert.equal(bytes(1023), '1023 B');
  assert.equal(bytes(1536), '1.5 KiB');
  assert.equal(bytes(5 * 1024 ** 4), '5.0 TiB');
});

test('counts are grouped', () => {
  assert.equal(count(1204, 'en'), '1,204');
});

test('a full name is made once', () => {
  assert.equal(fullName('ana', 'train'), 'ana~train');
  assert.equal(fullName('ana', 'bo~train'), 'bo~train');
});

test('figures of any size stay short', () => {
  assert.deepEqual([0, 0.123456, 1.5e-7, 12345.678, 3e9].map((value) => figure(value, 'en')), ['0', '0.12346', '1.5e-7', '12,345.68', '3e+9']);
  assert.deepEqual([percent(93, 'en'), percent(55.123, 'en')], ['93%', '55.1%']);
});

test('moments along an axis are as fine as they are apart', () => {
  const at = new Date(2026, 0, 2, 3, 4, 5).getTime();
  assert.equal(clocks([at, at + 5000], 'en')[0], '03:04:05');
  assert.equal(clocks([at, at + 60_000], 'en')[0], '03:04');
  assert.equal(clocks([at, at + 86_400_000], 'en')[0], 'Jan 2');
});
