// SPDX-License-Identifier: MIT
// The nodes: what each has, what is free, what is wrong, and what maintenance is planned. The address holds the filters.
import { useEffect } from 'preact/hooks';
import { listNodes, type Node, type NodeState } from '../api.ts';
import { Chip, Search } from '../components/filter.tsx';
import { Simulated } from '../components/labels.tsx';
import { Later } from '../components/later.tsx';
import { Loaded } from '../components/loaded.tsx';
import { LongBody } from '../components/long-body.tsx';
import { Meter } from '../components/meter.tsx';
import { NodeLook } from '../components/node-state.tsx';
import { useLive } from '../components/use-live.ts';
import { useQuietPoll } from '../components/use-poll.ts';
import { bytes } from '../format.ts';
import { nodeHref, nodesHref, route } from '../router.ts';
import { site } from '../store.ts';
import { t } from '../words.ts';

const MIB = 1024 * 1024;
const STATES: readonly NodeState[] = ['up', 'maintenance', 'cordoned', 'draining', 'down'];
/** A node that goes down, or is marked, is no job's event. */
const AGAIN_MS = 10_000;

/** Most visits look at the nodes alone. */
const loadMaintenance = async () => (await import('../components/maintenance.tsx')).Maintenance;

export function Nodes() {
  const query = route.value.query;
  const q = query.get('q') ?? '';
  const state = STATES.find((name) => name === query.get('state')) ?? '';
  const live = useLive(listNodes, '', () => true);
  useQuietPoll(() => live.refresh(), AGAIN_MS);
  useEffect(() => {
    document.title = `${t('nodes.title')} · ${site.value.name}`;
  }, [site.value.name]);

  const fits = (node: Node): boolean =>
    (state === '' || node.state === state) &&
    [node.name, node.gpus.model ?? '', ...Object.entries(node.labels).map((pair) => pair.join('='))].some((text) =>
      text.toLowerCase().includes(q.toLowerCase()),
    );
  return (
    <div class="nodes">
      <div class="headline">
        <h1>{t('nodes.title')}</h1>
        {live.data.value?.some((node) => node.gpus.simulated) && <Simulated />}
      </div>
      <search class="filters" aria-label={t('jobs.filters')}>
        <Search word={t('nodes.search')} value={q} href={(text) => nodesHref({ q: text, state })} />
        <span class="chips" role="group" aria-label={t('jobs.states')}>
          {(['', ...STATES] as const).map((name) => (
            <Chip key={name} href={nodesHref({ q, state: name })} on={name === state}>
              {t(name === '' ? 'nodes.all' : `node.${name}`)}
            </Chip>
          ))}
        </span>
      </search>
      <Loaded live={live}>
        {(all) => {
          const shown = all.filter(fits);
          if (shown.length === 0) return <p class="empty">{t(all.length === 0 ? 'nodes.none' : 'nodes.noMatch')}</p>;
          return <Table nodes={shown} />;
        }}
      </Loaded>
      <Later load={loadMaintenance}>{(Maintenance) => <Maintenance nodes={(live.data.value ?? []).map(({ name }) => name)} />}</Later>
    </div>
  );
}

function Table({ nodes }: { nodes: readonly Node[] }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={t('nodes.title')}>
      <table class="list" aria-rowcount={nodes.length + 1}>
        <thead>
          <tr>
            <th scope="col">{t('task.node')}</th>
            <th scope="col">{t('column.state')}</th>
            <th scope="col">{t('nodes.gpus')}</th>
            <th scope="col">{t('nodes.model')}</th>
            <th scope="col">{t('nodes.cpus')}</th>
            <th scope="col">{t('nodes.memory')}</th>
            <th scope="col">{t('nodes.wrong')}</th>
          </tr>
        </thead>
        <LongBody items={nodes}>
          {(node, rowIndex) => (
            <tr key={node.name} data-node={node.name} aria-rowindex={rowIndex}>
              <th scope="row">
                <a href={nodeHref(node.name)}>{node.name}</a>
              </th>
              <td>
                <NodeLook node={node} />
              </td>
              <td>
                <Meter {...node.gpus} word={t('nodes.gpus.of', { node: node.name })} />
              </td>
              <td>{node.gpus.model}</td>
              <td>
                <Meter {...node.cpus} word={t('nodes.cpus.of', { node: node.name })} />
              </td>
              <td>
                <Meter {...node.memoryMB} word={t('nodes.memory.of', { node: node.name })} show={(mb) => bytes(mb * MIB)} />
              </td>
              <td>
                {node.gpus.quarantined > 0 && <span class="problem">{t('nodes.quarantined', { count: node.gpus.quarantined })} </span>}
                {node.cordonReason}
              </td>
            </tr>
          )}
        </LongBody>
      </table>
    </div>
  );
}
