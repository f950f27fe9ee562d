// SPDX-License-Identifier: MIT
// A tag for several jobs, one after the other, with what became of each.

export interface Tagged {
  job: string;
  /** Null: not yet; '': done; else why not. */
  problem: string | null;
}

export const untold = (jobs: readonly string[]): Tagged[] => jobs.map((job) => ({ job, problem: null }));

/** `put` does one; `tell` hears of each. What fails keeps no other from its turn. */
export async function tagEach(jobs: readonly string[], put: (job: string) => Promise<void>, tell: (rows: Tagged[]) => void): Promise<Tagged[]> {
  let rows = untold(jobs);
  for (const [at, job] of jobs.entries()) {
    let problem = '';
    try {
      await put(job);
    } catch (error) {
      problem = (error as Error).message || '?';
    }
    rows = rows.map((row, i) => (i === at ? { ...row, problem } : row));
    tell(rows);
  }
  return rows;
}
