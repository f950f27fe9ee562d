// SPDX-License-Identifier: MIT
// The facts of a job, and its tasks role by role.
import type { ComponentChildren } from 'preact';
import type { JobDetail, Limits, Resources, TaskStatus } from '../api.ts';
import { bytes, duration } from '../format.ts';
import { jobHref, jobsHref, nodeHref } from '../router.ts';
import { allTasks, countStates, taskName } from '../tasks.ts';
import { GLYPHS, isFinal, priorityWord, shownState, t } from '../words.ts';
import { OnHost, Simulated } from './labels.tsx';
import { ShellLink } from './shell-link.tsx';
import { State } from './state.tsx';
import { Ago, Span } from './time.tsx';

interface Props {
  job: string;
  detail: JobDetail;
  attempt: number | null;
}

export function JobOverview({ job, detail, attempt }: Props) {
  return (
    <>
      <Facts detail={detail} />
      {Object.entries(detail.taskRoles).map(([role, { resources, taskStatuses }]) => (
        <Role key={role} job={job} detail={detail} role={role} resources={resources} tasks={taskStatuses} attempt={attempt} />
      ))}
    </>
  );
}

export function Fact({ word, children }: { word: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{word}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Facts({ detail }: { detail: JobDetail }) {
  const status = detail.jobStatus;
  const isolation = new Set(allTasks(detail).flatMap((task) => task.status.isolation ?? []));
  const time = (at: number | null) => (at === null ? t('job.notYet') : <Ago at={at} />);
  return (
    <dl class="facts" aria-label={t('job.facts')}>
      <Fact word={t('column.user')}>
        <a href={jobsHref({ user: status.username })}>{status.username}</a>
      </Fact>
      <Fact word={t('column.vc')}>{status.virtualCluster}</Fact>
      <Fact word={t('column.priority')}>{priorityWord(detail.jobPriority)}</Fact>
      <Fact word={t('column.submitted')}>{time(status.submissionTime)}</Fact>
      <Fact word={t('job.started')}>{time(status.launchedTime)}</Fact>
      <Fact word={t('job.ended')}>{time(status.completedTime)}</Fact>
      <Fact word={t('column.retries')}>{status.retries}</Fact>
      {detail.limits && <LimitFacts limits={detail.limits} />}
      {isolation.size > 0 && <Fact word={t('job.isolation')}>{[...isolation].join(', ')}</Fact>}
      {(detail.tags?.length ?? 0) > 0 && <Fact word={t('job.tags')}>{detail.tags?.join(', ')}</Fact>}
    </dl>
  );
}

const MIB = 1024 * 1024;

function LimitFacts({ limits: { timeSeconds, processes, diskMB } }: { limits: Limits }) {
  return (
    <>
      <Fact word={t('job.limit.time')}>{timeSeconds === null ? t('job.limit.none') : duration(timeSeconds * 1000)}</Fact>
      <Fact word={t('job.limit.disk')}>{diskMB === null ? t('job.limit.none') : bytes(diskMB * MIB)}</Fact>
      <Fact word={t('job.limit.processes')}>{processes}</Fact>
    </>
  );
}

/** What a task of the role may use, in a line. */
function Shares({ resources: { cpu, memoryMB, gpu, shmMB } }: { resources: Resources }) {
  const memory = bytes(memoryMB * MIB);
  return <p class="dim shares">{t('task.shares', { cpu, memory, gpu, shm: bytes(shmMB * MIB) })}</p>;
}

interface RoleProps {
  job: string;
  detail: JobDetail;
  role: string;
  resources: Resources | undefined;
  tasks: readonly TaskStatus[];
  attempt: number | null;
}

function Role({ job, detail, role, resources, tasks, attempt }: RoleProps) {
  return (
    <section class="role">
      <h2>
        {role}
        {countStates(tasks).map(([state, number]) => {
          const shown = shownState({ state });
          return (
            <span key={state} class={`count state-${shown}`}>
              <span class="glyph" aria-hidden="true">
                {GLYPHS[shown]}
              </span>{' '}
              {number} {t(`state.${shown}`)}
            </span>
          );
        })}
      </h2>
      {resources && <Shares resources={resources} />}
      <div class="scroll" tabIndex={0} role="region" aria-label={t('task.role', { role })}>
        <table class="list">
          <thead>
            <tr>
              <th scope="col">{t('task.index')}</th>
              <th scope="col">{t('column.state')}</th>
              <th scope="col">{t('task.node')}</th>
              <th scope="col">{t('task.gpus')}</th>
              <th scope="col">{t('task.ports')}</th>
              <th scope="col">{t('task.exit')}</th>
              <th scope="col">{t('task.started')}</th>
              <th scope="col" class="number">
                {t('column.duration')}
              </th>
              <th scope="col" class="number">
                {t('column.retries')}
              </th>
              <th scope="col">{t('task.log')}</th>
            </tr>
          </thead>
          <tbody>
            {tasks.map((task) => (
              <TaskRow key={task.taskIndex} job={job} detail={detail} role={role} task={task} attempt={attempt} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

interface TaskRowProps {
  job: string;
  detail: JobDetail;
  role: string;
  task: TaskStatus;
  attempt: number | null;
}

function TaskRow({ job, detail, role, task, attempt }: TaskRowProps) {
  const launched = task.currentAttemptLaunchedTime;
  const completed = task.currentAttemptCompletedTime;
  const name = taskName({ role, status: task });
  const node = task.node ?? task.containerNodeName;
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>
        <State state={shownState({ state: task.taskState })} /> {task.onHost && <OnHost />}
      </td>
      <td>{node && <a href={nodeHref(node)}>{node}</a>}</td>
      <td>
        {task.containerGpus && task.containerGpus.length > 0 && (
          <>
            {task.containerGpus.join(', ')} {task.simulatedGpus && <Simulated />}
          </>
        )}
      </td>
      <td>
        {Object.entries(task.containerPorts ?? {})
          .map(([label, ports]) => `${label} ${ports}`)
          .join(' · ')}
      </td>
      <td title={task.containerExitDiagnostics ?? undefined}>
        {task.containerExitCode}
        {task.containerExitCode !== null && task.containerExitSpec && (
          <span class="dim"> {task.containerExitSpec.phrase}</span>
        )}
      </td>
      <td>{launched !== null && <Ago at={launched} />}</td>
      <td class="number">
        {launched !== null && (completed !== null || !isFinal(task.taskState)) && <Span from={launched} to={completed} />}
      </td>
      <td class="number">{task.retries}</td>
      <td>
        {launched !== null && (
          <a
            href={jobHref(job, { tab: 'log', attempt, role, index: task.taskIndex })}
            aria-label={t('task.log.open', { task: name })}
          >
            {t('task.log')}
          </a>
        )}{' '}
        {task.taskState === 'RUNNING' && <ShellLink job={job} detail={detail} role={role} index={task.taskIndex} />}
      </td>
    </tr>
  );
}
