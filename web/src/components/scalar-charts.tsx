// SPDX-License-Identifier: MIT
// Scalars of runs, of one job or of several: a chart for each tag with a line for each run, over what one chooses.
import type { ComponentChildren } from 'preact';
import { useId, useMemo, useState } from 'preact/hooks';
import type { ScalarRun } from '../api.ts';
import { CurveView } from '../curve-view.ts';
import { count, duration, figure } from '../format.ts';
import { groupTags, hasSteps, type Over, runKey, runNames, seriesOf, smoothed, type TagChart } from '../scalars.ts';
import { language, t } from '../words.ts';
import { Curve, type CurveLine, type XAxis } from './curve.tsx';
import { wallAxis } from './job-gpus.tsx';

const CHARTS_FIRST = 8;
const OVERS: readonly Over[] = ['step', 'relative', 'wall'];
const STRONGEST = 0.99;

interface Look {
  over: Over;
  weight: number;
  log: boolean;
}

interface Props {
  runs: readonly ScalarRun[];
  /** Runs that the server did not tell of. */
  leftOut: number;
  /** Shared with the other curves of the page, which are over time. */
  wall: CurveView;
  /** So many lines of a chart are drawn at first. */
  first?: number;
  /** Choices beside those of the charts. */
  children?: ComponentChildren;
}

export function ScalarCharts({ runs, leftOut, wall, first, children }: Props) {
  const [look, setLook] = useState<Look>({ over: 'step', weight: 0, log: false });
  const [search, setSearch] = useState('');
  const views = useMemo(() => ({ step: new CurveView(), relative: new CurveView(), wall }), [wall]);
  const groups = [...groupTags(runs, search)];
  // As many groups are open as have few charts together, the first one in any case.
  const before = groups.map((_, index) => groups.slice(0, index + 1).reduce((sum, [, charts]) => sum + charts.length, 0));
  return (
    <>
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
        <label>
          {t('scalars.search')} <input type="search" value={search} onInput={(event) => setSearch(event.currentTarget.value)} />
        </label>
        {children}
      </div>
      <Warnings runs={runs} leftOut={leftOut} />
      {groups.length === 0 && <p class="empty">{t(search === '' ? 'scalars.none' : 'scalars.noMatch')}</p>}
      {groups.map(([name, charts], index) => (
        <Group
          key={name}
          name={name}
          open={index === 0 || (before[index] as number) <= CHARTS_FIRST}
          charts={charts}
          runs={runs}
          look={look}
          views={views}
          first={first}
        />
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
  first: number | undefined;
}

/** Only what is open is drawn: a job may have hundreds of tags. */
function Group({ name, open: openFirst, charts, ...of }: GroupProps) {
  const [open, setOpen] = useState(openFirst);
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
              <Chart key={chart.tag} chart={chart} {...of} />
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

function Chart({ chart, runs, look, views, first }: Omit<GroupProps, 'name' | 'open' | 'charts'> & { chart: TagChart }) {
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
      first={first}
      formatY={(value) => figure(value, language.value)}
      log={look.log && lines.every(({ series }) => series.y.every((value) => value === null || value > 0))}
    />
  );
}
