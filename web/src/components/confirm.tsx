// SPDX-License-Identifier: MIT
// A question before what cannot be undone. Enter does nothing: the focus is on Cancel.
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { t } from '../words.ts';

interface Props {
  title: string;
  /** What the button that does it says. */
  yes: string;
  /** What will be hit. */
  children: ComponentChildren;
  /** Nothing is lost by it. */
  mild?: boolean;
  onClose: (yes: boolean) => void;
}

export function Confirm({ title, yes, children, mild, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} aria-labelledby="confirm-title" onClose={() => onClose(false)}>
      <h2 id="confirm-title">{title}</h2>
      {children}
      <p class="answers">
        <button type="button" autofocus onClick={() => onClose(false)}>
          {t('stop.cancel')}
        </button>
        <button type="button" class={mild ? 'primary' : 'danger'} onClick={() => onClose(true)}>
          {yes}
        </button>
      </p>
    </dialog>
  );
}
