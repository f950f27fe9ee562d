// SPDX-License-Identifier: MIT
// Who may use a virtual cluster, who manages it, and what runs and waits in it.
import { ta } from '../admin-words.ts';
import { type Group, getGroups, getUsers, type User, type VirtualCluster } from '../api-admin.ts';
import { type JobSummary, listJobs } from '../api.ts';
import { fullName } from '../format.ts';
import { jobHref, jobsHref, pageHref } from '../router.ts';
import { session } from '../store.ts';
import { shownState, t } from '../words.ts';
import { Fact } from './job-overview.tsx';
import { Loaded } from './loaded.tsx';
import { State } from './state.tsx';
import { Ago } from './time.tsx';
import { useLive } from './use-live.ts';

const SHOWN = 10;

interface All {
  users: User[];
  groups: Group[];
  jobs: JobSummary[];
  total: number;
}

async function load(vc: string): Promise<All> {
  const query = new URLSearchParams({ vc, state: 'RUNNING,WAITING', limit: String(SHOWN), offset: '0', withTotalCount: 'true' });
  const [users, groups, jobs] = await Promise.all([getUsers(), getGroups(), listJobs(query)]);
  return { users, groups, jobs: jobs.data, total: jobs.totalCount };
}

export function VcDetail({ name, vc }: { name: string; vc: VirtualCluster }) {
  const live = useLive(() => load(name), name, () => true);
  const admin = session.value?.admin ?? false;
  const groupLink = (group: Group) => (
    <span key={group.groupname} class="item">
      {admin ? <a href={pageHref('groups', { group: group.groupname })}>{group.groupname}</a> : group.groupname}
    </span>
  );
  return (
    <Loaded live={live}>
      {({ users, groups, jobs, total }) => {
        const may = users.filter((user) => user.admin || user.virtualCluster.includes(name));
        const managers = users.filter((user) => user.managedVirtualCluster.includes(name));
        const granting = groups.filter((group) => group.extension.acls.virtualClusters.includes(name));
        return (
          <>
            <dl class="facts" aria-label={t('job.facts')}>
              <Fact word={ta('vcs.may')}>
                {admin ? <a href={pageHref('users', { vc: name })}>{ta('vcs.may.users', { count: may.length })}</a> : ta('vcs.may.users', { count: may.length })}
              </Fact>
              <Fact word={ta('vcs.groups')}>{granting.length > 0 ? granting.map(groupLink) : <span class="dim">{ta('none')}</span>}</Fact>
              <Fact word={ta('vcs.managers')}>
                {managers.length > 0 ? managers.map((user) => user.username).join(', ') : <span class="dim">{ta('vcs.managers.none')}</span>}
              </Fact>
              <Fact word={ta('vcs.reservations')}>{vc.liveReservations}</Fact>
            </dl>
            <section class="role">
              <h3>
                {ta('vcs.runs')} <a href={jobsHref({ vc: name, state: 'WAITING,RUNNING' })}>{ta('vcs.runs.all', { count: total })}</a>
              </h3>
              {jobs.length === 0 ? <p class="empty">{ta('vcs.runs.none')}</p> : <Jobs jobs={jobs} />}
            </section>
          </>
        );
      }}
    </Loaded>
  );
}

function Jobs({ jobs }: { jobs: readonly JobSummary[] }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={ta('vcs.runs')}>
      <table class="list">
        <thead>
          <tr>
            <th scope="col">{t('reservations.job')}</th>
            <th scope="col">{t('column.state')}</th>
            <th scope="col" class="number">
              {t('column.gpus')}
            </th>
            <th scope="col">{t('column.submitted')}</th>
            <th scope="col">{t('job.why.waiting')}</th>
          </tr>
        </thead>
        <tbody>
          {jobs.map((job) => {
            const full = fullName(job.username, job.name);
            return (
              <tr key={full}>
                <th scope="row">
                  <a href={jobHref(full)}>{full}</a>
                </th>
                <td>
                  <State state={shownState(job)} />
                </td>
                <td class="number">{job.totalGpuNumber}</td>
                <td>
                  <Ago at={job.submissionTime} />
                </td>
                <td class="text">{job.waitReason}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
