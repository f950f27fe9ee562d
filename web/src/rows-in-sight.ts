// SPDX-License-Identifier: MIT
// Of a long table, which rows are drawn. Pure.

/** A table with fewer rows is drawn whole. */
export const WHOLE_ROWS = 200;

export interface Span {
  first: number;
  /** One behind the last. */
  last: number;
}

/** `from`, `to`: what is in sight, in pixels from the first row; rows are `height` pixels high, 0 = not known yet. */
export function rowsInSight(count: number, height: number, from: number, to: number): Span {
  if (count <= WHOLE_ROWS) return { first: 0, last: count };
  if (height <= 0 || to <= from) return { first: 0, last: Math.min(count, WHOLE_ROWS / 4) };
  const first = Math.min(Math.max(Math.floor(from / height), 0), count - 1);
  return { first, last: Math.min(Math.max(Math.ceil(to / height), first + 1), count) };
}
