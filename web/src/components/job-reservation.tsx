// SPDX-License-Identifier: MIT
// The debug reservation that a failed job left: how long it lasts, how to enter, and what can be done with it. The
// sentences of refusals are the server's.
import { useComputed } from '@preact/signals';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { extendReservation, type JobDetail, type Reservation, releaseReservation } from '../api.ts';
import { duration } from '../format.ts';
import { now, notify, session } from '../store.ts';
import { liveReservation } from '../tasks.ts';
import { t } from '../words.ts';

const EXTEND_MINUTES = 30;

/** Nothing where the job has none. `onChange` is called when something was done. */
export function JobReservation({ job, detail, onChange }: { job: string; detail: JobDetail; onChange: () => void }) {
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const found = liveReservation(detail.debugReservations);
  if (!found) return null;

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
  const me = session.value;
  const held = found.state === 'HELD';
  return (
    <section class="banner reservation" aria-labelledby="reservation-title">
      <div class="summary">
        <h2 id="reservation-title">{t('reservation.title')}</h2>
        {held ? <Left until={found.expiresTime} /> : <span>{t('reservation.ending')}</span>}
        <span>{found.node}</span>
        {found.hold === 'gpus' && <span>{t('reservation.gpus', { count: found.gpus })}</span>}
      </div>
      {held && (
        <section aria-label={t('reservation.enter')}>
          <p>{t('reservation.enter')}</p>
          <pre>drover shell {job}</pre>
          {found.reclaimable && found.hold === 'gpus' && <p class="dim">{t('reservation.reclaimable')}</p>}
          {(me?.admin || me?.user === found.username) && (
            <p class="answers">
              <button
                type="button"
                disabled={busy}
                onClick={() =>
                  void act(extendReservation(job, EXTEND_MINUTES), t('reservation.extended', { minutes: EXTEND_MINUTES }))
                }
              >
                {t('reservation.extend', { minutes: EXTEND_MINUTES })}
              </button>
              <button type="button" class="danger" disabled={busy} onClick={() => setAsking(true)}>
                {t('reservation.release')}
              </button>
            </p>
          )}
        </section>
      )}
      {asking && (
        <ConfirmRelease
          found={found}
          onClose={(yes) => {
            setAsking(false);
            if (yes) void act(releaseReservation(job), t('reservation.released'));
          }}
        />
      )}
    </section>
  );
}

/** Counts down; the moment itself is on hover. Readers are not told each second: it is no live region. */
function Left({ until }: { until: number }) {
  const [before, after] = t('reservation.left', { duration: '\0' }).split('\0');
  const text = useComputed(() => duration(until - now.value));
  return (
    <time dateTime={new Date(until).toISOString()} title={new Date(until).toLocaleString()}>
      {before}
      {text}
      {after}
    </time>
  );
}

/** What is in the sandbox is lost for good, so Enter releases nothing. */
function ConfirmRelease({ found, onClose }: { found: Reservation; onClose: (yes: boolean) => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} aria-labelledby="release-title" onClose={() => onClose(false)}>
      <h2 id="release-title">{t('reservation.release.title')}</h2>
      <p>{t('reservation.release.what', { task: `${found.taskRoleName} ${found.taskIndex}`, node: found.node })}</p>
      <p class="answers">
        <button type="button" autofocus onClick={() => onClose(false)}>
          {t('stop.cancel')}
        </button>
        <button type="button" class="danger" onClick={() => onClose(true)}>
          {t('reservation.release')}
        </button>
      </p>
    </dialog>
  );
}
