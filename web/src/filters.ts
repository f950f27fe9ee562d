// SPDX-License-Identifier: MIT
// The job list's filters: from the page's address, to the page's address, to the API's query.
import type { JobState } from './api.ts';
import type { Params } from './router.ts';

export const PAGE_SIZE = 50;

export const FILTER_STATES: readonly JobState[] = ['WAITING', 'RUNNING', 'SUCCEEDED', 'FAILED', 'STOPPED'];

/** Columns that the server can order by, with the API's names. */
export const ORDER_FIELDS = [
  'jobName',
  'username',
  'vc',
  'state',
  'totalTaskNumber',
  'totalGpuNumber',
  'jobPriority',
  'submissionTime',
  'retries',
] as const;

/** Columns that one may choose, as the address names them; the name of a job and its box to tick are always there. */
export const COLUMNS = [
  'state',
  'user',
  'vc',
  'tasks',
  'gpus',
  'priority',
  'submitted',
  'started',
  'ended',
  'duration',
  'retries',
  'exit',
] as const;

export type ColumnName = (typeof COLUMNS)[number];

/** Those of somebody who has chosen none. */
export const USUAL_COLUMNS: readonly ColumnName[] = COLUMNS.filter((name) => !['started', 'ended', 'exit'].includes(name));

export type OrderField = (typeof ORDER_FIELDS)[number];

export interface Filters {
  keyword: string;
  /** A user's name, '@me', or '' for all. */
  user: string;
  vc: string;
  states: JobState[];
  order: OrderField;
  descending: boolean;
  /** From 1. */
  page: number;
  /** Those that the address names; null: it names none. */
  columns: readonly ColumnName[] | null;
}

/** Columns as they are written in addresses and kept, in the list's order; null where it names none that there is. */
export function parseColumns(text: string | null): readonly ColumnName[] | null {
  const asked = (text ?? '').split(',');
  const found = COLUMNS.filter((name) => asked.includes(name));
  return found.length > 0 ? found : null;
}

/** Reads an address; what makes no sense there is taken as not given. */
export function parseFilters(query: URLSearchParams): Filters {
  const asked = (query.get('state') ?? '').split(',');
  const [field, direction] = (query.get('order') ?? 'submissionTime,DESC').split(',');
  const known = ORDER_FIELDS.find((name) => name === field);
  const page = Number(query.get('page') ?? 1);
  return {
    keyword: query.get('q') ?? '',
    user: query.get('user') ?? '',
    vc: query.get('vc') ?? '',
    states: FILTER_STATES.filter((state) => asked.includes(state)),
    order: known ?? 'submissionTime',
    descending: known ? direction !== 'ASC' : true,
    page: Number.isSafeInteger(page) && page > 0 ? page : 1,
    columns: parseColumns(query.get('columns')),
  };
}

/** The shortest address that means the same. */
export function filterParams(filters: Filters): Params {
  const order = `${filters.order},${filters.descending ? 'DESC' : 'ASC'}`;
  return {
    q: filters.keyword,
    user: filters.user,
    vc: filters.vc,
    state: filters.states.join(','),
    order: order === 'submissionTime,DESC' ? null : order,
    columns: filters.columns?.join(',') ?? null,
    page: filters.page > 1 ? filters.page : null,
  };
}

/** The query for the API's list; `me` is who asks. */
export function apiQuery(filters: Filters, me: string): URLSearchParams {
  const query = new URLSearchParams({
    offset: String((filters.page - 1) * PAGE_SIZE),
    limit: String(PAGE_SIZE),
    order: `${filters.order},${filters.descending ? 'DESC' : 'ASC'}`,
    withTotalCount: 'true',
  });
  if (filters.keyword) query.set('keyword', filters.keyword);
  if (filters.user) query.set('username', filters.user === '@me' ? me : filters.user);
  if (filters.vc) query.set('vc', filters.vc);
  if (filters.states.length > 0) query.set('state', filters.states.join(','));
  return query;
}

/** Does any filter hide jobs? (Order and page do not.) */
export const isFiltered = (filters: Filters): boolean =>
  filters.keyword !== '' || filters.user !== '' || filters.vc !== '' || filters.states.length > 0;
