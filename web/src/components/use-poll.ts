// SPDX-License-Identifier: MIT
// Asks again and again while the page can be seen: for what changes without an event.
import { useEffect, useRef } from 'preact/hooks';
import { quiet } from '../store.ts';

/** One question at a time, `ms` after the one before began, or after its answer if that takes longer; null: none. A page
 *  that is seen again asks at once. */
export function usePoll(ask: () => Promise<void>, ms: number | null): void {
  const hold = useRef(ask);
  hold.current = ask;
  useEffect(() => {
    if (ms === null) return;
    let busy = false;
    const once = async (): Promise<void> => {
      if (busy || document.hidden) return;
      busy = true;
      await hold.current();
      busy = false;
    };
    const timer = setInterval(() => void once(), ms);
    const seen = (): void => void once();
    document.addEventListener('visibilitychange', seen);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', seen);
    };
  }, [ms]);
}

/** A page on which nothing happens asks no more often than this, each of its polls. */
const QUIET_MS = 60_000;

/** The same, seldom while all is quiet, and at once when it is not any more: for what is looked at, not waited for. */
export function useQuietPoll(ask: () => Promise<void>, ms: number): void {
  const still = quiet.value;
  const was = useRef(still);
  usePoll(ask, still ? Math.max(ms, QUIET_MS) : ms);
  useEffect(() => {
    if (was.current && !still) void ask();
    was.current = still;
  }, [still]);
}

/** Those who want little to move are shown new points more seldom. */
export const pollMs = (ms: number): number => (matchMedia('(prefers-reduced-motion: reduce)').matches ? ms * 5 : ms);
