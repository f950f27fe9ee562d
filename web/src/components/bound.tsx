// SPDX-License-Identifier: MIT
// Fields that show a place of the job's text and change it. What the server says of that place stands below them; what
// differs from the job that was copied is marked.
import type { ComponentChildren } from 'preact';
import type { ErrorPlace } from '../api.ts';
import { pointerOf, textAt, valueAt } from '../job-text.ts';
import { t } from '../words.ts';
import type { Path, Value } from '../yaml.ts';
import { renameKey, setIn } from '../yaml-edit.ts';
import { Field } from './field.tsx';

/** What is being written. */
export interface Draft {
  text: string;
  job: Value;
  /** The job that this one was copied from; null: none. */
  base: Value | null;
  problem: { message: string; place: ErrorPlace } | null;
  change: (text: string) => void;
}

const ROOT = 'job';

export const idOf = (path: Path): string => ROOT + pointerOf(path).replace(/[^\w/-]/g, '_');

/** What the server says of the place or of something in it. */
export function problemOf({ problem }: Draft, path: Path): string {
  const at = problem?.place.pointer;
  const here = pointerOf(path);
  return at !== undefined && (at === here || at.startsWith(`${here}/`)) ? (problem?.message ?? '') : '';
}

/** "was 4", where it differs from the copied job. */
export function changeOf({ base, job }: Draft, path: Path): string {
  if (base === null) return '';
  const before = valueAt(base, path);
  if (JSON.stringify(before) === JSON.stringify(valueAt(job, path))) return '';
  if (before === undefined || before === null || typeof before === 'object') return t('submit.changed');
  return t('submit.changed.was', { value: String(before).slice(0, 80) });
}

interface Props {
  draft: Draft;
  path: Path;
  label: string;
  hint?: string;
}

/** The label's text, with the mark of a change. */
export function Mark({ draft, path }: { draft: Draft; path: Path }) {
  const change = changeOf(draft, path);
  return change === '' ? null : <span class="changed">{change}</span>;
}

function Frame({ draft, path, label, hint, children }: Props & { children: Parameters<typeof Field>[0]['children'] }) {
  return (
    <div class="bound">
      <Field id={idOf(path)} label={label} problem={problemOf(draft, path)} {...(hint ? { hint } : {})}>
        {children}
      </Field>
      <Mark draft={draft} path={path} />
    </div>
  );
}

export function TextField(props: Props & { placeholder?: string }) {
  const { draft, path, placeholder } = props;
  return (
    <Frame {...props}>
      {(aria) => (
        <input
          {...aria}
          placeholder={placeholder}
          autocomplete="off"
          spellcheck={false}
          value={textAt(draft.job, path)}
          onInput={({ currentTarget: { value } }) => draft.change(setIn(draft.text, path, value === '' ? undefined : value))}
        />
      )}
    </Frame>
  );
}

/** `unit`: what is shown is the value divided by it. */
export function NumberField(props: Props & { min?: number; max?: number; unit?: number; placeholder?: string }) {
  const { draft, path, min = 0, max, unit = 1, placeholder } = props;
  const found = valueAt(draft.job, path);
  return (
    <Frame {...props}>
      {(aria) => (
        <input
          {...aria}
          type="number"
          min={min}
          max={max}
          step={unit === 1 ? 1 : 'any'}
          placeholder={placeholder}
          value={typeof found === 'number' ? found / unit : textAt(draft.job, path)}
          onInput={({ currentTarget: { value, valueAsNumber } }) => {
            if (value === '') draft.change(setIn(draft.text, path, undefined));
            else if (Number.isFinite(valueAsNumber)) draft.change(setIn(draft.text, path, Math.round(valueAsNumber * unit)));
          }}
        />
      )}
    </Frame>
  );
}

/** A value of the text that is not among the options is shown as it is. */
export function SelectField(props: Props & { options: readonly (readonly [string, string])[] }) {
  const { draft, path, options } = props;
  const value = textAt(draft.job, path);
  return (
    <Frame {...props}>
      {(aria) => (
        <select
          {...aria}
          value={value}
          onChange={({ currentTarget: { value: next } }) => draft.change(setIn(draft.text, path, next === '' ? undefined : next))}
        >
          {!options.some(([one]) => one === value) && <option value={value}>{value}</option>}
          {options.map(([one, word]) => (
            <option key={one} value={one}>
              {word}
            </option>
          ))}
        </select>
      )}
    </Frame>
  );
}

const TYPES = { text: { type: 'text' }, number: { type: 'number' }, password: { type: 'password' } } as const;

interface PairsProps extends Props {
  kind: 'text' | 'number' | 'password';
  nameWord: string;
  valueWord: string;
  addWord: string;
  /** The name of a new one, before its number. */
  newName: string;
  newValue: Value;
  children?: ComponentChildren;
}

/** A map of names and values. */
export function PairsField({ draft, path, label, hint, kind, nameWord, valueWord, addWord, newName, newValue, children }: PairsProps) {
  const found = valueAt(draft.job, path);
  const pairs = found !== null && typeof found === 'object' && !Array.isArray(found) ? Object.entries(found) : [];
  const names = pairs.map(([name]) => name);
  const add = (): void => {
    let number = pairs.length + 1;
    while (names.includes(`${newName}${number}`)) number += 1;
    draft.change(setIn(draft.text, [...path, `${newName}${number}`], newValue));
  };
  return (
    <fieldset class="pairs">
      <legend>
        {label} <Mark draft={draft} path={path} />
      </legend>
      {hint && <p class="hint">{hint}</p>}
      {pairs.map(([name, value], index) => (
        <p key={index} class="pair">
          <input
            aria-label={`${label}: ${nameWord}`}
            autocomplete="off"
            spellcheck={false}
            value={name}
            onChange={({ currentTarget }) => {
              const next = currentTarget.value.trim();
              if (next !== '' && !names.includes(next)) draft.change(renameKey(draft.text, [...path, name], next));
              else currentTarget.value = name;
            }}
          />
          {value !== null && typeof value === 'object' ? (
            <span class="dim">{t('submit.inText')}</span>
          ) : (
            <input
              id={idOf([...path, name])}
              aria-label={`${label}: ${valueWord} ${name}`}
              {...TYPES[kind]}
              autocomplete={kind === 'password' ? 'new-password' : 'off'}
              spellcheck={false}
              value={value === null ? '' : String(value)}
              onInput={({ currentTarget: { value: next, valueAsNumber } }) => {
                const put = kind === 'number' ? (Number.isFinite(valueAsNumber) ? valueAsNumber : 0) : typeof value === 'number' && next !== '' && String(Number(next)) === next ? Number(next) : next;
                draft.change(setIn(draft.text, [...path, name], put));
              }}
            />
          )}
          <button type="button" class="quiet" aria-label={t('submit.remove.which', { name })} onClick={() => draft.change(setIn(draft.text, [...path, name], undefined))}>
            ×
          </button>
        </p>
      ))}
      {problemOf(draft, path) && (
        <p class="problem" role="alert">
          {problemOf(draft, path)}
        </p>
      )}
      {children}
      <button type="button" onClick={add}>
        {addWord}
      </button>
    </fieldset>
  );
}
