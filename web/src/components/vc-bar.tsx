// SPDX-License-Identifier: MIT
// What a virtual cluster holds of what it is promised: a bar, and the same in words. Borrowed and opportunistic parts are
// hatched, so that no colour is needed.
import { ta } from '../admin-words.ts';
import type { VcGpus } from '../api-admin.ts';
import { barOf } from '../vcs.ts';

/** Once on the page: the hatchings that the bars use. */
export function VcPatterns() {
  return (
    <svg class="patterns" width="0" height="0" aria-hidden="true">
      <defs>
        <pattern id="hatch-borrowed" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect class="part-borrowed" width="2.4" height="4" />
        </pattern>
        <pattern id="hatch-opportunistic" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)">
          <rect class="part-opportunistic" width="1.4" height="4" />
        </pattern>
      </defs>
    </svg>
  );
}

const FILLS = { used: undefined, borrowed: 'url(#hatch-borrowed)', opportunistic: 'url(#hatch-opportunistic)' } as const;
const WIDTH = 160;

export function VcBar({ gpus }: { gpus: VcGpus }) {
  const { segments, mark } = barOf(gpus);
  const px = (percent: number): number => (percent * WIDTH) / 100;
  return (
    <span class="vc-bar">
      <svg width={WIDTH} height={14} aria-hidden="true">
        <rect class="vc-frame" x="0.5" y="0.5" width={WIDTH - 1} height="13" />
        {segments.map(({ what, from, width }) => (
          <rect key={what} class={`part part-${what}`} fill={FILLS[what]} x={px(from)} y="1" width={px(width)} height="12" />
        ))}
        {mark > 0 && mark < 100 && <path class="vc-mark" d={`M${px(mark)} 0v14`} />}
      </svg>{' '}
      <span>
        {ta('vcs.bar.used', { used: gpus.used, guaranteed: gpus.guaranteed })}
        {gpus.borrowed > 0 && ` · ${ta('vcs.bar.borrowed', { count: gpus.borrowed })}`}
        {gpus.opportunistic > 0 && ` · ${ta('vcs.bar.opportunistic', { count: gpus.opportunistic })}`}
      </span>
    </span>
  );
}
