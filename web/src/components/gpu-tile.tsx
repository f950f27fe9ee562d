// SPDX-License-Identifier: MIT
// A node on the map, what its signs mean, and the strip that tells of the node pointed at in words.
import { ta } from '../admin-words.ts';
import { fullName, percent } from '../format.ts';
import { CELL_WIDTH, type Cell, sumsOf, type Tile } from '../gpu-map.ts';
import { jobHref, nodeHref } from '../router.ts';
import type { Figure } from '../views/gpus.tsx';
import { GLYPHS, language, t } from '../words.ts';

const HEIGHT = 20;
const WIDTH = CELL_WIDTH - 2;

function CellMark({ cell, figure, x }: { cell: Cell; figure: Figure; x: number }) {
  const value = cell[figure];
  const held = cell.owner !== 'free';
  // What is held shows at the foot even at 0 %; where no figure is known, the cell is hatched whole.
  const height = value === null ? HEIGHT - 2 : Math.max(held ? 3 : 0, Math.round(((HEIGHT - 2) * value) / 100));
  return (
    <g class={`cell own-${cell.owner}${cell.meant ? '' : ' unmeant'}`} transform={`translate(${x} 0)`}>
      <rect class="frame" x="0.5" y="0.5" width={WIDTH - 1} height={HEIGHT - 1} />
      {(held || value !== null) && (
        <rect class={value === null ? 'fill unknown' : 'fill'} x="1" y={HEIGHT - 1 - height} width={WIDTH - 2} height={height} />
      )}
      {cell.idle && cell.wrong === null && <circle class="mark" cx={WIDTH / 2} cy={HEIGHT / 2 - 2} r="2.2" />}
      {cell.wrong !== null && <path class="mark" d={`M2 4l${WIDTH - 4} ${HEIGHT - 8}m0-${HEIGHT - 8}l-${WIDTH - 4} ${HEIGHT - 8}`} />}
    </g>
  );
}

const STATE_GLYPHS = { up: '', cordoned: GLYPHS.stopped, draining: GLYPHS.stopping, down: GLYPHS.failed, maintenance: GLYPHS.stopped } as const;

export function GpuTile({ tile, figure }: { tile: Tile; figure: Figure }) {
  const { node, cells } = tile;
  const all = sumsOf([{ node, cells: cells.map((cell) => ({ ...cell, meant: true })) }]);
  const glyph = STATE_GLYPHS[node.state];
  const words = [
    ta('map.tile', { node: node.name, held: all.held, gpus: all.gpus }),
    all.idle > 0 ? ta('map.sums.idle', { count: all.idle }) : '',
    all.wrong > 0 ? ta('map.sums.wrong', { count: all.wrong }) : '',
    node.state === 'up' ? '' : t(`node.${node.state}`),
  ];
  const width = cells.length * CELL_WIDTH;
  return (
    <a class={`tile node-${node.state}`} href={nodeHref(node.name)} data-node={node.name} aria-label={words.filter(Boolean).join(', ')}>
      <span class="tile-name" style={{ width: `${width}px` }}>
        {glyph && <span class="glyph">{glyph} </span>}
        {node.name}
      </span>
      <svg width={width} height={HEIGHT} aria-hidden="true">
        {cells.map((cell, gpu) => (
          <CellMark key={gpu} cell={cell} figure={figure} x={gpu * CELL_WIDTH} />
        ))}
      </svg>
    </a>
  );
}

const SAMPLE: Cell = { owner: 'other', job: null, utilization: 60, memory: 60, wrong: null, idle: false, meant: true };

/** `vcs`: some are the viewer's. */
export function GpuLegend({ figure, vcs }: { figure: Figure; vcs: boolean }) {
  const signs: readonly (readonly [string, Cell])[] = [
    [ta('map.own.free'), { ...SAMPLE, owner: 'free', utilization: null, memory: null }],
    [ta('map.own.mine'), { ...SAMPLE, owner: 'mine' }],
    ...(vcs ? [[ta('map.own.vc'), { ...SAMPLE, owner: 'vc' }] as const] : []),
    [ta('map.own.other'), SAMPLE],
    [ta('map.own.hidden'), { ...SAMPLE, owner: 'hidden' }],
    [ta('map.idle'), { ...SAMPLE, utilization: 0, memory: 30, idle: true }],
    [ta('map.unknown'), { ...SAMPLE, utilization: null, memory: null }],
    [ta('map.wrong'), { ...SAMPLE, wrong: 'failed', owner: 'free', utilization: null, memory: null }],
  ];
  return (
    <ul class="map-legend" aria-label={ta('map.legend')}>
      <li>{ta(`map.height.${figure}`)}</li>
      {signs.map(([word, cell]) => (
        <li key={word}>
          <svg width={CELL_WIDTH} height={HEIGHT} aria-hidden="true">
            <CellMark cell={cell} figure={figure} x={0} />
          </svg>{' '}
          {word}
        </li>
      ))}
    </ul>
  );
}

/** A free GPU that nobody uses has no figures worth reading; one that somebody uses all the same has. */
const used = (cell: Cell): boolean => cell.owner !== 'free' || (cell.utilization ?? 0) > 0;

/** Each GPU of one node in words: what the pointer or the focus is on. */
export function GpuStrip({ tile }: { tile: Tile | undefined }) {
  if (!tile) return null;
  const { node, cells } = tile;
  const part = (value: number): string => percent(value, language.value);
  return (
    <section class="map-strip" aria-label={ta('map.strip', { node: node.name })}>
      <p>
        <a href={nodeHref(node.name)}>{node.name}</a> <span class="dim">{node.model}</span>{' '}
        {node.state !== 'up' && <strong>{t(`node.${node.state}`)}</strong>}
      </p>
      <ul>
        {cells.map((cell, gpu) => {
          const job = cell.job && fullName(cell.job.username, cell.job.name);
          return (
            <li key={gpu} class={cell.meant ? undefined : 'dim'}>
              <b>{gpu}</b>{' '}
              {cell.wrong && <span class="problem">{t(`gpu.${cell.wrong}`)} · </span>}
              {used(cell) && cell.utilization !== null && `${part(cell.utilization)} · `}
              {used(cell) && cell.memory !== null && `${ta('map.strip.memory', { percent: part(cell.memory) })} · `}
              {job && <a href={jobHref(job)}>{job}</a>}
              {!job && ta(cell.owner === 'hidden' ? 'map.own.hidden' : 'map.own.free')}
            </li>
          );
        })}
      </ul>
    </section>
  );
}
