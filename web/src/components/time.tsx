// SPDX-License-Identifier: MIT
// Times that stay right while one looks. Only the text node changes, and only when its text does.
import { useComputed } from '@preact/signals';
import { absolute, ago, duration } from '../format.ts';
import { now } from '../store.ts';
import { language, t } from '../words.ts';

/** Relative, with the absolute time on hover. */
export function Ago({ at }: { at: number }) {
  // A server whose clock is a second ahead must not talk of the future.
  const text = useComputed(() => ago(Math.max(now.value, at), at, language.value));
  return (
    <time dateTime={new Date(at).toISOString()} title={absolute(at, language.value)}>
      {text}
    </time>
  );
}

/** A span of time; while `to` is null it grows. */
export function Span({ from, to }: { from: number; to: number | null }) {
  if (to !== null) return <>{duration(to - from)}</>;
  return <Growing from={from} />;
}

function Growing({ from }: { from: number }) {
  const text = useComputed(() => duration(now.value - from));
  return <>{text}</>;
}

/** Counts down; the moment itself is on hover. Readers are not told each second: it is no live region. */
export function Left({ until }: { until: number }) {
  const [before, after] = t('time.left', { duration: '\0' }).split('\0');
  const text = useComputed(() => duration(until - now.value));
  return (
    <time dateTime={new Date(until).toISOString()} title={absolute(until, language.value)}>
      {before}
      {text}
      {after}
    </time>
  );
}

/** A moment to come, as "in 3 days". */
export function Coming({ at }: { at: number }) {
  const text = useComputed(() => ago(now.value, at, language.value));
  return (
    <time dateTime={new Date(at).toISOString()} title={absolute(at, language.value)}>
      {text}
    </time>
  );
}
