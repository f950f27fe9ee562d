// SPDX-License-Identifier: MIT
// What a task left in the folder that it worked in: folder by folder, each file to download. Task and folder are in the
// address.
import { fileHref, type FileListing, type JobDetail, listFiles, type TaskRef } from '../api.ts';
import { bytes } from '../format.ts';
import { tj } from '../jobs-words.ts';
import { go, jobHref } from '../router.ts';
import { allTasks, mainTask, taskName } from '../tasks.ts';
import { isFinal, t } from '../words.ts';
import { Loaded } from './loaded.tsx';
import { Ago } from './time.tsx';
import { useLive } from './use-live.ts';
import { usePoll } from './use-poll.ts';

/** Nothing tells of a file that a running task writes. */
const LOOK_MS = 10_000;

interface Props {
  job: string;
  detail: JobDetail;
  attempt: number | null;
  query: URLSearchParams;
}

export function JobFiles({ job, detail, attempt, query }: Props) {
  const tasks = allTasks(detail);
  const index = Number(query.get('index'));
  const task = tasks.find((one) => one.role === query.get('role') && one.status.taskIndex === index) ?? mainTask(tasks);
  if (!task || task.status.currentAttemptLaunchedTime === null) return <p class="empty">{t('log.notStarted')}</p>;
  const { taskIndex, attemptId, taskState } = task.status;
  const ref: TaskRef = { job, attempt: detail.jobStatus.attemptId, role: task.role, index: taskIndex, taskAttempt: attemptId };
  const folder = query.get('folder') ?? '';
  const to = (name: string, path: string): string => {
    const one = tasks.find((other) => taskName(other) === name) ?? task;
    return jobHref(job, { tab: 'files', attempt, role: one.role, index: one.status.taskIndex, folder: path });
  };
  return (
    <>
      <p class="hint">{tj('files.what')}</p>
      {tasks.length > 1 && (
        <div class="tools">
          <label>
            {t('log.task')}{' '}
            <select value={taskName(task)} onChange={(event) => go(to(event.currentTarget.value, ''))}>
              {tasks.map((one) => (
                <option key={taskName(one)}>{taskName(one)}</option>
              ))}
            </select>
          </label>
        </div>
      )}
      <Folder
        key={JSON.stringify([ref, folder])}
        target={ref}
        task={taskName(task)}
        folder={folder}
        grows={!isFinal(taskState)}
        href={(path) => to(taskName(task), path)}
      />
    </>
  );
}

interface FolderProps {
  target: TaskRef;
  task: string;
  folder: string;
  /** A running task may write more. */
  grows: boolean;
  /** The address of a folder. */
  href: (path: string) => string;
}

function Folder({ target, task, folder, grows, href }: FolderProps) {
  const live = useLive(() => listFiles(target, folder), '', (change) => change.kind === 'job' && change.name === target.job);
  usePoll(() => live.refresh(), grows ? LOOK_MS : null);
  const parts = folder.split('/').filter(Boolean);
  return (
    <>
      {parts.length > 0 && (
        <nav class="folders" aria-label={tj('files.path')}>
          <a href={href('')}>{tj('files.top')}</a>
          {parts.map((part, at) => (
            <span key={part}>
              {' / '}
              {at < parts.length - 1 ? <a href={href(parts.slice(0, at + 1).join('/'))}>{part}</a> : part}
            </span>
          ))}
        </nav>
      )}
      <Loaded live={live}>{(listing) => <List listing={listing} target={target} task={task} folder={folder} href={href} />}</Loaded>
    </>
  );
}

interface ListProps extends Omit<FolderProps, 'grows'> {
  listing: FileListing;
}

function List({ listing, target, task, folder, href }: ListProps) {
  const { files, hidden, truncated } = listing;
  return (
    <>
      {files.length === 0 ? (
        <p class="empty">{tj('files.none')}</p>
      ) : (
        <div class="scroll" tabIndex={0} role="region" aria-label={tj('files.caption', { task })}>
          <table class="list">
            <thead>
              <tr>
                <th scope="col">{tj('files.name')}</th>
                <th scope="col" class="number">
                  {tj('files.size')}
                </th>
                <th scope="col">{tj('files.changed')}</th>
              </tr>
            </thead>
            <tbody>
              {files.map(({ name, type, size, modifiedTime }) => {
                const path = folder === '' ? name : `${folder}/${name}`;
                return (
                  <tr key={name} data-file={name}>
                    <th scope="row">
                      {type === 'file' && (
                        <a href={fileHref(target, path)} download={name} aria-label={tj('files.download', { name })}>
                          {name}
                        </a>
                      )}
                      {type === 'folder' && (
                        <a href={href(path)} aria-label={tj('files.open', { name })}>
                          {name}/
                        </a>
                      )}
                      {type === 'other' && name}
                    </th>
                    <td class="number">{type === 'file' ? bytes(size) : type === 'other' && <span class="dim">{tj('files.other')}</span>}</td>
                    <td>
                      <Ago at={modifiedTime} />
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
      {truncated && <p class="dim">{tj('files.more')}</p>}
      {hidden > 0 && <p class="dim">{tj('files.hidden', { count: hidden })}</p>}
    </>
  );
}
