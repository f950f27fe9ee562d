// SPDX-License-Identifier: MIT
// The map of all GPUs: a tile a node, a cell a GPU. Height is use, hue is whose, a cross is a fault, a dot is held and idle.
// The address holds the filters; rows out of sight are not drawn.
import '../styles/gpus.css';
import type { VNode } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { ta } from '../admin-words.ts';
import { type GpuMap, getGpuMap, getUser } from '../api-admin.ts';
import { Chip, Search } from '../components/filter.tsx';
import { GpuLegend, GpuStrip, GpuTile } from '../components/gpu-tile.tsx';
import { Simulated } from '../components/labels.tsx';
import { Loaded } from '../components/loaded.tsx';
import { useLive } from '../components/use-live.ts';
import { pollMs, useQuietPoll } from '../components/use-poll.ts';
import { useSight } from '../components/use-window.ts';
import { count } from '../format.ts';
import { type MapFilter, type Row, rowsBetween, rowsOf, SHOW, sumsOf, type Tile, tilesOf, type Viewer } from '../gpu-map.ts';
import { go, pageHref, route } from '../router.ts';
import { session, site } from '../store.ts';
import { language, t } from '../words.ts';

/** Figures come without an event. */
const AGAIN_MS = 5_000;

/** What the height of a cell means. */
export type Figure = 'utilization' | 'memory';

export function Gpus() {
  const query = route.value.query;
  const filter: MapFilter = {
    q: query.get('q') ?? '',
    sku: query.get('sku') ?? '',
    show: SHOW.find((name) => name === query.get('show')) ?? 'all',
  };
  const figure: Figure = query.get('by') === 'memory' ? 'memory' : 'utilization';
  const live = useLive(getGpuMap, '', (change) => change.kind !== 'settings');
  useQuietPoll(() => live.refresh(), pollMs(AGAIN_MS));
  const viewer = useViewer();
  useEffect(() => {
    document.title = `${t('nav.gpus')} · ${site.value.name}`;
  }, [site.value.name]);
  const skus = [...new Set(live.data.value?.nodes.map((node) => node.sku) ?? []), filter.sku].filter(Boolean);
  const href = (change: Partial<MapFilter & { by: Figure }>): string => {
    const next = { ...filter, by: figure, ...change };
    return pageHref('gpus', { ...next, show: next.show === 'all' ? null : next.show, by: next.by === 'utilization' ? null : next.by });
  };
  return (
    <div class="gpu-map">
      <div class="headline">
        <h1>{t('nav.gpus')}</h1>
        {live.data.value?.nodes.some((node) => node.simulated) && <Simulated />}
      </div>
      <search class="filters" aria-label={t('jobs.filters')}>
        <Search word={ta('map.search')} value={filter.q} href={(text) => href({ q: text })} />
        <span class="chips" role="group" aria-label={ta('map.show')}>
          {SHOW.map((name) => (
            <Chip key={name} href={href({ show: name })} on={name === filter.show}>
              {ta(`map.show.${name}`)}
            </Chip>
          ))}
        </span>
        <select aria-label={ta('map.sku')} value={filter.sku} onChange={(event) => go(href({ sku: event.currentTarget.value }))}>
          <option value="">{ta('map.sku.any')}</option>
          {[...new Set(skus)].map((sku) => (
            <option key={sku} value={sku}>
              {sku}
            </option>
          ))}
        </select>
        <label>
          {ta('map.by')}{' '}
          <select value={figure} onChange={(event) => go(href({ by: event.currentTarget.value as Figure }))}>
            <option value="utilization">{ta('map.by.utilization')}</option>
            <option value="memory">{ta('map.by.memory')}</option>
          </select>
        </label>
      </search>
      <Loaded live={live}>{(map) => <Map map={map} filter={filter} figure={figure} viewer={viewer} />}</Loaded>
    </div>
  );
}

/** An admin may use every virtual cluster, so that none of them says anything. */
function useViewer(): Viewer {
  const me = session.value;
  const [vcs, setVcs] = useState<readonly string[]>([]);
  useEffect(() => {
    if (!me || me.admin) return;
    // Without an answer, what is the viewer's own is still told apart.
    getUser(me.user).then(
      (user) => setVcs(user.virtualCluster),
      () => {},
    );
  }, [me?.user]);
  return { user: me?.user ?? '', vcs };
}

function Map({ map, filter, figure, viewer }: { map: GpuMap; filter: MapFilter; figure: Figure; viewer: Viewer }) {
  const [pointed, setPointed] = useState('');
  const tiles = useMemo(() => tilesOf(map, filter, viewer), [map, filter.q, filter.sku, filter.show, viewer.user, viewer.vcs]);
  if (tiles.length === 0) return <p class="empty">{ta(map.nodes.length === 0 ? 'map.none' : 'map.noMatch')}</p>;
  const sums = sumsOf(tiles);
  const number = (value: number): string => count(value, language.value);
  return (
    <>
      <p class="map-sums">
        {ta('map.sums', { held: number(sums.held), gpus: number(sums.gpus), nodes: number(tiles.length) })}
        {sums.idle > 0 && ` · ${ta('map.sums.idle', { count: number(sums.idle) })}`}
        {sums.wrong > 0 && ` · ${ta('map.sums.wrong', { count: number(sums.wrong) })}`}
      </p>
      <GpuLegend figure={figure} vcs={viewer.vcs.length > 0} />
      <Rows tiles={tiles} figure={figure} onPoint={setPointed} />
      <GpuStrip tile={tiles.find((tile) => tile.node.name === pointed) ?? tiles[0]} />
    </>
  );
}

function Rows({ tiles, figure, onPoint }: { tiles: readonly Tile[]; figure: Figure; onPoint: (node: string) => void }) {
  const box = useRef<HTMLDivElement>(null);
  const { width, from, to } = useSight(box);
  const { rows, height } = useMemo(() => rowsOf(tiles, width), [tiles, width]);
  const [first, last] = rowsBetween(rows, from, to);
  // A row that was drawn is not drawn anew while one scrolls.
  const drawn = useMemo(() => new WeakMap<Row, VNode>(), [rows, figure, language.value]);
  const draw = (row: Row): VNode => {
    const known = drawn.get(row) ?? <DrawnRow key={row.head !== null ? `sku ${row.head}` : row.tiles[0]?.node.name} row={row} figure={figure} />;
    drawn.set(row, known);
    return known;
  };
  const point = (event: Event): void => {
    const node = (event.target as Element).closest<HTMLElement>('[data-node]')?.dataset['node'];
    if (node !== undefined) onPoint(node);
  };
  return (
    <div class="map-rows" ref={box} style={{ height: `${height}px` }} onPointerOver={point} onFocusCapture={point}>
      {width > 0 && rows.slice(first, last).map(draw)}
    </div>
  );
}

function DrawnRow({ row, figure }: { row: Row; figure: Figure }) {
  if (row.head !== null)
    return (
      <h2 class="map-head" style={{ top: `${row.top}px` }}>
        {row.head} <Head tiles={row.tiles} />
      </h2>
    );
  return (
    <div class="map-row" style={{ top: `${row.top}px` }}>
      {row.tiles.map((tile) => (
        <GpuTile key={tile.node.name} tile={tile} figure={figure} />
      ))}
    </div>
  );
}

function Head({ tiles }: { tiles: readonly Tile[] }) {
  const { gpus, held } = sumsOf(tiles);
  const number = (value: number): string => count(value, language.value);
  return <span class="dim">{ta('map.sums', { held: number(held), gpus: number(gpus), nodes: number(tiles.length) })}</span>;
}
