// SPDX-License-Identifier: MIT
// The body of a table that may be long: only rows in sight are there, between two that hold the place of the others. The
// table says how many there are, each row which one it is. Rows are of one height.
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { rowsInSight } from '../rows-in-sight.ts';
import { useSight } from './use-window.ts';

interface Props<T> {
  items: readonly T[];
  /** A row, which must have this `aria-rowindex`. */
  children: (item: T, rowIndex: number) => ComponentChildren;
}

export function LongBody<T>({ items, children }: Props<T>) {
  const body = useRef<HTMLTableSectionElement>(null);
  const [height, setHeight] = useState(0);
  const { from, to } = useSight(body);
  const { first, last } = rowsInSight(items.length, height, from, to);
  useLayoutEffect(() => {
    const row = body.current?.querySelector('tr[aria-rowindex]');
    const found = row?.getBoundingClientRect().height ?? 0;
    if (found > 0 && Math.abs(found - height) > 0.5) setHeight(found);
  });
  return (
    <tbody ref={body}>
      <Gap height={first * height} />
      {/* The head is row 1. */}
      {items.slice(first, last).map((item, at) => children(item, first + at + 2))}
      <Gap height={(items.length - last) * height} />
    </tbody>
  );
}

const Gap = ({ height }: { height: number }) =>
  height > 0 ? <tr class="gap" aria-hidden="true" style={{ height: `${height}px` }} /> : null;
