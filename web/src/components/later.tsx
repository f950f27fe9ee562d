// SPDX-License-Identifier: MIT
// A part of the page whose code is loaded when it is shown first.
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { t } from '../words.ts';

interface Props<T> {
  load: () => Promise<T>;
  children: (part: T) => ComponentChildren;
}

export function Later<T>({ load, children }: Props<T>) {
  const [part, setPart] = useState<{ is: T } | null>(null);
  const [error, setError] = useState<Error | null>(null);
  useEffect(() => {
    load().then(
      (found) => setPart({ is: found }),
      (cause: Error) => setError(cause),
    );
  }, []);
  if (part) return <>{children(part.is)}</>;
  if (!error) return <p class="loading">{t('app.loading')}</p>;
  return (
    <p class="problem" role="alert">
      {error.message}
    </p>
  );
}
