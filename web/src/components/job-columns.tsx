// SPDX-License-Identifier: MIT
// Which columns the job list has. The choice is in the address, and the browser keeps it for addresses that name none.
import { COLUMNS, type ColumnName, type Filters, filterParams, USUAL_COLUMNS } from '../filters.ts';
import { tj } from '../jobs-words.ts';
import { go, jobsHref } from '../router.ts';
import { chooseColumns } from '../store.ts';
import { t } from '../words.ts';
import { COLUMN_WORDS } from './job-table.tsx';

/** `shown`: those that the list has now. */
export function JobColumns({ filters, shown }: { filters: Filters; shown: readonly ColumnName[] }) {
  const choose = (next: readonly ColumnName[]): void => {
    const usual = next.join() === USUAL_COLUMNS.join();
    chooseColumns(usual ? null : next);
    go(jobsHref(filterParams({ ...filters, columns: usual ? null : next })), true);
  };
  return (
    <fieldset class="choices">
      <legend>{tj('columns.legend')}</legend>
      <label>
        <input type="checkbox" checked disabled /> {t('column.name')} <span class="dim">{tj('columns.always')}</span>
      </label>
      {COLUMNS.map((name) => {
        const on = shown.includes(name);
        return (
          <label key={name}>
            <input
              type="checkbox"
              checked={on}
              disabled={on && shown.length === 1}
              onChange={() => choose(COLUMNS.filter((other) => (other === name ? !on : shown.includes(other))))}
            />{' '}
            {t(COLUMN_WORDS[name])}
          </label>
        );
      })}
      <button type="button" onClick={() => choose(USUAL_COLUMNS)}>
        {tj('columns.reset')}
      </button>
    </fieldset>
  );
}
