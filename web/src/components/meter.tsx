// SPDX-License-Identifier: MIT
// How much of something is in use: a bar, and the figures beside it.
import { t } from '../words.ts';

export function Meter({ used, total, word, show = String }: MeterProps) {
  const text = t('use', { used: show(used), total: show(total) });
  return (
    <span class="use">
      <meter min={0} max={Math.max(total, 1)} value={used} aria-label={word} title={text} /> {text}
    </span>
  );
}

interface MeterProps {
  used: number;
  total: number;
  /** Of what. */
  word: string;
  show?: (value: number) => string;
}
