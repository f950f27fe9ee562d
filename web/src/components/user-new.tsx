// SPDX-License-Identifier: MIT
// A new user: with a password, or with an invitation whose link is shown once.
import { useState } from 'preact/hooks';
import { ta } from '../admin-words.ts';
import { addUser, inviteUser } from '../api-admin.ts';
import { notify } from '../store.ts';
import type { Accounts } from '../views/users.tsx';
import { t } from '../words.ts';
import { Command } from './command.tsx';
import { Field } from './field.tsx';
import { GroupChecks } from './user-form.tsx';

/** Nobody knows it: the account is entered with the invitation's password. */
function unknownPassword(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(24)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function NewUser({ all, onDone }: { all: Accounts; onDone: (name: string) => void }) {
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [groups, setGroups] = useState<readonly string[]>([]);
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const [link, setLink] = useState('');

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const username = name.trim();
    setBusy(true);
    setProblem('');
    try {
      const made = all.groups.map((group) => group.groupname);
      await addUser({
        username,
        password: password || unknownPassword(),
        ...(email ? { email } : {}),
        grouplist: groups.filter((one) => made.includes(one)),
        virtualCluster: groups.filter((one) => all.vcs.includes(one)),
      });
      notify(ta('users.added', { user: username }));
      if (password) onDone(username);
      else setLink((await inviteUser(username, 'sheet')) ?? '');
    } catch (error) {
      setProblem((error as Error).message);
    }
    setBusy(false);
  };
  if (link)
    return (
      <div class="made" role="status">
        <p>{ta('users.link')}</p>
        <Command text={link} word={ta('users.link.word')} />
        <button type="button" onClick={() => onDone(name.trim())}>
          {t('tokens.kept')}
        </button>
      </div>
    );
  return (
    <form class="form wide" onSubmit={(event) => void submit(event)} aria-labelledby="user-new">
      <h2 id="user-new">{ta('users.new')}</h2>
      <div class="grid">
        <Field id="new-name" label={t('column.name')}>
          {(aria) => <input {...aria} type="text" autocomplete="off" value={name} onInput={(event) => setName(event.currentTarget.value)} />}
        </Field>
        <Field id="new-email" label={t('email.title')}>
          {(aria) => <input {...aria} type="email" autocomplete="off" value={email} onInput={(event) => setEmail(event.currentTarget.value)} />}
        </Field>
        <Field id="new-password" label={t('login.password')} hint={ta('users.new.password')}>
          {(aria) => <input {...aria} type="password" autocomplete="new-password" value={password} onInput={(event) => setPassword(event.currentTarget.value)} />}
        </Field>
      </div>
      <GroupChecks all={all} chosen={groups} onChange={setGroups} />
      <p class="problem" role="alert">
        {problem}
      </p>
      <p class="answers">
        <button type="submit" class="primary" disabled={busy || name.trim() === ''}>
          {ta('vcs.make')}
        </button>
      </p>
    </form>
  );
}
