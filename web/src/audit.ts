// SPDX-License-Identifier: MIT
// The audit log's filters: from the page's address, to the page's address, to the API's query.
import type { Params } from './router.ts';
import { midnight } from './users.ts';

export const AUDIT_METHODS = ['POST', 'PUT', 'DELETE'] as const;

export interface AuditFilter {
  actor: string;
  ip: string;
  route: string;
  code: string;
  method: string;
  /** Days, "2026-12-31" or ''; both are within. */
  since: string;
  until: string;
  /** Records older than this one; 0: the newest. */
  cursor: number;
}

const TEXTS = ['actor', 'ip', 'route', 'code', 'method'] as const;

export function parseAudit(query: URLSearchParams): AuditFilter {
  const day = (key: string): string => (midnight(query.get(key) ?? '') === null ? '' : (query.get(key) as string));
  const cursor = Number(query.get('cursor') ?? 0);
  const [actor, ip, route, code, method] = TEXTS.map((key) => query.get(key) ?? '') as [string, string, string, string, string];
  return { actor, ip, route, code, method, since: day('since'), until: day('until'), cursor: Number.isSafeInteger(cursor) && cursor > 0 ? cursor : 0 };
}

export const auditParams = (filter: AuditFilter): Params => ({ ...filter, cursor: filter.cursor > 0 ? filter.cursor : null });

export function auditQuery(filter: AuditFilter): URLSearchParams {
  const query = new URLSearchParams();
  for (const key of TEXTS) if (filter[key] !== '') query.set(key, filter[key]);
  const [since, until] = [midnight(filter.since), midnight(filter.until, 1)];
  if (since !== null) query.set('since', String(since));
  if (until !== null) query.set('until', String(until));
  if (filter.cursor > 0) query.set('cursor', String(filter.cursor));
  return query;
}
