// SPDX-License-Identifier: MIT
// A new webhook, or one that is changed: its name, and its secret, stay. The server's refusal stands at the field that it is about.
import { useState } from 'preact/hooks';
import { putWebhook, type Whose } from '../notice-api.ts';
import { tn } from '../notice-words.ts';
import { fieldOf, SHAPES, type Shape, type Webhook } from '../notices.ts';
import { t } from '../words.ts';
import { Field } from './field.tsx';
import { KindBoxes } from './notice-rules.tsx';

const FIELDS = ['name', 'url', 'shape'] as const;
const EMPTY: Webhook = { name: '', url: '', shape: 'json', kinds: ['failed'], quietHours: false, enabled: true };

interface Props {
  whose: Whose;
  /** Names of others. */
  taken: readonly string[];
  /** Which one is changed; null: a new one is made. */
  edited: Webhook | null;
  onMade: (secret: string | null) => void;
  /** Nothing is changed after all. */
  onCancel: () => void;
}

export function WebhookForm({ whose, taken, edited, onMade, onCancel }: Props) {
  const [draft, setDraft] = useState(edited ?? EMPTY);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<{ at: string; text: string }>({ at: '', text: '' });
  const set = (part: Partial<Webhook>): void => setDraft({ ...draft, ...part });
  const of = (field: (typeof FIELDS)[number]): string => (problem.at === field ? problem.text : '');

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    // A PUT to a name that there is would change that one.
    if (draft.name === '') return setProblem({ at: 'name', text: tn('webhooks.unnamed') });
    if (!edited && taken.includes(draft.name)) return setProblem({ at: 'name', text: tn('webhooks.taken') });
    setBusy(true);
    setProblem({ at: '', text: '' });
    try {
      const secret = await putWebhook(whose, edited ? { ...draft, enabled: edited.enabled } : draft);
      setDraft(EMPTY);
      onMade(secret);
    } catch (error) {
      const text = (error as Error).message;
      setProblem({ at: fieldOf(text, FIELDS), text });
    }
    setBusy(false);
  };
  return (
    <form class="form wide" noValidate onSubmit={(event) => void submit(event)} aria-labelledby="webhook-make">
      <h3 id="webhook-make">{edited ? tn('webhooks.edit.title', { name: edited.name }) : tn('webhooks.make')}</h3>
      <div class="grid">
        <Field id="webhook-name" label={tn('webhooks.name')} problem={of('name')}>
          {(aria) => <input {...aria} type="text" autocomplete="off" spellcheck={false} readOnly={edited !== null} value={draft.name} onInput={(event) => set({ name: event.currentTarget.value.trim() })} />}
        </Field>
        <Field id="webhook-url" label={tn('webhooks.url')} problem={of('url')}>
          {(aria) => <input {...aria} type="url" autocomplete="off" placeholder="https://" value={draft.url} onInput={(event) => set({ url: event.currentTarget.value.trim() })} />}
        </Field>
        <Field id="webhook-shape" label={tn('webhooks.shape')} problem={of('shape')}>
          {(aria) => (
            <select {...aria} value={draft.shape} onChange={(event) => set({ shape: event.currentTarget.value as Shape })}>
              {SHAPES.map((shape) => (
                <option key={shape} value={shape}>
                  {tn(`shape.${shape}`)}
                </option>
              ))}
            </select>
          )}
        </Field>
      </div>
      <KindBoxes legend={tn('webhooks.kinds')} kinds={draft.kinds} onChange={(kinds) => set({ kinds })} />
      {whose === 'own' && (
        <label>
          <input type="checkbox" checked={draft.quietHours} onChange={(event) => set({ quietHours: event.currentTarget.checked })} /> {tn('webhooks.quiet')}
        </label>
      )}
      <p class="problem" role="alert">
        {problem.at === '' ? problem.text : ''}
      </p>
      <p class="answers">
        <button type="submit" disabled={busy}>
          {tn(edited ? 'webhooks.edit.do' : 'webhooks.make.do')}
        </button>
        {edited && (
          <button type="button" onClick={onCancel}>
            {t('stop.cancel')}
          </button>
        )}
      </p>
    </form>
  );
}
