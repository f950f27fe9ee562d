// SPDX-License-Identifier: MIT
// What has happened to a job, newest first.
import { getEvents, type JobEvent } from '../api.ts';
import type { Key } from '../words.ts';
import { t } from '../words.ts';
import { Ago } from './time.tsx';
import { useLive } from './use-live.ts';

export function JobEvents({ job }: { job: string }) {
  const live = useLive(
    () => getEvents(job),
    job,
    (change) => change.kind === 'reset' || (change.kind === 'job' && change.name === job),
  );
  const events = live.data.value;
  if (live.error.value && !events) {
    return (
      <p class="problem" role="alert">
        {live.error.value.message}
      </p>
    );
  }
  if (!events) return <p class="loading">{t('app.loading')}</p>;
  if (events.length === 0) return <p class="empty">{t('events.none')}</p>;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={t('events.caption')}>
      <table class="list wrap">
        <thead>
          <tr>
            <th scope="col">{t('events.last')}</th>
            <th scope="col">{t('events.type')}</th>
            <th scope="col">{t('events.reason')}</th>
            <th scope="col">{t('events.task')}</th>
            <th scope="col">{t('events.message')}</th>
            <th scope="col" class="number">
              {t('events.count')}
            </th>
          </tr>
        </thead>
        <tbody>
          {events.map((event) => (
            <Row key={event.uid} event={event} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

const TYPES: Record<string, Key> = { Normal: 'events.type.Normal', Warning: 'events.type.Warning' };

function Row({ event }: { event: JobEvent }) {
  const type = TYPES[event.type];
  return (
    <tr class={event.type === 'Warning' ? 'warning' : undefined}>
      <td>
        <Ago at={Date.parse(event.lastTimestamp)} />
      </td>
      <td>{type ? t(type) : event.type}</td>
      <td>{event.reason}</td>
      <td>{event.taskroleName && `${event.taskroleName}-${event.taskIndex}`}</td>
      <td class="message">{event.message}</td>
      <td class="number">{event.count}</td>
    </tr>
  );
}
