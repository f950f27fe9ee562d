// SPDX-License-Identifier: MIT
// Stopping cannot be undone: the dialog names what it hits, and Enter does not stop anything.
import { useLayoutEffect, useRef } from 'preact/hooks';
import { stopJobs } from '../store.ts';
import { t } from '../words.ts';

const NAMED = 10;

/** `jobs` are full names; an empty list shows nothing. `onClose` is called after either answer. */
export function ConfirmStop({ jobs, onClose }: { jobs: readonly string[]; onClose: (stopped: boolean) => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    if (jobs.length > 0) dialog.current?.showModal();
  }, [jobs]);
  if (jobs.length === 0) return null;

  const count = jobs.length;
  const users = new Set(jobs.map((job) => job.split('~')[0])).size;
  const title =
    count === 1 ? t('stop.title.one') : t(users > 1 ? 'stop.title.many' : 'stop.title.manyMine', { count, users });
  const confirm = (): void => {
    void stopJobs(jobs, {
      done: (stopped) =>
        stopped.length === 1
          ? t('stop.done.one', { job: stopped[0] as string })
          : t('stop.done.many', { count: stopped.length }),
      failed: (job, reason) => t('stop.failed', { job, reason }),
    });
    onClose(true);
  };
  return (
    <dialog ref={dialog} aria-labelledby="stop-title" onClose={() => onClose(false)}>
      <h2 id="stop-title">{title}</h2>
      <p>{t('stop.what')}</p>
      <ul class="names">
        {jobs.slice(0, NAMED).map((job) => (
          <li key={job}>{job}</li>
        ))}
        {count > NAMED && <li class="dim">{t('stop.more', { count: count - NAMED })}</li>}
      </ul>
      <p class="answers">
        <button type="button" autofocus onClick={() => onClose(false)}>
          {t('stop.cancel')}
        </button>
        <button type="button" class="danger" onClick={confirm}>
          {count === 1 ? t('stop.confirm.one') : t('stop.confirm.many', { count })}
        </button>
      </p>
    </dialog>
  );
}
