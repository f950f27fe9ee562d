// SPDX-License-Identifier: MIT
// What stands above curves of task attempts: which tries are shown, and whether the curves go on.
import { t } from '../words.ts';
import type { Uses } from './use-uses.ts';

/** null: all of them. Of one alone there is nothing to choose. */
export function TryChoice({ tries, tried, onChoose }: { tries: readonly number[]; tried: number | null; onChoose: (tried: number | null) => void }) {
  if (tries.length < 2) return null;
  return (
    <label>
      {t('log.try')}{' '}
      <select value={tried ?? ''} onChange={(event) => onChoose(event.currentTarget.value === '' ? null : Number(event.currentTarget.value))}>
        <option value="">{t('gpus.tries')}</option>
        {tries.map((number) => (
          <option key={number} value={number}>
            {number + 1}
          </option>
        ))}
      </select>
    </label>
  );
}

export function Follow({ following, setFollowing }: Pick<Uses, 'following' | 'setFollowing'>) {
  return (
    <label>
      <input type="checkbox" checked={following} onChange={(event) => setFollowing(event.currentTarget.checked)} /> {t('gpus.follow')}
    </label>
  );
}
