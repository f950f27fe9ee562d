// SPDX-License-Identifier: MIT
// One language of states and words: glyph and word for every state (its colour is `--state-NAME` in
// styles/theme.css), and the catalogues of the page's own text. Sentences about a job come from the
// server and are shown as they are.
import { signal } from '@preact/signals';
import type { JobState } from './api.ts';
import { en } from './i18n/en.ts';
import { zhCN } from './i18n/zh-CN.ts';

export type Key = keyof typeof en;
export type Language = 'en' | 'zh-CN';

export const LANGUAGES: readonly (readonly [Language, string])[] = [
  ['en', 'English'],
  ['zh-CN', '简体中文'],
];

export const language = signal<Language>('en');

/** The catalogue that fits a list of wishes ("zh-Hans-CN", "en-GB", …) best. */
export function pickLanguage(wishes: readonly string[]): Language {
  for (const wish of wishes) {
    if (/^zh\b/i.test(wish)) return 'zh-CN';
    if (/^en\b/i.test(wish)) return 'en';
  }
  return 'en';
}

/** The texts of some pages: what gives the text for a key in the language chosen. */
export function catalogue<K extends string>(texts: Record<Language, Record<K, string>>) {
  return (key: K, values: Record<string, string | number> = {}): string =>
    texts[language.value][key].replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ''));
}

/** Those of the frame and of the pages that everybody opens; others come with the code of their pages. */
export const t = catalogue<Key>({ en, 'zh-CN': zhCN });

export type ShownState =
  | 'waiting'
  | 'starting'
  | 'running'
  | 'stopping'
  | 'succeeded'
  | 'failed'
  | 'stopped'
  | 'unknown';

/** U+FE0E keeps systems from drawing the sign as an emoji. */
export const GLYPHS: Record<ShownState, string> = {
  waiting: '◔',
  starting: '◐',
  running: '●',
  stopping: '◐',
  succeeded: '✔\uFE0E',
  failed: '✖\uFE0E',
  stopped: '■',
  unknown: '?',
};

const SHOWN: Record<JobState, ShownState> = {
  WAITING: 'waiting',
  RUNNING: 'running',
  STOPPING: 'stopping',
  STOPPED: 'stopped',
  SUCCEEDED: 'succeeded',
  FAILED: 'failed',
  UNKNOWN: 'unknown',
};

const FINAL: ReadonlySet<JobState> = new Set<JobState>(['STOPPED', 'SUCCEEDED', 'FAILED']);

export const isFinal = (state: JobState): boolean => FINAL.has(state);

/** What a person is told: a job asked to stop is stopping, a job being prepared is starting. */
export function shownState(job: { state: JobState; subState?: string; executionType?: string }): ShownState {
  if (isFinal(job.state)) return SHOWN[job.state];
  if (job.executionType === 'STOP') return 'stopping';
  if (job.state === 'WAITING' && job.subState === 'AttemptPreparing') return 'starting';
  return SHOWN[job.state] ?? 'unknown';
}

const PRIORITIES: Record<string, Key> = {
  crit: 'priority.crit',
  prod: 'priority.prod',
  test: 'priority.test',
  oppo: 'priority.oppo',
};

/** The word for a priority class; a class that this portal does not know is shown as it is. */
export function priorityWord(name: string | null | undefined): string {
  if (!name) return t('priority.default');
  const key = PRIORITIES[name];
  return key ? t(key) : name;
}
