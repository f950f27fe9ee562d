// SPDX-License-Identifier: MIT
// Chooses a log (task, try, stream); the choice is in the address. LogView shows it.
import { type JobDetail, type LogName, logHref, type TaskRef } from '../api.ts';
import { jobHref } from '../router.ts';
import { allTasks, mainTask, taskName } from '../tasks.ts';
import { type Key, t } from '../words.ts';
import { LogView } from './log-view.tsx';

interface Props {
  job: string;
  detail: JobDetail;
  attempt: number | null;
  query: URLSearchParams;
}

const STREAMS: readonly (readonly [LogName, Key])[] = [
  ['all', 'log.stream.all'],
  ['stdout', 'log.stream.stdout'],
  ['stderr', 'log.stream.stderr'],
];

export function JobLog({ job, detail, attempt, query }: Props) {
  const tasks = allTasks(detail);
  const index = Number(query.get('index'));
  const asked = tasks.find((task) => task.role === query.get('role') && task.status.taskIndex === index);
  const task = asked ?? mainTask(tasks);
  if (!task) return <p class="empty">{t('log.notStarted')}</p>;

  const latest = task.status.attemptId;
  const tried = query.get('try');
  const taskAttempt = tried !== null && /^\d{1,9}$/.test(tried) ? Math.min(Number(tried), latest) : latest;
  const stream = STREAMS.find(([name]) => name === query.get('stream'))?.[0] ?? 'all';
  const ref: TaskRef = {
    job,
    attempt: detail.jobStatus.attemptId,
    role: task.role,
    index: task.status.taskIndex,
    taskAttempt,
  };
  const choose = (change: { task?: string; try?: string; stream?: string }): void => {
    const next = tasks.find((one) => taskName(one) === change.task) ?? task;
    location.hash = jobHref(job, {
      tab: 'log',
      attempt,
      role: next.role,
      index: next.status.taskIndex,
      try: change.task ? null : (change.try ?? tried),
      stream: change.stream ?? stream,
    });
  };
  const started = taskAttempt < latest || task.status.currentAttemptLaunchedTime !== null;
  const chooser = (
    <>
      <label>
        {t('log.task')}{' '}
        <select value={taskName(task)} onChange={(event) => choose({ task: event.currentTarget.value })}>
          {tasks.map((one) => (
            <option key={taskName(one)} value={taskName(one)}>
              {taskName(one)}
            </option>
          ))}
        </select>
      </label>
      {latest > 0 && (
        <label>
          {t('log.try')}{' '}
          <select value={taskAttempt} onChange={(event) => choose({ try: event.currentTarget.value })}>
            {Array.from({ length: latest + 1 }, (_, number) => (
              <option key={number} value={number}>
                {number + 1}
              </option>
            ))}
          </select>
        </label>
      )}
      <label>
        {t('log.stream')}{' '}
        <select value={stream} onChange={(event) => choose({ stream: event.currentTarget.value })}>
          {STREAMS.map(([name, word]) => (
            <option key={name} value={name}>
              {t(word)}
            </option>
          ))}
        </select>
      </label>
    </>
  );
  if (!started) {
    return (
      <>
        <div class="tools">{chooser}</div>
        <p class="empty">{t('log.notStarted')}</p>
      </>
    );
  }
  return (
    <LogView key={logHref(ref, stream)} target={ref} name={stream} saveAs={`${job}.${taskName(task)}.${stream}.log`}>
      {chooser}
    </LogView>
  );
}
