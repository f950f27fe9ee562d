// SPDX-License-Identifier: MIT
// The job list's filters, one click each. They change the address and nothing else.
import { FILTER_STATES, type Filters, filterParams, isFiltered } from '../filters.ts';
import { go, jobsHref } from '../router.ts';
import { GLYPHS, shownState, t } from '../words.ts';
import { Chip, Search } from './filter.tsx';

interface Props {
  filters: Filters;
  clusters: readonly string[];
}

export function FilterBar({ filters, clusters }: Props) {
  // A filter that changes starts at the first page again.
  const href = (change: Partial<Filters>): string => jobsHref(filterParams({ ...filters, page: 1, ...change }));
  const others = filters.user !== '' && filters.user !== '@me';
  return (
    <search class="filters" aria-label={t('jobs.filters')}>
      <Search name="keyword" word={t('jobs.search')} value={filters.keyword} href={(text) => href({ keyword: text })} />
      <span class="chips" role="group" aria-label={t('jobs.whose')}>
        <Chip href={href({ user: '' })} on={filters.user === ''}>
          {t('jobs.everyone')}
        </Chip>
        <Chip href={href({ user: '@me' })} on={filters.user === '@me'}>
          {t('jobs.mine')}
        </Chip>
        {others && (
          <Chip href={href({ user: '' })} on title={t('jobs.user.remove')}>
            {t('jobs.user', { user: filters.user })} <span aria-hidden="true">×</span>
          </Chip>
        )}
      </span>
      <span class="chips" role="group" aria-label={t('jobs.states')}>
        {FILTER_STATES.map((state) => {
          const shown = shownState({ state });
          const on = filters.states.includes(state);
          const states = on ? filters.states.filter((other) => other !== state) : [...filters.states, state];
          return (
            <a key={state} class={`chip state-${shown}`} href={href({ states })} aria-current={on ? 'true' : undefined}>
              <span class="glyph" aria-hidden="true">
                {GLYPHS[shown]}
              </span>{' '}
              {t(`state.${shown}`)}
            </a>
          );
        })}
      </span>
      <select
        aria-label={t('column.vc')}
        value={filters.vc}
        onChange={(event) => go(href({ vc: event.currentTarget.value }))}
      >
        <option value="">{t('jobs.vc.any')}</option>
        {/* One that was asked for in the address but does not exist must still be seen. */}
        {[...new Set([...clusters, ...(filters.vc ? [filters.vc] : [])])].map((vc) => (
          <option key={vc} value={vc}>
            {vc}
          </option>
        ))}
      </select>
      {isFiltered(filters) && <a href={jobsHref()}>{t('jobs.clear')}</a>}
    </search>
  );
}
