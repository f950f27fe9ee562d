// SPDX-License-Identifier: MIT
// Routes live in the fragment (`#/jobs?state=RUNNING`): the page is one file, so it works below any
// base path and on any server, and every filter is in the address.
import { computed, signal } from '@preact/signals';

/** Pages that are named by a word. */
const PAGES = [
  ...(['alerts', 'api', 'compare', 'nodes', 'profile', 'reports', 'reservations', 'submit', 'templates'] as const),
  ...(['vcs', 'users', 'groups', 'gpus', 'audit', 'settings', 'help'] as const),
] as const;

export type Page = (typeof PAGES)[number];

export type Route =
  | { view: 'home' | 'jobs'; query: URLSearchParams }
  | { view: 'job'; job: string; query: URLSearchParams }
  | { view: 'template'; template: string; query: URLSearchParams }
  | { view: Page; query: URLSearchParams }
  | { view: 'node'; node: string; query: URLSearchParams }
  | { view: 'invite'; secret: string; query: URLSearchParams }
  | { view: 'missing'; query: URLSearchParams };

/** Reads a fragment, with or without its '#'. An empty one is the home page. */
export function parseRoute(fragment: string): Route {
  const text = fragment.replace(/^#/, '');
  const mark = text.indexOf('?');
  const path = mark < 0 ? text : text.slice(0, mark);
  const query = new URLSearchParams(mark < 0 ? '' : text.slice(mark + 1));
  const parts = path.split('/').filter((part) => part !== '');
  if (parts.length === 0) return { view: 'home', query };
  if (parts.length === 1 && parts[0] === 'jobs') return { view: 'jobs', query };
  if (parts.length === 2 && (parts[0] === 'jobs' || parts[0] === 'nodes' || parts[0] === 'templates')) {
    const name = decode(parts[1] as string);
    if (name !== null && parts[0] === 'templates') return { view: 'template', template: name, query };
    if (name !== null) return parts[0] === 'jobs' ? { view: 'job', job: name, query } : { view: 'node', node: name, query };
  }
  const [noun, secret] = parts;
  const page = parts.length === 1 && PAGES.find((name) => name === noun);
  if (page) return { view: page, query };
  if (parts.length === 2 && noun === 'invite' && secret) return { view: 'invite', secret, query };
  return { view: 'missing', query };
}

/** A malformed escape in a hand-written address is a missing page, not an exception. */
function decode(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

/** Parameters whose value is empty or null are left out, so that the default has the shortest address. */
export type Params = Record<string, string | number | null | undefined>;

function withQuery(path: string, params: Params): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) {
    if (value !== null && value !== undefined && value !== '') query.set(key, String(value));
  }
  const text = query.toString();
  return `#${path}${text ? `?${text}` : ''}`;
}

export const pageHref = (page: Page, params: Params = {}): string => withQuery(`/${page}`, params);

export const jobsHref = (params: Params = {}): string => withQuery('/jobs', params);

export const homeHref = '#/';

/** With the text of a job (`from`) or of a template to begin with. */
export const submitHref = (params: Params = {}): string => withQuery('/submit', params);

export const templatesHref = (params: Params = {}): string => withQuery('/templates', params);

export const templateHref = (name: string): string => withQuery(`/templates/${encodeURIComponent(name)}`, {});

export const apiHref = '#/api';

export const profileHref = '#/profile';

export const reservationsHref = (params: Params = {}): string => withQuery('/reservations', params);

export const nodesHref = (params: Params = {}): string => withQuery('/nodes', params);

export const reportsHref = (params: Params = {}): string => withQuery('/reports', params);

export const nodeHref = (node: string): string => withQuery(`/nodes/${encodeURIComponent(node)}`, {});

export const jobHref = (job: string, params: Params = {}): string =>
  withQuery(`/jobs/${encodeURIComponent(job)}`, params);

/** The curves of these jobs in one chart each. */
export const compareHref = (jobs: readonly string[]): string => withQuery('/compare', { jobs: jobs.join(',') });

const fragment = signal('');

export const route = computed<Route>(() => parseRoute(fragment.value));

/** Starts to follow the address bar. Called once. */
export function startRouter(): void {
  const read = (): void => {
    fragment.value = location.hash;
  };
  addEventListener('hashchange', read);
  read();
}

/** Goes to an address; `replace` leaves no entry in the history (for every keystroke of a filter). */
export function go(href: string, replace = false): void {
  if (replace) {
    history.replaceState(null, '', href);
    fragment.value = href;
  } else {
    location.hash = href;
  }
}
