// SPDX-License-Identifier: MIT
// Times that stay right while one looks. Only the text node changes, and only when its text does.
import { useComputed } from '@preact/signals';
import { absolute, ago, duration } from '../format.ts';
import { now } from '../store.ts';
import { language } from '../words.ts';

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
