// SPDX-License-Identifier: MIT
// Numbers and times as people read them. Pure: the moment and the language come from the caller.

const STEPS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
];

/** "3 minutes ago" for `at`, both in ms since the epoch. */
export function ago(now: number, at: number, language: string): string {
  const seconds = Math.round((at - now) / 1000);
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' });
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size) return format.format(Math.trunc(seconds / size), unit);
  }
  return format.format(0, 'second');
}

/** The full local date and time, for the hover text of a relative one. */
export function absolute(at: number, language: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'long' }).format(at);
}

/** "3h 02m", "42m 05s", "7s": two units at most, so that a column stays narrow. */
export function duration(ms: number): string {
  const total = Math.max(0, Math.floor(ms / 1000));
  const days = Math.floor(total / 86_400);
  const hours = Math.floor(total / 3_600) % 24;
  const minutes = Math.floor(total / 60) % 60;
  const two = (value: number): string => String(value).padStart(2, '0');
  if (days > 0) return `${days}d ${two(hours)}h`;
  if (hours > 0) return `${hours}h ${two(minutes)}m`;
  if (minutes > 0) return `${minutes}m ${two(total % 60)}s`;
  return `${total}s`;
}

/** Bytes in binary units, as everywhere in Drover. */
export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** 1204 as "1,204". */
export function count(value: number, language: string): string {
  return new Intl.NumberFormat(language).format(value);
}

/** "user~job", the name that addresses a job everywhere. */
export const fullName = (user: string, job: string): string => (job.includes('~') ? job : `${user}~${job}`);

/** 93.4 as "93.4 %" in the language's own way; what is whole has no decimals. */
export function percent(value: number, language: string): string {
  return new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 1 }).format(value / 100);
}

const CLOCK: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' };
const DAY_MS = 86_400_000;

/** A moment to the second, in the viewer's zone. */
export function clock(at: number, language: string): string {
  return new Intl.DateTimeFormat(language, { month: 'short', day: 'numeric', ...CLOCK }).format(at);
}

/** Moments along an axis: no finer than they are apart. */
export function clocks(times: readonly number[], language: string): string[] {
  const step = (times[1] ?? 0) - (times[0] ?? 0);
  const { second, ...minutes } = CLOCK;
  const day: Intl.DateTimeFormatOptions = { month: 'short', day: 'numeric' };
  const format = new Intl.DateTimeFormat(language, step >= DAY_MS ? day : step >= 60_000 ? minutes : { ...minutes, second });
  return times.map((at) => format.format(at));
}

/** A figure of any size in few signs: "0.1234", "1.2e-7", "12,345". */
export function figure(value: number, language: string): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) return value.toExponential(3).replace(/\.?0+e/, 'e');
  return new Intl.NumberFormat(language, { maximumSignificantDigits: size >= 1000 ? 7 : 5 }).format(value);
}
