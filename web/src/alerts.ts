// SPDX-License-Identifier: MIT
// The page of alerts: its filters from and to the address and the API's query, what they leave, and matchers of silences as
// Alertmanager writes them. Pure.
import type { AlertStatus, FullAlert, Matcher } from './api-alerts.ts';
import type { Params } from './router.ts';
import { midnight } from './users.ts';

export const ALERT_SHOWS = ['now', 'history', 'silences'] as const;
export type AlertShow = (typeof ALERT_SHOWS)[number];

/** The gravest first. */
export const SEVERITIES = ['fatal', 'error', 'warn', 'info'] as const;

export const STATUSES: readonly AlertStatus[] = ['active', 'pending', 'suppressed'];

export interface AlertFilter {
  show: AlertShow;
  /** A part of a name, a label or the summary. */
  q: string;
  severity: string;
  status: AlertStatus | '';
  /** Of the history: an alert's name. */
  rule: string;
  /** Days, "2026-12-31" or ''; both are within. */
  since: string;
  until: string;
  /** Changes older than this one; 0: the newest. */
  cursor: number;
  /** Of silences: those that are over, too. */
  expired: boolean;
}

export function parseAlerts(query: URLSearchParams): AlertFilter {
  const one = <T extends string>(key: string, of: readonly T[]): T | '' => of.find((word) => word === query.get(key)) ?? '';
  const day = (key: string): string => (midnight(query.get(key) ?? '') === null ? '' : (query.get(key) as string));
  const cursor = Number(query.get('cursor') ?? 0);
  return {
    show: one('show', ALERT_SHOWS) || 'now',
    q: query.get('q') ?? '',
    severity: one('severity', SEVERITIES),
    status: one('status', STATUSES),
    rule: query.get('rule') ?? '',
    since: day('since'),
    until: day('until'),
    cursor: Number.isSafeInteger(cursor) && cursor > 0 ? cursor : 0,
    expired: query.get('expired') === 'yes',
  };
}

/** The shortest address that means the same. */
export const alertParams = ({ show, cursor, expired, ...rest }: AlertFilter): Params => ({
  show: show === 'now' ? null : show,
  ...rest,
  cursor: cursor > 0 ? cursor : null,
  expired: expired ? 'yes' : null,
});

export function historyQuery({ rule, since, until, cursor }: AlertFilter): URLSearchParams {
  const query = new URLSearchParams();
  if (rule !== '') query.set('rule', rule);
  const [from, to] = [midnight(since), midnight(until, 1)];
  if (from !== null) query.set('since', String(from));
  if (to !== null) query.set('until', String(to));
  if (cursor > 0) query.set('cursor', String(cursor));
  return query;
}

const rank = <T extends string>(of: readonly T[], word: string): number => {
  const found = of.indexOf(word as T);
  return found < 0 ? of.length : found;
};

/** Those that are asked for: what fires before what is pending or silenced, the gravest and then the newest first. */
export function alertsShown(all: readonly FullAlert[], { q, severity, status }: AlertFilter): FullAlert[] {
  const wanted = q.trim().toLowerCase();
  return all
    .filter((one) => status === '' || one.status === status)
    .filter((one) => severity === '' || one.labels.severity === severity)
    .filter((one) => [...Object.values(one.labels), one.annotations.summary].join(' ').toLowerCase().includes(wanted))
    .sort(
      (a, b) =>
        rank(STATUSES, a.status) - rank(STATUSES, b.status) ||
        rank(SEVERITIES, a.labels.severity) - rank(SEVERITIES, b.labels.severity) ||
        Date.parse(b.startsAt) - Date.parse(a.startsAt),
    );
}

// ---- matchers ----

export const OPERATORS = ['=', '!=', '=~', '!~'] as const;
export type Operator = (typeof OPERATORS)[number];

export const operatorOf = ({ isEqual, isRegex }: Pick<Matcher, 'isEqual' | 'isRegex'>): Operator =>
  isEqual ? (isRegex ? '=~' : '=') : isRegex ? '!~' : '!=';

export const withOperator = (matcher: Matcher, operator: Operator): Matcher => ({
  ...matcher,
  isEqual: operator[0] === '=',
  isRegex: operator[1] === '~',
});

/** As it is written: node_name=~"n[12]". */
export const matcherText = (matcher: Matcher): string => `${matcher.name}${operatorOf(matcher)}${JSON.stringify(matcher.value)}`;

/** What is about the same thing as an alert: its name, and what it names. */
export const matchersOf = (labels: Readonly<Record<string, string | undefined>>): Matcher[] =>
  (['alertname', 'node_name', 'gpu', 'job_name'] as const).flatMap((name) => {
    const value = labels[name];
    return value ? [{ name, value, isRegex: false, isEqual: true }] : [];
  });

export const matchersParam = (matchers: readonly Matcher[]): string => matchers.map(matcherText).join('\n');

/** Of an address; lines that are no matchers are left out. */
export function parseMatchers(text: string): Matcher[] {
  return text.split('\n').flatMap((line) => {
    const found = /^([A-Za-z_][\w.]*)(=~|!~|!=|=)(".*")$/.exec(line);
    if (!found) return [];
    try {
      const value: unknown = JSON.parse(found[3] as string);
      return typeof value === 'string' ? [withOperator({ name: found[1] as string, value, isRegex: false, isEqual: true }, found[2] as Operator)] : [];
    } catch {
      return [];
    }
  });
}

/** Whether all matchers hold; a label that is not there is ''. null: an expression that this browser cannot read, which the
 *  server may. */
export function holds(matchers: readonly Matcher[], labels: Readonly<Record<string, string | undefined>>): boolean | null {
  try {
    return matchers.every(({ name, value, isRegex, isEqual }) => {
      const found = labels[name] ?? '';
      return (isRegex ? new RegExp(`^(?:${value})$`, 's').test(found) : found === value) === isEqual;
    });
  } catch {
    return null;
  }
}

/** As an input of a day and a time has it, in the viewer's zone: "2026-12-31T18:30". */
export function localMoment(at: number): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** The same as the API has moments; null: it is none, or not after `now`. */
export function momentAfter(text: string, now: number): string | null {
  const at = new Date(text).getTime();
  return Number.isFinite(at) && at > now ? new Date(at).toISOString() : null;
}
