// SPDX-License-Identifier: MIT
// What curves are made of: points by x, and what is computed from them. Pure. A value of null is a gap: it is known
// that nothing is known there.

export interface Series {
  /** Never descends. */
  x: number[];
  y: (number | null)[];
}

/** From x to x; null: everything. */
export type Range = readonly [number, number] | null;

export interface Figures {
  /** Values, gaps not counted. */
  count: number;
  mean: number;
  least: number;
  most: number;
  last: number;
}

/** The distance beyond which two points are not connected: nothing came for as long as three points take. */
export function reachOf(x: readonly number[], step: number): number {
  const steps = x.slice(1).map((at, i) => at - (x[i] as number));
  const usual = steps.sort((a, b) => a - b)[steps.length >> 1] ?? 0;
  return Math.max(1.5 * step, 3 * usual);
}

/** Puts a gap between points that are further apart than `reach`. */
export function withGaps({ x, y }: Series, reach: number): Series {
  const out: Series = { x: [], y: [] };
  x.forEach((at, i) => {
    const before = x[i - 1];
    if (before !== undefined && at - before > reach) {
      out.x.push((before + at) / 2);
      out.y.push(null);
    }
    out.x.push(at);
    out.y.push(y[i] ?? null);
  });
  return out;
}

/** One list of x for all; undefined: that series has no point there, which is no gap. Of points of a series that have
 *  the same x the last one counts. */
export function align(all: readonly Series[]): { x: number[]; ys: (number | null | undefined)[][] } {
  const x = [...new Set(all.flatMap((one) => one.x))].sort((a, b) => a - b);
  const ys = all.map((one) => {
    const at = new Map(one.x.map((value, i) => [value, one.y[i]]));
    return x.map((value) => at.get(value));
  });
  return { x, ys };
}

/** The first index of what is not below `value`. */
export function lowerBound(x: readonly number[], value: number): number {
  let low = 0;
  let high = x.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((x[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The index of what is nearest; -1 where there is nothing. */
export function nearest(x: readonly number[], value: number): number {
  const after = lowerBound(x, value);
  if (after === x.length) return x.length - 1;
  if (after === 0) return 0;
  return value - (x[after - 1] as number) <= (x[after] as number) - value ? after - 1 : after;
}

/** The value nearest to a place; null in a gap, and beyond both ends. */
export function valueAt({ x, y }: Series, at: number): number | null {
  const first = x[0];
  const last = x.at(-1);
  if (first === undefined || last === undefined || at < first || at > last) return null;
  return y[nearest(x, at)] ?? null;
}

export const within = (x: number, range: Range): boolean => range === null || (x >= range[0] && x <= range[1]);

/** null: there is no value. */
export function figures({ x, y }: Series, range: Range = null): Figures | null {
  const found = y.filter((value, i): value is number => value !== null && within(x[i] as number, range));
  if (found.length === 0) return null;
  return {
    count: found.length,
    mean: found.reduce((sum, value) => sum + value, 0) / found.length,
    least: found.reduce((a, b) => Math.min(a, b)),
    most: found.reduce((a, b) => Math.max(a, b)),
    last: found.at(-1) as number,
  };
}

/** Several series as one, in steps of one width: `how` makes one value of those of each step. */
export function pool(all: readonly Series[], width: number, how: (values: number[]) => number): Series {
  const steps = new Map<number, number[][]>();
  all.forEach((one, which) => {
    one.x.forEach((at, i) => {
      const value = one.y[i];
      if (value === null || value === undefined) return;
      const step = Math.floor(at / width) * width;
      const cells = steps.get(step) ?? [];
      steps.set(step, cells);
      (cells[which] ??= []).push(value);
    });
  });
  const x = [...steps.keys()].sort((a, b) => a - b);
  // First each one's own, so that who was sampled more often does not count for more.
  return { x, y: x.map((at) => how((steps.get(at) ?? []).filter(Boolean).map(how))) };
}

export const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
export const least = (values: number[]): number => Math.min(...values);
export const most = (values: number[]): number => Math.max(...values);

/** Exponential smoothing as TensorBoard does it: `weight` (0: none, towards 1: more) of what came before, corrected for
 *  the start, where nothing came before. Gaps stay. */
export function smooth(y: readonly (number | null)[], weight: number): (number | null)[] {
  let sum = 0;
  let count = 0;
  return y.map((value) => {
    if (value === null) return null;
    sum = sum * weight + (1 - weight) * value;
    count += 1;
    return weight === 0 ? value : sum / (1 - weight ** count);
  });
}

/** Half of a range around its middle (`by` 0.5), or twice as much (2); everything where it would be more than there is. */
export function zoomed(all: readonly [number, number], range: Range, by: number, around: number | null): Range {
  const [from, to] = range ?? all;
  const middle = around === null || !within(around, [from, to]) ? (from + to) / 2 : around;
  const next: [number, number] = [
    Math.max(all[0], middle - (middle - from) * by),
    Math.min(all[1], middle + (to - middle) * by),
  ];
  return next[0] <= all[0] && next[1] >= all[1] ? null : next;
}
