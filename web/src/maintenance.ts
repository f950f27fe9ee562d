// SPDX-License-Identifier: MIT
// Maintenance windows: what is written of one, as the server takes it, and who is on its nodes. Pure.
import type { PlacedTask } from './api.ts';

export interface Window {
  id: number;
  state: string;
  all: boolean;
  nodes: string[];
  start: number;
  end: number;
  onStart: 'wait' | 'stop';
  reason: string;
  username: string;
}

/** What a form has; times as `datetime-local` writes them, by the clock of the browser. */
export interface Draft {
  all: boolean;
  nodes: string;
  start: string;
  end: string;
  onStart: 'wait' | 'stop';
  reason: string;
}

export interface Body {
  nodes?: string[];
  all?: boolean;
  start: number;
  end: number;
  onStart: 'wait' | 'stop';
  reason: string;
}

export type At = 'nodes' | 'start' | 'end';

/** Names between commas and spaces, each once. */
export const namesOf = (text: string): string[] => [...new Set(text.split(/[\s,，、]+/).filter(Boolean))];

/** What is sent, or the field that is not filled in. */
export function bodyOf(draft: Draft): { body: Body } | { at: At } {
  const nodes = namesOf(draft.nodes);
  const [start, end] = [draft.start, draft.end].map((text) => new Date(text).getTime()) as [number, number];
  if (!draft.all && nodes.length === 0) return { at: 'nodes' };
  if (!Number.isFinite(start)) return { at: 'start' };
  if (!Number.isFinite(end) || end <= start) return { at: 'end' };
  return { body: { ...(draft.all ? { all: true } : { nodes }), start, end, onStart: draft.onStart, reason: draft.reason } };
}

const two = (value: number): string => String(value).padStart(2, '0');

/** A moment as `datetime-local` writes it, by the clock of the browser. */
export function localMoment(ms: number): string {
  const at = new Date(ms);
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** A window with another end, as the server takes it; null where that is no moment behind its start. */
export function movedTo({ all, nodes, start, onStart, reason }: Window, end: string): Body | null {
  const ms = new Date(end).getTime();
  return ms > start ? { ...(all ? { all } : { nodes }), start, end: ms, onStart, reason } : null;
}

/** The jobs of which something is placed, each once, by name. */
export function jobsOf(tasks: readonly Pick<PlacedTask, 'username' | 'name'>[]): string[] {
  return [...new Set(tasks.map(({ username, name }) => `${username}~${name}`))].sort();
}

/** Which field a sentence of the server is about. */
export function refusedAt(message: string): At | '' {
  if (/^Node /.test(message)) return 'nodes';
  return /^A maintenance window (ends|lasts)|^"start" and/.test(message) ? 'end' : '';
}
