// SPDX-License-Identifier: MIT
// A new silence: which alerts nobody is to be told of, until when, and why. It says how many of those that are there now it
// would be about.
import { useState } from 'preact/hooks';
import { ta } from '../admin-words.ts';
import { holds, localMoment, momentAfter, type Operator, OPERATORS, operatorOf, withOperator } from '../alerts.ts';
import { addSilence, type FullAlert, type Matcher } from '../api-alerts.ts';
import { notify } from '../store.ts';
import { t } from '../words.ts';
import { Field } from './field.tsx';

const HOURS_MS = 4 * 3_600_000;
const MATCHERS_MAX = 16;
const LABELS = ['alertname', 'severity', 'node_name', 'gpu', 'job_name', 'username', 'virtual_cluster', 'rule'];
const NONE: Matcher = { name: 'alertname', value: '', isRegex: false, isEqual: true };

export function SilenceForm({ first, alerts, close, onDone }: { first: readonly Matcher[]; alerts: readonly FullAlert[] | null; close: string; onDone: () => void }) {
  const [matchers, setMatchers] = useState<readonly Matcher[]>(first.length > 0 ? first : [NONE]);
  const [until, setUntil] = useState(localMoment(Date.now() + HOURS_MS));
  const [comment, setComment] = useState('');
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const endsAt = momentAfter(until, Date.now());
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (endsAt === null) return;
    setBusy(true);
    setProblem('');
    try {
      await addSilence({ matchers, startsAt: new Date().toISOString(), endsAt, comment: comment.trim() });
      notify(ta('alerts.silence.done'));
      onDone();
    } catch (error) {
      setProblem((error as Error).message);
    }
    setBusy(false);
  };
  const change = (index: number, matcher: Matcher): void => setMatchers(matchers.map((one, i) => (i === index ? matcher : one)));
  return (
    <section class="one" aria-labelledby="silence-title">
      <div class="headline">
        <h2 id="silence-title">{ta('alerts.silence.new')}</h2>
        <a class="close" href={close}>
          {ta('close')}
        </a>
      </div>
      <form class="form wide" onSubmit={(event) => void submit(event)}>
        <fieldset>
          <legend>{ta('alerts.matchers')}</legend>
          {matchers.map((matcher, index) => (
            <MatcherRow
              key={index}
              matcher={matcher}
              index={index}
              onChange={(next) => change(index, next)}
              onDrop={matchers.length > 1 ? () => setMatchers(matchers.filter((_, i) => i !== index)) : null}
            />
          ))}
          <datalist id="silence-labels">
            {LABELS.map((name) => (
              <option key={name} value={name} />
            ))}
          </datalist>
          {matchers.length < MATCHERS_MAX && (
            <button type="button" onClick={() => setMatchers([...matchers, { ...NONE, name: 'node_name' }])}>
              {ta('alerts.matcher.add')}
            </button>
          )}
          <p class="hint" role="status">
            {about(matchers, alerts)}
          </p>
        </fieldset>
        <div class="grid">
          <Field id="silence-until" label={ta('alerts.until')} problem={endsAt === null ? ta('alerts.until.bad') : ''}>
            {(aria) => <input {...aria} type="datetime-local" required value={until} onInput={(event) => setUntil(event.currentTarget.value)} />}
          </Field>
          <Field id="silence-comment" label={ta('alerts.comment')} hint={ta('alerts.comment.hint')} problem={problem}>
            {(aria) => <input {...aria} type="text" required maxLength={511} value={comment} onInput={(event) => setComment(event.currentTarget.value)} />}
          </Field>
        </div>
        <p class="answers">
          <button type="submit" class="primary" disabled={busy || endsAt === null}>
            {ta('alerts.silence')}
          </button>
        </p>
      </form>
    </section>
  );
}

function about(matchers: readonly Matcher[], alerts: readonly FullAlert[] | null): string {
  if (alerts === null) return t('app.loading');
  const found = alerts.map(({ labels }) => holds(matchers, labels));
  if (found.includes(null)) return ta('alerts.matching.unknown');
  return ta('alerts.matching', { count: found.filter(Boolean).length, all: alerts.length });
}

interface RowProps {
  matcher: Matcher;
  index: number;
  onChange: (matcher: Matcher) => void;
  onDrop: (() => void) | null;
}

function MatcherRow({ matcher, index, onChange, onDrop }: RowProps) {
  const number = index + 1;
  return (
    <div class="row">
      <label>
        {ta('alerts.matcher.name', { number })}
        <input type="text" list="silence-labels" required value={matcher.name} onInput={(event) => onChange({ ...matcher, name: event.currentTarget.value.trim() })} />
      </label>
      <label>
        {ta('alerts.matcher.how', { number })}
        <select value={operatorOf(matcher)} onChange={(event) => onChange(withOperator(matcher, event.currentTarget.value as Operator))}>
          {OPERATORS.map((operator, i) => (
            <option key={operator} value={operator}>
              {ta(`alerts.operator.${i as 0 | 1 | 2 | 3}`)}
            </option>
          ))}
        </select>
      </label>
      <label>
        {ta('alerts.matcher.value', { number })}
        <input type="text" value={matcher.value} onInput={(event) => onChange({ ...matcher, value: event.currentTarget.value })} />
      </label>
      {onDrop && (
        <button type="button" class="quiet" aria-label={ta('alerts.matcher.drop', { number })} onClick={onDrop}>
          ×
        </button>
      )}
    </div>
  );
}
