// SPDX-License-Identifier: MIT
// What can be done with a debug reservation: keep it longer, or release it. The sentences of refusals are the server's.
import { useState } from 'preact/hooks';
import { extendReservation, type Reservation, releaseReservation } from '../api.ts';
import { duration } from '../format.ts';
import { notify, session } from '../store.ts';
import { t } from '../words.ts';
import { Confirm } from './confirm.tsx';

const MINUTES = [30, 60, 120, 240, 720] as const;

interface Props {
  job: string;
  found: Reservation;
  /** Called when something was done, or refused. */
  onChange: () => void;
}

/** Nothing for those who may do nothing. */
export function ReservationActions({ job, found, onChange }: Props) {
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const [minutes, setMinutes] = useState<number>(MINUTES[0]);
  const me = session.value;
  if (found.state !== 'HELD' || !(me?.admin || me?.user === found.username)) return null;

  const act = async (what: Promise<void>, done: string): Promise<void> => {
    setBusy(true);
    try {
      await what;
      notify(done);
    } catch (error) {
      notify((error as Error).message, true);
    }
    setBusy(false);
    onChange();
  };
  const longer = duration(minutes * 60_000).replace(/ 00[ms]$/, '');
  return (
    <span class="actions">
      <select
        aria-label={t('reservation.by', { job })}
        value={minutes}
        onChange={(event) => setMinutes(Number(event.currentTarget.value))}
      >
        {MINUTES.map((count) => (
          <option key={count} value={count}>
            {duration(count * 60_000).replace(/ 00[ms]$/, '')}
          </option>
        ))}
      </select>
      <button
        type="button"
        disabled={busy}
        aria-label={t('reservation.extend.which', { job })}
        onClick={() => void act(extendReservation(job, minutes), t('reservation.extended', { job, longer }))}
      >
        {t('reservation.extend')}
      </button>
      <button
        type="button"
        class="danger"
        disabled={busy}
        aria-label={t('reservation.release.which', { job })}
        onClick={() => setAsking(true)}
      >
        {t('reservation.release')}
      </button>
      {asking && (
        <Confirm
          title={t('reservation.release.title', { job })}
          yes={t('reservation.release')}
          onClose={(yes) => {
            setAsking(false);
            if (yes) void act(releaseReservation(job), t('reservation.released', { job }));
          }}
        >
          <p>{t('reservation.release.what', { task: `${found.taskRoleName} ${found.taskIndex}`, node: found.node })}</p>
        </Confirm>
      )}
    </span>
  );
}
