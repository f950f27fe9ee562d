// SPDX-License-Identifier: MIT
// Users without the page: the list's filters, what a form would change, and an import's report by rows.
import type { Group, ImportReport, User, UserChange } from './api-admin.ts';

export const SHOW_USERS = ['all', 'admins', 'disabled', 'expired', 'novc'] as const;
export type ShowUsers = (typeof SHOW_USERS)[number];

export interface UserFilter {
  q: string;
  show: ShowUsers;
  vc: string;
  group: string;
}

const isExpired = (user: User, now: number): boolean => user.expires !== null && user.expires <= now;

export function filterUsers(users: readonly User[], filter: UserFilter, now: number): User[] {
  const wanted = filter.q.trim().toLowerCase();
  return users.filter((user) => {
    if (wanted !== '' && !`${user.username} ${user.email}`.toLowerCase().includes(wanted)) return false;
    if (filter.vc !== '' && !user.admin && !user.virtualCluster.includes(filter.vc)) return false;
    if (filter.group !== '' && !user.grouplist.includes(filter.group)) return false;
    if (filter.show === 'admins') return user.admin;
    if (filter.show === 'disabled') return user.disabled;
    if (filter.show === 'expired') return isExpired(user, now);
    // "default" is everybody's.
    if (filter.show === 'novc') return !user.admin && user.virtualCluster.every((vc) => vc === 'default');
    return true;
  });
}

/** What a user's account lets in: 'active', or why not. */
export const accountOf = (user: User, now: number): 'active' | 'disabled' | 'expired' =>
  user.disabled ? 'disabled' : isExpired(user, now) ? 'expired' : 'active';

// ---- the form ----

export interface UserDraft {
  email: string;
  admin: boolean;
  disabled: boolean;
  /** "2026-12-31", or '' for never. */
  expires: string;
  disk: string;
  /** Names of groups, with those of virtual clusters. */
  groups: readonly string[];
}

/** A day in the viewer's zone. */
export function dayOf(at: number | null): string {
  if (at === null) return '';
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** When that day begins, or one so many days later; null: it is none. */
export function midnight(day: string, later = 0): number | null {
  const found = /^(\d{4})-(\d\d)-(\d\d)$/.exec(day);
  return found ? new Date(Number(found[1]), Number(found[2]) - 1, Number(found[3]) + later).getTime() : null;
}

/** The end of that day; null: never. */
export function endOfDay(day: string): number | null {
  const next = midnight(day, 1);
  return next === null ? null : next - 1;
}

/** Groups that are not chosen by hand: everybody's, and the admins', which the admin box sets. */
export const isSetByHand = (group: Group): boolean => group.groupname !== 'default' && !group.extension.acls.admin;

export const draftOfUser = (user: User): UserDraft => ({
  email: user.email,
  admin: user.admin,
  disabled: user.disabled,
  expires: dayOf(user.expires),
  disk: String(user.userDiskMB || ''),
  groups: [...user.grouplist].sort(),
});

/** What the draft would change of a user, beside the name; null: the disk is no number. `made`: the groups that there are;
 *  the group of a virtual cluster is made with its first member. */
export function changeOfUser(user: User, draft: UserDraft, made: readonly string[], vcs: readonly string[]): UserChange | null {
  const change: UserChange = { username: user.username };
  if (!/^\s*\d{0,9}\s*$/.test(draft.disk)) return null;
  const disk = Number(draft.disk.trim());
  if (draft.email !== user.email) change.email = draft.email;
  if (draft.admin !== user.admin) change.admin = draft.admin;
  if (draft.disabled !== user.disabled) change.disabled = draft.disabled;
  if (draft.expires !== dayOf(user.expires)) change.expires = endOfDay(draft.expires);
  if (disk !== user.userDiskMB) change.userDiskMB = disk;
  if ([...draft.groups].sort().join('\n') !== [...user.grouplist].sort().join('\n')) {
    change.grouplist = draft.groups.filter((name) => made.includes(name));
    if (change.grouplist.length < draft.groups.length) change.virtualCluster = draft.groups.filter((name) => vcs.includes(name));
  }
  return change;
}

// ---- an import ----

export interface ImportRow {
  line: number;
  /** The user; of a row that makes no sense, what stands in it. */
  name: string;
  action: string;
  problems: string[];
  invitation: string;
}

/** Good rows and bad ones by line; `text` is what was sent. */
export function rowsOfImport(report: ImportReport, text: string): ImportRow[] {
  const lines = text.split(/\r\n|\n|\r/);
  const rows = new Map<number, ImportRow>();
  for (const user of report.users) {
    rows.set(user.line, { line: user.line, name: user.username, action: user.action, problems: [], invitation: user.invitation ?? '' });
  }
  for (const { line, field, message } of report.errors) {
    const row = rows.get(line) ?? { line, name: maskPasswords(lines[0] ?? '', lines[line - 1] ?? ''), action: '', problems: [], invitation: '' };
    row.problems.push(field === '' ? message : `${field}: ${message}`);
    rows.set(line, row);
  }
  return [...rows.values()].sort((a, b) => a.line - b.line);
}

/** The line without what stands in a column of passwords: it is shown, and may be in a screenshot. */
export function maskPasswords(head: string, line: string): string {
  const column = head.split(',').findIndex((name) => name.trim().replaceAll('"', '').toLowerCase() === 'password');
  if (column < 0) return line;
  return line.split(',').map((cell, i) => (i === column && cell !== '' ? '…' : cell)).join(',');
}

/** Names and links for a sheet of paper, or a mail merge; one that begins like a formula is text there, too. */
export function sheetOf(rows: readonly ImportRow[]): string {
  const cell = (text: string): string => `"${(/^[=+\-@]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
  return ['username,invitation', ...rows.filter((row) => row.invitation !== '').map((row) => `${cell(row.name)},${cell(row.invitation)}`)].join('\r\n') + '\r\n';
}
