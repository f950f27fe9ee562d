// SPDX-License-Identifier: MIT
// What the server keeps of a job's use of GPUs, cores, memory and discs: asked for once for all curves of a page, and again
// while the job runs.
import { useEffect, useState } from 'preact/hooks';
import { ApiError, getUses, type JobDetail, type JobUses } from '../api.ts';
import type { Live } from '../live.ts';
import { isFinal } from '../words.ts';
import { useLive } from './use-live.ts';
import { pollMs, usePoll } from './use-poll.ts';

const POINTS = 600;
/** A job of so many GPUs that the server does not tell all points of all of them. */
const POINTS_OF_MANY = 60;
const KEPT_MS = 15_000;
const AFTER_END_MS = 8_000;

export interface Uses {
  kept: Live<JobUses>;
  running: boolean;
  following: boolean;
  setFollowing: (following: boolean) => void;
}

async function readUses(job: string): Promise<JobUses> {
  try {
    return await getUses(job, POINTS);
  } catch (error) {
    if (error instanceof ApiError && error.status === 400) return getUses(job, POINTS_OF_MANY);
    throw error;
  }
}

export function useUses(job: string, { jobStatus: { launchedTime, state } }: JobDetail): Uses {
  const running = launchedTime !== null && !isFinal(state);
  const [following, setFollowing] = useState(true);
  const kept = useLive(() => readUses(job), job, (change) => change.kind === 'reset' || (change.kind === 'job' && change.name === job));
  usePoll(() => kept.refresh(), running && following ? pollMs(KEPT_MS) : null);
  useEffect(() => {
    // The last samples of what has ended are written a moment after its end was told.
    if (running) return;
    const timer = setTimeout(() => void kept.refresh(), AFTER_END_MS);
    return () => clearTimeout(timer);
  }, [running]);
  return { kept, running, following, setFollowing };
}
