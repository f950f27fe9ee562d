// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTerminal, terminalHref } from '../../../web/src/terminal-link.ts';

const link = {
  ref: { job: 'ana~a/b?c#d', attempt: 2, role: 'worker&x', index: 0, taskAttempt: 1 },
  language: 'zh-CN',
  theme: 'contrast',
} as const;

test('a terminal and its address are the same thing', () => {
  assert.deepEqual(parseTerminal(terminalHref(link).replace('terminal.html', '')), link);
});

test('an address that names no task attempt has no terminal', () => {
  const good = 'job=a~b&attempt=0&role=w&index=0&try=0';
  assert.ok(parseTerminal(`#${good}`));
  for (const bad of ['', '#', ...['job', 'attempt', 'role', 'index', 'try'].map((name) => good.replace(new RegExp(`${name}=[^&]*`), ''))]) {
    assert.equal(parseTerminal(bad), null, bad);
  }
  assert.equal(parseTerminal(`#${good.replace('try=0', 'try=-1')}`), null);
});

test('a language that is none is English', () => {
  assert.equal(parseTerminal('#job=a~b&attempt=0&role=w&index=0&try=0&language=<b>')?.language, 'en');
});
