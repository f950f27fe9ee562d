// SPDX-License-Identifier: MIT
// What a job's programs wrote into event files: a chart for each tag with a line for each run, while they write, too.
import { useState } from 'preact/hooks';
import type { JobDetail } from '../api.ts';
import type { CurveView } from '../curve-view.ts';
import { compareHref } from '../router.ts';
import { isFinal, t } from '../words.ts';
import { ScalarCharts } from './scalar-charts.tsx';
import { useScalars } from './use-scalars.ts';
import { pollMs, usePoll } from './use-poll.ts';

const POLL_MS = 5_000;

/** `wall` is shared with the other curves of the page, which are over time. */
export function JobScalars({ job, detail, wall }: { job: string; detail: JobDetail; wall: CurveView }) {
  const live = useScalars([job]);
  const [following, setFollowing] = useState(true);
  const [compare, setCompare] = useState(false);
  const running = detail.jobStatus.launchedTime !== null && !isFinal(detail.jobStatus.state);
  const unread = live.data.value?.[0]?.complete === false;
  usePoll(() => live.refresh(), (running && following) || unread ? pollMs(POLL_MS) : null);

  const found = live.data.value?.[0];
  const problem = live.error.value && (
    <p class="problem" role="alert">
      {live.error.value.message}
    </p>
  );
  if (!found) return problem || <p class="loading">{t('app.loading')}</p>;
  const runs = found.runs.filter((run) => compare || run.jobAttempt === detail.jobStatus.attemptId);
  const several = new Set(found.runs.map(({ jobAttempt }) => jobAttempt)).size > 1;
  if (!several && !runs.some(({ tags }) => tags.length > 0)) return problem || <p class="empty">{t('scalars.none')}</p>;
  return (
    <>
      {problem}
      <ScalarCharts runs={runs} leftOut={found.runsLeftOut} wall={wall}>
        {several && (
          <label>
            {t('scalars.attempts')}{' '}
            <select value={compare ? 'all' : 'this'} onChange={(event) => setCompare(event.currentTarget.value === 'all')}>
              <option value="this">{t('scalars.attempts.this')}</option>
              <option value="all">{t('scalars.attempts.all')}</option>
            </select>
          </label>
        )}
        {running && (
          <label>
            <input type="checkbox" checked={following} onChange={(event) => setFollowing(event.currentTarget.checked)} /> {t('gpus.follow')}
          </label>
        )}
        <a href={compareHref([job])}>{t('compare.with')}</a>
      </ScalarCharts>
    </>
  );
}
