// SPDX-License-Identifier: MIT
// One user: what an admin may change, a new password or invitation, and removal. Everything in one change, or nothing.
import { useState } from 'preact/hooks';
import { ta } from '../admin-words.ts';
import { changeUser, inviteUser, removeUser, resetPassword, type Group, type User } from '../api-admin.ts';
import { go } from '../router.ts';
import { notify, session } from '../store.ts';
import { changeOfUser, draftOfUser, isSetByHand, type UserDraft } from '../users.ts';
import { Account, type Accounts } from '../views/users.tsx';
import { t } from '../words.ts';
import { Command } from './command.tsx';
import { Confirm } from './confirm.tsx';
import { Field } from './field.tsx';

interface Props {
  user: User;
  all: Accounts;
  /** Where one gets without a user chosen. */
  close: string;
  onChange: () => Promise<void>;
}

export function UserForm({ user, all, close, onChange }: Props) {
  const [draft, setDraft] = useState<UserDraft>(() => draftOfUser(user));
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const [link, setLink] = useState('');
  const [asking, setAsking] = useState<'remove' | 'password' | null>(null);
  const set = (part: Partial<UserDraft>): void => setDraft({ ...draft, ...part });
  const change = changeOfUser(user, draft, all.groups.map((group) => group.groupname), all.vcs);
  const changes = change ? Object.keys(change).filter((key) => key !== 'username' && key !== 'virtualCluster').length : 0;
  const me = session.value?.user === user.username;

  const run = async (what: () => Promise<void>, done: string): Promise<void> => {
    setBusy(true);
    setProblem('');
    try {
      await what();
      notify(done);
      await onChange();
    } catch (error) {
      setProblem((error as Error).message);
    }
    setBusy(false);
  };
  return (
    <section class="one" aria-labelledby="user-title">
      <div class="headline">
        <h2 id="user-title">{user.username}</h2>
        <Account user={user} />
        <span class="actions">
          <button type="button" disabled={busy} onClick={() => void run(async () => setLink((await inviteUser(user.username, 'sheet')) ?? ''), ta('users.invited', { user: user.username }))}>
            {ta('users.invite')}
          </button>
          {user.email && (
            <button type="button" disabled={busy} onClick={() => void run(async () => void (await inviteUser(user.username, 'mail')), ta('users.mailed', { email: user.email }))}>
              {ta('users.inviteMail')}
            </button>
          )}
          <button type="button" disabled={busy} onClick={() => setAsking('password')}>
            {ta('users.password')}
          </button>
          {!me && (
            <button type="button" class="danger" disabled={busy} onClick={() => setAsking('remove')}>
              {ta('users.remove')}
            </button>
          )}
        </span>
        <a class="close" href={close}>
          {ta('close')}
        </a>
      </div>
      {link && (
        <div class="made" role="status">
          <p>{ta('users.link')}</p>
          <Command text={link} word={ta('users.link.word')} />
        </div>
      )}
      <form
        class="form wide"
        onSubmit={(event) => {
          event.preventDefault();
          if (change) void run(() => changeUser(change), ta('users.changed', { user: user.username }));
        }}
      >
        <div class="grid">
          <Field id="user-email" label={t('email.title')}>
            {(aria) => <input {...aria} type="email" value={draft.email} onInput={(event) => set({ email: event.currentTarget.value })} />}
          </Field>
          <Field id="user-expires" label={ta('users.expires')} hint={ta('users.expires.hint')}>
            {(aria) => <input {...aria} type="date" value={draft.expires} onInput={(event) => set({ expires: event.currentTarget.value })} />}
          </Field>
          <Field id="user-disk" label={ta('users.disk')} hint={ta('users.disk.hint')} problem={change ? '' : ta('vcs.bad.number')}>
            {(aria) => <input {...aria} type="text" inputMode="numeric" value={draft.disk} onInput={(event) => set({ disk: event.currentTarget.value })} />}
          </Field>
        </div>
        <p class="checks">
          <label>
            <input type="checkbox" checked={draft.disabled} disabled={me} onChange={(event) => set({ disabled: event.currentTarget.checked })} /> {ta('users.disabled')}
          </label>
          <label>
            <input type="checkbox" checked={draft.admin} disabled={me} onChange={(event) => set({ admin: event.currentTarget.checked })} /> {ta('users.admin')}
          </label>
        </p>
        <GroupChecks all={all} chosen={draft.groups} onChange={(groups) => set({ groups })} />
        <p class="problem" role="alert">
          {problem}
        </p>
        <p class="answers">
          <button type="submit" class="primary" disabled={busy || changes === 0}>
            {ta('vcs.apply', { count: changes })}
          </button>
          <button type="button" disabled={changes === 0 && change !== null} onClick={() => setDraft(draftOfUser(user))}>
            {ta('vcs.reset')}
          </button>
        </p>
      </form>
      {asking === 'remove' && (
        <Confirm
          title={ta('users.remove.title', { user: user.username })}
          yes={ta('users.remove')}
          onClose={(yes) => {
            setAsking(null);
            if (yes)
              void run(async () => {
                await removeUser(user.username);
                go(close);
              }, ta('users.removed', { user: user.username }));
          }}
        >
          <p>{ta('users.remove.what')}</p>
        </Confirm>
      )}
      {asking === 'password' && (
        <NewPassword
          user={user.username}
          onClose={(password) => {
            setAsking(null);
            if (password) void run(() => resetPassword(user.username, password), ta('users.password.done', { user: user.username }));
          }}
        />
      )}
    </section>
  );
}

/** What being in a group gives, in a few words. */
function grants({ extension: { acls } }: Group): string {
  const list = (word: 'users.grants.vcs' | 'users.grants.managed', names: readonly string[]): string =>
    names.length > 0 ? ta(word, { vcs: names.join(', ') }) : '';
  return [list('users.grants.vcs', acls.virtualClusters), list('users.grants.managed', acls.managedVirtualClusters)].filter(Boolean).join('; ');
}

interface GroupProps {
  all: Accounts;
  chosen: readonly string[];
  onChange: (groups: string[]) => void;
}

/** Virtual clusters, each of which has a group of its name or gets it with its first member, and the other groups. */
export function GroupChecks({ all, chosen, onChange }: GroupProps) {
  const box = (name: string, hint: string) => (
    <label key={name} title={hint || undefined}>
      <input
        type="checkbox"
        checked={chosen.includes(name)}
        onChange={(event) => onChange(event.currentTarget.checked ? [...chosen, name] : chosen.filter((one) => one !== name))}
      />{' '}
      {name} {hint && <span class="dim">({hint})</span>}
    </label>
  );
  const others = all.groups.filter((group) => isSetByHand(group) && !all.vcs.includes(group.groupname));
  return (
    <>
      <fieldset>
        <legend>{t('nav.vcs')}</legend>
        <p class="checks">{all.vcs.length > 0 ? all.vcs.map((vc) => box(vc, '')) : <span class="dim">{ta('users.vcs.none')}</span>}</p>
      </fieldset>
      {others.length > 0 && (
        <fieldset>
          <legend>{t('nav.groups')}</legend>
          <p class="checks">{others.map((group) => box(group.groupname, grants(group)))}</p>
        </fieldset>
      )}
    </>
  );
}

function NewPassword({ user, onClose }: { user: string; onClose: (password: string | null) => void }) {
  const [password, setPassword] = useState('');
  return (
    <Confirm title={ta('users.password.title', { user })} yes={ta('users.password.set')} mild onClose={(yes) => onClose(yes && password !== '' ? password : null)}>
      <p>{ta('users.password.what')}</p>
      <Field id="new-password" label={t('password.after')} hint={ta('users.password.hint')}>
        {(aria) => <input {...aria} type="password" autocomplete="new-password" value={password} onInput={(event) => setPassword(event.currentTarget.value)} />}
      </Field>
    </Confirm>
  );
}
