// SPDX-License-Identifier: MIT
// YAML as a text that a form edits: read with the place of each value, changed by replacing only the text of what
// changes. Comments, order and whatever the form does not know stay as their author wrote them. It reads the YAML that
// people write by hand for jobs; what it does not read (anchors, tags, several documents) it says with its line, and
// the form steps back. The server alone judges a job.

export type Value = string | number | boolean | null | Value[] | { [key: string]: Value };
export type Path = readonly (string | number)[];

interface Base {
  /** Where the text of the value begins and ends. */
  start: number;
  end: number;
}
export interface ScalarNode extends Base {
  kind: 'scalar';
  value: string | number | boolean | null;
}
export interface Entry {
  key: string;
  keyStart: number;
  keyEnd: number;
  node: Node;
}
export interface MapNode extends Base {
  kind: 'map';
  flow: boolean;
  /** Column of its keys. */
  indent: number;
  entries: Entry[];
}
export interface ListNode extends Base {
  kind: 'list';
  flow: boolean;
  indent: number;
  /** Where the dash of each item is (of a flow list: the item). */
  items: { dash: number; node: Node }[];
}
export type Node = ScalarNode | MapNode | ListNode;

export class YamlError extends Error {
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

const DEPTH_MAX = 32;
const PLAIN_NUMBER = /^[-+]?(\d+|\d*\.\d+|\d+\.\d*)(e[-+]?\d+)?$/i;

/** What a plain scalar means in the core schema. */
function plainValue(text: string): string | number | boolean | null {
  if (/^(null|~|)$/i.test(text)) return null;
  if (/^true$/i.test(text)) return true;
  if (/^false$/i.test(text)) return false;
  if (PLAIN_NUMBER.test(text)) return Number(text);
  return text;
}

class Reader {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  fail(message: string, at = this.at): never {
    throw new YamlError(this.text.slice(0, at).split('\n').length, message);
  }

  lineEnd(at = this.at): number {
    const end = this.text.indexOf('\n', at);
    return end < 0 ? this.text.length : end;
  }

  lineStart(at = this.at): number {
    return this.text.lastIndexOf('\n', at - 1) + 1;
  }

  column(at = this.at): number {
    return at - this.lineStart(at);
  }

  /** Over spaces and a comment, within the line. */
  skipSpaces(): void {
    while (this.text[this.at] === ' ') this.at += 1;
    if (this.text[this.at] === '\t') this.fail('A tab: indent with spaces.');
    if (this.text[this.at] === '\r' && this.text[this.at + 1] === '\n') this.at += 1;
    if (this.text[this.at] === '#' && (this.at === 0 || /\s/.test(this.text[this.at - 1] as string))) this.at = this.lineEnd();
  }

  /** To the next line that says something; its column, or -1 at the end. */
  next(): number {
    for (;;) {
      this.skipSpaces();
      if (this.at >= this.text.length) return -1;
      if (this.text[this.at] !== '\n') return this.column();
      this.at += 1;
    }
  }

  /** Nothing more in this line. */
  endOfLine(): void {
    this.skipSpaces();
    if (this.at < this.text.length && this.text[this.at] !== '\n') this.fail('Something follows the value.');
  }

  isDash(): boolean {
    return this.text[this.at] === '-' && /^[ \n\r]?$/.test(this.text[this.at + 1] ?? '');
  }

  /** The key at this place and its colon, or null; moves only over what it finds. */
  key(): { key: string; start: number; end: number } | null {
    const start = this.at;
    const quoted = /^(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\n]|'')*')(?= *:(?:[ \n\r]|$))/.exec(this.text.slice(start, this.lineEnd() + 1));
    const plain = /^[^\s#"'[\]{},&*!|>%@`?-](?:[^\n:#]|:(?! |\n|\r|$)|(?<! )#)*?(?= *:(?:[ \n\r]|$))|^-(?=\S)[^\n:#]*?(?= *:(?:[ \n\r]|$))/.exec(
      this.text.slice(start, this.lineEnd() + 1),
    );
    const found = quoted?.[0] ?? plain?.[0];
    if (found === undefined) return null;
    const end = start + found.length;
    this.at = this.text.indexOf(':', end) + 1;
    return { key: quoted ? String(this.unquote(found)) : found, start, end };
  }

  unquote(text: string): string {
    if (text[0] === "'") return text.slice(1, -1).replace(/''/g, "'").replace(/[ \t]*\n\s*/g, ' ');
    const body = text.slice(1, -1).replace(/\\\n\s*/g, '').replace(/[ \t]*\n\s*/g, ' ');
    return body.replace(/\\(x[\da-f]{2}|u[\da-f]{4}|U[\da-f]{8}|.)/gi, (_, code: string) => {
      if (/^[xuU]./.test(code)) return String.fromCodePoint(Number.parseInt(code.slice(1), 16));
      return ({ n: '\n', t: '\t', r: '\r', '0': '\0', b: '\b', f: '\f', v: '\v', e: '\x1b', a: '\x07' } as Record<string, string>)[code] ?? code;
    });
  }

  /** A node whose keys or dashes are at `column` or more; `parent` is the column of what holds it. */
  block(parent: number, depth: number): Node {
    if (depth > DEPTH_MAX) this.fail('Too deep.');
    const start = this.at;
    if (this.isDash()) return this.blockList(this.column(), depth);
    const here = this.key();
    if (here) {
      this.at = start;
      return this.blockMap(this.column(), depth);
    }
    return this.scalarOrFlow(parent, depth);
  }

  blockMap(indent: number, depth: number): MapNode {
    const start = this.at;
    const entries: Entry[] = [];
    let end = start;
    for (;;) {
      const found = this.key() ?? this.fail('A key and a colon are expected here.');
      if (entries.some((entry) => entry.key === found.key)) this.fail(`"${found.key}" is there twice.`, found.start);
      const node = this.valueAfter(this.at, indent, true, depth);
      entries.push({ key: found.key, keyStart: found.start, keyEnd: found.end, node });
      end = node.end;
      this.at = end;
      this.endOfLine();
      const column = this.next();
      if (column < indent) break;
      if (column > indent) this.fail('This line is indented more than the one before.');
      if (this.isDash()) this.fail('A key is expected here, not a list.');
    }
    return { kind: 'map', flow: false, indent, entries, start, end };
  }

  blockList(indent: number, depth: number): ListNode {
    const start = this.at;
    const items: ListNode['items'] = [];
    let end = start;
    for (;;) {
      const dash = this.at;
      this.at += 1;
      const node = this.valueAfter(this.at, indent, false, depth);
      items.push({ dash, node });
      end = node.end;
      this.at = end;
      this.endOfLine();
      const column = this.next();
      if (column < indent || !(column === indent && this.isDash())) {
        if (column > indent) this.fail('This line is indented more than the one before.');
        break;
      }
    }
    return { kind: 'list', flow: false, indent, items, start, end };
  }

  /** What stands after a colon or a dash. A list may be as far left as the key that holds it. */
  valueAfter(from: number, indent: number, ofMap: boolean, depth: number): Node {
    this.skipSpaces();
    if (this.at < this.text.length && this.text[this.at] !== '\n') {
      if (ofMap) return this.scalarOrFlow(indent, depth + 1);
      return this.block(indent, depth + 1);
    }
    const column = this.next();
    if (column > indent || (ofMap && column === indent && this.isDash())) return this.block(indent, depth + 1);
    return { kind: 'scalar', value: null, start: from, end: from };
  }

  scalarOrFlow(parent: number, depth: number): Node {
    const first = this.text[this.at] as string;
    if (first === '[' || first === '{') return this.flow(depth);
    if (first === '|' || first === '>') return this.literal(parent);
    if ('&*!%@`'.includes(first)) this.fail('Anchors, aliases and tags are edited in the text only.');
    if (first === '"' || first === "'") return this.quoted();
    return this.plain(parent);
  }

  quoted(): ScalarNode {
    const start = this.at;
    const pattern = this.text[start] === '"' ? /"(?:[^"\\]|\\[^])*"/y : /'(?:[^']|'')*'/y;
    pattern.lastIndex = start;
    const found = pattern.exec(this.text);
    if (!found) this.fail('A quote is not closed.');
    this.at = start + found[0].length;
    return { kind: 'scalar', value: this.unquote(found[0]), start, end: this.at };
  }

  plain(parent: number): ScalarNode {
    const start = this.at;
    const pieces: string[] = [];
    let end = start;
    for (;;) {
      const line = this.text.slice(this.at, this.lineEnd());
      const body = (/^(?:[^#]|(?<=\S)#)*/.exec(line)?.[0] ?? '').trimEnd();
      if (/: |:$/.test(body)) this.fail('A colon in this value: put it in quotes.');
      pieces.push(body);
      end = this.at + body.length;
      this.at = this.lineEnd();
      if (body.length < line.trimEnd().length) break;
      if (this.next() <= parent) break;
    }
    this.at = end;
    return { kind: 'scalar', value: pieces.length > 1 ? pieces.join(' ') : plainValue(pieces[0] as string), start, end };
  }

  literal(parent: number): ScalarNode {
    const start = this.at;
    const head = /^([|>])([-+]?)(\d?)([-+]?)\s*(#.*)?$/.exec(this.text.slice(start, this.lineEnd()).trimEnd());
    if (!head) this.fail('A block of text begins with | or >.');
    const keep = head[2] || head[4];
    let indent = head[3] ? Math.max(parent, 0) + Number(head[3]) : -1;
    const lines: string[] = [];
    let at = this.lineEnd() + 1;
    let end = this.lineEnd();
    while (at <= this.text.length && at > 0) {
      if (at === this.text.length) break;
      const line = this.text.slice(at, this.lineEnd(at)).replace(/\r$/, '');
      const lead = line.length - line.trimStart().length;
      if (line.trim() !== '') {
        if (indent < 0) indent = lead;
        if (lead < indent || indent <= parent) break;
        end = this.lineEnd(at);
        lines.push(line.slice(indent));
      } else {
        lines.push(indent >= 0 ? line.slice(indent) : '');
      }
      at = this.lineEnd(at) + 1;
    }
    let trailing = 0;
    while (lines.length > 0 && lines.at(-1) === '') {
      lines.pop();
      trailing += 1;
    }
    const folded = head[1] === '>' ? fold(lines) : lines.join('\n');
    const tail = keep === '-' || lines.length === 0 ? '' : keep === '+' ? '\n'.repeat(trailing + 1) : '\n';
    this.at = end;
    return { kind: 'scalar', value: folded + tail, start, end };
  }

  // ---- flow: [a, b] and {a: b} ----

  flowSpace(): void {
    for (;;) {
      this.skipSpaces();
      if (this.text[this.at] !== '\n') break;
      this.at += 1;
    }
    if (this.at >= this.text.length) this.fail('A bracket is not closed.');
  }

  flow(depth: number): Node {
    if (depth > DEPTH_MAX) this.fail('Too deep.');
    const start = this.at;
    const map = this.text[start] === '{';
    const close = map ? '}' : ']';
    const entries: Entry[] = [];
    const items: ListNode['items'] = [];
    this.at += 1;
    for (;;) {
      this.flowSpace();
      if (this.text[this.at] === close) break;
      const dash = this.at;
      const key = this.flowValue(depth + 1);
      this.flowSpace();
      if (map) {
        let node: Node = { kind: 'scalar', value: null, start: this.at, end: this.at };
        if (this.text[this.at] === ':') {
          this.at += 1;
          this.flowSpace();
          if (this.text[this.at] !== ',' && this.text[this.at] !== close) node = this.flowValue(depth + 1);
        }
        if (key.kind !== 'scalar') this.fail('A key is a word.');
        const raw = this.text.slice(key.start, key.end);
        const name = /^["']/.test(raw) ? String(key.value) : raw;
        entries.push({ key: name, keyStart: key.start, keyEnd: key.end, node });
      } else {
        if (this.text[this.at] === ':') this.fail('A pair in a list is edited in the text only.');
        items.push({ dash, node: key });
      }
      this.flowSpace();
      if (this.text[this.at] === ',') this.at += 1;
      else if (this.text[this.at] !== close) this.fail(`A comma or ${close} is expected here.`);
    }
    this.at += 1;
    const place = { start, end: this.at, flow: true, indent: -1 };
    return map ? { kind: 'map', entries, ...place } : { kind: 'list', items, ...place };
  }

  flowValue(depth: number): Node {
    const first = this.text[this.at] as string;
    if (first === '[' || first === '{') return this.flow(depth);
    if (first === '"' || first === "'") return this.quoted();
    if ('&*!%@`|>'.includes(first)) this.fail('Anchors, aliases and tags are edited in the text only.');
    const start = this.at;
    const found = /^(?:[^,[\]{}:\n#]|:(?![\s,[\]{}]|$)|(?<=\S)#)+/.exec(this.text.slice(start, this.lineEnd()));
    if (!found) this.fail('A value is expected here.');
    const raw = found[0].trimEnd();
    this.at = start + raw.length;
    return { kind: 'scalar', value: plainValue(raw), start, end: this.at };
  }
}

function fold(lines: readonly string[]): string {
  let out = '';
  lines.forEach((line, index) => {
    const before = lines[index - 1];
    if (index > 0) out += line === '' || before === '' || /^\s/.test(line) || /^\s/.test(before ?? '') ? (before === '' && line !== '' ? '' : '\n') : ' ';
    out += line;
  });
  return out;
}

/** The tree of a text; an empty one is an empty map. Throws YamlError. */
export function parseYaml(text: string): Node {
  const reader = new Reader(text);
  if (text.charCodeAt(0) === 0xfeff) reader.at = 1;
  if (reader.next() >= 0 && /^---\s*(#|\n|$)/.test(text.slice(reader.at, reader.at + 5))) reader.at = reader.lineEnd();
  const column = reader.next();
  if (column < 0) return { kind: 'map', flow: false, indent: 0, entries: [], start: text.length, end: text.length };
  const node = reader.block(-1, 0);
  reader.at = node.end;
  if (reader.next() >= 0) reader.fail('Something follows the end of the document.');
  return node;
}

/** The value of a node, as JSON has it. */
export function valueOf(node: Node): Value {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map((item) => valueOf(item.node));
  return Object.fromEntries(node.entries.map((entry) => [entry.key, valueOf(entry.node)]));
}

export function nodeAt(root: Node, path: Path): Node | undefined {
  let node: Node | undefined = root;
  for (const step of path) {
    if (node?.kind === 'map') node = node.entries.find((entry) => entry.key === step)?.node;
    else if (node?.kind === 'list' && typeof step === 'number') node = node.items[step]?.node;
    else return undefined;
  }
  return node;
}
