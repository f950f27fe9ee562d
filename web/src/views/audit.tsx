// SPDX-License-Identifier: MIT
// The audit log: who changed what, and who was refused; newest first. The address holds the filters and the page.
import '../styles/admin.css';
import { useEffect, useState } from 'preact/hooks';
import { ta } from '../admin-words.ts';
import { type AuditRecord, type Chain, listAudit, verifyAudit } from '../api-admin.ts';
import { AUDIT_METHODS, type AuditFilter, auditParams, auditQuery, parseAudit } from '../audit.ts';
import { Chip } from '../components/filter.tsx';
import { HelpWord } from '../components/help-word.tsx';
import { Loaded } from '../components/loaded.tsx';
import { Ago } from '../components/time.tsx';
import { useLive } from '../components/use-live.ts';
import { absolute, count } from '../format.ts';
import { go, pageHref, route } from '../router.ts';
import { notify, session, site } from '../store.ts';
import { GLYPHS, language, t } from '../words.ts';

export function Audit() {
  const filter = parseAudit(route.value.query);
  const query = auditQuery(filter);
  const live = useLive(() => listAudit(query), query.toString(), (change) => change.kind === 'reset');
  useEffect(() => {
    document.title = `${t('nav.audit')} · ${site.value.name}`;
  }, [site.value.name]);
  if (!session.value?.admin) return <p class="empty">{ta('adminsOnly')}</p>;
  // A filter that changes starts with the newest again.
  const href = (change: Partial<AuditFilter>): string => pageHref('audit', auditParams({ ...filter, cursor: 0, ...change }));
  const text = (key: 'actor' | 'ip' | 'route' | 'code', word: string) => (
    <input
      type="search"
      class="keyword"
      placeholder={word}
      aria-label={word}
      value={filter[key]}
      onChange={(event) => go(href({ [key]: event.currentTarget.value.trim() }))}
    />
  );
  const day = (key: 'since' | 'until', word: string) => (
    <label>
      {word} <input type="date" value={filter[key]} onChange={(event) => go(href({ [key]: event.currentTarget.value }))} />
    </label>
  );
  return (
    <div class="audit">
      <div class="headline">
        <h1>{t('nav.audit')}</h1>
        <ChainState />
      </div>
      <p class="hint">
        {ta('audit.what')} <HelpWord word="audit" />
      </p>
      <search class="filters" aria-label={t('jobs.filters')}>
        {text('actor', ta('audit.actor'))}
        {text('route', ta('audit.route'))}
        {text('code', ta('audit.code'))}
        {text('ip', ta('audit.ip'))}
        <span class="chips" role="group" aria-label={ta('audit.method')}>
          {['', ...AUDIT_METHODS].map((method) => (
            <Chip key={method} href={href({ method })} on={method === filter.method}>
              {method || t('nodes.all')}
            </Chip>
          ))}
        </span>
        {day('since', ta('audit.since'))}
        {day('until', ta('audit.until'))}
        <a href={pageHref('audit')}>{t('jobs.clear')}</a>
      </search>
      <Loaded live={live}>
        {(page) => (
          <>
            {page.data.length === 0 ? <p class="empty">{ta(page.next === null ? 'audit.noMatch' : 'audit.noneYet')}</p> : <Records records={page.data} href={href} />}
            <nav class="pages" aria-label={t('jobs.pages')}>
              {filter.cursor > 0 && <a href={href({})}>{ta('audit.newest')}</a>}
              {page.next !== null && <a href={href({ cursor: page.next })}>{ta('audit.older')}</a>}
            </nav>
          </>
        )}
      </Loaded>
    </div>
  );
}

/** Checked when one asks: the server reads the whole log for it. */
function ChainState() {
  const [chain, setChain] = useState<Chain | null>(null);
  const [busy, setBusy] = useState(false);
  const check = async (): Promise<void> => {
    setBusy(true);
    try {
      setChain(await verifyAudit());
    } catch (error) {
      notify((error as Error).message, true);
    }
    setBusy(false);
  };
  return (
    <span class="chain">
      <button type="button" disabled={busy} onClick={() => void check()}>
        {ta(busy ? 'audit.checking' : 'audit.check')}
      </button>{' '}
      <span role="status">
        {chain && (
          <span class={`state-${chain.whole ? 'succeeded' : 'failed'}`} title={chain.head}>
            <span class="glyph" aria-hidden="true">
              {chain.whole ? GLYPHS.succeeded : GLYPHS.failed}
            </span>{' '}
            {chain.whole ? ta('audit.whole', { count: count(chain.records, language.value) }) : chain.message}
          </span>
        )}
      </span>
    </span>
  );
}

function Records({ records, href }: { records: readonly AuditRecord[]; href: (change: Partial<AuditFilter>) => string }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={t('nav.audit')}>
      <table class="list">
        <thead>
          <tr>
            <th scope="col">{ta('audit.time')}</th>
            <th scope="col">{ta('audit.actor')}</th>
            <th scope="col">{ta('audit.call')}</th>
            <th scope="col">{ta('audit.object')}</th>
            <th scope="col">{ta('audit.outcome')}</th>
            <th scope="col">{ta('audit.more')}</th>
          </tr>
        </thead>
        <tbody>
          {records.map((record) => (
            <Row key={record.id} record={record} href={href} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ record, href }: { record: AuditRecord; href: (change: Partial<AuditFilter>) => string }) {
  const { id, time, actor, ip, method, route: path, object, status, code, requestId } = record;
  const good = code === '';
  return (
    <tr data-record={id}>
      <td>
        <Ago at={time} />
      </td>
      <td>{actor ? <a href={href({ actor })}>{actor}</a> : <span class="dim">{ta('audit.nobody')}</span>}</td>
      <td>
        <code>{method}</code> <a href={href({ route: path })}>{path.replace(/^\/api\/v2/, '') || path}</a>
        {record.count > 1 && <strong> × {record.count}</strong>}
      </td>
      <td class="text" title={object}>
        {object}
      </td>
      <td class={`state-${good ? 'succeeded' : 'failed'}`}>
        <span class="glyph" aria-hidden="true">
          {good ? GLYPHS.succeeded : GLYPHS.failed}
        </span>{' '}
        {status} {code && <a href={href({ code })}>{code}</a>}
      </td>
      <td>
        <details>
          <summary aria-label={ta('audit.more.which', { id })}>{id}</summary>
          {absolute(time, language.value)}
          <br />
          {ta('audit.ip')}: <a href={href({ ip })}>{ip || '-'}</a>
          <br />
          {ta('audit.request')}: <code>{requestId}</code>
        </details>
      </td>
    </tr>
  );
}
