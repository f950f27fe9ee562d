// SPDX-License-Identifier: MIT
// The map of all GPUs, without the page: who each belongs to, which ones a filter means, and the rows that it is laid out
// in, of which only those in sight are drawn.
import type { GpuMap, MapJob, MapNode } from './api-admin.ts';

/** Whose a GPU is, for its hue. */
export type Owner = 'free' | 'mine' | 'vc' | 'other' | 'hidden';

export const SHOW = ['all', 'free', 'held', 'idle', 'wrong'] as const;
export type Show = (typeof SHOW)[number];

export interface Viewer {
  user: string;
  /** Virtual clusters that the viewer calls "mine"; an admin's are everybody's. */
  vcs: readonly string[];
}

export function ownerOf(job: MapJob | null | undefined, held: boolean, viewer: Viewer): Owner {
  if (!held) return 'free';
  if (!job) return 'hidden';
  if (job.username === viewer.user) return 'mine';
  return viewer.vcs.includes(job.virtualCluster) ? 'vc' : 'other';
}

/** One GPU as it is drawn. */
export interface Cell {
  owner: Owner;
  job: MapJob | null;
  utilization: number | null;
  memory: number | null;
  wrong: MapNode['wrong'][number];
  /** Held, and nothing is computed on it. */
  idle: boolean;
  /** Meant by the filter. */
  meant: boolean;
}

export interface Tile {
  node: MapNode;
  cells: Cell[];
}

export interface MapFilter {
  q: string;
  sku: string;
  show: Show;
}

function cellOf(map: GpuMap, node: MapNode, gpu: number, viewer: Viewer): Cell {
  const place = node.job[gpu] ?? null;
  const held = place !== null;
  const job = held && place >= 0 ? (map.jobs[place] ?? null) : null;
  const utilization = node.utilization[gpu] ?? null;
  return {
    owner: ownerOf(job, held, viewer),
    job,
    utilization,
    memory: node.memory[gpu] ?? null,
    wrong: node.wrong[gpu] ?? null,
    idle: held && utilization === 0,
    meant: true,
  };
}

function isShown(cell: Cell, show: Show): boolean {
  if (show === 'free') return cell.owner === 'free' && cell.wrong === null;
  if (show === 'held') return cell.owner !== 'free';
  if (show === 'idle') return cell.idle;
  if (show === 'wrong') return cell.wrong !== null;
  return true;
}

/** The nodes that have a GPU which the filter means, in order; the other GPUs of such a node are there and not meant. */
export function tilesOf(map: GpuMap, filter: MapFilter, viewer: Viewer): Tile[] {
  const wanted = filter.q.trim().toLowerCase();
  const has = (text: string): boolean => text.toLowerCase().includes(wanted);
  const tiles: Tile[] = [];
  for (const node of map.nodes) {
    if (filter.sku !== '' && node.sku !== filter.sku) continue;
    const whole = wanted === '' || has(node.name) || has(node.sku) || has(node.model);
    const cells = node.job.map((_, gpu) => cellOf(map, node, gpu, viewer));
    for (const cell of cells) {
      const named = whole || (cell.job !== null && (has(`${cell.job.username}~${cell.job.name}`) || has(cell.job.virtualCluster)));
      cell.meant = named && isShown(cell, filter.show);
    }
    if (cells.some((cell) => cell.meant)) tiles.push({ node, cells });
  }
  const order = new Intl.Collator('en', { numeric: true });
  return tiles.sort((a, b) => order.compare(a.node.sku, b.node.sku) || order.compare(a.node.name, b.node.name));
}

/** How many of the GPUs that are meant are what. */
export interface Sums {
  gpus: number;
  held: number;
  idle: number;
  wrong: number;
}

export function sumsOf(tiles: readonly Tile[]): Sums {
  const sums = { gpus: 0, held: 0, idle: 0, wrong: 0 };
  for (const { cells } of tiles) {
    for (const cell of cells) {
      if (!cell.meant) continue;
      sums.gpus += 1;
      sums.held += Number(cell.owner !== 'free');
      sums.idle += Number(cell.idle);
      sums.wrong += Number(cell.wrong !== null);
    }
  }
  return sums;
}

// ---- rows ----

/** Pixels; styles/gpus.css has the same. */
export const CELL_WIDTH = 13;
export const TILE_EXTRA = 14;
export const HEAD_HEIGHT = 36;
export const ROW_HEIGHT = 46;

export type Row = { top: number; height: number } & ({ head: string; tiles: Tile[] } | { head: null; tiles: Tile[] });

/** A head for each SKU with all its tiles, then rows of as many tiles as fit into `width`. */
export function rowsOf(tiles: readonly Tile[], width: number): { rows: Row[]; height: number } {
  const rows: Row[] = [];
  let top = 0;
  let at = 0;
  while (at < tiles.length) {
    const sku = (tiles[at] as Tile).node.sku;
    let end = at;
    while (end < tiles.length && (tiles[end] as Tile).node.sku === sku) end += 1;
    const group = tiles.slice(at, end);
    const cells = Math.max(...group.map((tile) => tile.cells.length), 4);
    const columns = Math.max(1, Math.floor(width / (cells * CELL_WIDTH + TILE_EXTRA)));
    rows.push({ head: sku, tiles: group, top, height: HEAD_HEIGHT });
    top += HEAD_HEIGHT;
    for (let i = 0; i < group.length; i += columns) {
      rows.push({ head: null, tiles: group.slice(i, i + columns), top, height: ROW_HEIGHT });
      top += ROW_HEIGHT;
    }
    at = end;
  }
  return { rows, height: top };
}

/** The first and the one past the last row that touches `from`..`to`, by bisection. */
export function rowsBetween(rows: readonly Row[], from: number, to: number): [number, number] {
  const firstAfter = (y: number): number => {
    let low = 0;
    let high = rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((rows[middle] as Row).top + (rows[middle] as Row).height <= y) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const first = firstAfter(from);
  let last = first;
  while (last < rows.length && (rows[last] as Row).top < to) last += 1;
  return [first, last];
}
