// SPDX-License-Identifier: MIT
// The job list's filters, one click each. They change the address and nothing else.
import { FILTER_STATES, type Filters, filterParams, isFiltered } from '../filters.ts';
import { go, jobsHref } from '../router.ts';
import { GLYPHS, shownState, t } from '../words.ts';

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
      <input
        type="search"
        name="keyword"
        class="keyword"
        placeholder={t('jobs.search')}
        aria-label={t('jobs.search')}
        value={filters.keyword}
        onInput={(event) => go(href({ keyword: event.currentTarget.value }), true)}
      />
      <span class="chips" role="group" aria-label={t('jobs.whose')}>
        <a class="chip" href={href({ user: '' })} aria-current={filters.user === '' ? 'true' : undefined}>
          {t('jobs.everyone')}
        </a>
        <a class="chip" href={href({ user: '@me' })} aria-current={filters.user === '@me' ? 'true' : undefined}>
          {t('jobs.mine')}
        </a>
        {others && (
          <a class="chip" href={href({ user: '' })} aria-current="true" title={t('jobs.user.remove')}>
            {t('jobs.user', { user: filters.user })} <span aria-hidden="true">×</span>
          </a>
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
