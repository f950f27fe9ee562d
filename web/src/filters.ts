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
