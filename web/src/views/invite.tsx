// SPDX-License-Identifier: MIT
// Where an invitation's link leads: the first password. The secret stands in the fragment, which no server sees, and
// leaves the address once it was used.
import { useEffect, useRef, useState } from 'preact/hooks';
import { acceptInvitation } from '../api.ts';
import { go, jobsHref } from '../router.ts';
import { signIn } from '../store.ts';
import { t } from '../words.ts';

export function Invite({ secret }: { secret: string }) {
  const password = useRef<HTMLInputElement>(null);
  const again = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');

  useEffect(() => {
    document.title = `${t('invite.title')} · Drover`;
    password.current?.focus();
  }, []);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const first = password.current as HTMLInputElement;
    const second = again.current as HTMLInputElement;
    if (first.value === '' || first.value !== second.value) {
      setProblem(t(first.value === '' ? 'invite.empty' : 'invite.differ'));
      (first.value === '' ? first : second).focus();
      return;
    }
    setBusy(true);
    setProblem('');
    try {
      const { user } = await acceptInvitation(secret, first.value);
      await signIn(user, first.value);
      go(jobsHref(), true);
    } catch (error) {
      setProblem((error as Error).message);
      setBusy(false);
      first.focus();
    }
  };

  return (
    <main class="login">
      <form onSubmit={submit} noValidate aria-labelledby="invite-title">
        <p class="brand">
          <span aria-hidden="true">▣</span> Drover
        </p>
        <h1 id="invite-title">{t('invite.title')}</h1>
        <p class="hint">{t('invite.hint')}</p>
        <label>
          {t('invite.password')}
          <input
            ref={password}
            type="password"
            autocomplete="new-password"
            required
            aria-describedby={problem ? 'invite-problem' : undefined}
          />
        </label>
        <label>
          {t('invite.again')}
          <input
            ref={again}
            type="password"
            autocomplete="new-password"
            required
            aria-describedby={problem ? 'invite-problem' : undefined}
          />
        </label>
        <p class="problem" id="invite-problem" role="alert">
          {problem}
        </p>
        <button class="primary" type="submit" disabled={busy}>
          {busy ? t('login.busy') : t('invite.submit')}
        </button>
      </form>
    </main>
  );
}
