// SPDX-License-Identifier: MIT
// Scalars of several jobs in one chart for each tag: `#/compare?jobs=ana~a,ana~b`. The address holds the choice.
import { useEffect, useMemo, useState } from 'preact/hooks';
import { listJobs } from '../api.ts';
import { COMPARED_MAX, comparedJobs, interleaved, newestRuns } from '../compare.ts';
import { ScalarCharts } from '../components/scalar-charts.tsx';
import { useLive } from '../components/use-live.ts';
import { pollMs, usePoll } from '../components/use-poll.ts';
import { useScalars } from '../components/use-scalars.ts';
import { CurveView } from '../curve-view.ts';
import { fullName } from '../format.ts';
import { compareHref, go, jobHref } from '../router.ts';
import { session, site } from '../store.ts';
import { t } from '../words.ts';

const POLL_MS = 10_000;
const OFFERED = new URLSearchParams({ limit: '50', withTotalCount: 'true', order: 'submissionTime,DESC' });

export function Compare({ query }: { query: URLSearchParams }) {
  const jobs = comparedJobs(query, session.value?.user ?? '');
  useEffect(() => {
    document.title = `${t('compare.title')} · ${site.value.name}`;
  }, [site.value.name]);
  return (
    <>
      <div class="headline">
        <h1>{t('compare.title')}</h1>
      </div>
      <Chosen jobs={jobs} />
      {jobs.length === 0 ? <p class="empty">{t('compare.none')}</p> : <Charts key={jobs.join()} jobs={jobs} />}
    </>
  );
}

function Chosen({ jobs }: { jobs: readonly string[] }) {
  return (
    <div class="tools">
      {jobs.length > 0 && (
        <ul class="chips" aria-label={t('compare.jobs')}>
          {jobs.map((job) => (
            <li key={job}>
              <a href={jobHref(job, { tab: 'metrics' })}>{job}</a>{' '}
              <a class="chip" href={compareHref(jobs.filter((other) => other !== job))} aria-label={t('compare.remove', { job })}>
                <span aria-hidden="true">×</span>
              </a>
            </li>
          ))}
        </ul>
      )}
      {jobs.length < COMPARED_MAX ? <Add jobs={jobs} /> : <span class="dim">{t('compare.most', { count: COMPARED_MAX })}</span>}
    </div>
  );
}

/** Any job may be named; the newest ones are offered. */
function Add({ jobs }: { jobs: readonly string[] }) {
  const [name, setName] = useState('');
  const offered = useLive(() => listJobs(OFFERED), '', (change) => change.kind === 'reset');
  const add = (event: Event): void => {
    event.preventDefault();
    const typed = name.trim();
    if (typed === '') return;
    setName('');
    go(compareHref([...jobs, fullName(session.value?.user ?? '', typed)]));
  };
  const names = (offered.data.value?.data ?? []).map((job) => fullName(job.username, job.name));
  return (
    <form onSubmit={add}>
      <label>
        {t('compare.add')}{' '}
        <input
          type="text"
          list="compare-offered"
          autocomplete="off"
          placeholder={t('compare.add.hint')}
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </label>{' '}
      <datalist id="compare-offered">
        {names.filter((one) => !jobs.includes(one)).map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
      <button type="submit">{t('compare.add.do')}</button>
    </form>
  );
}

function Charts({ jobs }: { jobs: readonly string[] }) {
  const view = useMemo(() => new CurveView(), []);
  const [following, setFollowing] = useState(true);
  const live = useScalars(jobs);
  const found = live.data.value;
  const unread = found?.some(({ complete }) => !complete) ?? false;
  usePoll(() => live.refresh(), following || unread ? pollMs(POLL_MS) : null);
  const runs = useMemo(() => interleaved((found ?? []).map((one) => newestRuns(one.job, one.runs))), [found]);
  const problem = live.error.value && (
    <p class="problem" role="alert">
      {live.error.value.message}
    </p>
  );
  if (!found) return problem || <p class="loading">{t('app.loading')}</p>;
  const silent = found.filter((one) => one.problem !== null || !one.runs.some(({ tags }) => tags.length > 0));
  return (
    <section class="metrics scalars" aria-labelledby="compare-title">
      <h2 id="compare-title">{t('scalars.title')}</h2>
      {problem}
      {silent.map((one) => (
        <p key={one.job} class="hint">
          {one.problem === null ? t('compare.empty', { job: one.job }) : t('compare.failed', { job: one.job, message: one.problem })}
        </p>
      ))}
      {runs.length > 0 && (
        <ScalarCharts runs={runs} leftOut={found.reduce((sum, { runsLeftOut }) => sum + runsLeftOut, 0)} wall={view} first={COMPARED_MAX}>
          <label>
            <input type="checkbox" checked={following} onChange={(event) => setFollowing(event.currentTarget.checked)} /> {t('gpus.follow')}
          </label>
        </ScalarCharts>
      )}
    </section>
  );
}
