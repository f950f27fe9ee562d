// SPDX-License-Identifier: MIT
// Stopping cannot be undone: the question names what it hits.
import { stopJobs } from '../store.ts';
import { t } from '../words.ts';
import { Confirm } from './confirm.tsx';

const NAMED = 10;

/** `jobs` are full names; an empty list shows nothing. `onClose` is called after either answer. */
export function ConfirmStop({ jobs, onClose }: { jobs: readonly string[]; onClose: (stopped: boolean) => void }) {
  if (jobs.length === 0) return null;

  const count = jobs.length;
  const users = new Set(jobs.map((job) => job.split('~')[0])).size;
  const title =
    count === 1 ? t('stop.title.one') : t(users > 1 ? 'stop.title.many' : 'stop.title.manyMine', { count, users });
  const answered = (yes: boolean): void => {
    if (yes)
      void stopJobs(jobs, {
        done: (stopped) =>
          stopped.length === 1
            ? t('stop.done.one', { job: stopped[0] as string })
            : t('stop.done.many', { count: stopped.length }),
        failed: (job, reason) => t('stop.failed', { job, reason }),
      });
    onClose(yes);
  };
  return (
    <Confirm title={title} yes={count === 1 ? t('stop.confirm.one') : t('stop.confirm.many', { count })} onClose={answered}>
      <p>{t('stop.what')}</p>
      <ul class="names">
        {jobs.slice(0, NAMED).map((job) => (
          <li key={job}>{job}</li>
        ))}
        {count > NAMED && <li class="dim">{t('stop.more', { count: count - NAMED })}</li>}
      </ul>
    </Confirm>
  );
}
