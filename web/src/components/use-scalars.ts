// SPDX-License-Identifier: MIT
// Scalars of jobs, asked for together and again when one of them changes. What is as it was costs no bytes, and a job
// that cannot be read does not hide the others.
import { useRef } from 'preact/hooks';
import { ApiError, getScalars, type JobScalars, type Tagged } from '../api.ts';
import type { Live } from '../live.ts';
import { useLive } from './use-live.ts';

const POINTS = 600;

/** Of one job; `problem`: why the server did not tell. */
export interface ScalarsOfJob extends JobScalars {
  job: string;
  problem: string | null;
}

const NOTHING: JobScalars = { runs: [], complete: true, runsLeftOut: 0 };

/** In the order of the jobs. A problem with the only job is the problem of all. */
export function useScalars(jobs: readonly string[]): Live<ScalarsOfJob[]> {
  const kept = useRef(new Map<string, Tagged<JobScalars>>());
  const read = async (job: string): Promise<ScalarsOfJob> => {
    try {
      const found = await getScalars(job, POINTS, kept.current.get(job) ?? null);
      kept.current.set(job, found);
      return { ...found.value, job, problem: null };
    } catch (error) {
      if (!(error instanceof ApiError) || (jobs.length === 1 && error.status !== 404)) throw error;
      // Of one job: engines that keep no folders have no scalars.
      return { ...NOTHING, job, problem: error.message };
    }
  };
  return useLive(
    () => Promise.all(jobs.map(read)),
    jobs.join(),
    (change) => change.kind === 'reset' || (change.kind === 'job' && jobs.includes(change.name)),
  );
}
