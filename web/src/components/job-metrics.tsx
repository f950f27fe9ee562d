// SPDX-License-Identifier: MIT
// What a job does and what holds it up; what its programs tell of themselves, and what they make of their GPUs, cores, memory
// and discs: the curves have one moment under the cursor.
import { useMemo } from 'preact/hooks';
import { ta } from '../admin-words.ts';
import type { JobDetail } from '../api.ts';
import { CurveView } from '../curve-view.ts';
import { t } from '../words.ts';
import { JobGpus } from './job-gpus.tsx';
import { JobProfile } from './job-profile.tsx';
import { JobScalars } from './job-scalars.tsx';
import { JobSnooze } from './job-snooze.tsx';
import { JobTasks } from './job-tasks.tsx';
import { useUses } from './use-uses.ts';

export function JobMetrics({ job, detail }: { job: string; detail: JobDetail }) {
  const view = useMemo(() => new CurveView(), []);
  const uses = useUses(job, detail);
  return (
    <>
      <JobProfile job={job} detail={detail} />
      <section class="metrics scalars" aria-labelledby="scalars-title">
        <h2 id="scalars-title">{t('scalars.title')}</h2>
        <JobScalars job={job} detail={detail} wall={view} />
      </section>
      <section class="metrics gpus" aria-labelledby="gpus-title">
        <h2 id="gpus-title">{t('gpus.title')}</h2>
        <JobSnooze job={job} detail={detail} />
        <JobGpus job={job} detail={detail} view={view} uses={uses} />
      </section>
      <section class="metrics tasks" aria-labelledby="tasks-title">
        <h2 id="tasks-title">{ta('use.title')}</h2>
        <JobTasks detail={detail} view={view} uses={uses} />
      </section>
    </>
  );
}
