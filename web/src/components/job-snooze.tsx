// SPDX-License-Identifier: MIT
// The owner says for how long, and why, the GPUs of a running job are not used: idle rules leave it alone until then.
import { useState } from 'preact/hooks';
import { ta } from '../admin-words.ts';
import { snoozeJob } from '../api-admin.ts';
import type { JobDetail } from '../api.ts';
import { duration } from '../format.ts';
import { notify, session } from '../store.ts';
import { allTasks } from '../tasks.ts';
import { Confirm } from './confirm.tsx';
import { Field } from './field.tsx';
import { HelpWord } from './help-word.tsx';

const HOURS = [1, 4, 12, 24] as const;

const spoken = (hours: number): string => duration(hours * 3_600_000).replace(/ 00[mh]$/, '');

/** Nothing where there is nothing to snooze, or for those who may not. */
export function JobSnooze({ job, detail }: { job: string; detail: JobDetail }) {
  const [asking, setAsking] = useState(false);
  const [hours, setHours] = useState<number>(HOURS[1]);
  const [reason, setReason] = useState('');
  const [problem, setProblem] = useState('');
  const me = session.value;
  const holds = allTasks(detail).some((task) => (task.status.containerGpus?.length ?? 0) > 0);
  if (detail.jobStatus.state !== 'RUNNING' || !holds || !(me?.admin || me?.user === detail.jobStatus.username)) return null;

  const close = async (yes: boolean): Promise<void> => {
    if (!yes) return setAsking(false);
    try {
      await snoozeJob(job, hours * 60, reason.trim());
      notify(ta('snooze.done', { job, duration: spoken(hours) }));
      setAsking(false);
      setProblem('');
    } catch (error) {
      // The question stays, with what was typed.
      setProblem((error as Error).message);
    }
  };
  return (
    <p class="tools">
      <button type="button" onClick={() => setAsking(true)}>
        {ta('snooze')}
      </button>
      <HelpWord word="idle" />
      {asking && (
        <Confirm title={ta('snooze')} yes={ta('snooze')} mild onClose={(yes) => void close(yes)}>
          <p>{ta('snooze.what')}</p>
          <Field id="snooze-hours" label={ta('snooze.for')}>
            {(aria) => (
              <select {...aria} value={hours} onChange={(event) => setHours(Number(event.currentTarget.value))}>
                {HOURS.map((one) => (
                  <option key={one} value={one}>
                    {spoken(one)}
                  </option>
                ))}
              </select>
            )}
          </Field>
          <Field id="snooze-reason" label={ta('snooze.why')} hint={ta('snooze.why.hint')} problem={problem}>
            {(aria) => <input {...aria} type="text" maxLength={200} value={reason} onInput={(event) => setReason(event.currentTarget.value)} />}
          </Field>
        </Confirm>
      )}
    </p>
  );
}
