// SPDX-License-Identifier: MIT
// One's address and password. The server's refusal stands at the field that it is about.
import { useRef, useState } from 'preact/hooks';
import { ApiError, type Session } from '../api.ts';
import { changeEmail, changePassword, notify } from '../store.ts';
import { t } from '../words.ts';
import { Field } from './field.tsx';

export function ProfileEmail({ me }: { me: Session }) {
  const email = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setProblem('');
    try {
      await changeEmail(me, email.current?.value.trim() ?? '');
      notify(t('email.done'));
    } catch (error) {
      setProblem((error as Error).message);
      email.current?.focus();
    }
    setBusy(false);
  };
  return (
    <form class="form" noValidate onSubmit={(event) => void submit(event)} aria-labelledby="email-set">
      <h3 id="email-set">{t('email.title')}</h3>
      <Field id="email" label={t('email.label')} hint={t('email.hint')} problem={problem}>
        {(aria) => <input {...aria} ref={email} type="email" autocomplete="email" defaultValue={me.email} />}
      </Field>
      <button type="submit" disabled={busy}>
        {t('email.set')}
      </button>
    </form>
  );
}

type Which = 'before' | 'after' | 'again';

export function ProfilePassword({ me }: { me: Session }) {
  const before = useRef<HTMLInputElement>(null);
  const after = useRef<HTMLInputElement>(null);
  const again = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<{ at: Which; text: string } | null>(null);
  const fields = { before, after, again };
  const at = (which: Which): string => (problem?.at === which ? problem.text : '');

  const refuse = (which: Which, text: string): void => {
    setProblem({ at: which, text });
    fields[which].current?.focus();
  };
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const [old, next, twice] = [before, after, again].map((field) => field.current?.value ?? '') as [string, string, string];
    if (old === '') return refuse('before', t('invite.empty'));
    if (next === '') return refuse('after', t('invite.empty'));
    if (next !== twice) return refuse('again', t('invite.differ'));
    setBusy(true);
    setProblem(null);
    try {
      await changePassword(me.user, old, next);
      (event.target as HTMLFormElement).reset();
      notify(t('password.done'));
    } catch (error) {
      refuse(error instanceof ApiError && error.code === 'IncorrectPasswordError' ? 'before' : 'after', (error as Error).message);
    }
    setBusy(false);
  };
  return (
    <form class="form" noValidate onSubmit={(event) => void submit(event)} aria-labelledby="password-set">
      <h3 id="password-set">{t('password.title')}</h3>
      {/* Password managers look for whose it is. */}
      <input type="text" autocomplete="username" value={me.user} readOnly hidden />
      <Field id="password-before" label={t('password.before')} problem={at('before')}>
        {(aria) => <input {...aria} ref={before} type="password" autocomplete="current-password" />}
      </Field>
      <Field id="password-after" label={t('password.after')} hint={t('password.hint')} problem={at('after')}>
        {(aria) => <input {...aria} ref={after} type="password" autocomplete="new-password" />}
      </Field>
      <Field id="password-again" label={t('password.again')} problem={at('again')}>
        {(aria) => <input {...aria} ref={again} type="password" autocomplete="new-password" />}
      </Field>
      <button type="submit" disabled={busy}>
        {t('password.set')}
      </button>
    </form>
  );
}
