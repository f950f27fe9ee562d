// SPDX-License-Identifier: MIT
// The address of the terminal's page, which is a file of its own (its policy lets xterm.js write styles): which task
// attempt, and how the portal that leads there looks. Pure.
import type { TaskRef } from './api.ts';

export interface TerminalLink {
  ref: TaskRef;
  language: 'en' | 'zh-CN';
  /** The value of data-theme. */
  theme: string;
}

export function terminalHref({ ref, language, theme }: TerminalLink): string {
  const { job, attempt, role, index, taskAttempt } = ref;
  const names = { job, attempt: String(attempt), role, index: String(index), try: String(taskAttempt), language, theme };
  return `terminal.html#${new URLSearchParams(names)}`;
}

/** Reads a fragment, with its '#'; null where it names no task attempt. */
export function parseTerminal(fragment: string): TerminalLink | null {
  const query = new URLSearchParams(fragment.replace(/^#/, ''));
  const [job, role] = [query.get('job') ?? '', query.get('role') ?? ''];
  const [attempt, index, taskAttempt] = ['attempt', 'index', 'try'].map((name) => {
    const text = query.get(name) ?? '';
    return /^\d{1,9}$/.test(text) ? Number(text) : null;
  });
  if (!job || !role || attempt == null || index == null || taskAttempt == null) return null;
  return {
    ref: { job, attempt, role, index, taskAttempt },
    language: query.get('language') === 'zh-CN' ? 'zh-CN' : 'en',
    theme: query.get('theme') ?? 'auto',
  };
}
