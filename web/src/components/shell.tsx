// SPDX-License-Identifier: MIT
// The frame around every page: navigation, where one is, whether the data is live, who one is.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { SiteLink } from '../api.ts';
import { fullName } from '../format.ts';
import {
  apiHref,
  homeHref,
  jobHref,
  jobsHref,
  nodeHref,
  nodesHref,
  pageHref,
  reportsHref,
  reservationsHref,
  type Route,
  route,
  submitHref,
  templateHref,
  templatesHref,
} from '../router.ts';
import { session, site } from '../store.ts';
import { type Key, t } from '../words.ts';
import { Account } from './account.tsx';
import { Notices } from './notices.tsx';
import { StreamState } from './stream-state.tsx';

/** The address's fragment names the page, so that a link to `#main` would leave it. */
const skip = (): void => document.getElementById('main')?.focus();

export function Shell({ children }: { children: ComponentChildren }) {
  const here = route.value;
  const place = here.view === 'job' ? here.job : here.view === 'node' ? `node ${here.node}` : here.view === 'template' ? `template ${here.template}` : here.view;
  const before = useRef(place);
  useEffect(() => {
    // A new page: readers and the keyboard begin at its top. Filters and tabs are the same page.
    if (before.current === place) return;
    before.current = place;
    scrollTo(0, 0);
    skip();
  }, [place]);
  return (
    <div class="shell">
      <nav class="side" aria-label={t('app.nav')}>
        <button type="button" class="skip" onClick={skip}>
          {t('app.skip')}
        </button>
        <a class="brand" href={homeHref}>
          {site.value.logo ? <img src={site.value.logo} alt="" /> : <span aria-hidden="true">▣</span>}{' '}
          {site.value.name}
        </a>
        <Links />
      </nav>
      <header class="top">
        <Crumbs />
        <StreamState />
        <Account />
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      <Notices />
    </div>
  );
}

interface Place {
  word: Key;
  href: string;
  list: Route['view'];
  /** The view of one of them. */
  one?: Route['view'];
  /** Of no use to others. */
  admin?: true;
}

const PLACES: readonly Place[] = [
  { word: 'nav.home', href: homeHref, list: 'home' },
  { word: 'nav.jobs', href: jobsHref(), list: 'jobs', one: 'job' },
  { word: 'nav.submit', href: submitHref(), list: 'submit' },
  { word: 'nav.templates', href: templatesHref(), list: 'templates', one: 'template' },
  { word: 'nav.reservations', href: reservationsHref(), list: 'reservations' },
  { word: 'nav.nodes', href: nodesHref(), list: 'nodes', one: 'node' },
  { word: 'nav.gpus', href: pageHref('gpus'), list: 'gpus' },
  { word: 'nav.alerts', href: pageHref('alerts'), list: 'alerts' },
  { word: 'nav.vcs', href: pageHref('vcs'), list: 'vcs' },
  { word: 'nav.users', href: pageHref('users'), list: 'users', admin: true },
  { word: 'nav.groups', href: pageHref('groups'), list: 'groups', admin: true },
  { word: 'nav.audit', href: pageHref('audit'), list: 'audit', admin: true },
  { word: 'nav.settings', href: pageHref('settings'), list: 'settings', admin: true },
  { word: 'nav.reports', href: reportsHref(), list: 'reports' },
  { word: 'nav.api', href: apiHref, list: 'api' },
  { word: 'nav.help', href: pageHref('help'), list: 'help' },
];

function Links() {
  const { view } = route.value;
  return (
    <ul>
      {PLACES.filter(({ admin }) => !admin || session.value?.admin).map(({ word, href, list, one }) => (
        <li key={word}>
          <a href={href} aria-current={view === list ? 'page' : view === one ? 'true' : undefined}>
            {t(word)}
          </a>
        </li>
      ))}
      {site.value.menu.map((link) => (
        <SiteEntry key={link.title} link={link} />
      ))}
      {site.value.links.map((link, index) => (
        <SiteEntry key={link.title} link={link} apart={index === 0} />
      ))}
    </ul>
  );
}

/** Another page: it learns nothing of where one came from. `apart`: the first of a group. */
function SiteEntry({ link, apart }: { link: SiteLink; apart?: boolean }) {
  return (
    <li class={apart ? 'apart' : undefined}>
      <a href={link.url} rel="noreferrer">
        {link.title}
      </a>
    </li>
  );
}

function Crumbs() {
  const here = route.value;
  if (here.view === 'profile') return <p class="crumbs">{t('profile.title')}</p>;
  if (here.view === 'compare') return <p class="crumbs">{t('compare.title')}</p>;
  const place = PLACES.find(({ list, one }) => list === here.view || one === here.view);
  if (!place) return <p class="crumbs" />;
  if (place.list === here.view) return <p class="crumbs">{t(place.word)}</p>;
  return (
    <p class="crumbs">
      <a href={place.href}>{t(place.word)}</a> <span aria-hidden="true">/</span>{' '}
      {here.view === 'job' && <a href={jobHref(here.job)}>{fullName(session.value?.user ?? '', here.job)}</a>}
      {here.view === 'template' && <a href={templateHref(here.template)}>{here.template}</a>}
      {here.view === 'node' && <a href={nodeHref(here.node)}>{here.node}</a>}
    </p>
  );
}
