// SPDX-License-Identifier: MIT
// Says whether what one sees is live, and if not, how old it is.
import { ago } from '../format.ts';
import { now } from '../store.ts';
import { status } from '../stream.ts';
import { language, t } from '../words.ts';

export function StreamState() {
  const { state, heard } = status.value;
  return (
    <p class={`stream stream-${state}`} role="status">
      <span class="dot" aria-hidden="true" />
      {t(`stream.${state}`)}
      {state === 'lost' && heard > 0 && <Age heard={heard} />}
    </p>
  );
}

/** Hidden from readers: a text that changes every second would never let them finish. */
function Age({ heard }: { heard: number }) {
  return (
    <span class="dim" aria-hidden="true">
      {' · '}
      {t('stream.age', { ago: ago(now.value, heard, language.value) })}
    </span>
  );
}
