// SPDX-License-Identifier: MIT
// A state: glyph, word and colour, never colour alone.
import { GLYPHS, type ShownState, t } from '../words.ts';

export function State({ state }: { state: ShownState }) {
  return (
    <span class={`state state-${state}`}>
      <span class="glyph" aria-hidden="true">
        {GLYPHS[state]}
      </span>{' '}
      {t(`state.${state}`)}
    </span>
  );
}
