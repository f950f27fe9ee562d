// SPDX-License-Identifier: MIT
// Webhooks: one's own or the site's. A secret is shown once, when it is made; what a receiver answered is in the log.
import { useState } from 'preact/hooks';
import { listWebhooks, putWebhook, removeWebhook, testWebhook, type Whose } from '../notice-api.ts';
import { tn } from '../notice-words.ts';
import type { Webhook } from '../notices.ts';
import { notify } from '../store.ts';
import { Command } from './command.tsx';
import { Confirm } from './confirm.tsx';
import { Loaded } from './loaded.tsx';
import { useLive } from './use-live.ts';
import { WebhookForm } from './webhook-form.tsx';
import { WebhookLog } from './webhook-log.tsx';

export function Webhooks({ whose }: { whose: Whose }) {
  const live = useLive(() => listWebhooks(whose), whose, (change) => change.kind === 'reset');
  const [secret, setSecret] = useState<string | null>(null);
  const [removing, setRemoving] = useState<Webhook | null>(null);
  const [renewing, setRenewing] = useState<Webhook | null>(null);
  const [editing, setEditing] = useState<Webhook | null>(null);
  const [shown, setShown] = useState('');
  /** Another number asks for the log again. */
  const [tests, setTests] = useState(0);

  const act = async (what: () => Promise<unknown>, done: string): Promise<void> => {
    try {
      await what();
      notify(done);
    } catch (error) {
      notify((error as Error).message, true);
    }
    await live.refresh();
  };
  const test = async (name: string): Promise<void> => {
    await act(() => testWebhook(whose, name), tn('webhooks.tested', { name }));
    setShown(name);
    setTests(tests + 1);
  };
  const renew = async (webhook: Webhook): Promise<void> => {
    await act(async () => setSecret(await putWebhook(whose, webhook, true)), tn('webhooks.renewed', { name: webhook.name }));
  };
  return (
    <>
      <p class="hint">{tn(whose === 'own' ? 'webhooks.what' : 'webhooks.site.what')}</p>
      <Loaded live={live}>
        {(list) => (
          <>
            {list.length === 0 ? (
              <p class="dim">{tn('webhooks.none')}</p>
            ) : (
              <List
                list={list}
                shown={shown}
                onTurn={(one) => void act(() => putWebhook(whose, { ...one, enabled: !one.enabled }), tn(one.enabled ? 'webhooks.isOff' : 'webhooks.isOn', { name: one.name }))}
                onTest={(name) => void test(name)}
                onLog={(name) => setShown(shown === name ? '' : name)}
                onEdit={setEditing}
                onRenew={setRenewing}
                onRemove={setRemoving}
              />
            )}
            {list.some(({ name }) => name === shown) && <WebhookLog key={shown} whose={whose} name={shown} round={tests} />}
            {secret !== null && (
              <div class="made" role="status">
                <p>{tn('webhooks.once')}</p>
                <Command text={secret} word={tn('webhooks.secret')} />
                <button type="button" onClick={() => setSecret(null)}>
                  {tn('webhooks.kept')}
                </button>
              </div>
            )}
            <WebhookForm
              key={editing?.name ?? ''}
              whose={whose}
              edited={editing && (list.find(({ name }) => name === editing.name) ?? editing)}
              taken={list.map(({ name }) => name)}
              onMade={(made) => {
                // One that is changed has no new secret; that of another, not copied yet, stays to be seen.
                if (made !== null) setSecret(made);
                if (editing) notify(tn('webhooks.edited', { name: editing.name }));
                setEditing(null);
                void live.refresh();
              }}
              onCancel={() => setEditing(null)}
            />
          </>
        )}
      </Loaded>
      {renewing && (
        <Confirm
          title={tn('webhooks.renew.title', { name: renewing.name })}
          yes={tn('webhooks.renew')}
          onClose={(yes) => {
            setRenewing(null);
            if (yes) void renew(renewing);
          }}
        >
          <p>{tn('webhooks.renew.what')}</p>
        </Confirm>
      )}
      {removing && (
        <Confirm
          title={tn('webhooks.remove.title', { name: removing.name })}
          yes={tn('webhooks.remove')}
          onClose={(yes) => {
            setRemoving(null);
            if (yes) void act(() => removeWebhook(whose, removing.name), tn('webhooks.removed', { name: removing.name }));
          }}
        >
          <p>{tn('webhooks.remove.what')}</p>
        </Confirm>
      )}
    </>
  );
}

interface ListProps {
  list: readonly Webhook[];
  shown: string;
  onTurn: (webhook: Webhook) => void;
  onTest: (name: string) => void;
  onLog: (name: string) => void;
  onEdit: (webhook: Webhook) => void;
  onRenew: (webhook: Webhook) => void;
  onRemove: (webhook: Webhook) => void;
}

function List({ list, shown, onTurn, onTest, onLog, onEdit, onRenew, onRemove }: ListProps) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={tn('webhooks.title')}>
      <table class="list webhooks">
        <thead>
          <tr>
            <th scope="col">{tn('webhooks.name')}</th>
            <th scope="col">{tn('webhooks.state')}</th>
            <th scope="col">{tn('webhooks.url')}</th>
            <th scope="col">{tn('webhooks.kinds')}</th>
            <td />
          </tr>
        </thead>
        <tbody>
          {list.map((one) => (
            <tr key={one.name} data-webhook={one.name}>
              <th scope="row">{one.name}</th>
              <td>{tn(one.enabled ? 'webhooks.on' : 'webhooks.off')}</td>
              <td class="url">
                <code>{one.url}</code> <span class="dim">{tn(`shape.${one.shape}`)}</span>
              </td>
              <td class="told">
                {one.kinds.map((kind) => tn(`kind.${kind}`)).join(', ')}
                {one.quietHours && <span class="dim"> · {tn('webhooks.quiet')}</span>}
              </td>
              <td class="act">
                <button type="button" aria-label={tn('webhooks.test.which', { name: one.name })} onClick={() => onTest(one.name)}>
                  {tn('webhooks.test')}
                </button>{' '}
                <button type="button" aria-expanded={shown === one.name} aria-label={tn('webhooks.log.which', { name: one.name })} onClick={() => onLog(one.name)}>
                  {tn('webhooks.log')}
                </button>{' '}
                <button type="button" aria-label={tn(one.enabled ? 'webhooks.turnOff.which' : 'webhooks.turnOn.which', { name: one.name })} onClick={() => onTurn(one)}>
                  {tn(one.enabled ? 'webhooks.turnOff' : 'webhooks.turnOn')}
                </button>{' '}
                <button type="button" aria-label={tn('webhooks.edit.which', { name: one.name })} onClick={() => onEdit(one)}>
                  {tn('webhooks.edit')}
                </button>{' '}
                <button type="button" aria-label={tn('webhooks.renew.which', { name: one.name })} onClick={() => onRenew(one)}>
                  {tn('webhooks.renew')}
                </button>{' '}
                <button type="button" class="danger" aria-label={tn('webhooks.remove.which', { name: one.name })} onClick={() => onRemove(one)}>
                  {tn('webhooks.remove')}
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
