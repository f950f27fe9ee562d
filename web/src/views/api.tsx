// SPDX-License-Identifier: MIT
// The API as its own description has it: every operation, what it takes and answers, and who may call it.
import { useEffect, useState } from 'preact/hooks';
import { getOpenApi, openApiHref } from '../api.ts';
import { groupsOf, members, type OpenApi, type Operation, type Row, search } from '../openapi.ts';
import { site } from '../store.ts';
import { t } from '../words.ts';

export function Api() {
  const [api, setApi] = useState<OpenApi | null>(null);
  const [problem, setProblem] = useState('');
  const [text, setText] = useState('');

  useEffect(() => {
    document.title = `${t('api.title')} · ${site.value.name}`;
    getOpenApi().then(setApi, (error: Error) => setProblem(error.message));
  }, [site.value.name]);

  const groups = api ? search(groupsOf(api), text) : [];
  const count = groups.reduce((sum, group) => sum + group.operations.length, 0);

  return (
    <div class="api">
      <div class="headline">
        <h1>{t('api.title')}</h1>
        <a href={openApiHref} download="openapi.json">
          {t('api.download')}
        </a>
      </div>
      <p class="hint">{t('api.hint')}</p>
      <label class="search">
        {t('api.search')}
        <input type="search" value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      {problem !== '' && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      {api && (
        <p role="status" class="hint">
          {count === 1 ? t('api.count.one') : t('api.count.many', { count })}
        </p>
      )}
      {api &&
        groups.map((group) => (
          <section key={group.name}>
            <h2>{group.name}</h2>
            {group.operations.map((operation) => (
              <Entry key={operation.id} api={api} operation={operation} />
            ))}
          </section>
        ))}
    </div>
  );
}

/** One operation; its tables are made when it is opened. */
function Entry({ api, operation }: { api: OpenApi; operation: Operation }) {
  const [open, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <code class={`method ${operation.method.toLowerCase()}`}>{operation.method}</code>{' '}
        <code class="path">{operation.path}</code> <span>{operation.summary}</span>
      </summary>
      {open && (
        <div class="operation">
          <p class="hint">{t('api.access', { level: operation.access })}</p>
          <Rows api={api} title={t('api.parameters')} rows={operation.parameters} />
          <Rows api={api} title={t('api.body')} rows={operation.body ? [operation.body] : []} />
          <Rows api={api} title={t('api.answers')} rows={operation.answers} />
        </div>
      )}
    </details>
  );
}

function Rows({ api, title, rows }: { api: OpenApi; title: string; rows: readonly Row[] }) {
  if (rows.length === 0) return null;
  return (
    <>
      <h3>{title}</h3>
      <ul class="members">
        {rows.map((row) => (
          <Member key={row.name} api={api} row={row} seen={[]} />
        ))}
      </ul>
    </>
  );
}

/** A member, and what it is made of; `seen` are the schemas around it, so that none opens in itself. */
function Member({ api, row, seen }: { api: OpenApi; row: Row; seen: readonly string[] }) {
  const [open, setOpen] = useState(false);
  const inner = row.schema && !seen.includes(row.schema) ? members(api, row.schema) : [];
  return (
    <li>
      <code>{row.name}</code> <span class="type">{row.type}</span>
      {row.required && <span class="needed">{t('api.required')}</span>} {row.note}
      {inner.length > 0 && (
        <details onToggle={(event) => setOpen(event.currentTarget.open)}>
          <summary>{t('api.members', { name: row.schema ?? '' })}</summary>
          {open && (
            <ul class="members">
              {inner.map((member) => (
                <Member key={member.name} api={api} row={member} seen={[...seen, row.schema ?? '']} />
              ))}
            </ul>
          )}
        </details>
      )}
    </li>
  );
}
