// SPDX-License-Identifier: MIT
// What a job makes of its GPUs: curves that go on while it runs, and what each GPU comes to.
import { useMemo, useRef, useState } from 'preact/hooks';
import { ApiError, type Device, type GpuUse, type JobDetail, listDevices } from '../api.ts';
import type { CurveView } from '../curve-view.ts';
import { bytes, clock, clocks, count, duration, percent } from '../format.ts';
import { type GpuCurve, gpuCurves, type HeldGpu, heldGpus, pooled, secondsToAsk } from '../gpu-curves.ts';
import { allTasks, usesSimulatedGpus } from '../tasks.ts';
import { isFinal, language, t } from '../words.ts';
import { Curve, type CurveLine, type XAxis } from './curve.tsx';
import { Follow, TryChoice } from './curve-tools.tsx';
import { useLive } from './use-live.ts';
import { pollMs, usePoll } from './use-poll.ts';
import type { Uses } from './use-uses.ts';

const SAMPLES_MS = 2_000;
const NODES_MAX = 16;
/** From so many GPUs on, they are shown as one. */
const MANY = 5;

/** What each node told last. */
type Samples = ReadonlyMap<string, readonly Device[]>;

type By = 'gpu' | 'task' | 'job';
const BYS: readonly By[] = ['gpu', 'task', 'job'];

/** The samples of the nodes that hold its GPUs; a node that is gone tells none. */
async function readSamples(held: readonly HeldGpu[], uses: readonly GpuUse[], before: Samples): Promise<Samples> {
  const nodes = [...new Set(held.map(({ node }) => node))].slice(0, NODES_MAX);
  const answers = nodes.map(async (node): Promise<[string, Device[]][]> => {
    const newest = before.get(node)?.map(({ history }) => history?.time.at(-1) ?? 0) ?? [];
    const last = Math.max(0, ...newest);
    const here = held.filter((one) => one.node === node);
    try {
      return [[node, await listDevices(node, secondsToAsk(uses, here, last || null))]];
    } catch (error) {
      if (error instanceof ApiError && (error.status === 404 || error.status === 403)) return [];
      throw error;
    }
  });
  return new Map((await Promise.all(answers)).flat());
}

interface Props {
  job: string;
  detail: JobDetail;
  view: CurveView;
  uses: Uses;
}

export function JobGpus({ job, detail, view, uses: { kept, following, setFollowing } }: Props) {
  const attempt = detail.jobStatus.attemptId;
  const held = heldGpus(detail);
  const running = held.length > 0 && !isFinal(detail.jobStatus.state);
  const [by, setBy] = useState<By | null>(null);
  const [tried, setTried] = useState<number | null>(null);
  const uses = (kept.data.value?.gpus ?? []).filter((use) => use.jobAttempt === attempt);
  const told = useRef<Samples>(new Map());
  const ask = async (): Promise<Samples> => {
    told.current = await readSamples(held, uses, told.current);
    return told.current;
  };
  const samples = useLive(ask, `${job} ${held.map(({ key }) => key).join()}`, () => false);
  usePoll(() => samples.refresh(), running && following ? pollMs(SAMPLES_MS) : null);
  const found = samples.data.value;
  const all = useMemo(() => gpuCurves(uses, held, found ?? new Map()), [kept.data.value, found, detail]);

  const error = kept.error.value ?? (running ? samples.error.value : null);
  if (!kept.data.value) {
    return error ? (
      <p class="problem" role="alert">
        {error.message}
      </p>
    ) : (
      <p class="loading">{t('app.loading')}</p>
    );
  }
  const tries = [...new Set(all.map(({ taskAttempt }) => taskAttempt))].sort((a, b) => a - b);
  const curves = all.filter(({ taskAttempt }) => tried === null || taskAttempt === tried);
  if (!all.some(({ utilization, memory }) => utilization.x.length + memory.x.length > 0)) return <p class="empty">{whyNone(detail)}</p>;
  const shownBy = by ?? (curves.length >= MANY ? 'job' : 'gpu');
  return (
    <>
      {error && (
        <p class="problem" role="alert">
          {error.message}
        </p>
      )}
      <div class="tools">
        <label>
          {t('gpus.by')}{' '}
          <select value={shownBy} onChange={(event) => setBy(event.currentTarget.value as By)}>
            {BYS.map((one) => (
              <option key={one} value={one}>
                {t(`gpus.by.${one}`)}
              </option>
            ))}
          </select>
        </label>
        <TryChoice tries={tries} tried={tried} onChoose={setTried} />
        {running && <Follow following={following} setFollowing={setFollowing} />}
      </div>
      <Charts curves={curves} by={shownBy} view={view} />
      <Figures curves={curves} />
    </>
  );
}

/** Why there is nothing to draw. */
function whyNone(detail: JobDetail): string {
  const tasks = allTasks(detail);
  const wanted = Object.values(detail.taskRoles).some(({ resources }) => (resources?.gpu ?? 0) > 0);
  const had = tasks.some(({ status }) => (status.containerGpus?.length ?? 0) > 0);
  if (!wanted && !had) return t('gpus.none.unasked');
  if (usesSimulatedGpus(tasks)) return t('gpus.none.simulated');
  if (detail.jobStatus.launchedTime === null) return t('gpus.none.waiting');
  return isFinal(detail.jobStatus.state) ? t('gpus.none.ended') : t('gpus.none.yet');
}

const nameOf = (one: GpuCurve, tries: boolean): string =>
  t(tries ? 'gpus.name.try' : 'gpus.name', { task: one.task, gpu: one.gpu, number: one.taskAttempt + 1 });

const severalTries = (curves: readonly GpuCurve[]): boolean => new Set(curves.map(({ taskAttempt }) => taskAttempt)).size > 1;

export const wallAxis = (): XAxis => ({
  name: t('curve.time'),
  time: true,
  ticks: (values) => clocks(values, language.value),
  exact: (value) => clock(value, language.value),
});

function grouped(curves: readonly GpuCurve[], by: By): { busy: CurveLine[]; memory: CurveLine[] } {
  if (by === 'gpu') {
    const tries = severalTries(curves);
    const line = (one: GpuCurve, series: GpuCurve['memory']): CurveLine => ({ key: one.key, name: nameOf(one, tries), series });
    const busy = curves.map((one) => line(one, one.utilization));
    const only = curves.length === 1 ? curves[0] : undefined;
    if (only) busy.push({ key: 'peak', name: t('gpus.peak'), series: only.peak });
    return { busy, memory: curves.map((one) => line(one, one.memory)) };
  }
  if (by === 'task') {
    const tasks = [...new Set(curves.map(({ task }) => task))];
    const of = tasks.map((task) => [task, pooled(curves.filter((one) => one.task === task))] as const);
    return {
      busy: of.map(([task, one]) => ({ key: task, name: t('gpus.task', { task }), series: one.mean })),
      memory: of.map(([task, one]) => ({ key: task, name: t('gpus.task.fullest', { task }), series: one.memory })),
    };
  }
  const one = pooled(curves);
  return {
    busy: [
      { key: 'mean', name: t('gpus.mean'), series: one.mean },
      { key: 'least', name: t('gpus.least'), series: one.least },
      { key: 'most', name: t('gpus.most'), series: one.most },
    ],
    memory: [{ key: 'most', name: t('gpus.fullest'), series: one.memory }],
  };
}

function Charts({ curves, by, view }: { curves: readonly GpuCurve[]; by: By; view: CurveView }) {
  const { busy, memory } = useMemo(() => grouped(curves, by), [curves, by, language.value]);
  const total = curves.reduce((most, { memoryTotal }) => Math.max(most, memoryTotal), 0);
  const axis = wallAxis();
  return (
    <div class="curves">
      <Curve title={t('gpus.utilization')} lines={busy} axis={axis} view={view} formatY={(value) => percent(value, language.value)} rangeY={[0, 100]} />
      <Curve
        title={t('gpus.memory')}
        note={total > 0 ? t('gpus.memory.of', { size: bytes(total) }) : undefined}
        lines={memory}
        axis={axis}
        view={view}
        formatY={bytes}
        bytes
        rangeY={[0, total]}
      />
    </div>
  );
}

/** What each comes to; the server writes it each half minute. */
function Figures({ curves }: { curves: readonly GpuCurve[] }) {
  const tries = severalTries(curves);
  const known = (value: number | null | undefined) => (value === null || value === undefined ? '–' : percent(value, language.value));
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label={t('gpus.uses')}>
        <table class="list uses">
          <thead>
            <tr>
              <th scope="col">{t('column.gpus')}</th>
              <th scope="col">{t('task.node')}</th>
              {(['mean', 'max', 'p50', 'p95', 'idle', 'memory', 'energy'] as const).map((what) => (
                <th key={what} scope="col" class="number">
                  {t(`gpus.use.${what}`)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {curves.map((one) => (
              <tr key={one.key}>
                <th scope="row">{nameOf(one, tries)}</th>
                <td>{one.node}</td>
                <td class="number">{known(one.use?.utilization)}</td>
                <td class="number">{known(one.use?.utilizationMax)}</td>
                <td class="number">{known(one.use?.utilizationP50)}</td>
                <td class="number">{known(one.use?.utilizationP95)}</td>
                <td class="number">{one.use ? t('gpus.use.of', { part: duration(one.use.idleMs), all: duration(one.use.sampledMs) }) : '–'}</td>
                <td class="number">{one.use ? t('gpus.use.of', { part: bytes(one.use.memoryMax), all: bytes(one.use.memoryTotal) }) : '–'}</td>
                <td class="number">{one.use ? t('gpus.use.wh', { value: count(Math.round(one.use.energyJoules / 360) / 10, language.value) }) : '–'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {curves.some(({ running }) => running) && <p class="hint">{t('gpus.uses.when')}</p>}
    </>
  );
}
