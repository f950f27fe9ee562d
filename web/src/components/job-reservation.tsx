// SPDX-License-Identifier: MIT
// The debug reservation that a failed job left: how long it lasts, how to enter, what can be done with it, and what was
// found when it was kept, which stays to be read when it is over.
import type { JobDetail, Reservation } from '../api.ts';
import { nodeHref } from '../router.ts';
import { liveReservation } from '../tasks.ts';
import { type Key, t } from '../words.ts';
import { Command } from './command.tsx';
import { JobCollected } from './job-collected.tsx';
import { ShellLink } from './shell-link.tsx';
import { ReservationActions } from './reservation-actions.tsx';
import { Ago, Left } from './time.tsx';

/** Nothing where the job has, and had, none. `onChange` is called when something was done. */
export function JobReservation({ job, detail, onChange }: { job: string; detail: JobDetail; onChange: () => void }) {
  const found = liveReservation(detail.debugReservations) ?? detail.debugReservations?.[0];
  if (!found) return null;
  return (
    <section class="banner reservation" aria-labelledby="reservation-title">
      <div class="summary">
        <h2 id="reservation-title">{t('reservation.title')}</h2>
        {found.state === 'HELD' && <Left until={found.expiresTime} />}
        {found.state === 'ENDING' && <span>{t('reservation.ending')}</span>}
        <Over found={found} />
        <span>
          <a href={nodeHref(found.node)}>{found.node}</a>
        </span>
        {found.state === 'HELD' && found.hold === 'gpus' && found.gpus > 0 && <span>{t('reservation.gpus', { count: found.gpus })}</span>}
      </div>
      {found.state === 'HELD' && (
        <section aria-label={t('reservation.enter')}>
          <p>{t('reservation.enter')}</p>
          <p>
            <ShellLink job={job} detail={detail} role={found.taskRoleName} index={found.taskIndex} />
          </p>
          <p>{t('reservation.command')}</p>
          <p>
            <Command text={`drover shell ${job}`} />
          </p>
          {found.reclaimable && found.gpus > 0 && <p class="dim">{t('reservation.reclaimable')}</p>}
          <ReservationActions job={job} found={found} onChange={onChange} />
        </section>
      )}
      <JobCollected key={found.id} job={job} />
    </section>
  );
}

/** Words for who ended one that is no user. */
const ENDERS: Record<string, Key> = {
  expiry: 'reservation.by.expiry',
  need: 'reservation.by.need',
  sandbox: 'reservation.by.sandbox',
  node: 'reservation.by.node',
};

/** Why it is over; nothing while it is not. */
export function Over({ found }: { found: Reservation }) {
  if (found.state !== 'ENDED' && found.state !== 'LOST') return null;
  const by = found.endedBy ?? '';
  const why = ENDERS[by];
  return (
    <span>
      {why ? t(why) : t('reservation.by.user', { user: by })}{' '}
      {found.endedTime !== null && (
        <span class="dim">
          <Ago at={found.endedTime} />
        </span>
      )}
    </span>
  );
}
