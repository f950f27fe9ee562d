// SPDX-License-Identifier: MIT
// Users by the hundred, from a table: checked first, with what would be done with each row; then done, and undone if need
// be. Nothing that was changed after the check is sent.
import { useState } from 'preact/hooks';
import { type AdminKey, ta } from '../admin-words.ts';
import { type ImportOptions, type ImportReport, importUsers, undoImport } from '../api-admin.ts';
import { count } from '../format.ts';
import { pageHref } from '../router.ts';
import { notify } from '../store.ts';
import { type ImportRow, rowsOfImport, sheetOf } from '../users.ts';
import { GLYPHS, language, t } from '../words.ts';
import { Confirm } from './confirm.tsx';
import { Field } from './field.tsx';

const EXAMPLE = 'username,email,virtual cluster,groups,action\nana,ana@example.org,vision,,\n';
const ACTIONS = ['create', 'update', 'disable', 'delete'] as const;
const INVITES = ['sheet', 'mail', 'none'] as const;
/** As many as the server takes. */
const BYTES_MAX = 2 << 20;
/** More rows would not be read; the report counts all. */
const ROWS_SHOWN = 500;

export function UserImport({ onChange }: { onChange: () => void }) {
  const [text, setText] = useState('');
  const [options, setOptions] = useState<ImportOptions>({ action: 'create', mode: 'all', invite: 'sheet', allowAdmin: false });
  const [report, setReport] = useState<{ is: ImportReport; of: string } | null>(null);
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const [asking, setAsking] = useState<'apply' | 'undo' | null>(null);
  const set = (part: Partial<ImportOptions>): void => setOptions({ ...options, ...part });
  const key = JSON.stringify([text, options]);
  const checked = report !== null && report.of === key;
  const may = checked && report.is.dryRun && report.is.rows > report.is.badRows && (options.mode === 'rows' || report.is.badRows === 0);

  const ask = async (dryRun: boolean): Promise<void> => {
    setBusy(true);
    setProblem('');
    try {
      setReport({ is: await importUsers(text, options, dryRun), of: key });
      if (!dryRun) onChange();
    } catch (error) {
      setProblem((error as Error).message);
      setReport(null);
    }
    setBusy(false);
  };
  const undo = async (id: string): Promise<void> => {
    try {
      notify(ta('import.undone', { count: await undoImport(id) }));
      setReport(null);
    } catch (error) {
      notify((error as Error).message, true);
    }
    onChange();
  };
  const read = async (file: File | undefined): Promise<void> => {
    if (!file) return;
    if (file.size > BYTES_MAX) setProblem(ta('import.tooLarge'));
    else setText(await file.text());
  };
  const good = report ? report.is.rows - report.is.badRows : 0;
  return (
    <section class="one import" aria-labelledby="import-title">
      <div class="headline">
        <h2 id="import-title">{ta('users.import')}</h2>
        <a class="close" href={pageHref('users')}>
          {ta('close')}
        </a>
      </div>
      <form
        class="form wide"
        onSubmit={(event) => {
          event.preventDefault();
          void ask(true);
        }}
      >
        <Field id="import-file" label={ta('import.file')}>
          {(aria) => <input {...aria} type="file" accept=".csv,text/csv,text/plain" onChange={(event) => void read(event.currentTarget.files?.[0])} />}
        </Field>
        <Field id="import-text" label={ta('import.text')} hint={ta('import.text.hint')}>
          {(aria) => (
            <textarea {...aria} rows={8} spellcheck={false} placeholder={EXAMPLE} value={text} onInput={(event) => setText(event.currentTarget.value)} />
          )}
        </Field>
        <div class="grid">
          <Choice id="action" values={ACTIONS} value={options.action} onChange={(action) => set({ action })} />
          <Choice id="mode" values={['all', 'rows'] as const} value={options.mode} onChange={(mode) => set({ mode })} />
          <Choice id="invite" values={INVITES} value={options.invite} onChange={(invite) => set({ invite })} />
        </div>
        <p class="checks">
          <label>
            <input type="checkbox" checked={options.allowAdmin} onChange={(event) => set({ allowAdmin: event.currentTarget.checked })} /> {ta('import.allowAdmin')}
          </label>
        </p>
        <p class="problem" role="alert">
          {problem}
        </p>
        <p class="answers">
          <button type="submit" class={may ? undefined : 'primary'} disabled={busy || text.trim() === ''}>
            {ta('import.check')}
          </button>
          <button type="button" class="primary" disabled={busy || !may} onClick={() => setAsking('apply')}>
            {ta('import.apply', { count: checked ? good : 0 })}
          </button>
        </p>
      </form>
      {checked && report.is.dryRun && !may && <p class="problem">{ta('import.mayNot')}</p>}
      {report && !checked && <p class="hint">{ta('import.changed')}</p>}
      {report && checked && <Report report={report.is} rows={rowsOfImport(report.is, text)} onUndo={() => setAsking('undo')} />}
      {asking && (
        <Confirm
          title={ta(`import.${asking}.title`, { count: good })}
          yes={ta(asking === 'undo' ? 'import.undo' : 'import.apply', { count: good })}
          mild={asking === 'apply'}
          onClose={(yes) => {
            setAsking(null);
            if (yes && asking === 'apply') void ask(false);
            if (yes && asking === 'undo' && report?.is.importId) void undo(report.is.importId);
          }}
        >
          <p>{ta(`import.${asking}.what`)}</p>
        </Confirm>
      )}
    </section>
  );
}

interface ChoiceProps<T extends string> {
  id: 'action' | 'mode' | 'invite';
  values: readonly T[];
  value: T;
  onChange: (value: T) => void;
}

function Choice<T extends string>({ id, values, value, onChange }: ChoiceProps<T>) {
  return (
    <Field id={`import-${id}`} label={ta(`import.${id}`)}>
      {(aria) => (
        <select {...aria} value={value} onChange={(event) => onChange(event.currentTarget.value as T)}>
          {values.map((one) => (
            <option key={one} value={one}>
              {ta(`import.${id}.${one}` as AdminKey)}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

function Report({ report, rows, onUndo }: { report: ImportReport; rows: readonly ImportRow[]; onUndo: () => void }) {
  const number = (value: number): string => count(value, language.value);
  const links = rows.some((row) => row.invitation !== '');
  return (
    <>
      <p class="report" role="status">
        <strong>{ta(report.applied ? 'import.done' : report.dryRun ? 'import.would' : 'import.refused')}</strong>{' '}
        {ta('import.counts', { good: number(report.rows - report.badRows), bad: number(report.badRows) })}
      </p>
      <p class="actions">
        {report.applied && report.importId && (
          <button type="button" class="danger" onClick={onUndo}>
            {ta('import.undo')}
          </button>
        )}
        {links && (
          <a class="button" download="invitations.csv" href={`data:text/csv;charset=utf-8,${encodeURIComponent(sheetOf(rows))}`}>
            {ta('import.sheet')}
          </a>
        )}
      </p>
      {links && <p class="hint">{ta('import.sheet.once')}</p>}
      <div class="scroll" tabIndex={0} role="region" aria-label={ta('import.rows')}>
        <table class="list wrap">
          <thead>
            <tr>
              <th scope="col" class="number">
                {ta('import.line')}
              </th>
              <th scope="col">{t('column.user')}</th>
              <th scope="col">{ta('import.result')}</th>
              {links && <th scope="col">{ta('users.link.word')}</th>}
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, ROWS_SHOWN).map((row) => (
              <tr key={row.line} data-line={row.line}>
                <td class="number">{row.line}</td>
                <th scope="row">{row.name}</th>
                <td class="message">
                  <RowResult row={row} done={report.applied} />
                </td>
                {links && (
                  <td>
                    <code>{row.invitation}</code>
                  </td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows.length > ROWS_SHOWN && <p class="hint">{t('collected.more', { count: rows.length - ROWS_SHOWN })}</p>}
    </>
  );
}

function RowResult({ row, done }: { row: ImportRow; done: boolean }) {
  const bad = row.problems.length > 0;
  return (
    <span class={`state-${bad ? 'failed' : 'succeeded'}`}>
      <span class="glyph" aria-hidden="true">
        {bad ? GLYPHS.failed : GLYPHS.succeeded}
      </span>{' '}
      {bad ? row.problems.join(' · ') : ta(`import.${done ? 'did' : 'will'}.${row.action}` as AdminKey)}
    </span>
  );
}
