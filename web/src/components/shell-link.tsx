// SPDX-License-Identifier: MIT
// Leads to a shell in a task, on the terminal's own page.
import type { JobDetail } from '../api.ts';
import { session, theme } from '../store.ts';
import { terminalHref } from '../terminal-link.ts';
import { language, t } from '../words.ts';

interface Props {
  job: string;
  detail: JobDetail;
  role: string;
  index: number;
}

/** Nothing for those who may not enter, and where an earlier attempt is shown. */
export function ShellLink({ job, detail, role, index }: Props) {
  const me = session.value;
  const { attemptId, retries, username } = detail.jobStatus;
  const task = detail.taskRoles[role]?.taskStatuses.find(({ taskIndex }) => taskIndex === index);
  if (!task || attemptId < retries || !(me?.admin || me?.user === username)) return null;
  const ref = { job, attempt: attemptId, role, index, taskAttempt: task.attemptId };
  return (
    <a
      class="button"
      href={terminalHref({ ref, language: language.value, theme: theme.value })}
      aria-label={t('task.shell.open', { task: `${role}-${index}` })}
    >
      {t('task.shell')}
    </a>
  );
}
