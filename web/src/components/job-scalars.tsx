// SPDX-License-Identifier: MIT
// What a job's programs wrote into event files: a chart for each tag with a line for each run, while they write, too.
import { useId, useMemo, useState } from 'preact/hooks';
import { ApiError, getScalars, type JobDetail, type JobScalars as Scalars, type ScalarRun } from '../api.ts';
import { CurveView } from '../curve-view.ts';
import { count, duration, figure } from '../format.ts';
import { groupTags, hasSteps, type Over, runKey, runNames, seriesOf, smoothed, type TagChart } from '../scalars.ts';
import { isFinal, language, t } from '../words.ts';
import { Curve, type CurveLine, type XAxis } from './curve.tsx';
import { wallAxis } from './job-gpus.tsx';
import { useLive } from './use-live.ts';
import { pollMs, usePoll } from './use-poll.ts';

const POINTS = 600;
const POLL_MS = 5_000;
const CHARTS_FIRST = 8;
const OVERS: readonly Over[] = ['step', 'relative', 'wall'];
const STRONGEST = 0.99;

/** Jobs of an engine that keeps no folders have none. */
async function read(job: string): Promise<Scalars> {
  try {
    return await getScalars(job, POINTS);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return { runs: [], complete: true, runsLeftOut: 0 };
    throw error;
  }
}

interface Look {
  over: Over;
  weight: number;
  log: boolean;
}

/** `wall` is shared with the other curves of the page, which are over time. */
export function JobScalars({ job, detail, wall }: { job: string; detail: JobDetail; wall: CurveView }) {
  const live = useLive(() => read(job), job, (change) => change.kind === 'reset' || (change.kind === 'job' && change.name === job));
  const [following, setFollowing] = useState(true);
  const [look, setLook] = useState<Look>({ over: 'step', weight: 0, log: false });
  const [compare, setCompare] = useState(false);
  const [search, setSearch] = useState('');
  const running = detail.jobStatus.launchedTime !== null && !isFinal(detail.jobStatus.state);
  const unread = live.data.value?.complete === false;
  usePoll(() => live.refresh(), (running && following) || unread ? pollMs(POLL_MS) : null);
  const views = useMemo(() => ({ step: new CurveView(), relative: new CurveView(), wall }), [wall]);

  const { value: found } = live.data;
  const problem = live.error.value && (
    <p class="problem" role="alert">
      {live.error.value.message}
    </p>
  );
  if (!found) return problem || <p class="loading">{t('app.loading')}</p>;
  const runs = found.runs.filter((run) => compare || run.jobAttempt === detail.jobStatus.attemptId);
  const several = new Set(found.runs.map(({ jobAttempt }) => jobAttempt)).size > 1;
  if (!several && !runs.some(({ tags }) => tags.length > 0)) return problem || <p class="empty">{t('scalars.none')}</p>;
  const groups = [...groupTags(runs, search)];
  // As many groups are open as have few charts together, the first one in any case.
  const before = groups.map((_, index) => groups.slice(0, index + 1).reduce((sum, [, charts]) => sum + charts.length, 0));
  return (
    <>
      {problem}
      <div class="tools">
        <label>
          {t('scalars.axis')}{' '}
          <select value={look.over} onChange={(event) => setLook({ ...look, over: event.currentTarget.value as Over })}>
            {OVERS.map((over) => (
              <option key={over} value={over}>
                {t(`scalars.axis.${over}`)}
              </option>
            ))}
          </select>
        </label>
        <label>
          {t('scalars.smooth')}{' '}
          <input
            type="range"
            min="0"
            max={STRONGEST}
            step="0.01"
            value={look.weight}
            onInput={(event) => setLook({ ...look, weight: Number(event.currentTarget.value) })}
          />{' '}
          <output>{count(look.weight, language.value)}</output>
        </label>
        <label>
          <input type="checkbox" checked={look.log} onChange={(event) => setLook({ ...look, log: event.currentTarget.checked })} /> {t('scalars.log')}
        </label>
        {several && (
          <label>
            {t('scalars.attempts')}{' '}
            <select value={compare ? 'all' : 'this'} onChange={(event) => setCompare(event.currentTarget.value === 'all')}>
              <option value="this">{t('scalars.attempts.this')}</option>
              <option value="all">{t('scalars.attempts.all')}</option>
            </select>
          </label>
        )}
        <label>
          {t('scalars.search')} <input type="search" value={search} onInput={(event) => setSearch(event.currentTarget.value)} />
        </label>
        {running && (
          <label>
            <input type="checkbox" checked={following} onChange={(event) => setFollowing(event.currentTarget.checked)} /> {t('gpus.follow')}
          </label>
        )}
      </div>
      <Warnings runs={runs} leftOut={found.runsLeftOut} />
      {groups.length === 0 && <p class="empty">{t(search === '' ? 'scalars.none' : 'scalars.noMatch')}</p>}
      {groups.map(([name, charts], index) => (
        <Group key={name} name={name} open={index === 0 || (before[index] as number) <= CHARTS_FIRST} charts={charts} runs={runs} look={look} views={views} />
      ))}
    </>
  );
}

function Warnings({ runs, leftOut }: { runs: readonly ScalarRun[]; leftOut: number }) {
  return (
    <>
      {runs.some(({ damaged }) => damaged > 0) && <p class="hint">{t('scalars.damaged')}</p>}
      {(leftOut > 0 || runs.some(({ tagsLeftOut }) => tagsLeftOut > 0)) && <p class="hint">{t('scalars.leftOut')}</p>}
    </>
  );
}

interface GroupProps {
  name: string;
  open: boolean;
  charts: readonly TagChart[];
  runs: readonly ScalarRun[];
  look: Look;
  views: Record<Over, CurveView>;
}

/** Only what is open is drawn: a job may have hundreds of tags. */
function Group({ name, open: first, charts, runs, look, views }: GroupProps) {
  const [open, setOpen] = useState(first);
  const [all, setAll] = useState(false);
  const id = useId();
  const shown = all ? charts : charts.slice(0, CHARTS_FIRST);
  return (
    <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary id={id}>
        {name === '' ? t('scalars.group.rest') : name} <span class="dim">{charts.length}</span>
      </summary>
      {open && (
        <>
          <div class="curves">
            {shown.map((chart) => (
              <Chart key={chart.tag} chart={chart} runs={runs} look={look} views={views} />
            ))}
          </div>
          {shown.length < charts.length && (
            <button type="button" onClick={() => setAll(true)}>
              {t('scalars.more', { count: charts.length })}
            </button>
          )}
        </>
      )}
    </details>
  );
}

function axisOf(over: Over): XAxis {
  if (over === 'wall') return wallAxis();
  const exact = over === 'step' ? (value: number) => count(value, language.value) : duration;
  return { name: t(`scalars.axis.${over}`), time: false, ticks: (values) => values.map(exact), exact };
}

function Chart({ chart, runs, look, views }: Omit<GroupProps, 'name' | 'open' | 'charts'> & { chart: TagChart }) {
  const names = runNames(runs, {
    attempt: (number) => t('scalars.run.attempt', { number }),
    try: (number) => t('scalars.run.try', { number }),
  });
  const steps = hasSteps(chart.of);
  const over = look.over === 'step' && !steps ? 'relative' : look.over;
  const lines = chart.of.map(({ run, tag }): CurveLine => {
    const key = runKey(run);
    const raw = seriesOf(tag, over);
    const line = { key, name: names.get(key) ?? key };
    return look.weight === 0 ? { ...line, series: raw } : { ...line, series: smoothed(raw, look.weight), raw };
  });
  const odd = chart.of.reduce((sum, { tag }) => sum + tag.notFinite, 0);
  const notes = [
    ...(over === look.over ? [] : [t('scalars.noStep')]),
    ...(odd === 0 ? [] : [odd === 1 ? t('scalars.notFinite.one') : t('scalars.notFinite.many', { count: odd })]),
  ];
  return (
    <Curve
      title={chart.tag}
      note={notes.join(' · ') || undefined}
      lines={lines}
      axis={axisOf(over)}
      view={views[over]}
      formatY={(value) => figure(value, language.value)}
      log={look.log && lines.every(({ series }) => series.y.every((value) => value === null || value > 0))}
    />
  );
}
