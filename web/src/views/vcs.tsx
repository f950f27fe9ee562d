// SPDX-License-Identifier: MIT
// The virtual clusters: what each is promised and holds, who may, what runs; and their change. The address holds the
// filter and which one is looked at.
import '../styles/admin.css';
import { useEffect, useState } from 'preact/hooks';
import { ta } from '../admin-words.ts';
import { getVcs, removeVc, setVcStatus, type VirtualCluster } from '../api-admin.ts';
import { Confirm } from '../components/confirm.tsx';
import { Search } from '../components/filter.tsx';
import { HelpWord } from '../components/help-word.tsx';
import { Loaded } from '../components/loaded.tsx';
import { useLive } from '../components/use-live.ts';
import { pollMs, useQuietPoll } from '../components/use-poll.ts';
import { VcBar, VcPatterns } from '../components/vc-bar.tsx';
import { VcDetail } from '../components/vc-detail.tsx';
import { VcForm } from '../components/vc-form.tsx';
import { go, jobsHref, pageHref, route } from '../router.ts';
import { notify, session, site } from '../store.ts';
import { GLYPHS, t } from '../words.ts';
import { type Branch, EMPTY_SPEC, treeOf } from '../vcs.ts';

/** Nodes that come and go, and other admins' changes, are no job's event. */
const AGAIN_MS = 15_000;

export function Vcs() {
  const query = route.value.query;
  const q = query.get('q') ?? '';
  const chosen = query.get('vc') ?? '';
  const isNew = query.has('new');
  const live = useLive(getVcs, '', () => true);
  useQuietPoll(() => live.refresh(), pollMs(AGAIN_MS));
  useEffect(() => {
    document.title = `${chosen ? `${chosen} · ` : ''}${t('nav.vcs')} · ${site.value.name}`;
  }, [chosen, site.value.name]);
  return (
    <div class="vcs">
      <VcPatterns />
      <div class="headline">
        <h1>{t('nav.vcs')}</h1>
        {session.value?.admin && !isNew && (
          <a class="button" href={pageHref('vcs', { q, new: 'yes' })}>
            {ta('vcs.new')}
          </a>
        )}
      </div>
      <p class="hint">
        {ta('vcs.what')} <HelpWord word="guaranteed" /> · <HelpWord word="borrowed" /> · <HelpWord word="opportunistic" />
      </p>
      <search class="filters" aria-label={t('jobs.filters')}>
        <Search word={ta('vcs.search')} value={q} href={(text) => pageHref('vcs', { q: text, vc: chosen })} />
      </search>
      <Loaded live={live}>
        {(vcs) => (
          <>
            {isNew && <VcForm name={null} vc={EMPTY_SPEC} gpus={null} all={Object.keys(vcs)} onDone={(name) => go(pageHref('vcs', { vc: name }))} />}
            <Tree branches={treeOf(vcs).filter(({ name, vc }) => `${name} ${vc.description}`.toLowerCase().includes(q.toLowerCase()))} q={q} chosen={chosen} />
            {chosen && <One key={chosen} name={chosen} vc={vcs[chosen]} all={Object.keys(vcs)} onChange={() => void live.refresh()} />}
          </>
        )}
      </Loaded>
    </div>
  );
}

function Tree({ branches, q, chosen }: { branches: readonly Branch[]; q: string; chosen: string }) {
  if (branches.length === 0) return <p class="empty">{ta('vcs.noMatch')}</p>;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={t('nav.vcs')}>
      <table class="list">
        <thead>
          <tr>
            <th scope="col">{t('column.name')}</th>
            <th scope="col">{ta('vcs.holds')}</th>
            <th scope="col" class="number">
              {ta('vcs.free')}
            </th>
            <th scope="col" class="number">
              {ta('vcs.borrow')}
            </th>
            <th scope="col" class="number">
              {ta('vcs.userCap')}
            </th>
            <th scope="col" class="number">
              {ta('vcs.jobs')}
            </th>
            <th scope="col">{ta('vcs.reads')}</th>
            <th scope="col">{ta('vcs.description')}</th>
          </tr>
        </thead>
        <tbody>
          {branches.map(({ name, depth, vc }) => (
            <tr key={name} data-vc={name} aria-current={name === chosen ? 'true' : undefined}>
              <th scope="row">
                {depth > 0 && <span class={`indent depth-${Math.min(depth, 4)}`} aria-hidden="true">└ </span>}
                <a href={pageHref('vcs', { q, vc: name })}>{name}</a>
                {depth > 0 && <span class="spoken"> {ta('vcs.within', { parent: vc.parent })}</span>}
                {vc.status === 'Stopped' && <Stopped />}
              </th>
              <td>
                <VcBar gpus={vc.gpus} />
              </td>
              <td class="number">{vc.gpus.free}</td>
              <td class="number">{vc.borrow}</td>
              <td class="number">{vc.userCap || <span class="dim">{ta('vcs.any')}</span>}</td>
              <td class="number">
                {vc.unfinishedJobs > 0 ? <a href={jobsHref({ vc: name, state: 'WAITING,RUNNING' })}>{vc.unfinishedJobs}</a> : 0}
              </td>
              <td>{ta(`vcs.read.${vc.read}`)}</td>
              <td class="text">{vc.description}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Stopped() {
  return (
    <span class="state state-stopped">
      {' '}
      <span class="glyph" aria-hidden="true">
        {GLYPHS.stopped}
      </span>{' '}
      {ta('vcs.stopped')}
    </span>
  );
}

function One({ name, vc, all, onChange }: { name: string; vc: VirtualCluster | undefined; all: readonly string[]; onChange: () => void }) {
  const [asking, setAsking] = useState<'stop' | 'remove' | null>(null);
  if (!vc) return <p class="empty">{ta('vcs.gone', { vc: name })}</p>;
  const act = async (what: Promise<void>, done: string): Promise<void> => {
    try {
      await what;
      notify(done);
    } catch (error) {
      notify((error as Error).message, true);
    }
    onChange();
  };
  const stopped = vc.status === 'Stopped';
  return (
    <section class="one" aria-labelledby="vc-title">
      <div class="headline">
        <h2 id="vc-title">{name}</h2>
        {stopped && <Stopped />}
        {session.value?.admin && (
          <span class="actions">
            <button type="button" onClick={() => (stopped ? void act(setVcStatus(name, 'running'), ta('vcs.started', { vc: name })) : setAsking('stop'))}>
              {ta(stopped ? 'vcs.start' : 'vcs.stop')}
            </button>
            {name !== 'default' && (
              <button type="button" class="danger" onClick={() => setAsking('remove')}>
                {ta('vcs.remove')}
              </button>
            )}
          </span>
        )}
        <a class="close" href={pageHref('vcs', { q: route.value.query.get('q') })}>
          {ta('close')}
        </a>
      </div>
      <VcDetail name={name} vc={vc} />
      <VcForm name={name} vc={vc} gpus={vc.gpus} all={all} onDone={onChange} />
      {asking && (
        <Confirm
          title={ta(`vcs.${asking}.title`, { vc: name })}
          yes={ta(`vcs.${asking}`)}
          onClose={(yes) => {
            setAsking(null);
            if (!yes) return;
            if (asking === 'stop') void act(setVcStatus(name, 'stopped'), ta('vcs.stop.done', { vc: name }));
            else void act(removeVc(name), ta('vcs.removed', { vc: name }));
          }}
        >
          <p>{ta(`vcs.${asking}.what`, { count: vc.unfinishedJobs })}</p>
        </Confirm>
      )}
    </section>
  );
}
