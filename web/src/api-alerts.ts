// SPDX-License-Identifier: MIT
// Alerts, their history and silences, as the API has them; loaded with the page of alerts.
import { type Alert, json, send } from './api.ts';

export type AlertStatus = 'active' | 'suppressed' | 'pending';

export interface FullAlert extends Alert {
  annotations: { summary: string; description?: string };
  status: AlertStatus;
  /** Of its labels. */
  fingerprint: string;
  /** A silence's id. */
  silencedBy: string | null;
  /** Somebody else posted it. */
  foreign: boolean;
}

/** Those that wait to fire and silenced ones, too. */
export const listAllAlerts = (): Promise<FullAlert[]> => json('alerts?all=true');

export interface AlertChange {
  id: number;
  time: number;
  state: 'firing' | 'resolved';
  rule: string;
  severity: string;
  started: number | null;
  ended: number | null;
  /** Nobody was told. */
  silenced: boolean;
  labels: Alert['labels'];
  annotations: { summary: string };
}

export interface AlertHistory {
  data: AlertChange[];
  next: number | null;
}

export const listAlertHistory = (query: URLSearchParams): Promise<AlertHistory> => json(`alerts/history?${query}`);

export interface Matcher {
  name: string;
  value: string;
  /** value is an expression for the whole value. */
  isRegex: boolean;
  /** false: it must not be so. */
  isEqual: boolean;
}

export interface Silence {
  id: string;
  status: { state: 'pending' | 'active' | 'expired' };
  matchers: Matcher[];
  startsAt: string;
  endsAt: string;
  createdBy: string;
  comment: string;
}

export const listSilences = (): Promise<Silence[]> => json('silences');

export const addSilence = async (silence: { matchers: readonly Matcher[]; startsAt: string; endsAt: string; comment: string }): Promise<void> =>
  void (await send('silences', { method: 'POST', body: silence }));

export const endSilence = async (id: string): Promise<void> => void (await send(`silences/${encodeURIComponent(id)}`, { method: 'DELETE' }));
