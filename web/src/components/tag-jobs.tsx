// SPDX-License-Identifier: MIT
// A tag for the jobs that are selected: put on or taken off, with the result of each. Loaded when it is asked for.
import '../styles/notices.css';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { send } from '../api.ts';
import { tn } from '../notice-words.ts';
import { type Tagged, tagEach, untold } from '../tag-jobs.ts';
import { Field } from './field.tsx';

export function TagJobs({ jobs, onClose }: { jobs: readonly string[]; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [tag, setTag] = useState('');
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const [rows, setRows] = useState<readonly Tagged[]>(untold(jobs));
  useLayoutEffect(() => dialog.current?.showModal(), []);

  const run = async (drop: boolean): Promise<void> => {
    if (tag.trim() === '') return setProblem(tn('tag.none'));
    setProblem('');
    setBusy(true);
    setRows(untold(jobs));
    await tagEach(jobs, async (job) => void (await send(`jobs/${encodeURIComponent(job)}/tag`, { method: drop ? 'DELETE' : 'PUT', body: { value: tag.trim() } })), setRows);
    setBusy(false);
  };
  return (
    <dialog ref={dialog} class="tagging" aria-labelledby="tag-title" onClose={onClose}>
      <h2 id="tag-title">{tn('tag.title')}</h2>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void run(false);
        }}
      >
        <Field id="tag-name" label={tn('tag.label')} problem={problem}>
          {(aria) => <input {...aria} type="text" autofocus autocomplete="off" value={tag} onInput={(event) => setTag(event.currentTarget.value)} />}
        </Field>
        <ul class="names" aria-live="polite">
          {rows.map(({ job, problem: why }) => (
            <li key={job} data-tagged={job}>
              {job} {why === '' && <span class="dim">{tn('tag.done')}</span>}
              {why && <span class="problem">{why}</span>}
            </li>
          ))}
        </ul>
        <p class="answers">
          <button type="button" onClick={onClose}>
            {tn('tag.close')}
          </button>
          <button type="button" disabled={busy} onClick={() => void run(true)}>
            {tn('tag.drop')}
          </button>
          <button type="submit" class="primary" disabled={busy}>
            {tn('tag.put')}
          </button>
        </p>
      </form>
    </dialog>
  );
}
