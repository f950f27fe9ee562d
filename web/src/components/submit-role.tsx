// SPDX-License-Identifier: MIT
// One task role of the job that is being written: how many tasks, on what, what they run.
import type { Sku } from '../api.ts';
import { commandsOf, imageOf, removeRole, renameRole, rolePath, rolesOf, setCommands, setImage, skuPath, textAt, valueAt } from '../job-text.ts';
import { t } from '../words.ts';
import { setIn } from '../yaml-edit.ts';
import { changeOf, type Draft, idOf, Mark, NumberField, PairsField, problemOf } from './bound.tsx';
import { Field } from './field.tsx';

const ROLE_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

interface Props {
  draft: Draft;
  role: string;
  skus: Record<string, Sku>;
}

/** So many units of a kind, and the CPUs and the memory that go with them; 0: of any kind. */
function setSku(text: string, role: string, name: string, count: number, sku: Sku | undefined): string {
  let next = setIn(text, skuPath(role, 'skuType'), name === '' ? undefined : name);
  next = setIn(next, skuPath(role, 'skuNum'), name === '' ? undefined : count);
  if (!sku) return next;
  const unit = { cpu: sku.cpu, memoryMB: sku.memory, gpu: sku.gpu };
  return Object.entries(unit).reduce((whole, [what, of]) => setIn(whole, rolePath(role, 'resourcePerInstance', what), of * count), next);
}

export function SubmitRole({ draft, role, skus }: Props) {
  const path = (...rest: (string | number)[]) => rolePath(role, ...rest);
  const only = rolesOf(draft.job).length === 1;
  return (
    <fieldset class="task-role">
      <legend>
        {t('task.role', { role })} <Mark draft={draft} path={path()} />
      </legend>
      <div class="grid">
        <Field id={`${idOf(path())}-name`} label={t('submit.role.name')}>
          {(aria) => (
            <input
              {...aria}
              value={role}
              spellcheck={false}
              onChange={({ currentTarget }) => {
                const name = currentTarget.value;
                if (ROLE_NAME.test(name) && !rolesOf(draft.job).includes(name)) draft.change(renameRole(draft.text, role, name));
                else currentTarget.value = role;
              }}
            />
          )}
        </Field>
        <NumberField draft={draft} path={path('instances')} label={t('submit.instances')} min={1} placeholder="1" />
        <Field id={idOf(path('dockerImage'))} label={t('submit.image')} problem={problemOf(draft, path('dockerImage'))}>
          {(aria) => (
            <input
              {...aria}
              spellcheck={false}
              value={imageOf(draft.job, role)}
              onInput={({ currentTarget }) => draft.change(setImage(draft.text, role, currentTarget.value))}
            />
          )}
        </Field>
      </div>
      <SkuPicker draft={draft} role={role} skus={skus} />
      <div class="grid four">
        <NumberField draft={draft} path={path('resourcePerInstance', 'gpu')} label={t('column.gpus')} />
        <NumberField draft={draft} path={path('resourcePerInstance', 'cpu')} label={t('submit.cpu')} min={1} />
        <NumberField draft={draft} path={path('resourcePerInstance', 'memoryMB')} label={t('submit.memory')} min={1} />
        <NumberField draft={draft} path={path('extraContainerOptions', 'shmMB')} label={t('submit.shm')} placeholder="512" />
      </div>
      <div class="field">
        <label for={idOf(path('commands'))}>
          {t('submit.commands')} <Mark draft={draft} path={path('commands')} />
        </label>
        <textarea
          id={idOf(path('commands'))}
          rows={Math.min(16, Math.max(3, commandsOf(draft.job, role).split('\n').length + 1))}
          spellcheck={false}
          aria-invalid={problemOf(draft, path('commands')) !== '' || undefined}
          value={commandsOf(draft.job, role)}
          onInput={({ currentTarget }) => draft.change(setCommands(draft.text, role, currentTarget.value))}
        />
        <p class="problem" role="alert">
          {problemOf(draft, path('commands'))}
        </p>
      </div>
      <details open={changeOf(draft, path('completion')) !== '' || valueAt(draft.job, path('resourcePerInstance', 'ports')) !== undefined || undefined}>
        <summary>{t('submit.role.more')}</summary>
        <div class="grid three">
          <NumberField draft={draft} path={path('completion', 'minFailedInstances')} label={t('submit.minFailed')} min={-1} placeholder="1" />
          <NumberField draft={draft} path={path('completion', 'minSucceededInstances')} label={t('submit.minSucceeded')} min={-1} placeholder="-1" />
          <NumberField draft={draft} path={path('taskRetryCount')} label={t('submit.taskRetries')} placeholder="0" />
        </div>
        <PairsField
          draft={draft}
          path={path('resourcePerInstance', 'ports')}
          label={t('task.ports')}
          hint={t('submit.ports.hint')}
          kind="number"
          nameWord={t('submit.label')}
          valueWord={t('submit.count')}
          addWord={t('submit.ports.add')}
          newName="port"
          newValue={1}
        />
      </details>
      {!only && (
        <button type="button" class="danger" onClick={() => draft.change(removeRole(draft.text, role))}>
          {t('submit.role.remove', { role })}
        </button>
      )}
    </fieldset>
  );
}

/** Kinds of GPU, with what is free of each now. */
function SkuPicker({ draft, role, skus }: Props) {
  const chosen = textAt(draft.job, skuPath(role, 'skuType'));
  const count = Number(textAt(draft.job, skuPath(role, 'skuNum'))) || 1;
  const word = (name: string, sku: Sku): string => t('submit.sku.free', { name, free: sku.free, total: sku.total });
  const names = Object.keys(skus);
  return (
    <div class="grid">
      <Field id={idOf(skuPath(role, 'skuType'))} label={t('submit.sku')} problem={problemOf(draft, skuPath(role, 'skuType'))}>
        {(aria) => (
          <select {...aria} value={chosen} onChange={({ currentTarget: { value } }) => draft.change(setSku(draft.text, role, value, count, skus[value]))}>
            <option value="">{t('submit.sku.any')}</option>
            {chosen !== '' && !names.includes(chosen) && <option value={chosen}>{chosen}</option>}
            {names.map((name) => (
              <option key={name} value={name}>
                {word(name, skus[name] as Sku)}
              </option>
            ))}
          </select>
        )}
      </Field>
      {chosen !== '' && (
        <Field id={idOf(skuPath(role, 'skuNum'))} label={t('submit.sku.count')} problem={problemOf(draft, skuPath(role, 'skuNum'))}>
          {(aria) => (
            <input
              {...aria}
              type="number"
              min={1}
              value={count}
              onInput={({ currentTarget: { valueAsNumber } }) => {
                if (valueAsNumber >= 1) draft.change(setSku(draft.text, role, chosen, Math.round(valueAsNumber), skus[chosen]));
              }}
            />
          )}
        </Field>
      )}
    </div>
  );
}
