// SPDX-License-Identifier: MIT
// The server is killed under open pages: they say so, come back by themselves and have missed nothing.
//   node tests/web/restart.mjs URL USER PASSWORD_FILE
// Prints "!kill" and "!start" when its caller is to do that; journey.py does.
import { readFileSync } from 'node:fs';
import { check, openWindow, run, textOf, until } from './browser.mjs';
import { Rest } from './rest.mjs';

const [base, user, passwordFile] = process.argv.slice(2);
if (!passwordFile) throw new Error('usage: restart.mjs URL USER PASSWORD_FILE');
const password = readFileSync(passwordFile, 'utf8').replace(/\r?\n$/, '');
const rest = new Rest(base);
const LINES = 300;
const TABS = 10;
/** The next frame of a page on a busy machine: "complete" must not be said before the last line is there. */
const FRAME_MS = 3000;

function slowFrames(ms) {
  globalThis.requestAnimationFrame = (draw) => setTimeout(() => draw(performance.now()), ms);
  globalThis.cancelAnimationFrame = (id) => clearTimeout(id);
}

/** What is wrong with the lines, for the one who reads a failure. */
function oddity(lines, wrong) {
  if (lines.length === LINES && wrong < 0) return '';
  const around = wrong < 0 ? lines.slice(-5) : lines.slice(Math.max(0, wrong - 3), wrong + 4);
  return ` (${lines.length} lines of ${LINES}; wrong from ${wrong < 0 ? 'the end' : wrong + 1}: ${JSON.stringify(around)})`;
}

async function openTab(context, where) {
  const page = await context.newPage();
  await page.goto(base + where);
  await page.locator('h1').waitFor();
  return page;
}

await run(async (browser) => {
  const { context, page, breaches } = await openWindow(browser);
  await context.addInitScript(slowFrames, FRAME_MS);
  await rest.signIn(user, password);
  await page.goto(base);
  await page.getByLabel('User').fill(user);
  await page.getByLabel('Password').fill(password);
  await page.keyboard.press('Enter');
  await page.locator('main#main').waitFor();

  await rest.submit('restart-count', 0, [`for i in $(seq 1 ${LINES}); do echo $i; sleep 0.05; done`]);
  await page.goto(`${base}#/jobs/${user}~restart-count?tab=log`);
  await page.locator('.lines > div').nth(10).waitFor();
  const list = await openTab(context, '#/jobs?q=restart-');

  console.log('!kill');
  for (const tab of [page, list]) {
    await until(async () => (await textOf(tab, '.stream')).includes('Connection lost'), 'the page says that it lost the server');
  }
  console.log('!start');
  for (const tab of [page, list]) {
    await until(async () => (await textOf(tab, '.stream')).includes('Live'), 'and is live again');
  }
  await until(async () => (await textOf(page, '.log-state')).startsWith('Complete'), 'the log ends');
  const lines = await page.locator('.lines > div').allTextContents();
  const wrong = lines.findIndex((line, i) => line !== String(i + 1));
  check(lines.length === LINES && wrong < 0, `with every line once, in order${oddity(lines, wrong)}`);
  await until(async () => (await textOf(list, 'tr[data-job$="~restart-count"] .state')).includes('Succeeded'), 'the list knows its end');

  const tabs = [list];
  while (tabs.length < TABS) tabs.push(await openTab(context, '#/jobs?q=restart-'));
  await rest.submit('restart-late', 0, ['true']);
  for (const tab of tabs) {
    await until(async () => (await tab.locator('tr[data-job$="~restart-late"]').count()) === 1, 'each of ten tabs hears of a new job');
  }
  check(breaches.length === 0, `no policy violation, no script error${breaches.map((b) => `\n     ${b}`).join('')}`);
});
