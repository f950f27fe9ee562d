// SPDX-License-Identifier: MIT
// Saved views: the list as it is now gets a name, and is a link from then on.
import { useState } from 'preact/hooks';
import { type Filters, filterParams } from '../filters.ts';
import { tj } from '../jobs-words.ts';
import { jobsHref } from '../router.ts';
import { keepViews, keptViews } from '../store.ts';
import { VIEW_NAME_MAX, VIEWS_MAX, withoutView, withView } from '../views-kept.ts';
import { Field } from './field.tsx';

export function JobViews({ filters }: { filters: Filters }) {
  const [views, setViews] = useState(keptViews);
  const [name, setName] = useState('');
  const [problem, setProblem] = useState('');
  // A view begins at its first page.
  const here = jobsHref(filterParams({ ...filters, page: 1 }));
  const change = (next: typeof views): void => {
    keepViews(next);
    setViews(next);
  };
  const save = (event: Event): void => {
    event.preventDefault();
    const next = withView(views, { name: name.trim(), query: here.replace(/^#\/jobs\??/, '') });
    const fault = name.trim() === '' ? tj('views.needName') : next === null ? tj('views.full', { count: VIEWS_MAX }) : '';
    setProblem(fault);
    if (fault !== '' || next === null) return;
    change(next);
    setName('');
  };
  return (
    <div class="choices">
      <p class="hint">{tj('views.what')}</p>
      {views.length === 0 ? (
        <p class="dim">{tj('views.none')}</p>
      ) : (
        <ul>
          {views.map((view) => {
            const href = `#/jobs${view.query === '' ? '' : `?${view.query}`}`;
            return (
              <li key={view.name} data-view={view.name}>
                <a class="chip" href={href} aria-current={href === here ? 'true' : undefined}>
                  {view.name}
                </a>{' '}
                <button type="button" class="quiet" aria-label={tj('views.remove', { name: view.name })} onClick={() => change(withoutView(views, view.name))}>
                  <span aria-hidden="true">×</span>
                </button>
              </li>
            );
          })}
        </ul>
      )}
      <form onSubmit={save} noValidate>
        <Field id="view-name" label={tj('views.name')} problem={problem}>
          {(aria) => <input {...aria} value={name} maxLength={VIEW_NAME_MAX} onInput={(event) => setName(event.currentTarget.value)} />}
        </Field>
        <button type="submit">{tj('views.save')}</button>
      </form>
    </div>
  );
}
