// SPDX-License-Identifier: MIT
// The form of the job that is being written. Whatever it does not show stays in the text as it is.
import { useState } from 'preact/hooks';
import { sendCode, type Sku, type VirtualCluster } from '../api.ts';
import { addRole, EXTRAS, maskedSecrets, PRIORITY, rolesOf, textAt, valueAt } from '../job-text.ts';
import { priorityWord, t } from '../words.ts';
import { setIn } from '../yaml-edit.ts';
import { type Draft, Mark, NumberField, PairsField, problemOf, SelectField, TextField } from './bound.tsx';
import { SubmitRole } from './submit-role.tsx';

export interface Cluster {
  vcs: Record<string, VirtualCluster>;
  /** Those that one may submit to; null: all. */
  mine: readonly string[] | null;
  skus: Record<string, Sku>;
  storages: readonly string[];
}

const PRIORITIES = ['prod', 'test', 'oppo', 'crit'];
const PREEMPTIONS = ['requeue', 'stop', 'never'] as const;
const DEBUG = ['userFailure', 'always'] as const;

export function SubmitForm({ draft, cluster }: { draft: Draft; cluster: Cluster }) {
  const { vcs, mine } = cluster;
  const free = (vc: VirtualCluster): string => t('submit.vc.free', { free: vc.gpus.free, guaranteed: vc.gpus.guaranteed });
  const clusters = Object.entries(vcs).filter(([name, vc]) => vc.status === 'Running' && (!mine || name === 'default' || mine.includes(name)));
  return (
    <form class="submit-form" onSubmit={(event) => event.preventDefault()}>
      <div class="grid">
        <TextField draft={draft} path={['name']} label={t('column.name')} />
        <SelectField
          draft={draft}
          path={['defaults', 'virtualCluster']}
          label={t('column.vc')}
          options={[['', t('submit.vc.default')], ...clusters.map(([name, vc]) => [name, `${name} · ${free(vc)}`] as const)]}
        />
        <SelectField
          draft={draft}
          path={PRIORITY}
          label={t('column.priority')}
          options={[['', t('priority.default')], ...PRIORITIES.map((name) => [name, priorityWord(name)] as const)]}
        />
      </div>
      {rolesOf(draft.job).map((role) => (
        <SubmitRole key={role} draft={draft} role={role} skus={cluster.skus} />
      ))}
      <button type="button" onClick={() => draft.change(addRole(draft.text).text)}>
        {t('submit.role.add')}
      </button>
      <PairsField
        draft={draft}
        path={['parameters']}
        label={t('submit.parameters')}
        hint={t('submit.parameters.hint')}
        kind="text"
        nameWord={t('submit.name')}
        valueWord={t('submit.value')}
        addWord={t('submit.parameters.add')}
        newName="parameter"
        newValue=""
      />
      <PairsField
        draft={draft}
        path={['secrets']}
        label={t('submit.secrets')}
        hint={t('submit.secrets.hint')}
        kind="password"
        nameWord={t('submit.name')}
        valueWord={t('submit.value')}
        addWord={t('submit.secrets.add')}
        newName="SECRET"
        newValue=""
      >
        {maskedSecrets(draft.job).length > 0 && (
          <p class="problem">{t('submit.secrets.masked', { names: maskedSecrets(draft.job).join(', ') })}</p>
        )}
      </PairsField>
      <Storages draft={draft} names={cluster.storages} />
      <Code draft={draft} />
      <fieldset>
        <legend>{t('submit.limits')}</legend>
        <div class="grid">
          <NumberField draft={draft} path={['jobRetryCount']} label={t('submit.retries')} hint={t('submit.retries.hint')} placeholder="0" />
          <NumberField draft={draft} path={[...EXTRAS, 'timeLimit']} label={t('submit.timeLimit')} unit={60} min={1} placeholder={t('job.limit.none')} />
          <SelectField
            draft={draft}
            path={[...EXTRAS, 'preemption']}
            label={t('submit.preemption')}
            options={[['', t('submit.preemption.requeue')], ...PREEMPTIONS.map((name) => [name, t(`submit.preemption.${name}`)] as const)]}
          />
          <SelectField
            draft={draft}
            path={[...EXTRAS, 'debugReservation', 'on']}
            label={t('submit.debug')}
            options={[['', t('submit.debug.never')], ...DEBUG.map((name) => [name, t(`submit.debug.${name}`)] as const)]}
          />
          {textAt(draft.job, [...EXTRAS, 'debugReservation', 'on']) !== '' && (
            <NumberField draft={draft} path={[...EXTRAS, 'debugReservation', 'maxMinutes']} label={t('submit.debug.minutes')} min={1} />
          )}
        </div>
      </fieldset>
    </form>
  );
}

const STORAGES = ['extras', 'storages'] as const;

function Storages({ draft, names }: { draft: Draft; names: readonly string[] }) {
  const found = valueAt(draft.job, STORAGES);
  const chosen = Array.isArray(found) ? found : [];
  if (names.length === 0 && chosen.length === 0) return null;
  const known = [...new Set([...names, ...chosen.map((one) => textAt(one, ['name']))])].filter(Boolean);
  return (
    <fieldset>
      <legend>
        {t('submit.storages')} <Mark draft={draft} path={STORAGES} />
      </legend>
      {known.map((name) => {
        const index = chosen.findIndex((one) => textAt(one, ['name']) === name);
        const toggle = (): void =>
          draft.change(setIn(draft.text, [...STORAGES, index < 0 ? chosen.length : index], index < 0 ? { name, mountPath: `/mnt/${name}` } : undefined));
        return (
          <p key={name} class="pair">
            <label>
              <input type="checkbox" checked={index >= 0} onChange={toggle} /> {name}
            </label>
            {index >= 0 && (
              <input
                aria-label={t('submit.storages.path', { name })}
                spellcheck={false}
                value={textAt(chosen[index] ?? null, ['mountPath']) || `/mnt/${name}`}
                onInput={({ currentTarget: { value } }) => draft.change(setIn(draft.text, [...STORAGES, index, 'mountPath'], value))}
              />
            )}
          </p>
        );
      })}
      <p class="problem" role="alert">
        {problemOf(draft, STORAGES)}
      </p>
    </fieldset>
  );
}

const CODE = [...EXTRAS, 'code'] as const;

/** An archive of code, sent at once; the text names it. */
function Code({ draft }: { draft: Draft }) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const id = textAt(draft.job, CODE);
  const send = async (file: File | undefined): Promise<void> => {
    if (!file) return;
    setBusy(true);
    setProblem('');
    try {
      draft.change(setIn(draft.text, CODE, await sendCode(file)));
    } catch (error) {
      setProblem((error as Error).message);
    }
    setBusy(false);
  };
  return (
    <fieldset>
      <legend>
        {t('submit.code')} <Mark draft={draft} path={CODE} />
      </legend>
      <p class="hint" id="code-hint">
        {t('submit.code.hint')}
      </p>
      <p class="pair">
        <input
          type="file"
          aria-label={t('submit.code.choose')}
          aria-describedby="code-hint"
          accept=".tar,.tgz,.gz,.zst"
          disabled={busy}
          onChange={({ currentTarget }) => void send(currentTarget.files?.[0])}
        />
        {busy && <span role="status">{t('submit.code.sending')}</span>}
        {id !== '' && (
          <>
            <code title={id}>{id.slice(0, 12)}…</code>
            <button type="button" onClick={() => draft.change(setIn(draft.text, CODE, undefined))}>
              {t('submit.code.remove')}
            </button>
          </>
        )}
      </p>
      <p class="problem" role="alert">
        {problem || problemOf(draft, CODE)}
      </p>
    </fieldset>
  );
}
