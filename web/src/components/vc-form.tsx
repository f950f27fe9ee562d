// SPDX-License-Identifier: MIT
// Changes a virtual cluster, or makes one: what will change is told before it does, in lines and in what it means for what
// is held now. VC admins may set the cap of each user alone.
import { useEffect, useState } from 'preact/hooks';
import { type AdminKey, ta } from '../admin-words.ts';
import { type Guarantee, getUser, listSkus, putVc, type VcGpus, type VcSpec } from '../api-admin.ts';
import { notify, session } from '../store.ts';
import { borrowedAfter, changesOf, CHOICES, type Draft, draftOf, type Line, NUMBERS, SHAPES, TEXTS } from '../vcs.ts';
import { Field } from './field.tsx';

interface Props {
  /** null: a new one. */
  name: string | null;
  vc: VcSpec;
  gpus: VcGpus | null;
  all: readonly string[];
  onDone: (name: string) => void;
}

/** Which fields the viewer may change. */
type Rights = 'all' | 'userCap' | 'none';

function useRights(name: string | null): Rights {
  const me = session.value;
  const [managed, setManaged] = useState<readonly string[]>([]);
  useEffect(() => {
    if (!me || me.admin) return;
    getUser(me.user).then(
      (user) => setManaged(user.managedVirtualCluster),
      () => {},
    );
  }, [me?.user]);
  if (me?.admin) return 'all';
  return name !== null && managed.includes(name) ? 'userCap' : 'none';
}

export function VcForm({ name, vc, gpus, all, onDone }: Props) {
  const rights = useRights(name);
  // What the draft began with: what others change meanwhile is neither taken for a change of one's own, nor undone by it.
  const [base, setBase] = useState<VcSpec>(vc);
  const [draft, setDraft] = useState<Draft>(() => draftOf(vc));
  const [newName, setNewName] = useState('');
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const [open, setOpen] = useState(name === null);
  const { change, lines, bad } = changesOf(base, draft, (shape) => ta(`vcs.shape.${shape}`));
  const restart = (): void => {
    setBase(vc);
    setDraft(draftOf(vc));
  };
  useEffect(() => {
    if (lines.length === 0 && bad.length === 0 && changesOf(vc, draftOf(base)).lines.length > 0) restart();
  }, [vc]);
  if (rights === 'none') return null;
  const target = name ?? newName.trim();
  const ready = bad.length === 0 && target !== '' && (name === null || lines.length > 0);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setProblem('');
    try {
      await putVc(target, change);
      setBase({ ...base, ...change });
      notify(ta(name === null ? 'vcs.made' : 'vcs.changed', { vc: target }));
      onDone(target);
    } catch (error) {
      setProblem((error as Error).message);
    }
    setBusy(false);
  };
  const set = (part: Partial<Draft>): void => setDraft({ ...draft, ...part });
  const number = (key: (typeof NUMBERS)[number]) => (
    <Field key={key} id={`vc-${key}`} label={ta(`vcs.field.${key}`)} hint={ta(`vcs.hint.${key}`)} problem={bad.includes(key) ? ta('vcs.bad.number') : ''}>
      {(aria) => (
        <input
          {...aria}
          type="text"
          inputMode="numeric"
          value={draft.numbers[key]}
          onInput={(event) => set({ numbers: { ...draft.numbers, [key]: event.currentTarget.value } })}
        />
      )}
    </Field>
  );
  return (
    <details class="edit" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{name === null ? ta('vcs.new') : ta('vcs.edit', { vc: name })}</summary>
      {open && (
        <form class="form wide" onSubmit={(event) => void submit(event)}>
          {name === null && (
            <Field id="vc-name" label={ta('vcs.field.name')} hint={ta('vcs.hint.name')}>
              {(aria) => <input {...aria} type="text" value={newName} onInput={(event) => setNewName(event.currentTarget.value)} />}
            </Field>
          )}
          {rights === 'userCap' ? (
            <>
              <p class="hint">{ta('vcs.managerMay')}</p>
              {number('userCap')}
            </>
          ) : (
            <>
              <GuaranteeRows draft={draft} bad={bad.includes('guarantee')} onChange={(guarantee) => set({ guarantee })} />
              <div class="grid">
                {number('borrow')}
                {number('userCap')}
                <Field id="vc-parent" label={ta('vcs.field.parent')} hint={ta('vcs.hint.parent')}>
                  {(aria) => (
                    <select {...aria} value={draft.parent} onChange={(event) => set({ parent: event.currentTarget.value })}>
                      <option value="">{ta('none')}</option>
                      {all.filter((one) => one !== name && one !== 'default').map((one) => (
                        <option key={one} value={one}>
                          {one}
                        </option>
                      ))}
                    </select>
                  )}
                </Field>
                <Choice field="read" draft={draft} onChange={set} />
                {TEXTS.map((key) => (
                  <Field key={key} id={`vc-${key}`} label={ta(`vcs.field.${key}`)}>
                    {(aria) => (
                      <input {...aria} type="text" value={draft.texts[key]} onInput={(event) => set({ texts: { ...draft.texts, [key]: event.currentTarget.value } })} />
                    )}
                  </Field>
                ))}
              </div>
              <details class="more">
                <summary>{ta('vcs.limits')}</summary>
                <div class="grid">
                  {(['maxGpus', 'maxJobs', 'maxTime', 'cpus', 'keepLogsDays', 'userDiskMB'] as const).map(number)}
                  <Choice field="preemption" draft={draft} onChange={set} />
                  <Field id="vc-pins" label={ta('vcs.field.pins')} hint={ta('vcs.hint.pins')}>
                    {(aria) => <input {...aria} type="text" value={draft.pins} onInput={(event) => set({ pins: event.currentTarget.value })} />}
                  </Field>
                </div>
              </details>
              <details class="more">
                <summary>{ta('vcs.debug')}</summary>
                <div class="grid">
                  <Choice field="debugReservations" draft={draft} onChange={set} />
                  <Choice field="debugReclaim" draft={draft} onChange={set} />
                  {(['debugMaxMinutes', 'debugPerUser', 'debugTotal'] as const).map(number)}
                </div>
              </details>
              <details class="more" open={bad.includes('idle') || undefined}>
                <summary>{ta('vcs.idle')}</summary>
                <Field id="vc-idle" label={ta('vcs.field.idle')} hint={ta('vcs.hint.idle')} problem={bad.includes('idle') ? ta('vcs.bad.idle') : ''}>
                  {(aria) => (
                    <textarea {...aria} rows={8} spellcheck={false} value={draft.idle} onInput={(event) => set({ idle: event.currentTarget.value })} />
                  )}
                </Field>
                <p>
                  <button type="button" onClick={() => set({ idle: JSON.stringify(IDLE_EXAMPLE, null, 2) })}>
                    {ta('vcs.idle.example')}
                  </button>
                </p>
              </details>
            </>
          )}
          <Preview lines={lines} gpus={gpus} guarantee={change.guarantee} />
          <p class="problem" role="alert">
            {problem}
          </p>
          <p class="answers">
            <button type="submit" class="primary" disabled={!ready || busy}>
              {name === null ? ta('vcs.make') : ta('vcs.apply', { count: lines.length })}
            </button>
            {name !== null && (
              <button type="button" disabled={lines.length === 0 && bad.length === 0} onClick={restart}>
                {ta('vcs.reset')}
              </button>
            )}
          </p>
        </form>
      )}
    </details>
  );
}

/** First see who would be hit, then stop; as docs/IDLE.md has it. */
const IDLE_EXAMPLE = {
  dryRun: true,
  rules: [
    { rule: 'zeroFromStart', warn: [3600, 6300], after: 7200, action: 'stop' },
    { rule: 'zeroWindow', warn: [14400], after: 18000, action: 'mail' },
  ],
  snoozeMinutes: 1440,
};


function Choice({ field, draft, onChange }: { field: keyof typeof CHOICES; draft: Draft; onChange: (part: Partial<Draft>) => void }) {
  return (
    <Field id={`vc-${field}`} label={ta(`vcs.field.${field}`)} hint={ta(`vcs.hint.${field}`)}>
      {(aria) => (
        <select {...aria} value={draft.choices[field]} onChange={(event) => onChange({ choices: { ...draft.choices, [field]: event.currentTarget.value } })}>
          {CHOICES[field].map((value) => (
            <option key={value} value={value}>
              {ta(`vcs.${field}.${value}` as AdminKey)}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

type Row = Draft['guarantee'][number];

function GuaranteeRows({ draft, bad, onChange }: { draft: Draft; bad: boolean; onChange: (rows: Row[]) => void }) {
  const [skus, setSkus] = useState<readonly string[]>([]);
  useEffect(() => {
    // Without the list, names are typed.
    listSkus().then(setSkus, () => {});
  }, []);
  const rows = draft.guarantee;
  const set = (at: number, part: Partial<Row>): void => onChange(rows.map((row, i) => (i === at ? { ...row, ...part } : row)));
  return (
    <fieldset aria-describedby="vc-guarantee-problem">
      <legend>{ta('vcs.field.guarantee')}</legend>
      <datalist id="vc-skus">
        {skus.map((sku) => (
          <option key={sku} value={sku} />
        ))}
      </datalist>
      {rows.map((row, at) => (
        <div class="row" key={at} role="group" aria-label={ta('vcs.guarantee.row', { number: at + 1 })}>
          <label>
            {ta('map.sku')}
            <input type="text" list="vc-skus" size={10} value={row.sku} onInput={(event) => set(at, { sku: event.currentTarget.value })} />
          </label>
          {SHAPES.map((shape) => (
            <label key={shape}>
              {ta(`vcs.shape.${shape}`)}
              <input type="text" inputMode="numeric" size={4} value={row[shape]} onInput={(event) => set(at, { [shape]: event.currentTarget.value })} />
            </label>
          ))}
          <button type="button" aria-label={ta('vcs.guarantee.drop', { sku: row.sku || String(at + 1) })} onClick={() => onChange(rows.filter((_, i) => i !== at))}>
            {ta('drop')}
          </button>
        </div>
      ))}
      <p>
        <button
          type="button"
          onClick={() => {
            const sku = skus.find((one) => !rows.some((row) => row.sku === one)) ?? '';
            onChange([...rows, { sku, gpus: '', sockets: '', nodes: '', racks: '', pods: '' }]);
          }}
        >
          {ta('vcs.guarantee.add')}
        </button>
      </p>
      <p class="problem" id="vc-guarantee-problem" role="alert">
        {bad && ta('vcs.bad.guarantee')}
      </p>
    </fieldset>
  );
}

function Preview({ lines, gpus, guarantee }: { lines: readonly Line[]; gpus: VcGpus | null; guarantee: readonly Guarantee[] | undefined }) {
  if (lines.length === 0) return <p class="hint">{ta('vcs.preview.none')}</p>;
  const borrowed = gpus && guarantee ? borrowedAfter(gpus, guarantee) : 0;
  const more = borrowed === null ? 0 : borrowed - (gpus?.borrowed ?? 0);
  const word = (line: Line): string => (line.of ? `${ta(`vcs.field.${line.field}`)}, ${line.of}` : ta(`vcs.field.${line.field}`));
  return (
    <section class="preview" aria-label={ta('preview')} role="status">
      <h3>{ta('preview')}</h3>
      <dl>
        {lines.map((line) => (
          <div key={`${line.field} ${line.of}`}>
            <dt>{word(line)}</dt>
            <dd>
              <del>{line.before || ta('none')}</del> <span aria-hidden="true">→</span> <ins>{line.after || ta('none')}</ins>
            </dd>
          </div>
        ))}
      </dl>
      {more > 0 && <p class="problem">{ta('vcs.preview.borrowed', { count: more })}</p>}
    </section>
  );
}
