// SPDX-License-Identifier: MIT
// One job. The first screenful answers: is it all right, why not, what can I do. Everything else
// is a tab; tab, attempt and the log's choices are in the address.
import { useEffect, useState } from 'preact/hooks';
import { getJob, type JobDetail } from '../api.ts';
import { ConfirmStop } from '../components/confirm-stop.tsx';
import { JobApps } from '../components/job-apps.tsx';
import { JobBanner } from '../components/job-banner.tsx';
import { JobCode } from '../components/job-code.tsx';
import { JobConfig } from '../components/job-config.tsx';
import { JobEvents } from '../components/job-events.tsx';
import { JobLog } from '../components/job-log.tsx';
import { JobOverview } from '../components/job-overview.tsx';
import { JobReservation } from '../components/job-reservation.tsx';
import { Later } from '../components/later.tsx';
import { useLive } from '../components/use-live.ts';
import { jobHref, jobsHref, route, submitHref } from '../router.ts';
import { session, site } from '../store.ts';
import { isFinal, t } from '../words.ts';

const TABS = ['overview', 'metrics', 'log', 'files', 'events', 'config', 'code'] as const;
const loadFiles = async () => (await import('../components/job-files.tsx')).JobFiles;
/** Curves are many bytes that most visits do not need. */
const loadMetrics = async () => (await import('../components/job-metrics.tsx')).JobMetrics;
type Tab = (typeof TABS)[number];

/** `job` is the full name. */
export function Job({ job }: { job: string }) {
  const query = route.value.query;
  const tab = TABS.find((name) => name === query.get('tab')) ?? 'overview';
  const asked = query.get('attempt');
  const attempt = asked !== null && /^\d{1,9}$/.test(asked) ? Number(asked) : null;
  const live = useLive(
    () => getJob(job, attempt),
    String(attempt),
    (change) => change.kind === 'reset' || (change.kind === 'job' && change.name === job),
  );
  const [stopping, setStopping] = useState<readonly string[]>([]);

  useEffect(() => {
    document.title = `${job} · ${site.value.name}`;
  }, [job, site.value.name]);

  const detail = live.data.value;
  if (!detail) {
    if (!live.error.value) return <p class="loading">{t('app.loading')}</p>;
    return (
      <div class="empty">
        <h1>{t('job.loadFailed')}</h1>
        <p role="alert">{live.error.value.message}</p>
        <p>
          <button type="button" onClick={() => void live.refresh()}>
            {t('retry')}
          </button>{' '}
          <a href={jobsHref()}>{t('app.missing.go')}</a>
        </p>
      </div>
    );
  }
  return (
    <article class="job" aria-labelledby="title">
      <div class="headline">
        <h1 id="title">{detail.name}</h1>
        <Attempts job={job} detail={detail} attempt={attempt} tab={tab} />
        <a class="button" href={submitHref({ from: job })}>
          {t('job.clone')}
        </a>
        <StopButton detail={detail} onStop={() => setStopping([job])} />
      </div>
      {live.error.value && (
        <p class="problem" role="alert">
          {live.error.value.message}
        </p>
      )}
      <JobBanner job={job} detail={detail} />
      <JobApps job={job} detail={detail} onLook={() => live.refresh()} />
      <JobReservation job={job} detail={detail} onChange={() => void live.refresh()} />
      <nav class="tabs" aria-label={t('job.tabs')}>
        {TABS.filter((name) => name !== 'code' || detail.code).map((name) => (
          <a
            key={name}
            href={jobHref(job, { tab: name === 'overview' ? null : name, attempt })}
            aria-current={name === tab ? 'page' : undefined}
          >
            {t(`job.tab.${name}`)}
          </a>
        ))}
      </nav>
      {tab === 'overview' && <JobOverview job={job} detail={detail} attempt={attempt} />}
      {tab === 'metrics' && (
        <Later load={loadMetrics}>{(JobMetrics) => <JobMetrics key={detail.jobStatus.attemptId} job={job} detail={detail} />}</Later>
      )}
      {tab === 'log' && <JobLog job={job} detail={detail} attempt={attempt} query={query} />}
      {tab === 'files' && (
        <Later load={loadFiles}>{(JobFiles) => <JobFiles job={job} detail={detail} attempt={attempt} query={query} />}</Later>
      )}
      {tab === 'events' && <JobEvents job={job} />}
      {tab === 'config' && <JobConfig job={job} />}
      {tab === 'code' && <JobCode job={job} />}
      <ConfirmStop jobs={stopping} onClose={() => setStopping([])} />
    </article>
  );
}

function StopButton({ detail, onStop }: { detail: JobDetail; onStop: () => void }) {
  const me = session.value;
  const { state, executionType, username } = detail.jobStatus;
  if (isFinal(state) || !(me?.admin || me?.user === username)) return null;
  const asked = executionType === 'STOP';
  return (
    <button type="button" class="danger" disabled={asked} onClick={onStop}>
      {asked ? t('job.stopping') : t('job.stop')}
    </button>
  );
}

interface AttemptsProps {
  job: string;
  detail: JobDetail;
  attempt: number | null;
  tab: Tab;
}

/** Shown only where there is more than one. */
function Attempts({ job, detail, attempt, tab }: AttemptsProps) {
  const latest = Math.max(detail.jobStatus.retries, detail.jobStatus.attemptId);
  if (latest === 0) return null;
  const choose = (value: string): void => {
    location.hash = jobHref(job, {
      tab: tab === 'overview' ? null : tab,
      attempt: Number(value) === latest ? null : value,
    });
  };
  return (
    <label class="attempts">
      {t('job.attempt')}{' '}
      <select value={attempt ?? latest} onChange={(event) => choose(event.currentTarget.value)}>
        {Array.from({ length: latest + 1 }, (_, number) => latest - number).map((number) => (
          <option key={number} value={number}>
            {number === latest ? t('job.attempt.latest', { number }) : number}
          </option>
        ))}
      </select>
      {attempt !== null && attempt !== latest && <span class="dim"> {t('job.attempt.old')}</span>}
    </label>
  );
}
