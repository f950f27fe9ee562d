// SPDX-License-Identifier: MIT
// The groups: what each grants, who is in it; and their change. The address holds the filter and which one is looked at.
import '../styles/admin.css';
import { useEffect, useState } from 'preact/hooks';
import { ta } from '../admin-words.ts';
import { type Acls, addGroup, changeGroup, type Group, removeGroup, setMember } from '../api-admin.ts';
import { Confirm } from '../components/confirm.tsx';
import { Field } from '../components/field.tsx';
import { Search } from '../components/filter.tsx';
import { Loaded } from '../components/loaded.tsx';
import { useLive } from '../components/use-live.ts';
import { go, pageHref, route } from '../router.ts';
import { notify, session, site } from '../store.ts';
import { t } from '../words.ts';
import { type Accounts, loadAccounts } from './users.tsx';

const NO_ACLS: Acls = { admin: false, virtualClusters: [], managedVirtualClusters: [], storageConfigs: [] };

export function Groups() {
  const query = route.value.query;
  const q = query.get('q') ?? '';
  const chosen = query.get('group') ?? '';
  const live = useLive(loadAccounts, '', (change) => change.kind === 'reset');
  useEffect(() => {
    document.title = `${chosen ? `${chosen} · ` : ''}${t('nav.groups')} · ${site.value.name}`;
  }, [chosen, site.value.name]);
  if (!session.value?.admin) return <p class="empty">{ta('adminsOnly')}</p>;
  return (
    <div class="groups">
      <div class="headline">
        <h1>{t('nav.groups')}</h1>
        <a class="button" href={pageHref('groups', { q, new: 'yes' })}>
          {ta('groups.new')}
        </a>
      </div>
      <p class="hint">{ta('groups.what')}</p>
      <search class="filters" aria-label={t('jobs.filters')}>
        <Search word={ta('groups.search')} value={q} href={(text) => pageHref('groups', { q: text, group: chosen })} />
      </search>
      <Loaded live={live}>
        {(all) => {
          const found = all.groups.filter((group) => `${group.groupname} ${group.description}`.toLowerCase().includes(q.toLowerCase()));
          const group = all.groups.find((one) => one.groupname === chosen);
          const done = (name: string): void => void live.refresh().then(() => go(pageHref('groups', { q, group: name })));
          return (
            <>
              {query.has('new') && <GroupForm all={all} group={null} onDone={done} />}
              {chosen && !group && <p class="empty">{ta('groups.gone', { group: chosen })}</p>}
              {group && <One key={chosen} all={all} group={group} close={pageHref('groups', { q })} onDone={done} />}
              {found.length === 0 ? <p class="empty">{ta('groups.noMatch')}</p> : <List groups={found} all={all} q={q} chosen={chosen} />}
            </>
          );
        }}
      </Loaded>
    </div>
  );
}

function List({ groups, all, q, chosen }: { groups: readonly Group[]; all: Accounts; q: string; chosen: string }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={t('nav.groups')}>
      <table class="list">
        <thead>
          <tr>
            <th scope="col">{t('column.name')}</th>
            <th scope="col" class="number">
              {ta('groups.members')}
            </th>
            <th scope="col">{ta('groups.submit')}</th>
            <th scope="col">{ta('groups.manage')}</th>
            <th scope="col">{ta('vcs.description')}</th>
          </tr>
        </thead>
        <tbody>
          {groups.map(({ groupname, description, extension: { acls } }) => (
            <tr key={groupname} data-group={groupname} aria-current={groupname === chosen ? 'true' : undefined}>
              <th scope="row">
                <a href={pageHref('groups', { q, group: groupname })}>{groupname}</a>
              </th>
              <td class="number">
                <a href={pageHref('users', { group: groupname })}>{all.users.filter((user) => user.grouplist.includes(groupname)).length}</a>
              </td>
              <td class="text">{acls.admin ? <strong>{ta('groups.admins')}</strong> : acls.virtualClusters.join(', ')}</td>
              <td class="text">{acls.managedVirtualClusters.join(', ')}</td>
              <td class="text">{description}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function One({ all, group, close, onDone }: { all: Accounts; group: Group; close: string; onDone: (name: string) => void }) {
  const name = group.groupname;
  const [asking, setAsking] = useState(false);
  const [newcomer, setNewcomer] = useState('');
  const members = all.users.filter((user) => user.grouplist.includes(name));
  const act = async (what: Promise<void>, done: string, then: string): Promise<void> => {
    try {
      await what;
      notify(done);
      onDone(then);
    } catch (error) {
      notify((error as Error).message, true);
    }
  };
  return (
    <section class="one" aria-labelledby="group-title">
      <div class="headline">
        <h2 id="group-title">{name}</h2>
        {name !== 'default' && (
          <button type="button" class="danger" onClick={() => setAsking(true)}>
            {ta('users.remove')}
          </button>
        )}
        <a class="close" href={close}>
          {ta('close')}
        </a>
      </div>
      <GroupForm all={all} group={group} onDone={onDone} />
      <section class="role" aria-labelledby="group-members">
        <h3 id="group-members">
          {ta('groups.members')} <a href={pageHref('users', { group: name })}>{ta('vcs.may.users', { count: members.length })}</a>
        </h3>
        {name !== 'default' && (
          <form
            class="form line"
            onSubmit={(event) => {
              event.preventDefault();
              void act(setMember(newcomer.trim(), name, true), ta('groups.joined', { user: newcomer.trim(), group: name }), name);
            }}
          >
            <label>
              {ta('groups.join')}{' '}
              <input type="text" list="group-users" value={newcomer} onInput={(event) => setNewcomer(event.currentTarget.value)} />
            </label>
            <datalist id="group-users">
              {all.users.filter((user) => !members.includes(user)).slice(0, 500).map((user) => (
                <option key={user.username} value={user.username} />
              ))}
            </datalist>
            <button type="submit" disabled={newcomer.trim() === ''}>
              {ta('groups.add')}
            </button>
          </form>
        )}
        <ul class="members">
          {members.slice(0, 200).map((user) => (
            <li key={user.username}>
              <a href={pageHref('users', { user: user.username })}>{user.username}</a>
              {name !== 'default' && (
                <button
                  type="button"
                  class="quiet"
                  aria-label={ta('groups.leave.which', { user: user.username })}
                  onClick={() => void act(setMember(user.username, name, false), ta('groups.left', { user: user.username, group: name }), name)}
                >
                  ×
                </button>
              )}
            </li>
          ))}
          {members.length > 200 && <li class="dim">{t('collected.more', { count: members.length - 200 })}</li>}
        </ul>
      </section>
      {asking && (
        <Confirm
          title={ta('groups.remove.title', { group: name })}
          yes={ta('users.remove')}
          onClose={(yes) => {
            setAsking(false);
            if (yes) void act(removeGroup(name), ta('groups.removed', { group: name }), '');
          }}
        >
          <p>{ta('groups.remove.what', { count: members.length })}</p>
        </Confirm>
      )}
    </section>
  );
}

function GroupForm({ all, group, onDone }: { all: Accounts; group: Group | null; onDone: (name: string) => void }) {
  const acls = group?.extension.acls ?? NO_ACLS;
  const [name, setName] = useState(group?.groupname ?? '');
  const [description, setDescription] = useState(group?.description ?? '');
  const [external, setExternal] = useState(group?.externalName ?? '');
  const [vcs, setVcs] = useState<readonly string[]>(acls.virtualClusters);
  const [managed, setManaged] = useState<readonly string[]>(acls.managedVirtualClusters);
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setProblem('');
    try {
      const groupname = name.trim();
      const whole = { groupname, description, externalName: external, extension: { acls: { virtualClusters: [...vcs], managedVirtualClusters: [...managed] } } };
      await (group ? changeGroup(whole) : addGroup(whole));
      notify(ta(group ? 'groups.changed' : 'groups.made', { group: groupname }));
      onDone(groupname);
    } catch (error) {
      setProblem((error as Error).message);
    }
    setBusy(false);
  };
  const boxes = (legend: string, chosen: readonly string[], set: (names: string[]) => void) => (
    <fieldset>
      <legend>{legend}</legend>
      <p class="checks">
        {[...new Set([...all.vcs, ...chosen])].map((vc) => (
          <label key={vc}>
            <input
              type="checkbox"
              checked={chosen.includes(vc)}
              onChange={(event) => set(event.currentTarget.checked ? [...chosen, vc] : chosen.filter((one) => one !== vc))}
            />{' '}
            {vc}
          </label>
        ))}
      </p>
    </fieldset>
  );
  return (
    <form class="form wide" onSubmit={(event) => void submit(event)} aria-label={group ? group.groupname : ta('groups.new')}>
      <div class="grid">
        {!group && (
          <Field id="group-name" label={t('column.name')}>
            {(aria) => <input {...aria} type="text" value={name} onInput={(event) => setName(event.currentTarget.value)} />}
          </Field>
        )}
        <Field id="group-description" label={ta('vcs.description')}>
          {(aria) => <input {...aria} type="text" value={description} onInput={(event) => setDescription(event.currentTarget.value)} />}
        </Field>
        <Field id="group-external" label={ta('vcs.field.externalName')}>
          {(aria) => <input {...aria} type="text" value={external} onInput={(event) => setExternal(event.currentTarget.value)} />}
        </Field>
      </div>
      {!acls.admin && boxes(ta('groups.submit'), vcs, setVcs)}
      {!acls.admin && boxes(ta('groups.manage'), managed, setManaged)}
      <p class="problem" role="alert">
        {problem}
      </p>
      <p class="answers">
        <button type="submit" class="primary" disabled={busy || name.trim() === ''}>
          {ta(group ? 'groups.apply' : 'vcs.make')}
        </button>
      </p>
    </form>
  );
}
