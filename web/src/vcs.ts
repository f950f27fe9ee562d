// SPDX-License-Identifier: MIT
// Virtual clusters without the page: their tree, the parts of their bars, and what a form would change.
import type { Guarantee, VcGpus, VcSpec, VirtualCluster } from './api-admin.ts';

export interface Branch {
  name: string;
  depth: number;
  vc: VirtualCluster;
}

/** Each below its parent, by name; whose parent is not there, or is itself in the end, is a root. */
export function treeOf(vcs: Readonly<Record<string, VirtualCluster>>): Branch[] {
  const order = new Intl.Collator('en', { numeric: true });
  const names = Object.keys(vcs).sort(order.compare);
  const branches: Branch[] = [];
  const done = new Set<string>();
  const add = (name: string, depth: number): void => {
    const vc = vcs[name];
    if (!vc || done.has(name)) return;
    done.add(name);
    branches.push({ name, depth, vc });
    for (const child of names) if (vcs[child]?.parent === name) add(child, depth + 1);
  };
  for (const name of names) if (!vcs[vcs[name]?.parent ?? '']) add(name, 0);
  for (const name of names) add(name, 0);
  return branches;
}

/** Parts of a bar in percent: from where to where. */
export interface Segment {
  what: 'used' | 'borrowed' | 'opportunistic';
  from: number;
  width: number;
}

/** `mark`: where the guarantee ends. What is borrowed is drawn beyond it, also while a part of the guarantee is free. */
export function barOf(gpus: VcGpus): { segments: Segment[]; mark: number } {
  const { guaranteed, used, borrowed, opportunistic } = gpus;
  const beyond = Math.max(guaranteed, used);
  const whole = Math.max(beyond + borrowed + opportunistic, 1);
  const segments: Segment[] = [
    { what: 'used', from: 0, width: used },
    { what: 'borrowed', from: beyond, width: borrowed },
    { what: 'opportunistic', from: beyond + borrowed, width: opportunistic },
  ];
  const part = (count: number): number => (100 * count) / whole;
  return {
    segments: segments.filter(({ width }) => width > 0).map(({ what, from, width }) => ({ what, from: part(from), width: part(width) })),
    mark: part(guaranteed),
  };
}

// ---- the form ----

export const SHAPES = ['gpus', 'sockets', 'nodes', 'racks', 'pods'] as const;

/** Numbers from 0. */
export const NUMBERS = [
  'borrow',
  'userCap',
  'maxGpus',
  'maxJobs',
  'maxTime',
  'cpus',
  'keepLogsDays',
  'userDiskMB',
  'debugMaxMinutes',
  'debugPerUser',
  'debugTotal',
] as const satisfies readonly (keyof VcSpec)[];

export const CHOICES = {
  read: ['open', 'own'],
  preemption: ['stop', 'lazy'],
  debugReservations: ['asked', 'off', 'userFailure'],
  debugReclaim: ['yes', 'no'],
} as const;

export const TEXTS = ['description', 'externalName'] as const;

/** What stands in the form's fields. */
export interface Draft {
  guarantee: Record<'sku' | (typeof SHAPES)[number], string>[];
  pins: string;
  idle: string;
  parent: string;
  numbers: Record<(typeof NUMBERS)[number], string>;
  choices: { [K in keyof typeof CHOICES]: string };
  texts: Record<(typeof TEXTS)[number], string>;
}

export const EMPTY_SPEC: VcSpec = {
  guarantee: [],
  pins: [],
  borrow: 0,
  userCap: 0,
  cpus: 0,
  maxTime: 0,
  maxGpus: 0,
  maxJobs: 0,
  keepLogsDays: 0,
  userDiskMB: 0,
  debugReservations: 'asked',
  debugMaxMinutes: 0,
  debugPerUser: 0,
  debugTotal: 0,
  debugReclaim: 'yes',
  idle: null,
  parent: '',
  read: 'open',
  preemption: 'stop',
  description: '',
  externalName: '',
};

const pick = <K extends string, V>(keys: readonly K[], value: (key: K) => V): Record<K, V> =>
  Object.fromEntries(keys.map((key) => [key, value(key)])) as Record<K, V>;

export function draftOf(vc: VcSpec): Draft {
  return {
    guarantee: vc.guarantee.map((one) => ({ sku: one.sku, ...pick(SHAPES, (shape) => (one[shape] ? String(one[shape]) : '')) })),
    pins: vc.pins.join(', '),
    idle: vc.idle === null ? '' : JSON.stringify(vc.idle, null, 2),
    parent: vc.parent,
    numbers: pick(NUMBERS, (key) => String(vc[key])),
    choices: pick(Object.keys(CHOICES) as (keyof typeof CHOICES)[], (key) => vc[key] as string),
    texts: pick(TEXTS, (key) => vc[key]),
  };
}

/** undefined: no number from 0. */
function whole(text: string): number | undefined {
  return /^\s*\d{0,9}\s*$/.test(text) ? Number(text.trim()) : undefined;
}

/** null: a field holds no number, or a row with numbers names no SKU. */
function guaranteeOf(rows: Draft['guarantee']): Guarantee[] | null {
  const all: Guarantee[] = [];
  for (const row of rows) {
    const one: Guarantee = { sku: row.sku.trim() };
    for (const shape of SHAPES) {
      const value = whole(row[shape]);
      if (value === undefined) return null;
      if (value > 0) one[shape] = value;
    }
    if (Object.keys(one).length === 1) continue;
    if (one.sku === '') return null;
    all.push(one);
  }
  return all;
}

type Shape = (typeof SHAPES)[number];

/** "8 GPUs + 2 nodes". */
const shapesText = (one: Guarantee | undefined, word: (shape: Shape) => string): string =>
  SHAPES.filter((shape) => one?.[shape]).map((shape) => `${one?.[shape]} ${word(shape)}`).join(' + ') || '0';

export type Bad = 'guarantee' | 'idle' | (typeof NUMBERS)[number];

export interface Line {
  field: keyof VcSpec;
  /** Of a guarantee: which SKU. */
  of: string;
  before: string;
  after: string;
}

/** What the draft would change: the body to be sent, in lines to be read, and which fields make no sense. */
export function changesOf(vc: VcSpec, draft: Draft, word: (shape: Shape) => string = (shape) => shape): { change: Partial<VcSpec>; lines: Line[]; bad: Bad[] } {
  const change: Partial<VcSpec> = {};
  const lines: Line[] = [];
  const bad: Bad[] = [];
  const put = <K extends keyof VcSpec>(field: K, value: VcSpec[K], show: (value: VcSpec[K]) => string): void => {
    if (JSON.stringify(value) === JSON.stringify(vc[field])) return;
    change[field] = value;
    if (field !== 'guarantee') lines.push({ field, of: '', before: show(vc[field]), after: show(value) });
  };
  const guarantee = guaranteeOf(draft.guarantee);
  if (guarantee === null) bad.push('guarantee');
  else if (shapesOf(guarantee) !== shapesOf(vc.guarantee)) {
    put('guarantee', guarantee, () => '');
    for (const sku of new Set([...vc.guarantee, ...guarantee].map((one) => one.sku))) {
      const [before, after] = [vc.guarantee, guarantee].map((list) => shapesText(list.find((one) => one.sku === sku), word));
      if (before !== after) lines.push({ field: 'guarantee', of: sku, before: before as string, after: after as string });
    }
  }
  for (const key of NUMBERS) {
    const value = whole(draft.numbers[key]);
    if (value === undefined) bad.push(key);
    else put(key, value, String);
  }
  for (const key of Object.keys(CHOICES) as (keyof typeof CHOICES)[]) put(key, draft.choices[key] as never, String);
  for (const key of TEXTS) put(key, draft.texts[key], String);
  put('parent', draft.parent, String);
  put('pins', draft.pins.split(/[\s,]+/).filter((name) => name !== ''), (names) => names.join(', '));
  try {
    put('idle', draft.idle.trim() === '' ? null : (JSON.parse(draft.idle) as unknown), (value) => (value === null ? '' : JSON.stringify(value)));
  } catch {
    bad.push('idle');
  }
  return { change, lines, bad };
}

/** Independent of order and of zeros. */
const shapesOf = (list: readonly Guarantee[]): string =>
  list.map((one) => `${one.sku} ${shapesText(one, (shape) => shape)}`).sort().join('|');

/** GPUs of what it holds that would be borrowed after a change; null: not known, for a shape is asked for. */
export function borrowedAfter(gpus: VcGpus, guarantee: readonly Guarantee[]): number | null {
  if (guarantee.some((one) => one.sockets || one.nodes || one.racks || one.pods)) return null;
  const own = guarantee.reduce((sum, one) => sum + (one.gpus ?? 0), 0);
  return Math.max(0, gpus.used + gpus.borrowed - own);
}
