// SPDX-License-Identifier: MIT
// States of nodes and of their GPUs: glyph, word and colour, as those of jobs.
import type { Device, Node, NodeState } from '../api.ts';
import { type ShownState, GLYPHS, t } from '../words.ts';

const LOOKS: Record<NodeState, ShownState> = {
  up: 'succeeded',
  maintenance: 'stopped',
  cordoned: 'stopped',
  draining: 'stopping',
  down: 'failed',
};

function Look({ shown, word }: { shown: ShownState; word: string }) {
  return (
    <span class={`state state-${shown}`}>
      <span class="glyph" aria-hidden="true">
        {GLYPHS[shown]}
      </span>{' '}
      {word}
    </span>
  );
}

export const NodeLook = ({ node }: { node: Node }) => <Look shown={LOOKS[node.state]} word={t(`node.${node.state}`)} />;

/** What was found to be wrong goes before what the driver says of itself. */
export function DeviceLook({ device: { health, state, quarantined } }: { device: Device }) {
  if (health.state === 'degraded') return <Look shown="waiting" word={t('gpu.degraded')} />;
  if (health.state !== 'ok') return <Look shown="failed" word={t(`gpu.${health.state}`)} />;
  if (quarantined) return <Look shown="failed" word={t('gpu.quarantined')} />;
  if (state === 'ok') return <Look shown="succeeded" word={t('gpu.ok')} />;
  return <Look shown={state === 'unknown' ? 'unknown' : 'failed'} word={t(`gpu.${state}`)} />;
}
