// SPDX-License-Identifier: MIT
// The web apps of a running job. A link is made when it is asked for: it opens the app once, on the apps' own origin.
import { useState } from 'preact/hooks';
import { type JobDetail, openApp } from '../api.ts';
import { notify, session } from '../store.ts';
import { t } from '../words.ts';
import { usePoll } from './use-poll.ts';

/** Between looks whether an app listens by now: nothing tells of that. */
const LOOK_MS = 3000;

/** Nothing where the job has none that answers, and for those who may not open them. */
export function JobApps({ job, detail, onLook }: { job: string; detail: JobDetail; onLook: () => Promise<void> }) {
  const [busy, setBusy] = useState(false);
  const me = session.value;
  const all = detail.apps ?? [];
  const apps = all.filter((app) => app.ready);
  usePoll(onLook, detail.jobStatus.state === 'RUNNING' && apps.length < all.length ? LOOK_MS : null);
  if (!apps.length || !(me?.admin || me?.user === detail.jobStatus.username)) return null;

  const open = async (name: string): Promise<void> => {
    setBusy(true);
    try {
      window.open(await openApp(job, name), '_blank', 'noopener');
    } catch (error) {
      notify((error as Error).message, true);
    }
    setBusy(false);
  };
  return (
    <p class="actions">
      {apps.map(({ name }) => (
        <button key={name} type="button" disabled={busy} onClick={() => void open(name)}>
          {t('job.app.open', { name })}
        </button>
      ))}
    </p>
  );
}
