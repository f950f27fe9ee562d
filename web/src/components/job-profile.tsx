// SPDX-License-Identifier: MIT
// What kind of work a job does, what holds it up with the figures that prove it, what to try, and how far it is. The
// sentence and the advice are the server's.
import { getProfile, type JobDetail, type JobProfile as Profile, type JobProgress } from '../api.ts';
import { count, duration, figure, percent } from '../format.ts';
import { limitOf, provingFirst, seconds } from '../profile.ts';
import { isFinal, type Key, language, t } from '../words.ts';
import { Fact } from './job-overview.tsx';
import { useLive } from './use-live.ts';
import { pollMs, usePoll } from './use-poll.ts';

/** The server looks at samples of five seconds, and at the log, which costs it something. */
const POLL_MS = 15_000;

export function JobProfile({ job, detail }: { job: string; detail: JobDetail }) {
  const live = useLive(() => getProfile(job), job, (change) => change.kind === 'reset' || (change.kind === 'job' && change.name === job));
  const running = detail.jobStatus.launchedTime !== null && !isFinal(detail.jobStatus.state);
  usePoll(() => live.refresh(), running ? pollMs(POLL_MS) : null);
  const { value: found } = live.data;
  const problem = live.error.value;
  // A job without GPUs whose log tells nothing has no such part.
  if (!found ? !problem : found.gpus === 0 && !tells(found.progress)) return null;
  return (
    <section class="metrics work" aria-labelledby="work-title">
      <h2 id="work-title">{t('work.title')}</h2>
      {problem && (
        <p class="problem" role="alert">
          {problem.message}
        </p>
      )}
      {found && (
        <>
          <dl class="facts">
            {found.gpus > 0 && <Findings found={found} />}
            {found.progress && <Progress progress={found.progress} />}
          </dl>
          {found.progress?.stalled && <p class="hint">{t('work.stalled', { time: duration(found.progress.silentMs) })}</p>}
          {found.sentence !== '' && <p>{found.sentence}</p>}
          {found.advice.length > 0 && (
            <>
              <h3>{t('work.advice')}</h3>
              <ul>
                {found.advice.map((one) => (
                  <li key={one}>{one}</li>
                ))}
              </ul>
            </>
          )}
          {found.gpus > 0 && found.jobAttempt !== detail.jobStatus.attemptId && <p class="hint">{t('work.newest')}</p>}
          <Figures found={found} />
        </>
      )}
    </section>
  );
}

/** Whether its log says anything of how far it is. */
const tells = (progress: JobProgress | null): boolean =>
  progress !== null && [progress.step, progress.epoch, progress.loss, progress.done].some((value) => value !== null);

const sure = (confidence: number) => <span class="dim"> {t('work.sure', { percent: percent(confidence, language.value) })}</span>;

function Findings({ found }: { found: Profile }) {
  const known = found.kind !== 'unknown';
  return (
    <>
      <Fact word={t('work.kind')}>
        {t(`work.kind.${found.kind}`)}
        {known && sure(found.kindConfidence)}
      </Fact>
      {found.sentence !== '' && found.kind !== 'idle' && (
        <Fact word={t('work.bottleneck')}>
          {t(`work.bottleneck.${found.bottleneck}`)}
          {sure(found.confidence)}
        </Fact>
      )}
      {found.periodSeconds !== null && <Fact word={t('work.period')}>{shown('periodSeconds', found.periodSeconds)}</Fact>}
    </>
  );
}

function Progress({ progress }: { progress: JobProgress }) {
  const { step, steps, epoch, epochs, loss, done, stepsPerSecond, leftMs } = progress;
  const number = (value: number): string => count(value, language.value);
  const of = (part: number, all: number | null): string => (all === null ? number(part) : t('work.of', { part: number(part), all: number(all) }));
  return (
    <>
      {done !== null && (
        <Fact word={t('work.done')}>
          <meter min={0} max={1} value={done} aria-label={t('work.done')} /> {percent(Math.floor(100 * done), language.value)}
        </Fact>
      )}
      {leftMs !== null && <Fact word={t('work.left')}>{t('work.left.about', { time: duration(leftMs) })}</Fact>}
      {step !== null && <Fact word={t('work.step')}>{of(step, steps)}</Fact>}
      {epoch !== null && <Fact word={t('work.epoch')}>{of(epoch, epochs)}</Fact>}
      {loss !== null && <Fact word={t('work.loss')}>{figure(loss, language.value)}</Fact>}
      {stepsPerSecond !== null && <Fact word={t('work.rate')}>{figure(stepsPerSecond, language.value)}</Fact>}
    </>
  );
}

/** A figure in its unit, which its name tells. */
function shown(name: string, value: number): string {
  return seconds(name) ? t('work.seconds', { value: figure(Number(value.toPrecision(3)), language.value) }) : percent(value, language.value);
}

const FIGURES: Readonly<Record<string, Key>> = {
  busy: 'work.figure.busy',
  duty: 'work.figure.duty',
  memoryBusy: 'work.figure.memoryBusy',
  intensity: 'work.figure.intensity',
  power: 'work.figure.power',
  balance: 'work.figure.balance',
  cpu: 'work.figure.cpu',
  ioWait: 'work.figure.ioWait',
  stillSeconds: 'work.figure.stillSeconds',
  idleStretchSeconds: 'work.figure.idleStretchSeconds',
};

/** Those that prove something are in sight, the others behind them. */
function Figures({ found }: { found: Profile }) {
  const rows = provingFirst(found);
  if (rows.length === 0) return null;
  return (
    <details open={found.proofs.length > 0}>
      <summary>{t('work.figures')}</summary>
      <div class="scroll" tabIndex={0} role="region" aria-label={t('work.figures')}>
        <table class="list">
          <thead>
            <tr>
              <th scope="col">{t('work.figure')}</th>
              <th scope="col" class="number">
                {t('work.value')}
              </th>
              <th scope="col">{t('work.limit')}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ name, value }) => {
              const key = FIGURES[name];
              const limit = limitOf(found, name);
              return (
                <tr key={name}>
                  <th scope="row">{key ? t(key) : name}</th>
                  <td class="number">{shown(name, value)}</td>
                  <td>{limit && t(`work.limit.${limit.side}`, { value: shown(name, limit.value) })}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </details>
  );
}
