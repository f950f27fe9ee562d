// SPDX-License-Identifier: MIT
// What a job's tasks use of cores, memory and discs: curves of each, of one or of all together, and what each comes to.
import { useMemo, useState } from 'preact/hooks';
import { ta } from '../admin-words.ts';
import type { JobDetail } from '../api.ts';
import type { CurveView } from '../curve-view.ts';
import { bytes, count, duration, figure, percent } from '../format.ts';
import { pooledTasks, TASK_CHARTS, type TaskChart, type TaskCurve, taskCurves } from '../task-curves.ts';
import { isFinal, language, t } from '../words.ts';
import { Curve, type CurveLine } from './curve.tsx';
import { Follow, TryChoice } from './curve-tools.tsx';
import { wallAxis } from './job-gpus.tsx';
import { Loaded } from './loaded.tsx';
import type { Uses } from './use-uses.ts';

/** From so many on, tasks are shown as one. */
const MANY = 5;
/** Of a job with more tasks, rows that nobody would read. */
const ROWS_MAX = 200;

const EACH = 'each';
const ALL = 'all';

export function JobTasks({ detail, view, uses }: { detail: JobDetail; view: CurveView; uses: Uses }) {
  const { kept, running, following, setFollowing } = uses;
  // 'each', 'all', or the key of one.
  const [by, setBy] = useState<string | null>(null);
  const [tried, setTried] = useState<number | null>(null);
  const attempt = detail.jobStatus.attemptId;
  const all = useMemo(() => taskCurves(kept.data.value?.tasks ?? [], attempt), [kept.data.value, attempt]);
  const tries = [...new Set(all.map(({ taskAttempt }) => taskAttempt))].sort((a, b) => a - b);
  const curves = all.filter(({ taskAttempt }) => tried === null || taskAttempt === tried);
  const known = by === EACH || by === ALL || curves.some(({ key }) => key === by);
  const shownBy = (known && by) || (curves.length >= MANY ? ALL : EACH);
  return (
    <Loaded live={kept}>
      {() =>
        all.length === 0 ? (
          <p class="empty">{whyNone(detail)}</p>
        ) : (
          <>
            <div class="tools">
              {curves.length > 1 && (
                <label>
                  {ta('use.by')}{' '}
                  <select value={shownBy} onChange={(event) => setBy(event.currentTarget.value)}>
                    <option value={EACH}>{t('gpus.by.task')}</option>
                    <option value={ALL}>{ta('use.by.all')}</option>
                    {curves.map((one) => (
                      <option key={one.key} value={one.key}>
                        {nameOf(one, tries)}
                      </option>
                    ))}
                  </select>
                </label>
              )}
              <TryChoice tries={tries} tried={tried} onChoose={setTried} />
              {running && <Follow following={following} setFollowing={setFollowing} />}
            </div>
            <Charts curves={curves} by={shownBy} tries={tries} view={view} />
            <Figures curves={curves} tries={tries} />
          </>
        )
      }
    </Loaded>
  );
}

function whyNone({ jobStatus: { launchedTime, state } }: JobDetail): string {
  if (launchedTime === null) return ta('use.none.waiting');
  return isFinal(state) ? ta('use.none.ended') : ta('use.none.yet');
}

const nameOf = ({ task, taskAttempt }: TaskCurve, tries: readonly number[]): string =>
  tries.length > 1 ? ta('use.name.try', { task, number: taskAttempt + 1 }) : task;

const FORMATS: Record<TaskChart, 'share' | 'bytes' | 'rate'> = { cpu: 'share', memory: 'bytes', waiting: 'share', received: 'rate', sent: 'rate' };

const rate = (value: number): string => ta('use.rate', { size: bytes(value) });

function linesOf(curves: readonly TaskCurve[], by: string, tries: readonly number[], chart: TaskChart): CurveLine[] {
  if (by !== ALL) {
    return curves.filter(({ key }) => by === EACH || key === by).map((one) => ({ key: one.key, name: nameOf(one, tries), series: one[chart] }));
  }
  const pooled = pooledTasks(curves, chart);
  return (['mean', 'least', 'most'] as const).map((key) => ({ key, name: ta(`use.${key}`), series: pooled[key] }));
}

function Charts({ curves, by, tries, view }: { curves: readonly TaskCurve[]; by: string; tries: readonly number[]; view: CurveView }) {
  const lines = useMemo(() => TASK_CHARTS.map((chart) => linesOf(curves, by, tries, chart)), [curves, by, language.value]);
  const shown = curves.filter(({ key }) => by === EACH || by === ALL || key === by);
  const [cores, limit] = (['cores', 'memoryLimit'] as const).map((what) => shown.reduce((top, { use }) => Math.max(top, use[what]), 0)) as [number, number];
  const share = (value: number): string => percent(value, language.value);
  const notes: Record<TaskChart, string | undefined> = {
    cpu: cores > 0 ? ta('use.cores', { count: count(cores, language.value) }) : undefined,
    memory: limit > 0 ? t('gpus.memory.of', { size: bytes(limit) }) : undefined,
    waiting: undefined,
    received: undefined,
    sent: undefined,
  };
  return (
    <div class="curves">
      {TASK_CHARTS.map((chart, i) => (
        <Curve
          key={chart}
          title={ta(`use.chart.${chart}`)}
          note={notes[chart]}
          lines={lines[i] ?? []}
          axis={wallAxis()}
          view={view}
          formatY={FORMATS[chart] === 'rate' ? rate : FORMATS[chart] === 'bytes' ? bytes : share}
          bytes={FORMATS[chart] !== 'share'}
          rangeY={[0, FORMATS[chart] === 'share' ? 100 : chart === 'memory' ? limit : 0]}
        />
      ))}
    </div>
  );
}

/** What each comes to; the server writes it each half minute. */
function Figures({ curves, tries }: { curves: readonly TaskCurve[]; tries: readonly number[] }) {
  const number = (value: number): string => figure(Math.round(value * 100) / 100, language.value);
  const size = (value: number | null): string => (value === null ? '–' : bytes(value));
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label={ta('use.uses')}>
        <table class="list uses">
          <thead>
            <tr>
              <th scope="col">{ta('use.task')}</th>
              <th scope="col">{t('task.node')}</th>
              {(['cores', 'coresMax', 'memory', 'memoryMax', 'read', 'written', 'waiting', 'received', 'sent'] as const).map((what) => (
                <th key={what} scope="col" class="number">
                  {ta(`use.figure.${what}`)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {curves.slice(0, ROWS_MAX).map((one) => {
              const { use } = one;
              return (
                <tr key={one.key} data-use={one.key}>
                  <th scope="row">{nameOf(one, tries)}</th>
                  <td>{use.node}</td>
                  <td class="number">{t('gpus.use.of', { part: number(use.coresUsed), all: use.cores })}</td>
                  <td class="number">{number(use.coresUsedMax)}</td>
                  <td class="number">{bytes(use.memoryMean)}</td>
                  <td class="number">{use.memoryLimit > 0 ? t('gpus.use.of', { part: bytes(use.memoryMax), all: bytes(use.memoryLimit) }) : bytes(use.memoryMax)}</td>
                  <td class="number">{size(use.diskReadBytes)}</td>
                  <td class="number">{size(use.diskWrittenBytes)}</td>
                  <td class="number">{t('gpus.use.of', { part: duration(use.waitingMs), all: duration(use.sampledMs) })}</td>
                  <td class="number">{size(use.networkReceivedBytes)}</td>
                  <td class="number">{size(use.networkSentBytes)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {curves.length > ROWS_MAX && <p class="hint">{t('collected.more', { count: curves.length - ROWS_MAX })}</p>}
      {curves.some(({ use }) => use.diskReadBytes === null || use.diskWrittenBytes === null) && <p class="hint">{ta('use.discs.unknown')}</p>}
      <p class="hint">{ta('use.network.what')}</p>
    </>
  );
}
