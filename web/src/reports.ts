// SPDX-License-Identifier: MIT
// Reports of GPU hours: what the server answers, what the address says, and the order of rows. Pure.

export const REPORT_KEYS = ['vc', 'user', 'job', 'node', 'model', 'day'] as const;
export type ReportKey = (typeof REPORT_KEYS)[number];

export const OUTCOMES = ['succeeded', 'failed', 'platform', 'stopped', 'preempted', 'running', 'reserved'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface ReportRow extends Partial<Record<ReportKey, string | null>> {
  gpuHours: Record<Outcome | 'all' | 'unused' | 'wasted', number>;
  /** Percent, as below; null: not known. */
  goodput: number | null;
  sampled: {
    gpuHours: number;
    busy: number;
    idle: number;
    utilization: number | null;
    memoryGiB: number | null;
    energyKWh: number;
  };
  jobs: { ended: number; succeeded: number; started: number; preempted: number; success: number | null };
  waitMs: { p50: number | null; p95: number | null };
}

export interface Report {
  from: number;
  to: number;
  rows: ReportRow[];
  total: ReportRow;
}

export interface ReportMail {
  on: boolean;
  weekday: string;
  hour: number;
  nextTime: number | null;
}

/** The figures of a table, in its order, and what each is of a row. `unit` says how it is written. */
export type Unit = 'hours' | 'percent' | 'count' | 'wait' | 'gib' | 'kwh';
interface Figure {
  unit: Unit;
  of: (row: ReportRow) => number | null;
}
export const FIGURES = {
  all: { unit: 'hours', of: (row) => row.gpuHours.all },
  succeeded: { unit: 'hours', of: (row) => row.gpuHours.succeeded },
  wasted: { unit: 'hours', of: (row) => row.gpuHours.wasted },
  reserved: { unit: 'hours', of: (row) => row.gpuHours.reserved },
  busy: { unit: 'hours', of: (row) => row.sampled.busy },
  idle: { unit: 'hours', of: (row) => row.sampled.idle },
  utilization: { unit: 'percent', of: (row) => row.sampled.utilization },
  memory: { unit: 'gib', of: (row) => row.sampled.memoryGiB },
  energy: { unit: 'kwh', of: (row) => row.sampled.energyKWh },
  goodput: { unit: 'percent', of: (row) => row.goodput },
  jobs: { unit: 'count', of: (row) => row.jobs.ended },
  success: { unit: 'percent', of: (row) => row.jobs.success },
  preemptions: { unit: 'count', of: (row) => row.jobs.preempted },
  waitP50: { unit: 'wait', of: (row) => row.waitMs.p50 },
  waitP95: { unit: 'wait', of: (row) => row.waitMs.p95 },
} satisfies Record<string, Figure>;
export type FigureName = keyof typeof FIGURES;
export const FIGURE_NAMES = Object.keys(FIGURES) as FigureName[];

const DAY_MS = 86_400_000;
const DAYS = 7;

/** "2026-11-01" of a moment, UTC, as reports have days. */
export const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** A moment out of the address: a day, or ms since the epoch as mails have it. null: it is neither. */
export function moment(text: string): number | null {
  if (/^\d{9,15}$/.test(text)) return Number(text);
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  return Number.isNaN(ms) ? null : ms;
}

export interface Asked {
  /** ms since the epoch; `to` null: now. */
  from: number;
  to: number | null;
  by: ReportKey[];
  /** A figure, in falling order, or one with "-" before it, in growing order; '': by keys. */
  sort: string;
}

/** What the address asks for; what it does not say, or says wrongly, is the last week by virtual cluster. */
export function asked(query: URLSearchParams, now: number): Asked {
  const to = moment(query.get('to') ?? '');
  const from = moment(query.get('from') ?? '');
  const words = (query.get('by') ?? 'vc').split(',');
  const by = REPORT_KEYS.filter((key) => words.includes(key));
  const sort = query.get('sort') ?? 'all';
  const end = to ?? now;
  return {
    from: from !== null && from < end ? from : Math.max(0, (Math.floor(end / DAY_MS) - DAYS) * DAY_MS),
    to,
    by: by.length > 0 ? by : ['vc'],
    sort: FIGURE_NAMES.some((name) => name === sort.replace(/^-/, '')) ? sort : '',
  };
}

/** The rows in the order asked for; of equals, and without one, in the server's. What is not known comes last. */
export function ordered(rows: readonly ReportRow[], sort: string): ReportRow[] {
  const name = FIGURE_NAMES.find((one) => one === sort.replace(/^-/, ''));
  if (!name) return [...rows];
  const way = sort.startsWith('-') ? 1 : -1;
  const { of } = FIGURES[name];
  return [...rows].sort((a, b) => {
    const [x, y] = [of(a), of(b)];
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    return way * (x - y);
  });
}

export interface Bar {
  day: string;
  hours: Record<Outcome, number>;
  all: number;
}

/** A bar for each day of the report, also for those on which nothing was held; at most `most`, the newest. */
export function bars(report: Report, most = 366): Bar[] {
  const found = new Map(report.rows.map((row) => [row.day ?? '', row]));
  const first = Math.floor(report.from / DAY_MS);
  const last = Math.floor((report.to - 1) / DAY_MS);
  const out: Bar[] = [];
  for (let day = Math.max(first, last - most + 1); day <= last; day += 1) {
    const name = dayOf(day * DAY_MS);
    const row = found.get(name);
    const hours = Object.fromEntries(OUTCOMES.map((key) => [key, row?.gpuHours[key] ?? 0])) as Record<Outcome, number>;
    out.push({ day: name, hours, all: row?.gpuHours.all ?? 0 });
  }
  return out;
}
