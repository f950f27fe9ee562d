// SPDX-License-Identifier: MIT
// What is kept fresh by a Live: it loads, or says why it cannot and offers another try; what was there stays.
import type { ComponentChildren } from 'preact';
import type { Live } from '../live.ts';
import { t } from '../words.ts';

export function Loaded<T>({ live, children }: { live: Live<T>; children: (data: T) => ComponentChildren }) {
  const { data, error } = { data: live.data.value, error: live.error.value };
  return (
    <>
      {error && (
        <p class="problem" role="alert">
          {error.message}{' '}
          <button type="button" onClick={() => void live.refresh()}>
            {t('retry')}
          </button>
        </p>
      )}
      {data !== null ? children(data) : !error && <p class="loading">{t('app.loading')}</p>}
    </>
  );
}
