// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { en } from '../../../web/src/i18n/en.ts';
import { zhCN } from '../../../web/src/i18n/zh-CN.ts';
import { GLYPHS, isFinal, language, pickLanguage, priorityWord, shownState, t } from '../../../web/src/words.ts';

afterEach(() => {
  language.value = 'en';
});

test('both catalogues fill in the same names', () => {
  const names = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();
  for (const key of Object.keys(en) as (keyof typeof en)[]) {
    assert.deepEqual(names(zhCN[key]), names(en[key]), key);
    assert.notEqual(zhCN[key].trim(), '', key);
  }
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
