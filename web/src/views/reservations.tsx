// SPDX-License-Identifier: MIT
// Debug reservations of the jobs that one may read: what is kept, for how long yet, how to enter it, and what can be
// done with it. The address holds the filters.
import { useEffect } from 'preact/hooks';
import { listReservations, type Reservation } from '../api.ts';
import { Command } from '../components/command.tsx';
import { Chip, Search } from '../components/filter.tsx';
import { Over } from '../components/job-reservation.tsx';
import { Loaded } from '../components/loaded.tsx';
import { ReservationActions } from '../components/reservation-actions.tsx';
import { Ago, Left } from '../components/time.tsx';
import { useLive } from '../components/use-live.ts';
import { fullName } from '../format.ts';
import { jobHref, nodeHref, reservationsHref, route } from '../router.ts';
import { session, site } from '../store.ts';
import { t } from '../words.ts';

interface Filters {
  q: string;
  user: string;
  state: string;
}

/** Is it asked for? `me` is who asks. */
function fits(one: Reservation, { q, user }: Filters, me: string): boolean {
  const whose = user === '@me' ? me : user;
  const text = `${fullName(one.username, one.jobName)} ${one.node} ${one.virtualCluster}`.toLowerCase();
  return (whose === '' || one.username === whose) && text.includes(q.toLowerCase());
}

export function Reservations() {
  const query = route.value.query;
  const filters: Filters = {
    q: query.get('q') ?? '',
    user: query.get('user') ?? '',
    state: query.get('state') === 'all' ? 'all' : '',
  };
  const ended = filters.state === 'all';
  const live = useLive(() => listReservations(ended), filters.state, () => true);

  useEffect(() => {
    document.title = `${t('reservations.title')} · ${site.value.name}`;
  }, [site.value.name]);

  return (
    <div class="reservations">
      <div class="headline">
        <h1>{t('reservations.title')}</h1>
      </div>
      <p class="hint">{t('reservations.what')}</p>
      <Bar filters={filters} />
      <Loaded live={live}>
        {(all) => {
          const shown = all.filter((one) => fits(one, filters, session.value?.user ?? ''));
          if (shown.length === 0) return <Empty none={all.length === 0} />;
          return <Table list={shown} onChange={() => void live.refresh()} />;
        }}
      </Loaded>
    </div>
  );
}

function Bar({ filters }: { filters: Filters }) {
  const href = (change: Partial<Filters>): string => reservationsHref({ ...filters, ...change });
  const chip = (word: string, change: Partial<Filters>, on: boolean) => (
    <Chip href={href(change)} on={on}>
      {word}
    </Chip>
  );
  return (
    <search class="filters" aria-label={t('jobs.filters')}>
      <Search word={t('reservations.search')} value={filters.q} href={(text) => href({ q: text })} />
      <span class="chips" role="group" aria-label={t('reservations.whose')}>
        {chip(t('jobs.everyone'), { user: '' }, filters.user === '')}
        {chip(t('jobs.mine'), { user: '@me' }, filters.user === '@me')}
        {filters.user !== '' && filters.user !== '@me' && chip(t('jobs.user', { user: filters.user }), { user: '' }, true)}
      </span>
      <span class="chips" role="group" aria-label={t('jobs.states')}>
        {chip(t('reservations.live'), { state: '' }, filters.state === '')}
        {chip(t('reservations.all'), { state: 'all' }, filters.state === 'all')}
      </span>
    </search>
  );
}

/** An empty page says how to fill it. */
function Empty({ none }: { none: boolean }) {
  if (!none) {
    return (
      <div class="empty">
        <p>{t('reservations.noMatch')}</p>
        <p>
          <a href={reservationsHref()}>{t('jobs.clear')}</a>
        </p>
      </div>
    );
  }
  return (
    <div class="empty">
      <p>{t('reservations.none')}</p>
      <p>{t('reservations.none.how')}</p>
      <pre>{'extras:\n  drover:\n    debugReservation: {on: userFailure, hold: gpus, maxMinutes: 60}'}</pre>
    </div>
  );
}

function Table({ list, onChange }: { list: readonly Reservation[]; onChange: () => void }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={t('reservations.title')}>
      <table class="list">
        <thead>
          <tr>
            <th scope="col">{t('reservations.job')}</th>
            <th scope="col">{t('column.user')}</th>
            <th scope="col">{t('task.node')}</th>
            <th scope="col">{t('reservations.holds')}</th>
            <th scope="col">{t('reservations.since')}</th>
            <th scope="col">{t('reservations.left')}</th>
            <th scope="col">{t('reservations.enter')}</th>
          </tr>
        </thead>
        <tbody>
          {list.map((one) => (
            <Row key={one.id} one={one} onChange={onChange} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ one, onChange }: { one: Reservation; onChange: () => void }) {
  const job = fullName(one.username, one.jobName);
  const held = one.state === 'HELD';
  return (
    <tr data-job={job}>
      <th scope="row">
        <a href={jobHref(job)}>{one.jobName}</a>{' '}
        <span class="dim">
          {one.taskRoleName}-{one.taskIndex}
        </span>
      </th>
      <td>
        <a href={reservationsHref({ user: one.username })}>{one.username}</a>
      </td>
      <td>
        <a href={nodeHref(one.node)}>{one.node}</a>
      </td>
      <td>
        {one.hold === 'sandbox' && t('reservations.sandbox')}
        {one.hold === 'gpus' && (one.gpus > 0 ? t('reservations.place.gpus', { count: one.gpus }) : t('reservations.place'))}
        {held && one.reclaimable && (
          <span class="dim" title={t('reservation.reclaimable')}>
            {' '}
            · {t('reservations.reclaimable')}
          </span>
        )}
      </td>
      <td>
        <Ago at={one.createdTime} />
      </td>
      <td>
        {held && <Left until={one.expiresTime} />}
        {one.state === 'ENDING' && t('reservation.ending')}
        <Over found={one} />
      </td>
      <td>
        <div class="stack">
          {held && <Command text={`drover shell ${job}`} />}
          <ReservationActions job={job} found={one} onChange={onChange} />
        </div>
      </td>
    </tr>
  );
}
