// SPDX-License-Identifier: MIT
// A new maintenance window, with the jobs that have tasks on its nodes now.
import { useState } from 'preact/hooks';
import { type At, bodyOf, type Draft, namesOf, refusedAt } from '../maintenance.ts';
import { addWindow, jobsOn } from '../maintenance-api.ts';
import { tn } from '../notice-words.ts';
import { jobHref } from '../router.ts';
import { notify } from '../store.ts';
import { t } from '../words.ts';
import { Field } from './field.tsx';
import { Once } from './once.tsx';

const EMPTY: Draft = { all: false, nodes: '', start: '', end: '', onStart: 'wait', reason: '' };
const JOBS_SHOWN = 10;

export function MaintenanceForm({ known, onClose }: { known: readonly string[]; onClose: () => void }) {
  const [draft, setDraft] = useState(EMPTY);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<{ at: At | ''; text: string }>({ at: '', text: '' });
  const set = (part: Partial<Draft>): void => setDraft({ ...draft, ...part });
  const of = (field: At): string => (problem.at === field ? problem.text : '');
  const nodes = draft.all ? known : namesOf(draft.nodes);
  const stranger = nodes.find((node) => !known.includes(node));

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const made = bodyOf(draft);
    if ('at' in made) return setProblem({ at: made.at, text: tn(`maintenance.${made.at}.none`) });
    setBusy(true);
    setProblem({ at: '', text: '' });
    try {
      await addWindow(made.body);
      notify(tn('maintenance.made'));
      onClose();
      return;
    } catch (error) {
      const text = (error as Error).message;
      setProblem({ at: refusedAt(text), text });
    }
    setBusy(false);
  };
  return (
    <form class="form wide" noValidate onSubmit={(event) => void submit(event)} aria-labelledby="window-make">
      <h3 id="window-make">{tn('maintenance.add')}</h3>
      <label>
        <input type="checkbox" checked={draft.all} onChange={(event) => set({ all: event.currentTarget.checked })} /> {tn('maintenance.all')}
      </label>
      <div class="grid">
        {!draft.all && (
          <Field id="window-nodes" label={tn('maintenance.nodes')} hint={tn('maintenance.nodes.hint')} problem={of('nodes')}>
            {(aria) => <input {...aria} type="text" autocomplete="off" spellcheck={false} value={draft.nodes} onInput={(event) => set({ nodes: event.currentTarget.value })} />}
          </Field>
        )}
        <Field id="window-start" label={tn('maintenance.start')} problem={of('start')}>
          {(aria) => <input {...aria} type="datetime-local" value={draft.start} onInput={(event) => set({ start: event.currentTarget.value })} />}
        </Field>
        <Field id="window-end" label={tn('maintenance.end')} problem={of('end')}>
          {(aria) => <input {...aria} type="datetime-local" value={draft.end} onInput={(event) => set({ end: event.currentTarget.value })} />}
        </Field>
        <Field id="window-on-start" label={tn('maintenance.onStart')}>
          {(aria) => (
            <select {...aria} value={draft.onStart} onChange={(event) => set({ onStart: event.currentTarget.value === 'stop' ? 'stop' : 'wait' })}>
              <option value="wait">{tn('maintenance.wait')}</option>
              <option value="stop">{tn('maintenance.stop')}</option>
            </select>
          )}
        </Field>
        <Field id="window-reason" label={tn('maintenance.reason')}>
          {(aria) => <input {...aria} type="text" value={draft.reason} onInput={(event) => set({ reason: event.currentTarget.value })} />}
        </Field>
      </div>
      {stranger !== undefined && <p class="hint">{tn('maintenance.unknown', { node: stranger })}</p>}
      {stranger === undefined && nodes.length > 0 && (
        <div class="preview">
          <Once key={nodes.join(' ')} name="" load={() => jobsOn(nodes)}>
            {(jobs) => <Preview jobs={jobs} onStart={draft.onStart} />}
          </Once>
        </div>
      )}
      <p class="problem" role="alert">
        {problem.at === '' ? problem.text : ''}
      </p>
      <p class="answers">
        <button type="submit" class="primary" disabled={busy}>
          {tn('maintenance.add.do')}
        </button>
        <button type="button" onClick={onClose}>
          {t('stop.cancel')}
        </button>
      </p>
    </form>
  );
}

function Preview({ jobs, onStart }: { jobs: readonly string[]; onStart: 'wait' | 'stop' }) {
  if (jobs.length === 0) return <p>{tn('maintenance.preview.none')}</p>;
  return (
    <>
      <p>{tn(onStart === 'stop' ? 'maintenance.preview.stop' : 'maintenance.preview.wait', { count: jobs.length })}</p>
      <ul class="told">
        {jobs.slice(0, JOBS_SHOWN).map((job) => (
          <li key={job}>
            <a href={jobHref(job)}>{job}</a>
          </li>
        ))}
        {jobs.length > JOBS_SHOWN && <li>{tn('maintenance.preview.more', { count: jobs.length - JOBS_SHOWN })}</li>}
      </ul>
    </>
  );
}
