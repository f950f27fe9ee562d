// SPDX-License-Identifier: MIT
// Who is told of what: kinds, rules and webhooks as the server has them, and the field that a refusal is about. Pure.

/** In the order in which they are shown. */
export const KINDS = [
  'started',
  'succeeded',
  'failed',
  'stopped',
  'retried',
  'preempted',
  'idle',
  'limitNear',
  'reservation',
  'reservationEnding',
  'alert',
] as const;
export type Kind = (typeof KINDS)[number];

export const SHAPES = ['json', 'slack', 'teams'] as const;
export type Shape = (typeof SHAPES)[number];

export interface Rules {
  mail: Kind[];
  startedAfterMinutes: number;
  /** Times of the day, by `utcOffset`. */
  quietHours: { from: string; to: string } | null;
  utcOffset: string;
  /** 0: each mail goes by itself. */
  digestMinutes: number;
}

export interface Webhook {
  name: string;
  url: string;
  shape: Shape;
  kinds: Kind[];
  quietHours: boolean;
  enabled: boolean;
}

export interface Delivery {
  id: string;
  kind: Kind | 'test';
  time: number;
  state: string;
  tries: number;
  nextTryTime: number | null;
  endedTime: number | null;
  /** The receiver's; 0: it never answered. */
  status: number;
  problem: string | null;
}

/** With it or without it, in the order of all. */
export function withKind(kinds: readonly Kind[], kind: Kind, is: boolean): Kind[] {
  return KINDS.filter((one) => (one === kind ? is : kinds.includes(one)));
}

/** What a browser's clock is ahead of UTC, as the server writes it: `Date.getTimezoneOffset` has it the other way round. */
export function offsetText(minutesBehind: number): string {
  const ahead = -minutesBehind;
  const two = (value: number): string => String(value).padStart(2, '0');
  const size = Math.abs(ahead);
  return `${ahead < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/** Which of the fields a sentence of the server is about: it names the member of the body, the URL or the name. */
export function fieldOf<F extends string>(message: string, fields: readonly F[]): F | '' {
  const named = /^"(\w+)"/.exec(message)?.[1] ?? '';
  const found = fields.find((field) => field === named);
  if (found) return found;
  const starts: Record<string, string> = { url: 'The URL', name: "A webhook's name", kinds: 'There is no kind' };
  return fields.find((field) => message.startsWith(starts[field] ?? '\0')) ?? '';
}

/** What `PUT` takes of a webhook: its name is in the path. */
export function bodyOf({ url, shape, kinds, quietHours, enabled }: Webhook): Omit<Webhook, 'name'> {
  return { url, shape, kinds, quietHours, enabled };
}
