// SPDX-License-Identifier: MIT
// Saved views of the job list: a name and the address that it stands for, a few of them, kept by the browser. Pure.

export interface View {
  name: string;
  /** The address's query: filters, order, columns. */
  query: string;
}

export const VIEWS_MAX = 20;
export const VIEW_NAME_MAX = 60;

/** What the browser kept; what makes no sense there is left out. */
export function parseViews(text: string | null): View[] {
  let found: unknown;
  try {
    found = JSON.parse(text ?? '[]');
  } catch {
    return [];
  }
  if (!Array.isArray(found)) return [];
  const fits = (one: Partial<View> | null): one is View =>
    typeof one?.name === 'string' && one.name !== '' && one.name.length <= VIEW_NAME_MAX && typeof one.query === 'string';
  return found.filter(fits).slice(0, VIEWS_MAX).map(({ name, query }) => ({ name, query }));
}

/** With this one, in the place of one of its name; null where there is no room. */
export function withView(views: readonly View[], view: View): View[] | null {
  if (views.some(({ name }) => name === view.name)) return views.map((one) => (one.name === view.name ? view : one));
  return views.length < VIEWS_MAX ? [...views, view] : null;
}

export const withoutView = (views: readonly View[], name: string): View[] => views.filter((one) => one.name !== name);
