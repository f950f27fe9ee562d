// SPDX-License-Identifier: MIT
// One page of jobs. A row is a link: the name for keyboards and new windows, the rest of the row
// for the pointer.
import type { ComponentChildren } from 'preact';
import type { JobSummary } from '../api.ts';
import { type ColumnName, type Filters, filterParams, type OrderField } from '../filters.ts';
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
  cell: (job: JobSummary, filters: Filters) => ComponentChildren;
}

const NAME = { word: 'column.name', order: 'jobName' } as const;

const COLUMNS: Record<ColumnName, Column> = {
  state: { word: 'column.state', order: 'state', cell: (job) => <StateCell job={job} /> },
  user: { word: 'column.user', order: 'username', cell: (job, filters) => <UserCell job={job} filters={filters} /> },
  vc: { word: 'column.vc', order: 'vc', cell: (job) => job.virtualCluster },
  tasks: { word: 'column.tasks', order: 'totalTaskNumber', number: true, cell: (job) => job.totalTaskNumber },
  gpus: { word: 'column.gpus', order: 'totalGpuNumber', number: true, cell: (job) => job.totalGpuNumber },
  priority: { word: 'column.priority', order: 'jobPriority', cell: (job) => priorityWord(job.jobPriority) },
  submitted: { word: 'column.submitted', order: 'submissionTime', cell: (job) => <Ago at={job.submissionTime} /> },
  started: { word: 'job.started', order: null, cell: (job) => job.launchedTime !== null && <Ago at={job.launchedTime} /> },
  ended: { word: 'job.ended', order: null, cell: (job) => job.completedTime !== null && <Ago at={job.completedTime} /> },
  duration: {
    word: 'column.duration',
    order: null,
    number: true,
    cell: (job) =>
      job.launchedTime !== null &&
      (job.completedTime !== null || !isFinal(job.state)) && <Span from={job.launchedTime} to={job.completedTime} />,
  },
  retries: { word: 'column.retries', order: 'retries', number: true, cell: (job) => job.retries },
  exit: { word: 'task.exit', order: null, number: true, cell: (job) => job.appExitCode },
};

export const COLUMN_WORDS = Object.fromEntries(Object.entries(COLUMNS).map(([name, { word }]) => [name, word])) as Record<ColumnName, Key>;

interface Props {
  jobs: readonly JobSummary[];
  filters: Filters;
  columns: readonly ColumnName[];
  changeable: ReadonlySet<string>;
  selected: ReadonlySet<string>;
  onSelect: (names: ReadonlySet<string>) => void;
}

export function JobTable({ jobs, filters, columns, changeable, selected, onSelect }: Props) {
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
            <Head column={NAME} filters={filters} />
            {columns.map((name) => (
              <Head key={name} column={COLUMNS[name]} filters={filters} />
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
                columns={columns}
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

function Head({ column, filters }: { column: Omit<Column, 'cell'>; filters: Filters }) {
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
  columns: readonly ColumnName[];
  canChange: boolean;
  selected: boolean;
  onToggle: () => void;
}

function Row({ job, name, filters, columns, canChange, selected, onToggle }: RowProps) {
  const href = jobHref(name);
  const open = (event: MouseEvent): void => {
    const inner = (event.target as Element).closest('a, input, button');
    if (!inner && String(getSelection()) === '') go(href);
  };
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
      {columns.map((column) => (
        <td key={column} class={column === 'state' ? 'state-cell' : COLUMNS[column].number ? 'number' : undefined}>
          {COLUMNS[column].cell(job, filters)}
        </td>
      ))}
    </tr>
  );
}

function StateCell({ job }: { job: JobSummary }) {
  const shown = shownState(job);
  const why = job.waitReason ?? (job.state === 'FAILED' ? job.exitPhrase : null);
  return (
    <>
      <State state={shown} />
      {why && (
        <span class="why" title={why}>
          {goesOn(t(`state.${shown}`), why)}
        </span>
      )}
    </>
  );
}

function UserCell({ job, filters }: { job: JobSummary; filters: Filters }) {
  return (
    <a href={jobsHref(filterParams({ ...filters, user: job.username, page: 1 }))} aria-label={t('jobs.ofUser', { user: job.username })}>
      {job.username}
    </a>
  );
}
