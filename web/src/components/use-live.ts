// SPDX-License-Identifier: MIT
// Ties a Live to a component: asked for at once, again when the server reports a change that
// concerns it, and closed with the component.
import { useEffect, useMemo } from 'preact/hooks';
import { Live } from '../live.ts';
import type { Change } from '../sse.ts';
import { onChange } from '../store.ts';

/** `load` is asked again whenever `key` changes; the old data stays until the new is there. */
export function useLive<T>(load: () => Promise<T>, key: string, concerns: (change: Change) => boolean): Live<T> {
  const hold = useMemo(() => ({ load, concerns }), []);
  hold.load = load;
  hold.concerns = concerns;
  const live = useMemo(() => new Live<T>(() => hold.load()), []);
  useEffect(() => void live.refresh(), [key]);
  useEffect(() => {
    const end = onChange((change) => {
      if (hold.concerns(change)) live.touch();
    });
    return () => {
      end();
      live.close();
    };
  }, []);
  return live;
}
