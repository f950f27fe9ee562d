// SPDX-License-Identifier: MIT
// A field of a form with its label and, below it, what is wrong with what is in it.
import type { ComponentChildren } from 'preact';

interface Aria {
  id: string;
  'aria-invalid': boolean | undefined;
  'aria-describedby': string | undefined;
}

interface Props {
  id: string;
  label: string;
  hint?: string;
  /** '' = nothing is wrong. */
  problem?: string;
  children: (aria: Aria) => ComponentChildren;
}

export function Field({ id, label, hint, problem = '', children }: Props) {
  const described = [hint && `${id}-hint`, problem && `${id}-problem`].filter(Boolean).join(' ');
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, 'aria-invalid': problem !== '' || undefined, 'aria-describedby': described || undefined })}
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      <p class="problem" id={`${id}-problem`} role="alert">
        {problem}
      </p>
    </div>
  );
}
