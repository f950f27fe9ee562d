// SPDX-License-Identifier: MIT
// What the whole page shares: the session, the preferences, the clock, notices, and the changes
// that the event stream reports. What only one view shows lives in that view.
import { computed, effect, signal } from '@preact/signals';
import * as api from './api.ts';
import { type ColumnName, parseColumns } from './filters.ts';
import type { Change } from './sse.ts';
import { startStream } from './stream.ts';
import { parseViews, type View } from './views-kept.ts';
import { type Language, LANGUAGES, language, pickLanguage } from './words.ts';

/** undefined: not asked yet; null: signed out. */
export const session = signal<api.Session | null | undefined>(undefined);
/** The server ended a session that this page had. */
export const sessionEnded = signal(false);

/** Ticks once a second while the page can be seen. */
export const now = signal(Date.now());

// ---- preferences: with drafts, the only thing kept in the browser's storage ----

export const THEMES = ['auto', 'light', 'dark', 'contrast'] as const;
export type Theme = (typeof THEMES)[number];
export const theme = signal<Theme>('auto');

/** Storage may be forbidden; the page works without. */
function remembered(name: string): string | null {
  try {
    return localStorage.getItem(`drover.${name}`);
  } catch {
    return null;
  }
}

function remember(name: string, value: string): void {
  try {
    localStorage.setItem(`drover.${name}`, value);
  } catch {
    // The choice holds for this page.
  }
}

export function chooseTheme(next: Theme): void {
  theme.value = next;
  remember('theme', next);
}

export function chooseLanguage(next: Language): void {
  language.value = next;
  remember('language', next);
}

/** Columns of the job list that this browser's user likes; null: the usual ones. */
export const columns = signal<readonly ColumnName[] | null>(null);

export function chooseColumns(next: readonly ColumnName[] | null): void {
  columns.value = next;
  remember('columns', next?.join(',') ?? '');
}

/** Views of the job list, of each user apart. */
const viewsKey = (): string => `views ${session.value?.user ?? ''}`;
export const keptViews = (): View[] => parseViews(remembered(viewsKey()));
export const keepViews = (views: readonly View[]): void => remember(viewsKey(), JSON.stringify(views));

// ---- drafts: a job that is being written, kept by this tab until it is closed, of each user apart ----

export interface KeptDraft {
  text: string;
  /** What it was copied from; null: nothing. */
  base: string | null;
}

const draftKey = (origin: string): string => `drover.draft ${session.value?.user ?? ''} ${origin}`;

export function keptDraft(origin: string): KeptDraft | null {
  try {
    return JSON.parse(sessionStorage.getItem(draftKey(origin)) ?? 'null') as KeptDraft | null;
  } catch {
    return null;
  }
}

/** The text must be without its secrets. */
export function keepDraft(origin: string, draft: KeptDraft): void {
  try {
    sessionStorage.setItem(draftKey(origin), JSON.stringify(draft));
  } catch {
    // It lives as long as the page.
  }
}

export function dropDraft(origin: string): void {
  try {
    sessionStorage.removeItem(draftKey(origin));
  } catch {
    // There was none.
  }
}

// ---- notices: short messages after an action ----

export interface Notice {
  id: number;
  text: string;
  bad: boolean;
}

export const notices = signal<Notice[]>([]);
const GOOD_NEWS_MS = 6_000;
let lastNotice = 0;

/** Good news goes by itself; bad news stays until it is dismissed. */
export function notify(text: string, bad = false): void {
  lastNotice += 1;
  const id = lastNotice;
  notices.value = [...notices.value.slice(-4), { id, text, bad }];
  if (!bad) setTimeout(() => dismiss(id), GOOD_NEWS_MS);
}

export function dismiss(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

// ---- changes ----

type Listener = (change: Change) => void;

const listeners = new Set<Listener>();
/** A hidden page asks for nothing; when it is seen again it reads everything once. */
let missed = false;

function publish(change: Change): void {
  if (document.hidden) {
    missed = true;
    return;
  }
  for (const listener of listeners) listener(change);
}

/** Reports changes until the function that it returns is called. */
export function onChange(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

// ---- quiet: nothing happens, on the server or in front of the page ----

/** So long without a change or a hand on the page is quiet. */
const QUIET_AFTER_MS = 30_000;
const stirred = signal(Date.now());
export const quiet = computed(() => now.value - stirred.value > QUIET_AFTER_MS);

function stir(): void {
  // A pointer moves often; a signal that is set tells all who read it.
  if (Date.now() - stirred.peek() > 1000) stirred.value = Date.now();
}

onChange(stir);

// ---- the site: its name and links, live ----

export const site = signal<api.Settings>({ name: 'Drover', logo: null, menu: [], links: [] });

async function readSite(): Promise<void> {
  try {
    site.value = await api.getSettings();
  } catch {
    // What was there stays; the next change, or the next session, asks again.
  }
}

onChange((change) => {
  if (change.kind !== 'job') void readSite();
});

// ---- session ----

let endStream: (() => void) | null = null;

function enter(next: api.Session): void {
  sessionEnded.value = false;
  session.value = next;
  endStream?.();
  endStream = startStream(next.user, publish);
  void readSite();
}

function leave(): void {
  endStream?.();
  endStream = null;
  session.value = null;
}

export async function signIn(user: string, password: string): Promise<void> {
  enter(await api.signIn(user, password));
}

/** The server ends all logins with the old password; this page goes on with a new one. */
export async function changePassword(user: string, before: string, after: string): Promise<void> {
  await api.setPassword(user, before, after);
  await signIn(user, after);
}

/** Sets one's own address. */
export async function changeEmail(me: api.Session, email: string): Promise<void> {
  await api.setEmail(me.user, email);
  session.value = { ...me, email };
}

export async function signOut(): Promise<void> {
  await api.signOut();
  leave();
}

/** Stops jobs one by one and says what came of each. */
export async function stopJobs(jobs: readonly string[], say: {
  done: (stopped: readonly string[]) => string;
  failed: (job: string, reason: string) => string;
}): Promise<void> {
  const stopped: string[] = [];
  for (const job of jobs) {
    try {
      await api.stopJob(job);
      stopped.push(job);
    } catch (error) {
      notify(say.failed(job, (error as Error).message), true);
    }
  }
  if (stopped.length > 0) notify(say.done(stopped));
}

/** Called once, before the first view. */
export async function start(): Promise<void> {
  theme.value = THEMES.find((name) => name === remembered('theme')) ?? 'auto';
  columns.value = parseColumns(remembered('columns'));
  const chosen = LANGUAGES.find(([name]) => name === remembered('language'));
  language.value = chosen ? chosen[0] : pickLanguage(navigator.languages);
  effect(() => {
    document.documentElement.dataset['theme'] = theme.value;
    document.documentElement.lang = language.value;
  });
  setInterval(() => {
    if (!document.hidden) now.value = Date.now();
  }, 1000);
  for (const kind of ['pointermove', 'pointerdown', 'keydown', 'wheel']) addEventListener(kind, stir, { passive: true });
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) return;
    stir();
    now.value = Date.now();
    if (missed) publish({ kind: 'reset' });
    missed = false;
  });
  api.whenSignedOut(() => {
    if (!session.value) return;
    sessionEnded.value = true;
    leave();
  });
  try {
    enter(await api.getSession());
  } catch {
    session.value = null;
  }
}
