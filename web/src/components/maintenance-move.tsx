// SPDX-License-Identifier: MIT
// Another end of a maintenance window, also of one that has begun: it takes longer than was thought.
import { useState } from 'preact/hooks';
import { localMoment, movedTo, refusedAt, type Window } from '../maintenance.ts';
import { putWindow } from '../maintenance-api.ts';
import { tn } from '../notice-words.ts';
import { notify } from '../store.ts';
import { t } from '../words.ts';
import { Field } from './field.tsx';

export function MaintenanceMove({ window, onClose }: { window: Window; onClose: () => void }) {
  const [end, setEnd] = useState(localMoment(window.end));
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<{ at: string; text: string }>({ at: '', text: '' });

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const body = movedTo(window, end);
    if (body === null) return setProblem({ at: 'end', text: tn('maintenance.end.none') });
    setBusy(true);
    setProblem({ at: '', text: '' });
    try {
      await putWindow(window.id, body);
      notify(tn('maintenance.moved'));
      onClose();
      return;
    } catch (error) {
      const text = (error as Error).message;
      setProblem({ at: refusedAt(text), text });
    }
    setBusy(false);
  };
  return (
    <form class="form" noValidate onSubmit={(event) => void submit(event)} aria-labelledby="window-move">
      <h3 id="window-move">{tn('maintenance.move.title')}</h3>
      <p class="hint">{tn('maintenance.move.what')}</p>
      <Field id="window-new-end" label={tn('maintenance.end')} problem={problem.at === 'end' ? problem.text : ''}>
        {(aria) => <input {...aria} type="datetime-local" value={end} onInput={(event) => setEnd(event.currentTarget.value)} />}
      </Field>
      <p class="problem" role="alert">
        {problem.at === 'end' ? '' : problem.text}
      </p>
      <p class="answers">
        <button type="submit" class="primary" disabled={busy}>
          {tn('save')}
        </button>
        <button type="button" onClick={onClose}>
          {t('stop.cancel')}
        </button>
      </p>
    </form>
  );
}
