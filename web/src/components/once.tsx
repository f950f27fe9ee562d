// SPDX-License-Identifier: MIT
// What never changes and so is read once: it loads, or says why it cannot; then `children` shows it.
import type { ComponentChildren } from 'preact';
import { t } from '../words.ts';
import { useLive } from './use-live.ts';

/** `load` is asked again when `name` is another. */
export function Once<T>({ name, load, children }: OnceProps<T>) {
  const live = useLive(load, name, () => false);
  if (live.error.value) {
    return (
      <p class="problem" role="alert">
        {live.error.value.message}
      </p>
    );
  }
  if (live.data.value === null) return <p class="loading">{t('app.loading')}</p>;
  return <>{children(live.data.value)}</>;
}

interface OnceProps<T> {
  name: string;
  load: () => Promise<T>;
  children: (data: T) => ComponentChildren;
}
