// SPDX-License-Identifier: MIT
// Where the GPU hours went: totals, days, and rows by what is asked for; as a table for spreadsheets and as a page to
// print. The address holds the time, the grouping and the order. Users see what is theirs, as the server decides.
import { useEffect, useMemo } from 'preact/hooks';
import { Chip } from '../components/filter.tsx';
import { Loaded } from '../components/loaded.tsx';
import { ReportBars } from '../components/report-bars.tsx';
import { ReportByMail } from '../components/report-mail.tsx';
import { useLive } from '../components/use-live.ts';
import { count, duration, figure, percent } from '../format.ts';
import { getDays, getReport, reportHref } from '../report-api.ts';
import {
  type Asked,
  asked,
  dayOf,
  FIGURE_NAMES,
  FIGURES,
  type FigureName,
  ordered,
  REPORT_KEYS,
  type ReportKey,
  type ReportRow,
  type Unit,
} from '../reports.ts';
import { go, jobHref, nodeHref, reportsHref, route } from '../router.ts';
import { session, site } from '../store.ts';
import { language, t } from '../words.ts';

const TILES: readonly FigureName[] = ['all', 'busy', 'idle', 'wasted', 'goodput', 'utilization', 'energy', 'jobs', 'success', 'waitP50', 'waitP95'];
const SHOWN_MAX = 1000;

function written(unit: Unit, value: number | null): string {
  if (value === null) return '–';
  const tenths = figure(Math.round(value * 10) / 10, language.value);
  if (unit === 'percent') return percent(value, language.value);
  if (unit === 'count') return count(value, language.value);
  if (unit === 'wait') return duration(value);
  if (unit === 'gib') return `${tenths} GiB`;
  return unit === 'kwh' ? `${tenths} kWh` : tenths;
}

export function Reports() {
  const query = route.value.query;
  const key = query.toString();
  const what = useMemo(() => asked(query, Date.now()), [key]);
  const load = async () => {
    const [report, days] = await Promise.all([getReport(what), getDays(what)]);
    return { report, days };
  };
  const live = useLive(load, `${what.from} ${what.to} ${what.by}`, () => false);
  useEffect(() => {
    document.title = `${t('reports.title')} · ${site.value.name}`;
  }, [site.value.name]);

  return (
    <div class="reports">
      <div class="headline">
        <h1>{t('reports.title')}</h1>
        <a href={reportHref(what, 'csv')} download>
          {t('reports.csv')}
        </a>
        <a href={reportHref(what, 'html')} target="_blank" rel="noopener">
          {t('reports.print')}
        </a>
      </div>
      <p class="hint">{t(session.value?.admin ? 'reports.whose.all' : 'reports.whose.own')}</p>
      <Bar what={what} query={query} />
      <Loaded live={live}>
        {({ report, days }) => (
          <>
            <dl class="tiles">
              {TILES.map((name) => (
                <div key={name} data-figure={name}>
                  <dt>{t(`reports.figure.${name}`)}</dt>
                  <dd>{written(FIGURES[name].unit, FIGURES[name].of(report.total))}</dd>
                </div>
              ))}
            </dl>
            <h2>{t('reports.days')}</h2>
            <ReportBars days={days} />
            {report.rows.length === 0 ? <p class="empty">{t('reports.none')}</p> : <Table rows={report.rows} what={what} query={query} />}
          </>
        )}
      </Loaded>
      <ReportByMail />
    </div>
  );
}

/** The address with a change. */
function href(query: URLSearchParams, change: Record<string, string>): string {
  return reportsHref({ ...Object.fromEntries(query), ...change });
}

function Bar({ what, query }: { what: Asked; query: URLSearchParams }) {
  const toggled = (name: ReportKey): string => {
    const rest = what.by.filter((one) => one !== name);
    const next = rest.length === what.by.length ? [...rest, name] : rest;
    return REPORT_KEYS.filter((one) => next.includes(one)).join(',');
  };
  const day = (name: 'from' | 'to', ms: number | null) => (
    <label>
      {t(`reports.${name}`)}{' '}
      <input
        type="date"
        value={ms === null ? '' : dayOf(ms)}
        onChange={(event) => go(href(query, { [name]: event.currentTarget.value }))}
      />
    </label>
  );
  return (
    <search class="filters" aria-label={t('jobs.filters')}>
      {day('from', what.from)}
      {day('to', what.to)}
      <span class="chips" role="group" aria-label={t('reports.by')}>
        {REPORT_KEYS.map((name) => (
          <Chip key={name} href={href(query, { by: toggled(name) })} on={what.by.includes(name)}>
            {t(`reports.key.${name}`)}
          </Chip>
        ))}
      </span>
    </search>
  );
}

function Name({ name, value }: { name: ReportKey; value: string | null | undefined }) {
  if (!value) return <span class="dim">–</span>;
  if (name === 'job') return <a href={jobHref(value)}>{value}</a>;
  if (name === 'node') return <a href={nodeHref(value)}>{value}</a>;
  return <bdi>{value}</bdi>;
}

function Table({ rows, what, query }: { rows: readonly ReportRow[]; what: Asked; query: URLSearchParams }) {
  const shown = ordered(rows, what.sort).slice(0, SHOWN_MAX);
  const order = (name: FigureName): 'descending' | 'ascending' | undefined => {
    if (what.sort === name) return 'descending';
    return what.sort === `-${name}` ? 'ascending' : undefined;
  };
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label={t('reports.title')}>
        <table class="list">
          <thead>
            <tr>
              {what.by.map((name) => (
                <th key={name} scope="col">
                  {t(`reports.key.${name}`)}
                </th>
              ))}
              {FIGURE_NAMES.map((name) => (
                <th key={name} scope="col" class="number" aria-sort={order(name)}>
                  <a href={href(query, { sort: what.sort === name ? `-${name}` : name })}>{t(`reports.figure.${name}`)}</a>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <tr key={what.by.map((name) => row[name] ?? '').join('\n')} data-row={what.by.map((name) => row[name] ?? '').join(' ')}>
                {what.by.map((name, index) =>
                  index === 0 ? (
                    <th key={name} scope="row">
                      <Name name={name} value={row[name]} />
                    </th>
                  ) : (
                    <td key={name}>
                      <Name name={name} value={row[name]} />
                    </td>
                  ),
                )}
                {FIGURE_NAMES.map((name) => (
                  <td key={name} class="number">
                    {written(FIGURES[name].unit, FIGURES[name].of(row))}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows.length > shown.length && <p class="hint">{t('reports.more', { shown: shown.length, all: rows.length })}</p>}
    </>
  );
}
