// SPDX-License-Identifier: MIT
// The tokens that act in one's name. One for programs is made here and shown once: the server keeps its hash only.
import { useRef, useState } from 'preact/hooks';
import { listTokens, makeToken, revokeToken, type Token } from '../api.ts';
import { notify, now } from '../store.ts';
import { t } from '../words.ts';
import { Command } from './command.tsx';
import { Confirm } from './confirm.tsx';
import { Loaded } from './loaded.tsx';
import { Ago, Coming } from './time.tsx';
import { useLive } from './use-live.ts';

const DAYS = [7, 30, 90, 365] as const;
const DAY_MS = 86_400_000;

/** By its last characters; a login has none to show, and goes by its id. */
const nameOf = ({ hint, id }: Token): string => (hint === '' ? id.slice(-8) : `…${hint}`);

export function ProfileTokens() {
  const tokens = useLive(listTokens, '', (change) => change.kind === 'reset');
  const [made, setMade] = useState<string | null>(null);
  const [revoking, setRevoking] = useState<Token | null>(null);

  const revoke = async (token: Token): Promise<void> => {
    try {
      await revokeToken(token.id);
      notify(t('tokens.revoked'));
    } catch (error) {
      notify((error as Error).message, true);
    }
    await tokens.refresh();
  };
  return (
    <section aria-labelledby="tokens-title">
      <h2 id="tokens-title">{t('tokens.title')}</h2>
      <p>{t('tokens.what')}</p>
      <Loaded live={tokens}>{(list) => <Tokens tokens={list} onRevoke={setRevoking} />}</Loaded>
      <MakeToken
        onMade={(token) => {
          setMade(token);
          void tokens.refresh();
        }}
      />
      {made !== null && (
        <div class="made" role="status">
          <p>{t('tokens.once')}</p>
          <Command text={made} word={t('tokens.one')} />
          <button type="button" onClick={() => setMade(null)}>
            {t('tokens.kept')}
          </button>
        </div>
      )}
      {revoking && (
        <Confirm
          title={t('tokens.revoke.title', { name: nameOf(revoking) })}
          yes={t('tokens.revoke')}
          onClose={(yes) => {
            setRevoking(null);
            if (yes) void revoke(revoking);
          }}
        >
          <p>{t(revoking.kind === 'application' ? 'tokens.revoke.what' : 'tokens.revoke.login')}</p>
        </Confirm>
      )}
    </section>
  );
}

function Tokens({ tokens, onRevoke }: { tokens: readonly Token[]; onRevoke: (token: Token) => void }) {
  const time = (at: number | null, none: string) => (at ? <Ago at={at} /> : <span class="dim">{none}</span>);
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={t('tokens.list')}>
      <table class="list">
        <thead>
          <tr>
            <th scope="col">{t('tokens.hint')}</th>
            <th scope="col">{t('tokens.kind')}</th>
            <th scope="col">{t('tokens.rights')}</th>
            <th scope="col">{t('tokens.issued')}</th>
            <th scope="col">{t('tokens.used')}</th>
            <th scope="col">{t('tokens.expires')}</th>
            <td />
          </tr>
        </thead>
        <tbody>
          {tokens.map((token) => (
            <tr key={token.id} data-token={token.id}>
              <th scope="row">
                <code>{nameOf(token)}</code>
              </th>
              <td>{t(`tokens.kind.${token.kind}`)}</td>
              <td>{t(token.readOnly ? 'tokens.readOnly' : 'tokens.all')}</td>
              <td>{time(token.issued, '')}</td>
              <td>{time(token.lastUsed, t('tokens.unused'))}</td>
              <td>{token.expires ? <Coming at={token.expires} /> : <span class="dim">{t('tokens.never')}</span>}</td>
              <td class="act">
                <button type="button" class="danger" aria-label={t('tokens.revoke.which', { name: nameOf(token) })} onClick={() => onRevoke(token)}>
                  {t('tokens.revoke')}
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function MakeToken({ onMade }: { onMade: (token: string) => void }) {
  const readOnly = useRef<HTMLInputElement>(null);
  const days = useRef<HTMLSelectElement>(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const lasts = Number(days.current?.value);
    setBusy(true);
    setProblem('');
    try {
      onMade(await makeToken(readOnly.current?.checked ?? true, lasts > 0 ? now.value + lasts * DAY_MS : null));
    } catch (error) {
      setProblem((error as Error).message);
    }
    setBusy(false);
  };
  return (
    <form class="form line" onSubmit={(event) => void submit(event)} aria-labelledby="token-make">
      <h3 id="token-make">{t('tokens.make')}</h3>
      <label>
        <input ref={readOnly} type="checkbox" /> {t('tokens.make.readOnly')}
      </label>
      <label>
        {t('tokens.make.lasts')}{' '}
        <select ref={days}>
          {DAYS.map((count) => (
            <option key={count} value={count} selected={count === 30}>
              {t('tokens.make.days', { count })}
            </option>
          ))}
          <option value="0">{t('tokens.make.ever')}</option>
        </select>
      </label>
      <button type="submit" disabled={busy}>
        {t('tokens.make.do')}
      </button>
      <p class="problem" role="alert">
        {problem}
      </p>
    </form>
  );
}
