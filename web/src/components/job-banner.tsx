// SPDX-License-Identifier: MIT
// The state, what happened or why it waits, and what to do. The sentences are the server's.
import { type ExitProof, type ExitSpec, explain, type JobDetail } from '../api.ts';
import { jobHref } from '../router.ts';
import { allTasks, mainTask, ranOnHost, type Task, taskName, usesSimulatedGpus } from '../tasks.ts';
import { isFinal, shownState, t } from '../words.ts';
import { OnHost, Simulated } from './labels.tsx';
import { State } from './state.tsx';
import { Span } from './time.tsx';
import { useLive } from './use-live.ts';
import { usePoll } from './use-poll.ts';
import { WhyWaits } from './why-waits.tsx';

/** Nodes that come back, and limits that change, are no job's event. */
const WAITS_MS = 30_000;

export function JobBanner({ job, detail }: { job: string; detail: JobDetail }) {
  const status = detail.jobStatus;
  const shown = shownState(status);
  const tasks = allTasks(detail);
  return (
    <div class={`banner state-${shown}`}>
      <p class="summary">
        <strong role="status">
          <State state={shown} />
          {shown === 'failed' && status.appExitSpec && ` · ${status.appExitSpec.phrase}`}
        </strong>
        <Summary detail={detail} />
        {usesSimulatedGpus(tasks) && <Simulated />}
        {ranOnHost(tasks) && <OnHost />}
      </p>
      {status.state === 'WAITING' && (
        <section aria-label={t('job.why.waiting')}>
          <h2>{t('job.why.waiting')}</h2>
          <Waits job={job} reason={status.waitReason ?? t('job.why.noReason')} />
        </section>
      )}
      {(status.avoidedNodes ?? []).length > 0 && (
        <p>{t('job.avoids', { nodes: status.avoidedNodes?.join(', ') ?? '' })}</p>
      )}
      {(shown === 'failed' || shown === 'stopped') && <Ended job={job} detail={detail} tasks={tasks} />}
    </div>
  );
}

/** The whole answer, as things are; until it is there, or where it cannot be told, the sentence that came with the job. */
function Waits({ job, reason }: { job: string; reason: string }) {
  const live = useLive(() => explain(job), job, () => true);
  usePoll(() => live.refresh(), WAITS_MS);
  const answer = live.data.value;
  return answer?.reason ? <WhyWaits answer={answer} /> : <p>{reason}</p>;
}

/** "8 GPUs · vision · ran 42m 05s · try 2" */
function Summary({ detail }: { detail: JobDetail }) {
  const { virtualCluster, state, retries, submissionTime, launchedTime, completedTime } = detail.jobStatus;
  const gpus = allTasks(detail).reduce((sum, task) => sum + (task.status.containerGpus?.length ?? 0), 0);
  // The sentence comes around a part that grows.
  const timed = (key: 'ran' | 'running' | 'waiting', from: number, to: number | null) => {
    const [before, after] = t(`job.summary.${key}`, { duration: '\0' }).split('\0');
    return (
      <span>
        {before}
        <Span from={from} to={to} />
        {after}
      </span>
    );
  };
  return (
    <>
      {gpus > 0 && <span>{gpus === 1 ? t('job.summary.gpus.one') : t('job.summary.gpus.many', { count: gpus })}</span>}
      <span>{virtualCluster}</span>
      {launchedTime !== null && completedTime !== null && timed('ran', launchedTime, completedTime)}
      {launchedTime !== null && completedTime === null && !isFinal(state) && timed('running', launchedTime, null)}
      {state === 'WAITING' && launchedTime === null && timed('waiting', submissionTime, null)}
      {retries > 0 && <span>{t('job.summary.try', { number: retries + 1 })}</span>}
    </>
  );
}

/** These types of exit are the user's to solve; of the others only an administrator can. */
const isUsers = (spec: ExitSpec): boolean => !/^(PLATFORM|RESOURCE)/.test(spec.type);

/** The line of the log that says so. */
function Proof({ proof }: { proof: ExitProof }) {
  const { stream, line, text } = proof;
  return (
    <figure>
      <figcaption class="dim">{line === null ? stream : t('job.why.proof', { stream, line })}</figcaption>
      <pre>{text}</pre>
    </figure>
  );
}

function Ended({ job, detail, tasks }: { job: string; detail: JobDetail; tasks: readonly Task[] }) {
  const { appExitSpec: spec, appExitCode: code, appExitDiagnostics, appExitTriggerMessage, state } = detail.jobStatus;
  const found = detail.jobStatus.appExitDiagnosis;
  const failed = state === 'FAILED' ? mainTask(tasks) : undefined;
  const logOf = failed?.status.currentAttemptLaunchedTime ? failed : undefined;
  return (
    <section aria-label={t('job.why.ended')}>
      <h2>{t('job.why.ended')}</h2>
      <p>
        {spec?.reason ?? spec?.phrase ?? t('job.why.noReason')}
        {state === 'FAILED' && code !== null && <span class="dim"> ({t('job.why.exitCode', { code })})</span>}
      </p>
      {state === 'FAILED' && found?.proof && <Proof proof={found.proof} />}
      {appExitTriggerMessage && <p>{appExitTriggerMessage}</p>}
      {state === 'FAILED' && spec && !isUsers(spec) && <p>{t('job.why.admin')}</p>}
      {state === 'FAILED' && spec?.solution && spec.solution.length > 0 && (
        <>
          <h3>{t('job.why.try')}</h3>
          <ul>
            {spec.solution.map((step) => (
              <li key={step}>{step}</li>
            ))}
          </ul>
        </>
      )}
      {logOf && (
        <p>
          <a href={jobHref(job, { tab: 'log', role: logOf.role, index: logOf.status.taskIndex })}>
            {t('job.why.log', { task: taskName(logOf) })}
          </a>
        </p>
      )}
      {appExitDiagnostics && appExitDiagnostics !== appExitTriggerMessage && (
        <details>
          <summary>{t('job.why.diagnostics')}</summary>
          <pre>{appExitDiagnostics}</pre>
        </details>
      )}
    </section>
  );
}
