// SPDX-License-Identifier: MIT
// Which part of a long element the page shows: it is scrolled with the page, and only the part in sight is drawn.
import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';

export interface Sight {
  width: number;
  /** In the element's own pixels; beyond what is seen, so that a quick scroll meets no gap. */
  from: number;
  to: number;
}

/** How far beyond; and the steps in which it moves, so that most scrolling draws nothing. */
const BEYOND = 600;
const STEP = 200;

export function useSight(element: RefObject<HTMLElement | null>): Sight {
  const [sight, setSight] = useState<Sight>({ width: 0, from: 0, to: 0 });
  useEffect(() => {
    const look = (): void => {
      const box = element.current?.getBoundingClientRect();
      if (!box) return;
      const from = Math.floor((-box.top - BEYOND) / STEP) * STEP;
      const to = Math.ceil((-box.top + innerHeight + BEYOND) / STEP) * STEP;
      setSight((old) => (old.width === box.width && old.from === from && old.to === to ? old : { width: box.width, from, to }));
    };
    const watcher = new ResizeObserver(look);
    if (element.current) watcher.observe(element.current);
    addEventListener('scroll', look, { passive: true });
    addEventListener('resize', look);
    look();
    return () => {
      watcher.disconnect();
      removeEventListener('scroll', look);
      removeEventListener('resize', look);
    };
  }, []);
  return sight;
}
