// SPDX-License-Identifier: MIT
// Where the portal starts: styles, session, then the view that the address names.
import './styles/theme.css';
import './styles/base.css';
import './styles/shell.css';
import './styles/jobs.css';
import './styles/job.css';
import './styles/curve.css';
import './styles/api.css';
import './styles/profile.css';
import './styles/nodes.css';
import './styles/home.css';
import './styles/submit.css';
import './styles/reports.css';
import { type ComponentType, render } from 'preact';
import { Later } from './components/later.tsx';
import { Shell } from './components/shell.tsx';
import { jobsHref, type Page, route, startRouter } from './router.ts';
import { session, start } from './store.ts';
import { Home } from './views/home.tsx';
import { Job } from './views/job.tsx';
import { Jobs } from './views/jobs.tsx';
import { Login } from './views/login.tsx';
import { t } from './words.ts';

/** Curves are many bytes that most visits do not need. */
const loadCompare = async () => (await import('./views/compare.tsx')).Compare;
/** Writing a job needs much that most visits do not. */
const loadSubmit = async () => (await import('./views/submit.tsx')).Submit;
const loadNode = async () => (await import('./views/node.tsx')).Node;
const loadInvite = async () => (await import('./views/invite.tsx')).Invite;
const loadTemplates = () => import('./views/templates.tsx');

/** Pages whose code comes when they are opened first. */
const LATER: Partial<Record<Page, () => Promise<ComponentType>>> = {
  vcs: async () => (await import('./views/vcs.tsx')).Vcs,
  users: async () => (await import('./views/users.tsx')).Users,
  groups: async () => (await import('./views/groups.tsx')).Groups,
  gpus: async () => (await import('./views/gpus.tsx')).Gpus,
  audit: async () => (await import('./views/audit.tsx')).Audit,
  alerts: async () => (await import('./views/alerts.tsx')).Alerts,
  reports: async () => (await import('./views/reports.tsx')).Reports,
  settings: async () => (await import('./views/settings.tsx')).Settings,
  nodes: async () => (await import('./views/nodes.tsx')).Nodes,
  reservations: async () => (await import('./views/reservations.tsx')).Reservations,
  profile: async () => (await import('./views/profile.tsx')).Profile,
  api: async () => (await import('./views/api.tsx')).Api,
  help: async () => (await import('./views/help.tsx')).Help,
};

function View() {
  const here = route.value;
  const load = LATER[here.view as Page];
  if (load) return <Later key={here.view} load={load}>{(Part) => <Part />}</Later>;
  if (here.view === 'home') return <Home />;
  if (here.view === 'submit') return <Later key="submit" load={loadSubmit}>{(Submit) => <Submit />}</Later>;
  if (here.view === 'templates') return <Later key="templates" load={loadTemplates}>{({ Templates }) => <Templates />}</Later>;
  if (here.view === 'template') {
    return <Later key="template" load={loadTemplates}>{({ TemplatePage }) => <TemplatePage key={here.template} template={here.template} />}</Later>;
  }
  if (here.view === 'jobs') return <Jobs />;
  if (here.view === 'job') return <Job key={here.job} job={here.job} />;
  if (here.view === 'node') return <Later key="node" load={loadNode}>{(Node) => <Node key={here.node} node={here.node} />}</Later>;
  if (here.view === 'compare') return <Later load={loadCompare}>{(Compare) => <Compare query={here.query} />}</Later>;
  return (
    <div class="empty">
      <h1>{t('app.missing')}</h1>
      <p>
        <a href={jobsHref()}>{t('app.missing.go')}</a>
      </p>
    </div>
  );
}

function App() {
  if (route.value.view === 'invite') {
    const { secret } = route.value;
    return <Later load={loadInvite}>{(Invite) => <Invite secret={secret} />}</Later>;
  }
  if (session.value === undefined) return <p class="loading">{t('app.loading')}</p>;
  if (session.value === null) return <Login />;
  return (
    <Shell>
      <View />
    </Shell>
  );
}

startRouter();
void start();
render(<App />, document.getElementById('app') as HTMLElement);
