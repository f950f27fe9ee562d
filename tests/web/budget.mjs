// SPDX-License-Identifier: MIT
// The portal stays light: fails when what a browser must load first is larger than the budgets.
//   node tests/web/budget.mjs BUILT_PORTAL
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** kB of gzip. The shell is the page with every script that it names. */
const BUDGETS = { shell: 60, css: 15, chunk: 25, terminal: 105 };

const root = process.argv[2];
if (!root) throw new Error('usage: budget.mjs BUILT_PORTAL');

const kilobytes = (names) =>
  names.reduce((sum, name) => sum + gzipSync(readFileSync(join(root, name)), { level: 9 }).length, 0) / 1000;

const page = readFileSync(join(root, 'index.html'), 'utf8');
const files = readdirSync(join(root, 'assets')).map((name) => `assets/${name}`);
const scripts = files.filter((name) => name.endsWith('.js'));
const first = scripts.filter((name) => page.includes(name));
if (first.length === 0) throw new Error(`${root}/index.html names no script`);

/** The terminal is a page of its own, with a script and styles that no other names. */
const other = readFileSync(join(root, 'terminal.html'), 'utf8');
const terminal = files.filter((name) => other.includes(name) && !page.includes(name));
if (!terminal.some((name) => name.endsWith('.js'))) throw new Error(`${root}/terminal.html names no script of its own`);

const sizes = [
  ['shell', 'shell', kilobytes(['index.html', ...first])],
  ['css', 'css', kilobytes(files.filter((name) => name.endsWith('.css') && !terminal.includes(name)))],
  ['terminal', 'terminal', kilobytes(['terminal.html', ...terminal])],
  ...scripts.filter((name) => !first.includes(name) && !terminal.includes(name)).map((name) => [name, 'chunk', kilobytes([name])]),
];

for (const [name, budget, size] of sizes) {
  const over = size > BUDGETS[budget];
  console.log(`${over ? 'OVER' : 'ok'} ${name}: ${size.toFixed(1)} of ${BUDGETS[budget]} kB gzip`);
  if (over) process.exitCode = 1;
}
