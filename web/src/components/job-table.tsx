// SPDX-License-Identifier: MIT
// One page of jobs. A row is a link: the name for keyboards and new windows, the rest of the row
// for the pointer.
import type { JobSummary } from '../api.ts';
import { type Filters, filterParams, type OrderField } from '../filters.ts';
import { fullName } from '../format.ts';
import { go, jobHref, jobsHref } from '../router.ts';
import { isFinal, type Key, priorityWord, shownState, t } from '../words.ts';
import { State } from './state.tsx';
import { Ago, Span } from './time.tsx';

interface Column {
  word: Key;
  /** How the server orders by it; null where it cannot. */
  order: OrderField | null;
  number?: boolean;
}

const COLUMNS: readonly Column[] = [
  { word: 'column.name', order: 'jobName' },
  { word: 'column.state', order: 'state' },
  { word: 'column.user', order: 'username' },
  { word: 'column.vc', order: 'vc' },
  { word: 'column.tasks', order: 'totalTaskNumber', number: true },
  { word: 'column.gpus', order: 'totalGpuNumber', number: true },
  { word: 'column.priority', order: 'jobPriority' },
  { word: 'column.submitted', order: 'submissionTime' },
  { word: 'column.duration', order: null, number: true },
  { word: 'column.retries', order: 'retries', number: true },
];

interface Props {
  jobs: readonly JobSummary[];
  filters: Filters;
  changeable: ReadonlySet<string>;
  selected: ReadonlySet<string>;
  onSelect: (names: ReadonlySet<string>) => void;
}

export function JobTable({ jobs, filters, changeable, selected, onSelect }: Props) {
  const all = changeable.size > 0 && selected.size === changeable.size;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={t('jobs.caption')}>
      <table class="list">
        <thead>
          <tr>
            <th class="check">
              <input
                type="checkbox"
                aria-label={t('jobs.selectAll')}
                checked={all}
                indeterminate={!all && selected.size > 0}
                disabled={changeable.size === 0}
                onChange={() => onSelect(all ? new Set() : changeable)}
              />
            </th>
            {COLUMNS.map((column) => (
              <Head key={column.word} column={column} filters={filters} />
            ))}
          </tr>
        </thead>
        <tbody>
          {jobs.map((job) => {
            const name = fullName(job.username, job.name);
            const toggle = (): void => {
              const next = new Set(selected);
              if (!next.delete(name)) next.add(name);
              onSelect(next);
            };
            return (
              <Row
                key={name}
                job={job}
                name={name}
                filters={filters}
                canChange={changeable.has(name)}
                selected={selected.has(name)}
                onToggle={toggle}
              />
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function Head({ column, filters }: { column: Column; filters: Filters }) {
  const { order, word } = column;
  const cls = column.number ? 'number' : undefined;
  if (order === null) {
    return (
      <th scope="col" class={cls}>
        {t(word)}
      </th>
    );
  }
  const active = filters.order === order;
  const descending = active ? !filters.descending : order === 'submissionTime';
  return (
    <th scope="col" class={cls} aria-sort={active ? (filters.descending ? 'descending' : 'ascending') : undefined}>
      <a href={jobsHref(filterParams({ ...filters, order, descending, page: 1 }))}>
        {t(word)}
        {active && <span aria-hidden="true">{filters.descending ? ' ▼' : ' ▲'}</span>}
      </a>
    </th>
  );
}

/** The server's sentence after the state's word, which it may begin with: "Waiting" + " for 8 GPUs". */
const goesOn = (word: string, sentence: string): string =>
  sentence.startsWith(`${word} `) ? sentence.slice(word.length) : ` · ${sentence}`;

interface RowProps {
  job: JobSummary;
  name: string;
  filters: Filters;
  canChange: boolean;
  selected: boolean;
  onToggle: () => void;
}

function Row({ job, name, filters, canChange, selected, onToggle }: RowProps) {
  const href = jobHref(name);
  const shown = shownState(job);
  const open = (event: MouseEvent): void => {
    const inner = (event.target as Element).closest('a, input, button');
    if (!inner && String(getSelection()) === '') go(href);
  };
  const why = job.waitReason ?? (job.state === 'FAILED' ? job.exitPhrase : null);
  return (
    <tr data-job={name} onClick={open}>
      <td class="check">
        <input
          type="checkbox"
          aria-label={t('jobs.select', { job: name })}
          checked={selected}
          disabled={!canChange}
          onChange={onToggle}
        />
      </td>
      <th scope="row">
        <a href={href}>{job.name}</a>
      </th>
      <td class="state-cell">
        <State state={shown} />
        {why && (
          <span class="why" title={why}>
            {goesOn(t(`state.${shown}`), why)}
          </span>
        )}
      </td>
      <td>
        <a
          href={jobsHref(filterParams({ ...filters, user: job.username, page: 1 }))}
          aria-label={t('jobs.ofUser', { user: job.username })}
        >
          {job.username}
        </a>
      </td>
      <td>{job.virtualCluster}</td>
      <td class="number">{job.totalTaskNumber}</td>
      <td class="number">{job.totalGpuNumber}</td>
      <td>{priorityWord(job.jobPriority)}</td>
      <td>
        <Ago at={job.submissionTime} />
      </td>
      <td class="number">
        {job.launchedTime !== null && (job.completedTime !== null || !isFinal(job.state)) && (
          <Span from={job.launchedTime} to={job.completedTime} />
        )}
      </td>
      <td class="number">{job.retries}</td>
    </tr>
  );
}
