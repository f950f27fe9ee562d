// SPDX-License-Identifier: MIT
// The users: a list with its filters in the address, one of them to be changed below it, a new one, and many from a table.
import '../styles/admin.css';
import { useEffect } from 'preact/hooks';
import { ta } from '../admin-words.ts';
import { type Group, getGroups, getUsers, getVcs, type User } from '../api-admin.ts';
import { Chip, Search } from '../components/filter.tsx';
import { Loaded } from '../components/loaded.tsx';
import { Coming } from '../components/time.tsx';
import { UserForm } from '../components/user-form.tsx';
import { UserImport } from '../components/user-import.tsx';
import { NewUser } from '../components/user-new.tsx';
import { useLive } from '../components/use-live.ts';
import { count } from '../format.ts';
import { go, pageHref, type Params, route } from '../router.ts';
import { now, session, site } from '../store.ts';
import { accountOf, filterUsers, SHOW_USERS, type UserFilter } from '../users.ts';
import { GLYPHS, language, t } from '../words.ts';

const PAGE = 100;

export interface Accounts {
  users: User[];
  groups: Group[];
  vcs: string[];
}

export async function loadAccounts(): Promise<Accounts> {
  const [users, groups, vcs] = await Promise.all([getUsers(), getGroups(), getVcs()]);
  return { users, groups, vcs: Object.keys(vcs).filter((vc) => vc !== 'default').sort() };
}

export function Users() {
  const query = route.value.query;
  const filter: UserFilter = {
    q: query.get('q') ?? '',
    show: SHOW_USERS.find((name) => name === query.get('show')) ?? 'all',
    vc: query.get('vc') ?? '',
    group: query.get('group') ?? '',
  };
  const page = Math.max(1, Math.floor(Number(query.get('page'))) || 1);
  const chosen = query.get('user') ?? '';
  const live = useLive(loadAccounts, '', (change) => change.kind === 'reset');
  useEffect(() => {
    document.title = `${chosen ? `${chosen} · ` : ''}${t('nav.users')} · ${site.value.name}`;
  }, [chosen, site.value.name]);
  const href = (change: Params): string => pageHref('users', { ...filter, show: filter.show === 'all' ? null : filter.show, ...change });
  if (!session.value?.admin) return <p class="empty">{ta('adminsOnly')}</p>;
  return (
    <div class="users">
      <div class="headline">
        <h1>{t('nav.users')}</h1>
        <a class="button" href={href({ new: 'yes' })}>
          {ta('users.new')}
        </a>
        <a class="button" href={href({ import: 'yes' })}>
          {ta('users.import')}
        </a>
      </div>
      <search class="filters" aria-label={t('jobs.filters')}>
        <Search word={ta('users.search')} value={filter.q} href={(text) => href({ q: text })} />
        <span class="chips" role="group" aria-label={ta('users.show')}>
          {SHOW_USERS.map((show) => (
            <Chip key={show} href={href({ show: show === 'all' ? null : show })} on={show === filter.show}>
              {ta(`users.show.${show}`)}
            </Chip>
          ))}
        </span>
        <Narrow word={t('column.vc')} any={t('jobs.vc.any')} value={filter.vc} values={live.data.value?.vcs ?? []} onChange={(vc) => go(href({ vc }))} />
        <Narrow
          word={ta('users.group')}
          any={ta('users.group.any')}
          value={filter.group}
          values={live.data.value?.groups.map((group) => group.groupname) ?? []}
          onChange={(group) => go(href({ group }))}
        />
      </search>
      {query.has('import') && <UserImport onChange={() => void live.refresh()} />}
      <Loaded live={live}>
        {(all) => {
          const found = filterUsers(all.users, filter, now.peek());
          const user = all.users.find((one) => one.username === chosen);
          // A table is imported, or somebody made, undisturbed.
          if (query.has('import')) return null;
          return (
            <>
              {query.has('new') && <NewUser all={all} onDone={(name) => void live.refresh().then(() => go(href({ user: name })))} />}
              {chosen && !user && <p class="empty">{ta('users.gone', { user: chosen })}</p>}
              {user && <UserForm key={chosen} user={user} all={all} close={href({})} onChange={() => live.refresh()} />}
              {found.length === 0 ? (
                <p class="empty">{ta('users.noMatch')}</p>
              ) : (
                <List users={found.slice((page - 1) * PAGE, page * PAGE)} chosen={chosen} href={(name) => href({ user: name, page: page > 1 ? page : null })} />
              )}
              <Pages page={page} total={found.length} href={(to) => href({ page: to > 1 ? to : null })} />
            </>
          );
        }}
      </Loaded>
    </div>
  );
}

interface NarrowProps {
  word: string;
  any: string;
  value: string;
  values: readonly string[];
  onChange: (value: string) => void;
}

/** One that was asked for in the address but is not there must still be seen. */
function Narrow({ word, any, value, values, onChange }: NarrowProps) {
  return (
    <select aria-label={word} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
      <option value="">{any}</option>
      {[...new Set([...values, ...(value ? [value] : [])])].map((one) => (
        <option key={one} value={one}>
          {one}
        </option>
      ))}
    </select>
  );
}

function List({ users, chosen, href }: { users: readonly User[]; chosen: string; href: (user: string) => string }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={t('nav.users')}>
      <table class="list">
        <thead>
          <tr>
            <th scope="col">{t('column.name')}</th>
            <th scope="col">{ta('users.account')}</th>
            <th scope="col">{t('email.title')}</th>
            <th scope="col">{t('column.vc')}</th>
            <th scope="col">{t('nav.groups')}</th>
            <th scope="col">{ta('users.expires')}</th>
          </tr>
        </thead>
        <tbody>
          {users.map((user) => (
            <tr key={user.username} data-user={user.username} aria-current={user.username === chosen ? 'true' : undefined}>
              <th scope="row">
                <a href={href(user.username)}>{user.username}</a>
              </th>
              <td>
                <Account user={user} />
              </td>
              <td>{user.email}</td>
              <td class="text" title={user.virtualCluster.join(', ')}>
                {user.admin ? <span class="dim">{ta('users.everyVc')}</span> : user.virtualCluster.join(', ')}
              </td>
              <td class="text" title={user.grouplist.join(', ')}>
                {user.grouplist.filter((group) => group !== 'default').join(', ')}
              </td>
              <td>{user.expires !== null && <Coming at={user.expires} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Account({ user }: { user: User }) {
  const account = accountOf(user, now.peek());
  return (
    <span class={`state state-${account === 'active' ? 'succeeded' : 'stopped'}`}>
      <span class="glyph" aria-hidden="true">
        {account === 'active' ? GLYPHS.succeeded : GLYPHS.stopped}
      </span>{' '}
      {ta(`users.account.${account}`)}
      {user.admin && <strong> · {t('menu.admin')}</strong>}
    </span>
  );
}

function Pages({ page, total, href }: { page: number; total: number; href: (page: number) => string }) {
  if (total === 0) return null;
  const number = (value: number): string => count(value, language.value);
  const last = Math.ceil(total / PAGE);
  return (
    <nav class="pages" aria-label={t('jobs.pages')}>
      <span role="status">{t('jobs.range', { from: number((page - 1) * PAGE + 1), to: number(Math.min(page * PAGE, total)), total: number(total) })}</span>
      {page > 1 && <a href={href(page - 1)}>{t('jobs.previous')}</a>}
      {page < last && <a href={href(page + 1)}>{t('jobs.next')}</a>}
    </nav>
  );
}
