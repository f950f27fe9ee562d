// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { readFileSync } from 'node:fs';
import { HELP_IDS } from '../../../web/src/help-words.ts';
import { adminEn } from '../../../web/src/i18n/admin-en.ts';
import { adminZhCN } from '../../../web/src/i18n/admin-zh-CN.ts';
import { helpEn } from '../../../web/src/i18n/help-en.ts';
import { helpZhCN } from '../../../web/src/i18n/help-zh-CN.ts';
import { jobsEn } from '../../../web/src/i18n/jobs-en.ts';
import { jobsZhCN } from '../../../web/src/i18n/jobs-zh-CN.ts';
import { terminalEn } from '../../../web/src/i18n/terminal-en.ts';
import { terminalZhCN } from '../../../web/src/i18n/terminal-zh-CN.ts';
import { noticeEn } from '../../../web/src/i18n/notice-en.ts';
import { noticeZhCN } from '../../../web/src/i18n/notice-zh-CN.ts';
import { en } from '../../../web/src/i18n/en.ts';
import { zhCN } from '../../../web/src/i18n/zh-CN.ts';
import { GLYPHS, isFinal, language, pickLanguage, priorityWord, shownState, t } from '../../../web/src/words.ts';

afterEach(() => {
  language.value = 'en';
});

test('both catalogues fill in the same names', () => {
  const names = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();
  const pairs: [Record<string, string>, Record<string, string>][] = [
    [en, zhCN],
    [adminEn, adminZhCN],
    [noticeEn, noticeZhCN],
    [jobsEn, jobsZhCN],
    [terminalEn, terminalZhCN],
  ];
  for (const [english, chinese] of pairs) {
    for (const key of Object.keys(english)) {
      assert.deepEqual(names(chinese[key] ?? ''), names(english[key] ?? ''), key);
      assert.notEqual((chinese[key] ?? '').trim(), '', key);
    }
  }
});

test('help explains each word in both languages, and every reason for which the server lets a job wait', () => {
  for (const id of HELP_IDS) {
    for (const { term, text } of [helpEn[id], helpZhCN[id]]) assert.ok(term.trim() && text.trim(), id);
  }
  const source = readFileSync(new URL('../../../../../scheduler/explain.c', import.meta.url), 'utf8');
  const reasons = [...source.matchAll(/\[EXPLAIN_\w+\] = "(\w+)"/g)].map((found) => `wait.${found[1]}`).sort();
  assert.ok(reasons.length > 10);
  assert.deepEqual(HELP_IDS.filter((id) => id.startsWith('wait.')).sort(), reasons);
});

test('values are filled in as they are', () => {
  assert.equal(t('jobs.range', { from: 1, to: 50, total: '1,204' }), '1–50 of 1,204');
  assert.equal(t('jobs.user', { user: '{user} $& <b>' }), 'User: {user} $& <b>');
  language.value = 'zh-CN';
  assert.equal(t('state.running'), '运行中');
});

test('the language follows the first wish that we can fulfil', () => {
  assert.equal(pickLanguage(['fr', 'zh-Hans-CN', 'en']), 'zh-CN');
  assert.equal(pickLanguage(['en-GB', 'zh']), 'en');
  assert.equal(pickLanguage([]), 'en');
});

test('states are shown as people think of them', () => {
  assert.equal(shownState({ state: 'WAITING', subState: 'AttemptCreationPending' }), 'waiting');
  assert.equal(shownState({ state: 'WAITING', subState: 'AttemptPreparing' }), 'starting');
  assert.equal(shownState({ state: 'RUNNING', executionType: 'STOP' }), 'stopping');
  assert.equal(shownState({ state: 'STOPPED', executionType: 'STOP' }), 'stopped');
  assert.equal(shownState({ state: 'NEW' as 'UNKNOWN' }), 'unknown');
});

test('no two states that end differently look alike', () => {
  const final = [GLYPHS.succeeded, GLYPHS.failed, GLYPHS.stopped, GLYPHS.running, GLYPHS.waiting];
  assert.equal(new Set(final).size, final.length);
  assert.equal(isFinal('STOPPING'), false);
  assert.equal(isFinal('STOPPED'), true);
});

test('priorities have words; a new one is shown as it is', () => {
  assert.equal(priorityWord('prod'), 'Product');
  assert.equal(priorityWord(null), 'Default');
  assert.equal(priorityWord('urgent'), 'urgent');
});
