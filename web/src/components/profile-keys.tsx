// SPDX-License-Identifier: MIT
// One's public keys of ssh. What is wrong with a pasted one is said at its field: its shape here, the rest by the server.
import { useRef, useState } from 'preact/hooks';
import { listKeys, putKey, removeKey, type SshKey } from '../api.ts';
import { readKey, TITLE_BYTES, titleFits, typeOf } from '../ssh.ts';
import { notify } from '../store.ts';
import { t } from '../words.ts';
import { Command } from './command.tsx';
import { Confirm } from './confirm.tsx';
import { Field } from './field.tsx';
import { Loaded } from './loaded.tsx';
import { Ago } from './time.tsx';
import { useLive } from './use-live.ts';

export function ProfileKeys() {
  const keys = useLive(listKeys, '', (change) => change.kind === 'reset');
  const [removing, setRemoving] = useState<SshKey | null>(null);

  const remove = async (key: SshKey): Promise<void> => {
    try {
      await removeKey(key.title);
      notify(t('keys.removed', { title: key.title }));
    } catch (error) {
      notify((error as Error).message, true);
    }
    await keys.refresh();
  };
  return (
    <section aria-labelledby="keys-title">
      <h2 id="keys-title">{t('keys.title')}</h2>
      <p>{t('keys.what')}</p>
      <Loaded live={keys}>
        {(list) => (
          <>
            {list.length === 0 ? <p class="dim">{t('keys.none')}</p> : <Keys keys={list} onRemove={setRemoving} />}
            <AddKey keys={list} onAdded={() => void keys.refresh()} />
          </>
        )}
      </Loaded>
      <details class="how">
        <summary>{t('keys.how')}</summary>
        <p>{t('keys.how.config')}</p>
        <Command text="drover ssh-config > ~/.ssh/drover.conf" />
        <p>{t('keys.how.enter')}</p>
        <Command text="ssh -F ~/.ssh/drover.conf drover-JOB-ROLE-0" />
        <p>{t('keys.how.proxy')}</p>
      </details>
      {removing && (
        <Confirm
          title={t('keys.remove.title', { title: removing.title })}
          yes={t('keys.remove')}
          onClose={(yes) => {
            setRemoving(null);
            if (yes) void remove(removing);
          }}
        >
          <p>{t('keys.remove.what')}</p>
          <p>
            <code>{removing.fingerprint}</code>
          </p>
        </Confirm>
      )}
    </section>
  );
}

function Keys({ keys, onRemove }: { keys: readonly SshKey[]; onRemove: (key: SshKey) => void }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={t('keys.list')}>
      <table class="list">
        <thead>
          <tr>
            <th scope="col">{t('keys.name')}</th>
            <th scope="col">{t('keys.type')}</th>
            <th scope="col">{t('keys.fingerprint')}</th>
            <th scope="col">{t('keys.added')}</th>
            <td />
          </tr>
        </thead>
        <tbody>
          {keys.map((key) => (
            <tr key={key.title}>
              <th scope="row">{key.title}</th>
              <td>{typeOf(key.value)}</td>
              <td>
                <code>{key.fingerprint}</code>
              </td>
              <td>{key.time !== null && key.time > 0 && <Ago at={key.time} />}</td>
              <td class="act">
                <button type="button" class="danger" aria-label={t('keys.remove.which', { title: key.title })} onClick={() => onRemove(key)}>
                  {t('keys.remove')}
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface Problems {
  title?: string;
  key?: string;
}

/** What the page itself can say about the two fields. */
function look(title: string, text: string, keys: readonly SshKey[]): Problems {
  const problems: Problems = {};
  const key = readKey(text);
  if (typeof key === 'string') problems.key = t(`keys.bad.${key}`);
  if (title === '') problems.title = t('keys.bad.title');
  else if (!titleFits(title)) problems.title = t('keys.bad.titleLong', { bytes: TITLE_BYTES });
  else if (keys.some((other) => other.title === title)) problems.title = t('keys.bad.titleTaken');
  return problems;
}

function AddKey({ keys, onAdded }: { keys: readonly SshKey[]; onAdded: () => void }) {
  const title = useRef<HTMLInputElement>(null);
  const key = useRef<HTMLTextAreaElement>(null);
  const [busy, setBusy] = useState(false);
  const [problems, setProblems] = useState<Problems>({});

  /** The key's own comment is a good name for it. */
  const suggest = (text: string): void => {
    const read = readKey(text);
    if (typeof read !== 'string' && title.current?.value === '') title.current.value = read.comment;
  };
  const refuse = (found: Problems): void => {
    setProblems(found);
    (found.key ? key : title).current?.focus();
  };
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const name = title.current?.value.trim() ?? '';
    const text = key.current?.value.trim() ?? '';
    const found = look(name, text, keys);
    if (found.key || found.title) return refuse(found);
    setBusy(true);
    try {
      await putKey(name, text);
      (event.target as HTMLFormElement).reset();
      setProblems({});
      notify(t('keys.done', { title: name }));
      onAdded();
    } catch (error) {
      refuse({ key: (error as Error).message });
    }
    setBusy(false);
  };
  return (
    <form class="form" noValidate onSubmit={(event) => void submit(event)} aria-labelledby="key-add">
      <h3 id="key-add">{t('keys.add')}</h3>
      <Field id="key-text" label={t('keys.text')} hint={t('keys.text.hint')} problem={problems.key ?? ''}>
        {(aria) => (
          <textarea
            {...aria}
            ref={key}
            rows={3}
            spellcheck={false}
            autocomplete="off"
            onInput={(event) => suggest(event.currentTarget.value)}
          />
        )}
      </Field>
      <Field id="key-title" label={t('keys.name')} problem={problems.title ?? ''}>
        {(aria) => <input {...aria} ref={title} type="text" autocomplete="off" />}
      </Field>
      <button type="submit" disabled={busy}>
        {t('keys.add')}
      </button>
    </form>
  );
}
