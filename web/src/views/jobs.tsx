// SPDX-License-Identifier: MIT
// The job list. The address holds every filter; the server filters, orders and cuts pages; the
// stream says when a page may have changed.
import { useEffect, useState } from 'preact/hooks';
import { type JobSummary, listJobs, listNodes, listVirtualClusters } from '../api.ts';
import { ConfirmStop } from '../components/confirm-stop.tsx';
import { FilterBar } from '../components/filter-bar.tsx';
import { JobTable } from '../components/job-table.tsx';
import { Simulated } from '../components/labels.tsx';
import { Later } from '../components/later.tsx';
import { ListTools } from '../components/list-tools.tsx';
import { useLive } from '../components/use-live.ts';
import { apiQuery, type Filters, filterParams, isFiltered, PAGE_SIZE, parseFilters, USUAL_COLUMNS } from '../filters.ts';
import { count, fullName } from '../format.ts';
import { jobsHref, route, submitHref } from '../router.ts';
import { columns, session, site } from '../store.ts';
import { isFinal, language, t } from '../words.ts';

/** May this person change this job? */
const canChange = (job: JobSummary): boolean => session.value?.admin === true || session.value?.user === job.username;

/** May this person stop this job, now? */
const canStop = (job: JobSummary): boolean => canChange(job) && !isFinal(job.state) && job.executionType !== 'STOP';

const loadTags = async () => (await import('../components/tag-jobs.tsx')).TagJobs;

export function Jobs() {
  const filters = parseFilters(route.value.query);
  const query = apiQuery(filters, session.value?.user ?? '');
  const jobs = useLive(() => listJobs(query), query.toString(), () => true);
  const clusters = useLive(listVirtualClusters, '', (change) => change.kind === 'reset');
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [stopping, setStopping] = useState<readonly string[]>([]);
  const [tagging, setTagging] = useState<readonly string[]>([]);

  useEffect(() => {
    document.title = `${t('jobs.title')} · ${site.value.name}`;
  }, [site.value.name]);
  // Another page of jobs is another selection: nobody stops what they do not see.
  useEffect(() => setSelected(new Set()), [query.toString()]);

  const page = jobs.data.value;
  const shown = filters.columns ?? columns.value ?? USUAL_COLUMNS;
  const named = (fits: (job: JobSummary) => boolean): string[] => (page?.data ?? []).filter(fits).map((job) => fullName(job.username, job.name));
  const changeable = named(canChange);
  const chosen = changeable.filter((name) => selected.has(name));
  const stoppable = named(canStop).filter((name) => selected.has(name));

  return (
    <div class="jobs">
      <div class="headline">
        <h1>{t('jobs.title')}</h1>
        {page && <SimulatedNodes />}
        {chosen.length > 0 && (
          <div class="selection">
            <span role="status">
              {chosen.length === 1 ? t('jobs.selected.one') : t('jobs.selected.many', { count: chosen.length })}
            </span>
            <button type="button" class="danger" disabled={stoppable.length === 0} onClick={() => setStopping(stoppable)}>
              {t('job.stop')}
            </button>
            <button type="button" onClick={() => setTagging(chosen)}>
              {t('jobs.tag')}
            </button>
            <button type="button" class="quiet" onClick={() => setSelected(new Set())}>
              {t('jobs.unselect')}
            </button>
          </div>
        )}
      </div>
      <FilterBar filters={filters} clusters={clusters.data.value ?? []} />
      <ListTools filters={filters} shown={shown} />
      {jobs.error.value && (
        <p class="problem" role="alert">
          {jobs.error.value.message}{' '}
          <button type="button" onClick={() => void jobs.refresh()}>
            {t('retry')}
          </button>
        </p>
      )}
      {page === null ? (
        !jobs.error.value && <p class="loading">{t('app.loading')}</p>
      ) : page.data.length === 0 ? (
        <Empty filters={filters} />
      ) : (
        <>
          <JobTable
            jobs={page.data}
            filters={filters}
            columns={shown}
            changeable={new Set(changeable)}
            selected={new Set(chosen)}
            onSelect={setSelected}
          />
          <Pages filters={filters} total={page.totalCount} shown={page.data.length} />
        </>
      )}
      <ConfirmStop
        jobs={stopping}
        onClose={(stopped) => {
          setStopping([]);
          if (stopped) setSelected(new Set());
        }}
      />
      {tagging.length > 0 && <Later load={loadTags}>{(Tags) => <Tags jobs={tagging} onClose={() => setTagging([])} />}</Later>}
    </div>
  );
}

/** Asked for behind the list: a large cluster's nodes are many bytes. */
function SimulatedNodes() {
  const nodes = useLive(listNodes, '', (change) => change.kind === 'reset');
  return nodes.data.value?.some((node) => node.gpus.simulated) ? <Simulated /> : null;
}

/** An empty page says how to fill it. */
function Empty({ filters }: { filters: Filters }) {
  if (isFiltered(filters) || filters.page > 1) {
    return (
      <div class="empty">
        <p>{t('jobs.noMatch')}</p>
        <p>
          <a href={jobsHref()}>{t('jobs.clear')}</a>
        </p>
      </div>
    );
  }
  return (
    <div class="empty">
      <p>{t('jobs.none')}</p>
      <p>{t('jobs.none.how')}</p>
      <pre>drover submit examples/hello.yaml</pre>
      <p>
        <a href={submitHref()}>{t('submit.title')}</a>
      </p>
    </div>
  );
}

function Pages({ filters, total, shown }: { filters: Filters; total: number; shown: number }) {
  const from = (filters.page - 1) * PAGE_SIZE + 1;
  const number = (value: number): string => count(value, language.value);
  const to = (page: number): string => jobsHref(filterParams({ ...filters, page }));
  const last = from + shown - 1;
  return (
    <nav class="pages" aria-label={t('jobs.pages')}>
      <span>{t('jobs.range', { from: number(from), to: number(last), total: number(total) })}</span>
      {filters.page > 1 && <a href={to(filters.page - 1)}>{t('jobs.previous')}</a>}
      {last < total && <a href={to(filters.page + 1)}>{t('jobs.next')}</a>}
    </nav>
  );
}
