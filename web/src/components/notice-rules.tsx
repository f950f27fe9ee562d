// SPDX-License-Identifier: MIT
// Which kinds of news come by mail, when none does, and whether they come as one.
import { useState } from 'preact/hooks';
import { getRules, putRules, testMail } from '../notice-api.ts';
import { tn } from '../notice-words.ts';
import { fieldOf, type Kind, KINDS, offsetText, type Rules, withKind } from '../notices.ts';
import { notify } from '../store.ts';
import { Field } from './field.tsx';
import { Loaded } from './loaded.tsx';
import { useLive } from './use-live.ts';

const FIELDS = ['startedAfterMinutes', 'quietHours', 'utcOffset', 'digestMinutes'] as const;
const DIGESTS = [0, 15, 60, 240, 1440] as const;
const USUAL_NIGHT = { from: '22:00', to: '07:00' };

export function NoticeRules() {
  const live = useLive(getRules, '', (change) => change.kind === 'reset');
  return (
    <Loaded live={live}>{(rules) => <Form key={JSON.stringify(rules)} rules={rules} onSaved={() => live.refresh()} />}</Loaded>
  );
}

export function KindBoxes({ legend, kinds, onChange }: { legend: string; kinds: readonly Kind[]; onChange: (kinds: Kind[]) => void }) {
  return (
    <fieldset class="kinds">
      <legend>{legend}</legend>
      {KINDS.map((kind) => (
        <label key={kind}>
          <input type="checkbox" checked={kinds.includes(kind)} onChange={(event) => onChange(withKind(kinds, kind, event.currentTarget.checked))} />{' '}
          {tn(`kind.${kind}`)}
        </label>
      ))}
    </fieldset>
  );
}

function Form({ rules, onSaved }: { rules: Rules; onSaved: () => Promise<void> }) {
  const [draft, setDraft] = useState(rules);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const changed = JSON.stringify(draft) !== JSON.stringify(rules);
  const at = fieldOf(problem, FIELDS);
  const set = (part: Partial<Rules>): void => setDraft({ ...draft, ...part });
  const here = offsetText(new Date().getTimezoneOffset());

  const run = async (what: () => Promise<void>, done: string): Promise<void> => {
    setBusy(true);
    setProblem('');
    try {
      await what();
      notify(done);
    } catch (error) {
      setProblem((error as Error).message);
    }
    setBusy(false);
  };
  const save = async (): Promise<void> => {
    await putRules(draft);
    await onSaved();
  };
  return (
    <form
      class="form wide"
      noValidate
      aria-labelledby="mail-title"
      onSubmit={(event) => {
        event.preventDefault();
        void run(save, tn('mail.saved'));
      }}
    >
      <h3 id="mail-title">{tn('mail.title')}</h3>
      <KindBoxes legend={tn('mail.kinds')} kinds={draft.mail} onChange={(mail) => set({ mail })} />
      <div class="grid">
        <Field id="started-after" label={tn('mail.startedAfter')} hint={tn('mail.startedAfter.hint')} problem={at === 'startedAfterMinutes' ? problem : ''}>
          {(aria) => (
            <input {...aria} type="number" min={0} value={draft.startedAfterMinutes} onInput={(event) => set({ startedAfterMinutes: Math.round(event.currentTarget.valueAsNumber) || 0 })} />
          )}
        </Field>
        <Field id="digest" label={tn('mail.digest')} hint={tn('mail.digest.hint')} problem={at === 'digestMinutes' ? problem : ''}>
          {(aria) => (
            <select {...aria} value={String(draft.digestMinutes)} onChange={(event) => set({ digestMinutes: Number(event.currentTarget.value) })}>
              {[...new Set([...DIGESTS, draft.digestMinutes])].map((minutes) => (
                <option key={minutes} value={String(minutes)}>
                  {minutes === 0 ? tn('mail.digest.none') : tn('mail.digest.each', { minutes })}
                </option>
              ))}
            </select>
          )}
        </Field>
      </div>
      <label>
        <input type="checkbox" checked={draft.quietHours !== null} onChange={(event) => set({ quietHours: event.currentTarget.checked ? USUAL_NIGHT : null })} />{' '}
        {tn('quiet.title')}
      </label>
      {draft.quietHours && <Quiet draft={draft} problem={at === 'quietHours' || at === 'utcOffset' ? { at, text: problem } : null} set={set} here={here} />}
      <p class="problem" role="alert">
        {at === '' || (at !== 'startedAfterMinutes' && at !== 'digestMinutes' && !draft.quietHours) ? problem : ''}
      </p>
      <p class="answers">
        <button type="submit" class="primary" disabled={busy || !changed}>
          {tn('save')}
        </button>
        <button type="button" disabled={busy} onClick={() => void run(testMail, tn('mail.tested'))}>
          {tn('mail.test')}
        </button>
      </p>
    </form>
  );
}

interface QuietProps {
  draft: Rules;
  problem: { at: 'quietHours' | 'utcOffset'; text: string } | null;
  set: (part: Partial<Rules>) => void;
  here: string;
}

function Quiet({ draft, problem, set, here }: QuietProps) {
  const hours = draft.quietHours ?? USUAL_NIGHT;
  const of = (which: 'quietHours' | 'utcOffset'): string => (problem?.at === which ? problem.text : '');
  return (
    <div class="grid">
      <Field id="quiet-from" label={tn('quiet.from')} problem={of('quietHours')}>
        {(aria) => <input {...aria} type="time" value={hours.from} onInput={(event) => set({ quietHours: { ...hours, from: event.currentTarget.value } })} />}
      </Field>
      <Field id="quiet-to" label={tn('quiet.to')}>
        {(aria) => <input {...aria} type="time" value={hours.to} onInput={(event) => set({ quietHours: { ...hours, to: event.currentTarget.value } })} />}
      </Field>
      <Field id="quiet-offset" label={tn('quiet.offset')} hint={tn('quiet.offset.hint', { here })} problem={of('utcOffset')}>
        {(aria) => <input {...aria} type="text" size={8} value={draft.utcOffset} onInput={(event) => set({ utcOffset: event.currentTarget.value.trim() })} />}
      </Field>
    </div>
  );
}
