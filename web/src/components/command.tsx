// SPDX-License-Identifier: MIT
// Something to be copied: a line for a terminal, or a secret that is shown once.
import { useRef } from 'preact/hooks';
import { notify } from '../store.ts';
import { t } from '../words.ts';

/** `word` says what is copied where the text itself must not be read aloud. */
export function Command({ text, word }: { text: string; word?: string }) {
  const shown = useRef<HTMLElement>(null);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      notify(t('copy.done'));
    } catch {
      // Plain HTTP off loopback has no clipboard, and it may be forbidden: the keyboard does it.
      if (shown.current) getSelection()?.selectAllChildren(shown.current);
      notify(t('copy.selected'));
    }
  };
  return (
    <span class="command">
      <code ref={shown}>{text}</code>
      <button type="button" class="quiet" aria-label={t('copy.what', { what: word ?? text })} onClick={() => void copy()}>
        {t('copy')}
      </button>
    </span>
  );
}
