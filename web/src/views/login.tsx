// SPDX-License-Identifier: MIT
// The page before all others. It keeps the address, so that one lands where one wanted to go.
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from '../api.ts';
import { sessionEnded, signIn } from '../store.ts';
import { t } from '../words.ts';

export function Login() {
  const user = useRef<HTMLInputElement>(null);
  const password = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');

  useEffect(() => {
    document.title = `${t('login.title')} · Drover`;
    user.current?.focus();
  }, []);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const name = user.current as HTMLInputElement;
    const secret = password.current as HTMLInputElement;
    if (name.value === '' || secret.value === '') {
      setProblem(t('login.empty'));
      (name.value === '' ? name : secret).focus();
      return;
    }
    setBusy(true);
    setProblem('');
    try {
      await signIn(name.value, secret.value);
    } catch (error) {
      // Which of the two was wrong is nobody's business.
      const denied = error instanceof ApiError && (error.status === 400 || error.status === 401);
      setProblem(denied ? t('login.wrong') : (error as Error).message);
      setBusy(false);
      secret.select();
      secret.focus();
    }
  };

  return (
    <main class="login">
      <form onSubmit={submit} noValidate aria-labelledby="login-title">
        <p class="brand">
          <span aria-hidden="true">▣</span> Drover
        </p>
        <h1 id="login-title">{t('login.title')}</h1>
        {sessionEnded.value && <p class="hint">{t('login.ended')}</p>}
        <label>
          {t('login.user')}
          <input
            ref={user}
            name="username"
            autocomplete="username"
            autocapitalize="none"
            spellcheck={false}
            required
            aria-describedby={problem ? 'login-problem' : undefined}
          />
        </label>
        <label>
          {t('login.password')}
          <input
            ref={password}
            name="password"
            type="password"
            autocomplete="current-password"
            required
            aria-describedby={problem ? 'login-problem' : undefined}
          />
        </label>
        <p class="problem" id="login-problem" role="alert">
          {problem}
        </p>
        <button class="primary" type="submit" disabled={busy}>
          {busy ? t('login.busy') : t('login.submit')}
        </button>
      </form>
    </main>
  );
}
