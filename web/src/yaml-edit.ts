// SPDX-License-Identifier: MIT
// Changes of a YAML text in place: the text of the value that changes is replaced, a line is added or taken away, and
// everything else stays byte by byte.
import { type Entry, type ListNode, type MapNode, type Node, nodeAt, parseYaml, type Path, type Value, valueOf } from './yaml.ts';

const STEP = 2;

const isMap = (value: Value): value is { [key: string]: Value } =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

const pad = (indent: number): string => ' '.repeat(indent);

/** Would the core schema read it back as the same string? */
function plainSafe(text: string, flow: boolean): boolean {
  if (!/^[\p{L}_./$(~-][^\n\t\r]*$/u.test(text) || /^-(\s|$)|^---|^~$|^\.\.\.$/.test(text)) return false;
  if (/: |:$| #|\s$/.test(text) || (flow && /[,[\]{}:]/.test(text))) return false;
  return !/^(null|true|false|[-+.]?\d.*|[-+]?\.(inf|nan).*)$/i.test(text);
}

function scalar(value: string | number | boolean | null, indent: number, flow: boolean): string {
  if (typeof value !== 'string') return value === null ? 'null' : String(value);
  if (plainSafe(value, flow)) return value;
  // A block shows a script as it is; what it cannot show without doubt is quoted.
  const lines = value.replace(/\n+$/, '').split('\n');
  const block = !flow && lines.length > 1 && !/^\s/.test(value) && !/[^\P{C}\n]/u.test(value) && lines.every((line) => line === '' || line.trim() !== '');
  if (!block) return JSON.stringify(value).replace(/[\u007f-\u009f\u2028\u2029\ufeff]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
  const extra = value.length - lines.join('\n').length;
  const head = extra === 0 ? '|-' : extra === 1 ? '|' : '|+';
  const body = [...lines, ...Array<string>(Math.max(0, extra - 1)).fill('')];
  return `${head}\n${body.map((line) => (line === '' ? '' : pad(indent + STEP) + line)).join('\n')}`;
}

function flowText(value: Value): string {
  if (Array.isArray(value)) return `[${value.map(flowText).join(', ')}]`;
  if (isMap(value)) return `{${Object.entries(value).map(([key, one]) => `${scalar(key, 0, true)}: ${flowText(one)}`).join(', ')}}`;
  return scalar(value, 0, true);
}

const isEmpty = (value: Value): boolean => (Array.isArray(value) ? value.length === 0 : isMap(value) && Object.keys(value).length === 0);

/** What stands after "key:", whose key is at column `indent`. */
function afterKey(value: Value, indent: number): string {
  if (value === null || typeof value !== 'object') return ` ${scalar(value, indent, false)}`;
  if (isEmpty(value)) return ` ${flowText(value)}`;
  return `\n${block(value, indent + STEP)}`;
}

/** What stands after "- ", whose dash is at column `indent`. */
function afterDash(value: Value, indent: number): string {
  if (value === null || typeof value !== 'object') return scalar(value, indent, false);
  if (isEmpty(value) || Array.isArray(value)) return flowText(value);
  return block(value, indent + STEP).trimStart();
}

function block(value: Value[] | { [key: string]: Value }, indent: number): string {
  if (Array.isArray(value)) return value.map((one) => `${pad(indent)}- ${afterDash(one, indent)}`).join('\n');
  return Object.entries(value)
    .map(([key, one]) => `${pad(indent)}${scalar(key, 0, true)}:${afterKey(one, indent)}`)
    .join('\n');
}

/** A whole text for a value. */
export const toYaml = (value: { [key: string]: Value }): string => `${block(value, 0)}\n`;

const splice = (text: string, start: number, end: number, put: string): string => text.slice(0, start) + put + text.slice(end);

const lineStart = (text: string, at: number): number => text.lastIndexOf('\n', at - 1) + 1;

const lineEnd = (text: string, at: number): number => {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end;
};

/** The same value with one part of it changed; for what is written anew as a whole. */
function withPart(value: Value, path: Path, part: Value | undefined): Value {
  const [step, ...rest] = path;
  if (step === undefined) return part ?? null;
  if (Array.isArray(value) && typeof step === 'number') {
    const next = [...value];
    if (part === undefined && rest.length === 0) next.splice(step, 1);
    else next[step] = withPart(next[step] ?? {}, rest, part);
    return next;
  }
  const next: { [key: string]: Value } = isMap(value) ? { ...value } : {};
  const child = rest.length === 0 ? part : withPart(next[step] ?? (typeof rest[0] === 'number' ? [] : {}), rest, part);
  if (child === undefined || (part === undefined && isEmpty(child))) delete next[step];
  else next[step] = child;
  return next;
}

function replaceEntry(text: string, entry: Entry, indent: number, value: Value): string {
  const colon = text.indexOf(':', entry.keyEnd) + 1;
  return splice(text, colon, Math.max(colon, entry.node.end), afterKey(value, indent));
}

function replaceItem(text: string, list: ListNode, index: number, value: Value): string {
  const item = list.items[index] as ListNode['items'][number];
  return splice(text, item.dash + 1, Math.max(item.dash + 1, item.node.end), ` ${afterDash(value, list.indent)}`);
}

function addTo(text: string, parent: Node, step: string | number, value: Value): string {
  const end = lineEnd(text, parent.end);
  const line = typeof step === 'number' ? `- ${afterDash(value, (parent as ListNode).indent)}` : `${scalar(step, 0, true)}:${afterKey(value, (parent as MapNode).indent)}`;
  const indent = parent.kind === 'scalar' ? 0 : parent.indent;
  const before = text.slice(0, end);
  return `${before}${before === '' || before.endsWith('\n') ? '' : '\n'}${pad(indent)}${line}${text.slice(end) || '\n'}`;
}

/** The lines of one member, with the line break behind them. */
function cutLines(text: string, from: number, to: number): string {
  const end = lineEnd(text, to);
  return splice(text, lineStart(text, from), end < text.length ? end + 1 : end, '');
}

function remove(text: string, root: Node, path: Path): string {
  const above = path.slice(0, -1);
  const step = path.at(-1) as string | number;
  const parent = nodeAt(root, above);
  const count = parent?.kind === 'map' ? parent.entries.length : parent?.kind === 'list' ? parent.items.length : 0;
  // Nothing is left of it: it goes, too.
  if (count === 1 && above.length > 0) return remove(text, root, above);
  if (parent?.kind === 'map') {
    const index = parent.entries.findIndex((entry) => entry.key === step);
    const entry = parent.entries[index] as Entry;
    const alone = text.slice(lineStart(text, entry.keyStart), entry.keyStart).trim() === '';
    if (alone) return cutLines(text, entry.keyStart, entry.node.end);
    // The first one of a list's item: the dash before it stays.
    return splice(text, entry.keyStart, (parent.entries[index + 1] as Entry).keyStart, '');
  }
  if (parent?.kind !== 'list') return text;
  const item = parent.items[step as number] as ListNode['items'][number];
  if (text.slice(lineStart(text, item.dash), item.dash).trim() === '') return cutLines(text, item.dash, item.node.end);
  return setIn(text, above, withPart(valueOf(parent), [step], undefined));
}

/** The text with the value at `path`; undefined takes it away. Throws YamlError where the text cannot be read. */
export function setIn(text: string, path: Path, value: Value | undefined): string {
  const root = parseYaml(text);
  let node: Node = root;
  for (let depth = 0; depth < path.length; depth += 1) {
    const rest = path.slice(depth);
    const step = path[depth] as string | number;
    const child = nodeAt(node, [step]);
    if (node.kind !== 'scalar' && node.flow) {
      if (value === undefined && !nodeAt(node, rest)) return text;
      const next = withPart(valueOf(node), rest, value);
      if (value === undefined && isEmpty(next) && depth > 0) return remove(text, root, path.slice(0, depth));
      return splice(text, node.start, node.end, flowText(next));
    }
    if (!child) {
      if (value === undefined) return text;
      const whole = withPart(typeof rest[1] === 'number' ? [] : {}, rest.slice(1), value);
      const put = rest.length > 1 ? whole : value;
      if (node.kind === 'scalar') return setIn(text, path.slice(0, depth), typeof step === 'number' ? [put] : { [step]: put });
      return addTo(text, node, step, put);
    }
    if (rest.length === 1) {
      if (value === undefined) return remove(text, root, path);
      if (child.kind === 'scalar' && child.value === value) return text;
      if (node.kind === 'map') return replaceEntry(text, node.entries.find((entry) => entry.key === step) as Entry, node.indent, value);
      return replaceItem(text, node as ListNode, step as number, value);
    }
    node = child;
  }
  return text;
}

/** The text with another name for the key at `path`; its value stays as it is. */
export function renameKey(text: string, path: Path, name: string): string {
  const parent = nodeAt(parseYaml(text), path.slice(0, -1));
  const entry = parent?.kind === 'map' ? parent.entries.find(({ key }) => key === path.at(-1)) : undefined;
  return entry ? splice(text, entry.keyStart, entry.keyEnd, scalar(name, 0, true)) : text;
}
