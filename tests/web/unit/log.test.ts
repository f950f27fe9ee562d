// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cleanLine, LineBuffer, MAX_LINE } from '../../../web/src/log.ts';

test('lines come out whole, however the pieces are cut', () => {
  const text = 'one\ntwo\r\n\nfour';
  for (let size = 1; size <= text.length; size += 1) {
    const buffer = new LineBuffer();
    const lines: string[] = [];
    for (let at = 0; at < text.length; at += size) lines.push(...buffer.push(text.slice(at, at + size)));
    assert.deepEqual(lines, ['one', 'two', '']);
    assert.equal(buffer.tail, 'four');
  }
});

test('a carriage return overwrites its line', () => {
  assert.equal(cleanLine('10%\r50%\r100%'), '100%');
  assert.equal(cleanLine('done\r'), 'done');
});

test('escape sequences and control characters are dropped, tabs are kept', () => {
  assert.equal(cleanLine('\x1b[1;31mred\x1b[0m\tok\x07\x00'), 'red\tok');
  assert.equal(cleanLine('\x1b]0;title\x07text\x1b]8;;x\x1b\\link'), 'textlink');
});

test('an endless line does not fill the memory', () => {
  const buffer = new LineBuffer();
  for (let i = 0; i < 1000; i += 1) assert.deepEqual(buffer.push('x'.repeat(4096)), []);
  assert.ok(buffer.tail.length <= MAX_LINE + 2);
  assert.equal(buffer.push('\nnext\n').at(-1), 'next');
});
