// SPDX-License-Identifier: MIT
// The first page: my jobs by state, what failed and why, what my virtual clusters hold, what is free now, and alerts
// that concern me.
import { useEffect, useRef } from 'preact/hooks';
import {
  type Alert,
  getAccount,
  getJob,
  getSkus,
  getVirtualClusters,
  type JobState,
  type JobSummary,
  listAlerts,
  listJobs,
  type Sku,
  type VirtualCluster,
} from '../api.ts';
import { About, said, Severity } from '../components/alert-look.tsx';
import { Loaded } from '../components/loaded.tsx';
import { Meter } from '../components/meter.tsx';
import { State } from '../components/state.tsx';
import { Ago } from '../components/time.tsx';
import { useLive } from '../components/use-live.ts';
import { useQuietPoll } from '../components/use-poll.ts';
import { fullName } from '../format.ts';
import { jobHref, jobsHref, pageHref, submitHref, templatesHref } from '../router.ts';
import { session, site } from '../store.ts';
import { shownState, t } from '../words.ts';

const STATES: readonly JobState[] = ['WAITING', 'RUNNING', 'FAILED', 'SUCCEEDED', 'STOPPED'];
/** Those whose newest jobs are listed. */
const LISTED = 5;
/** Alerts, and nodes that come and go, are no job's event. */
const AGAIN_MS = 60_000;

interface Mine {
  state: JobState;
  count: number;
  jobs: JobSummary[];
}

const readMine = (user: string): Promise<Mine[]> =>
  Promise.all(
    STATES.map(async (state) => {
      const limit = state === 'SUCCEEDED' || state === 'STOPPED' ? 0 : LISTED;
      const query = new URLSearchParams({ username: user, state, limit: String(limit), order: 'submissionTime,DESC', withTotalCount: 'true' });
      const page = await listJobs(query);
      return { state, count: page.totalCount, jobs: page.data };
    }),
  );

async function readClusters(user: string, admin: boolean): Promise<[string, VirtualCluster][]> {
  const [all, account] = await Promise.all([getVirtualClusters(), admin ? null : getAccount(user)]);
  return Object.entries(all).filter(([name]) => !account || name === 'default' || account.virtualCluster.includes(name));
}

export function Home() {
  const me = session.value;
  const user = me?.user ?? '';
  const mine = useLive(() => readMine(user), user, (change) => change.kind === 'reset' || (change.kind === 'job' && change.name.startsWith(`${user}~`)));
  const clusters = useLive(() => readClusters(user, me?.admin ?? false), user, () => true);
  const skus = useLive(getSkus, '', () => true);
  const alerts = useLive(listAlerts, '', (change) => change.kind === 'reset');
  useQuietPoll(async () => void (await Promise.all([skus.refresh(), alerts.refresh()])), AGAIN_MS);
  useEffect(() => {
    document.title = `${t('nav.home')} · ${site.value.name}`;
  }, [site.value.name]);
  return (
    <div class="home">
      <div class="headline">
        <h1>{t('nav.home')}</h1>
        <a class="button primary" href={submitHref()}>
          {t('submit.title')}
        </a>
      </div>
      <Loaded live={mine}>{(all) => <MyJobs all={all} />}</Loaded>
      <Loaded live={alerts}>{(all) => <Alerts all={all.filter(({ labels }) => !labels.username || labels.username === user)} />}</Loaded>
      <div class="halves">
        <div>
          <h2>{t('home.free')}</h2>
          <Loaded live={skus}>{(all) => <Free skus={all} />}</Loaded>
        </div>
        <div>
          <h2>{t('home.vcs')}</h2>
          <Loaded live={clusters}>{(all) => <Clusters all={all} />}</Loaded>
        </div>
      </div>
    </div>
  );
}

function MyJobs({ all }: { all: readonly Mine[] }) {
  const of = (state: JobState): readonly JobSummary[] => all.find((one) => one.state === state)?.jobs ?? [];
  const none = all.every(({ count }) => count === 0);
  return (
    <section aria-labelledby="home-mine">
      <h2 id="home-mine">{t('home.mine')}</h2>
      <ul class="counts">
        {all.map(({ state, count }) => (
          <li key={state}>
            <a href={jobsHref({ user: '@me', state })}>
              <State state={shownState({ state })} /> <strong>{count}</strong>
            </a>
          </li>
        ))}
      </ul>
      {none && (
        <p class="hint">
          {t('home.none')} <a href={submitHref()}>{t('home.none.go')}</a>{' '}
          <a href={templatesHref()}>{t('home.none.template')}</a>
        </p>
      )}
      <JobLines title={t('home.now')} jobs={[...of('RUNNING'), ...of('WAITING')].slice(0, LISTED)} />
      <JobLines title={t('home.failed')} jobs={of('FAILED')} />
    </section>
  );
}

function JobLines({ title, jobs }: { title: string; jobs: readonly JobSummary[] }) {
  if (jobs.length === 0) return null;
  return (
    <>
      <h3>{title}</h3>
      <ul class="job-lines">
        {jobs.map((job) => {
          const name = fullName(job.username, job.name);
          return (
            <li key={name} data-job={name}>
              <State state={shownState(job)} /> <a href={jobHref(name)}>{job.name}</a>{' '}
              <span class="why">{job.state === 'FAILED' ? <Diagnosis job={job} /> : (job.waitReason ?? job.virtualCluster)}</span>{' '}
              <span class="dim when">
                <Ago at={job.completedTime ?? job.launchedTime ?? job.submissionTime} />
              </span>
              {job.state === 'FAILED' && (
                <a class="act" href={submitHref({ from: name })} aria-label={t('job.clone.which', { job: name })}>
                  {t('job.clone')}
                </a>
              )}
            </li>
          );
        })}
      </ul>
    </>
  );
}

/** In one line, what the server found; of a job that has ended it does not change and is asked for once. */
function Diagnosis({ job }: { job: JobSummary }) {
  const name = fullName(job.username, job.name);
  const asked = useRef(new Map<string, string>());
  const key = `${name} ${job.completedTime}`;
  const live = useLive(
    async () => {
      const before = asked.current.get(key);
      if (before !== undefined) return before;
      const { appExitSpec } = (await getJob(name, null)).jobStatus;
      const found = appExitSpec?.reason ?? appExitSpec?.phrase ?? '';
      asked.current.set(key, found);
      return found;
    },
    key,
    () => false,
  );
  return <>{live.data.value || job.exitPhrase}</>;
}

function Alerts({ all }: { all: readonly Alert[] }) {
  if (all.length === 0) return null;
  return (
    <section aria-labelledby="home-alerts">
      <h2 id="home-alerts">{t('home.alerts')}</h2>
      <ul class="alerts">
        {all.map(({ labels, annotations, startsAt }) => (
          <li key={`${labels.alertname} ${annotations.summary}`}>
            <Severity severity={labels.severity} /> <About labels={labels} />{' '}
            {said(labels.job_name, annotations.summary)}{' '}
            <span class="dim when">
              <Ago at={Date.parse(startsAt)} />
            </span>
          </li>
        ))}
      </ul>
      <p>
        <a href={pageHref('alerts')}>{t('home.alerts.all')}</a>
      </p>
    </section>
  );
}

function Free({ skus }: { skus: Record<string, Sku> }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={t('home.free')}>
      <table class="list">
        <thead>
          <tr>
            <th scope="col">{t('submit.sku')}</th>
            <th scope="col">{t('home.free.now')}</th>
            <th scope="col">{t('home.free.with')}</th>
          </tr>
        </thead>
        <tbody>
          {Object.entries(skus).map(([name, sku]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>
                <Meter used={sku.free} total={sku.total} word={t('home.free.of', { name })} />
              </td>
              <td>{t('home.unit', { cpu: sku.cpu, memory: Math.floor(sku.memory / 1024) })}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Clusters({ all }: { all: readonly [string, VirtualCluster][] }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={t('home.vcs')}>
      <table class="list">
        <thead>
          <tr>
            <th scope="col">{t('column.vc')}</th>
            <th scope="col">{t('home.vc.used')}</th>
            <th scope="col" class="number">
              {t('home.vc.borrowed')}
            </th>
            <th scope="col" class="number">
              {t('home.vc.jobs')}
            </th>
          </tr>
        </thead>
        <tbody>
          {all.map(([name, { gpus, unfinishedJobs, status }]) => (
            <tr key={name}>
              <th scope="row">
                <a href={jobsHref({ vc: name })}>{name}</a> {status === 'Stopped' && <span class="label">{t('home.vc.stopped')}</span>}
              </th>
              <td>
                <Meter used={gpus.used} total={gpus.guaranteed} word={t('home.vc.of', { name })} />
              </td>
              <td class="number">{gpus.borrowed + gpus.opportunistic}</td>
              <td class="number">{unfinishedJobs}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
