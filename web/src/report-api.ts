// SPDX-License-Identifier: MIT
// What reports ask of the server.
import { json, ROOT } from './api.ts';
import type { Asked, Report, ReportMail } from './reports.ts';

function query({ from, to, by }: Pick<Asked, 'from' | 'to' | 'by'>): URLSearchParams {
  const params = new URLSearchParams({ from: String(from), by: by.join(',') });
  if (to !== null) params.set('to', String(to));
  return params;
}

export const getReport = (what: Asked): Promise<Report> => json(`reports/gpu?${query(what)}`);

export const getDays = (what: Asked): Promise<Report> => json(`reports/gpu?${query({ ...what, by: ['day'] })}`);

/** The same as a table for spreadsheets, or as a page to print. */
export const reportHref = (what: Asked, format: 'csv' | 'html'): string => `${ROOT}reports/gpu?${query(what)}&format=${format}`;

export const getReportMail = (): Promise<ReportMail> => json('reports/mail');

export const setReportMail = (wish: Omit<ReportMail, 'nextTime'>): Promise<unknown> =>
  json('reports/mail', { method: 'PUT', body: { on: wish.on, weekday: wish.weekday, hour: wish.hour } });
