// SPDX-License-Identifier: MIT
// Alerts: what fires and what is about to, what did, and, for admins, which of them nobody is told of. Users see what is about
// their jobs. The address holds what is shown, the filters and the page.
import '../styles/admin.css';
import { useEffect } from 'preact/hooks';
import { ta } from '../admin-words.ts';
import { ALERT_SHOWS, type AlertFilter, alertParams, alertsShown, historyQuery, matchersOf, matchersParam, parseAlerts, SEVERITIES, STATUSES } from '../alerts.ts';
import { type AlertChange, type AlertStatus, type FullAlert, listAlertHistory, listAllAlerts } from '../api-alerts.ts';
import { About, said, Severity, severityWord } from '../components/alert-look.tsx';
import { Chip, Search } from '../components/filter.tsx';
import { Loaded } from '../components/loaded.tsx';
import { Silences } from '../components/silences.tsx';
import { Ago } from '../components/time.tsx';
import { useLive } from '../components/use-live.ts';
import { pollMs, useQuietPoll } from '../components/use-poll.ts';
import { duration } from '../format.ts';
import type { Live } from '../live.ts';
import { go, pageHref, route } from '../router.ts';
import { session, site } from '../store.ts';
import { GLYPHS, type ShownState, t } from '../words.ts';

/** Alerts change without an event. */
const POLL_MS = 15_000;
const ROWS_MAX = 500;

type Href = (change: Partial<AlertFilter>) => string;

export function Alerts() {
  const filter = parseAlerts(route.value.query);
  const admin = session.value?.admin ?? false;
  const show = filter.show === 'silences' && !admin ? 'now' : filter.show;
  const live = useLive(listAllAlerts, '', (change) => change.kind === 'reset');
  useQuietPoll(() => live.refresh(), pollMs(POLL_MS));
  useEffect(() => {
    document.title = `${t('nav.alerts')} · ${site.value.name}`;
  }, [site.value.name]);
  // A filter that changes starts with the newest again.
  const href: Href = (change) => pageHref('alerts', alertParams({ ...filter, cursor: 0, ...change }));
  return (
    <div class="alerts-page">
      <div class="headline">
        <h1>{t('nav.alerts')}</h1>
      </div>
      <p class="hint">{ta(admin ? 'alerts.what' : 'alerts.what.mine')}</p>
      <nav class="tabs" aria-label={t('nav.alerts')}>
        {ALERT_SHOWS.filter((one) => one !== 'silences' || admin).map((one) => (
          <a key={one} href={pageHref('alerts', { show: one === 'now' ? null : one })} aria-current={one === show ? 'page' : undefined}>
            {ta(`alerts.show.${one}`)}
          </a>
        ))}
      </nav>
      {show === 'now' && <Now filter={filter} href={href} live={live} admin={admin} />}
      {show === 'history' && <History filter={filter} href={href} />}
      {show === 'silences' && <Silences filter={filter} alerts={live.data.value} onChange={() => void live.refresh()} />}
    </div>
  );
}

const LOOKS: Record<AlertStatus, ShownState> = { active: 'failed', pending: 'waiting', suppressed: 'stopped' };
const MARKS: Record<AlertStatus, string> = { active: GLYPHS.running, pending: GLYPHS.waiting, suppressed: GLYPHS.stopped };

function Now({ filter, href, live, admin }: { filter: AlertFilter; href: Href; live: Live<FullAlert[]>; admin: boolean }) {
  const chip = (word: string, change: Partial<AlertFilter>, on: boolean) => (
    <Chip href={href(change)} on={on}>
      {word}
    </Chip>
  );
  return (
    <>
      <search class="filters" aria-label={t('jobs.filters')}>
        <Search word={ta('alerts.search')} value={filter.q} href={(text) => href({ q: text })} />
        <span class="chips" role="group" aria-label={ta('alerts.state')}>
          {chip(t('nodes.all'), { status: '' }, filter.status === '')}
          {STATUSES.map((status) => chip(ta(`alerts.status.${status}`), { status }, filter.status === status))}
        </span>
        <span class="chips" role="group" aria-label={ta('alerts.severity')}>
          {chip(t('nodes.all'), { severity: '' }, filter.severity === '')}
          {SEVERITIES.map((severity) => chip(severityWord(severity), { severity }, filter.severity === severity))}
        </span>
        <a href={pageHref('alerts')}>{t('jobs.clear')}</a>
      </search>
      <Loaded live={live}>
        {(all) => {
          const shown = alertsShown(all, filter);
          if (shown.length === 0) return <p class="empty">{ta(all.length === 0 ? 'alerts.none' : 'alerts.noMatch')}</p>;
          return (
            <>
              <List alerts={shown.slice(0, ROWS_MAX)} admin={admin} />
              {shown.length > ROWS_MAX && <p class="hint">{t('collected.more', { count: shown.length - ROWS_MAX })}</p>}
            </>
          );
        }}
      </Loaded>
    </>
  );
}

function List({ alerts, admin }: { alerts: readonly FullAlert[]; admin: boolean }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={ta('alerts.show.now')}>
      <table class="list">
        <thead>
          <tr>
            <th scope="col">{ta('alerts.state')}</th>
            <th scope="col">{ta('alerts.severity')}</th>
            <th scope="col">{ta('alerts.name')}</th>
            <th scope="col">{ta('alerts.about')}</th>
            <th scope="col">{ta('alerts.summary')}</th>
            <th scope="col">{ta('alerts.since')}</th>
            {admin && (
              <th scope="col" class="act">
                {ta('alerts.act')}
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {alerts.map(({ labels, annotations, status, startsAt, fingerprint, foreign }) => (
            <tr key={fingerprint} data-alert={labels.alertname}>
              <td class={`state-${LOOKS[status]}`}>
                <span class="glyph" aria-hidden="true">
                  {MARKS[status]}
                </span>{' '}
                {ta(`alerts.status.${status}`)}
              </td>
              <td>
                <Severity severity={labels.severity} />
              </td>
              <th scope="row">
                {labels.alertname} {foreign && <span class="label">{ta('alerts.foreign')}</span>}
              </th>
              <td>
                <About labels={labels} />
              </td>
              <td class="told" title={annotations.description}>
                {said(labels.job_name, annotations.summary)}
              </td>
              <td>
                <Ago at={Date.parse(startsAt)} />
              </td>
              {admin && (
                <td class="act">
                  {status !== 'suppressed' && (
                    <a href={pageHref('alerts', { show: 'silences', match: matchersParam(matchersOf(labels)) })} aria-label={ta('alerts.silence.which', { alert: labels.alertname })}>
                      {ta('alerts.silence')}
                    </a>
                  )}
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function History({ filter, href }: { filter: AlertFilter; href: Href }) {
  const query = historyQuery(filter);
  const live = useLive(() => listAlertHistory(query), query.toString(), (change) => change.kind === 'reset');
  const day = (key: 'since' | 'until', word: string) => (
    <label>
      {word} <input type="date" value={filter[key]} onChange={(event) => go(href({ [key]: event.currentTarget.value }))} />
    </label>
  );
  return (
    <>
      <search class="filters" aria-label={t('jobs.filters')}>
        <input
          type="search"
          class="keyword"
          placeholder={ta('alerts.name')}
          aria-label={ta('alerts.name')}
          value={filter.rule}
          onChange={(event) => go(href({ rule: event.currentTarget.value.trim() }))}
        />
        {day('since', ta('audit.since'))}
        {day('until', ta('audit.until'))}
        <a href={pageHref('alerts', { show: 'history' })}>{t('jobs.clear')}</a>
      </search>
      <Loaded live={live}>
        {(page) => (
          <>
            {page.data.length === 0 ? <p class="empty">{ta('alerts.history.none')}</p> : <Changes changes={page.data} href={href} />}
            <nav class="pages" aria-label={t('jobs.pages')}>
              {filter.cursor > 0 && <a href={href({})}>{ta('audit.newest')}</a>}
              {page.next !== null && <a href={href({ cursor: page.next })}>{ta('audit.older')}</a>}
            </nav>
          </>
        )}
      </Loaded>
    </>
  );
}

function Changes({ changes, href }: { changes: readonly AlertChange[]; href: Href }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={ta('alerts.show.history')}>
      <table class="list">
        <thead>
          <tr>
            <th scope="col">{ta('audit.time')}</th>
            <th scope="col">{ta('alerts.state')}</th>
            <th scope="col">{ta('alerts.severity')}</th>
            <th scope="col">{ta('alerts.name')}</th>
            <th scope="col">{ta('alerts.about')}</th>
            <th scope="col">{ta('alerts.summary')}</th>
            <th scope="col" class="number">
              {ta('alerts.lasted')}
            </th>
          </tr>
        </thead>
        <tbody>
          {changes.map(({ id, time, state, rule, severity, started, ended, silenced, labels, annotations }) => {
            const firing = state === 'firing';
            return (
              <tr key={id} data-change={id}>
                <td>
                  <Ago at={time} />
                </td>
                <td class={`state-${firing ? 'failed' : 'succeeded'}`}>
                  <span class="glyph" aria-hidden="true">
                    {firing ? GLYPHS.running : GLYPHS.succeeded}
                  </span>{' '}
                  {ta(firing ? 'alerts.status.active' : 'alerts.resolved')} {silenced && <span class="label">{ta('alerts.status.suppressed')}</span>}
                </td>
                <td>
                  <Severity severity={severity} />
                </td>
                <th scope="row">
                  <a href={href({ rule })}>{rule}</a>
                </th>
                <td>
                  <About labels={labels} />
                </td>
                <td class="told">{said(labels.job_name, annotations.summary)}</td>
                <td class="number">{!firing && started !== null && ended !== null && duration(ended - started)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
