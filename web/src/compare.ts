// SPDX-License-Identifier: MIT
// Which jobs are compared, and which of their runs stand first. Pure.
import type { ScalarRun } from './api.ts';
import { fullName } from './format.ts';

/** More lines would not be told apart, and each job is a question to the server. */
export const COMPARED_MAX = 8;

/** The full names of the jobs that an address names, each once; names alone are the user's own. */
export function comparedJobs(query: URLSearchParams, user: string): string[] {
  const names = (query.get('jobs') ?? '').split(',').map((name) => name.trim());
  const full = names.filter((name) => name !== '').map((name) => fullName(user, name));
  return [...new Set(full)].slice(0, COMPARED_MAX);
}

/** Of the newest attempt that wrote anything, as the runs of this job. */
export function newestRuns(job: string, runs: readonly ScalarRun[]): ScalarRun[] {
  const written = runs.filter(({ tags }) => tags.length > 0);
  const newest = Math.max(...written.map(({ jobAttempt }) => jobAttempt));
  return written.filter(({ jobAttempt }) => jobAttempt === newest).map((run) => ({ ...run, job }));
}

/** The first run of each job, then the second ones, and so on: charts draw only so many lines at first. */
export function interleaved(runs: readonly (readonly ScalarRun[])[]): ScalarRun[] {
  const most = Math.max(0, ...runs.map(({ length }) => length));
  return Array.from({ length: most }, (_, i) => runs.flatMap((of) => of.slice(i, i + 1))).flat();
}
