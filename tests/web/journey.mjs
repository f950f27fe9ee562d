// SPDX-License-Identifier: MIT
// A person's way through the portal of a real server, in Chromium: sign in, see a job appear and
// change, read its log while it grows, stop it, learn why another one failed, sign out. Then that of a newcomer
// (newcomer.mjs), by keyboard and by pointer.
//   node tests/web/journey.mjs URL USER PASSWORD_FILE
import { readFileSync } from 'node:fs';
import { accessible, check, openWindow, run, tabTo, textOf, until } from './browser.mjs';
import { Keyboard, Pointer } from './hand.mjs';
import { newcomer, prepare } from './newcomer.mjs';
import { Rest } from './rest.mjs';

const [url, user, passwordFile] = process.argv.slice(2);
if (!passwordFile) throw new Error('usage: journey.mjs URL USER PASSWORD_FILE');
const base = url.endsWith('/') ? url : `${url}/`;
const password = readFileSync(passwordFile, 'utf8').replace(/\r?\n$/, '');

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
];

const rest = new Rest(base);

/** Names that no earlier run on this server has used. */
const stamp = Date.now().toString(36);
const LONG = `journey-long-${stamp}`;
const BAD = `journey-bad-${stamp}`;

const rowOf = (name) => `tr[data-job="${user}~${name}"]`;

async function signIn(page) {
  const response = await page.goto(base);
  const policy = response.headers()['content-security-policy'] ?? '';
  for (const rule of POLICY) check(policy.includes(rule), `the policy says ${rule}`);
  await page.getByLabel('User').waitFor();
  await until(async () => (await page.evaluate(() => document.activeElement?.getAttribute('name'))) === 'username', 'the focus is on the user');
  await accessible(page, 'login');
  await page.keyboard.type(user);
  await page.keyboard.press('Tab');
  await page.keyboard.type('this is not the password');
  await page.keyboard.press('Enter');
  await until(async () => (await textOf(page, '[role=alert]')).includes('wrong'), 'a wrong password is refused in words');
  await until(async () => (await page.evaluate(() => document.activeElement?.getAttribute('name'))) === 'password', 'the focus is on the password');
  await accessible(page, 'login refused');
  await page.keyboard.type(password);
  await page.keyboard.press('Enter');
  await page.locator('main#main h1').waitFor();
  await until(async () => (await textOf(page, '.stream')).includes('Live'), 'the page is live');
}

/** The server's real description is one that the page understands, whole. */
async function api(page) {
  const description = await rest.call('GET', 'openapi.json');
  const operations = Object.values(description.paths).reduce((sum, methods) => sum + Object.keys(methods).length, 0);
  await page.goto(`${base}#/api`);
  await until(async () => (await textOf(page, '.api [role=status]')) === `${operations} operations`, 'the API page lists all operations');
  for (const what of ['/api/v2/jobs/{job}', '/api/v2/users']) {
    await page.locator('.api details', { has: page.getByText(what, { exact: true }) }).first().locator('summary').first().click();
  }
  await until(async () => (await page.locator('.operation').count()) === 2, 'operations open');
  await accessible(page, 'API of the server');
}

async function liveList(page) {
  await page.goto(`${base}#/jobs?q=${stamp}`);
  await until(async () => (await textOf(page, '.empty')).includes('No job matches'), 'no job of this journey yet');
  await page.evaluate(() => {
    window.sameDocument = true;
  });
  const nodes = await rest.call('GET', 'nodes');
  const gpus = nodes.some((node) => node.gpus.total > 0);
  const simulated = nodes.some((node) => node.gpus.simulated && node.gpus.total > 0);
  await rest.submit(LONG, gpus ? 1 : 0, ['for i in $(seq 1 36000); do echo "line $i"; sleep 0.1; done']);
  await until(async () => (await page.locator(rowOf(LONG)).count()) === 1, 'a job submitted elsewhere appears');
  await until(async () => (await textOf(page, `${rowOf(LONG)} .state`)).includes('Running'), 'its row says Running');
  await rest.submit(BAD, 0, ['echo about to fail', 'echo "no such thing" >&2', 'exit 3']);
  await until(async () => (await textOf(page, `${rowOf(BAD)} .state`)).includes('Failed'), 'the other row says Failed');
  check(await page.evaluate(() => window.sameDocument === true), 'without loading the page again');
  await accessible(page, 'job list');
  return simulated;
}

async function longJob(page, simulated) {
  await page.keyboard.press('Escape');
  await tabTo(page, `${rowOf(LONG)} th a`);
  await page.keyboard.press('Enter');
  await until(async () => (await textOf(page, '.banner .state')).includes('Running'), 'the job page says Running');
  await until(async () => (await textOf(page, 'h1')) === LONG, 'and names the job');
  if (simulated) await until(async () => (await textOf(page, '.banner')).includes('Simulated GPUs'), 'simulated GPUs are labelled');
  const detail = await rest.call('GET', `jobs/${user}~${LONG}`);
  if (detail.taskRoles.worker.taskStatuses[0].onHost) {
    await until(async () => (await textOf(page, '.banner')).includes('image not used'), 'a job on the host is labelled');
  }
  await accessible(page, 'running job');

  await tabTo(page, '.tabs a[href*="tab=log"]');
  await page.keyboard.press('Enter');
  const lines = page.locator('.lines > div');
  await until(async () => (await lines.count()) > 3, 'the log shows lines');
  const before = await lines.count();
  await until(async () => (await lines.count()) > before + 5, 'the log grows');
  await until(async () => (await lines.first().textContent()) === 'line 1', 'from its first line');
  await accessible(page, 'live log');

  await tabTo(page, '.headline button.danger');
  await page.keyboard.press('Enter');
  await until(async () => (await textOf(page, 'dialog')).includes(`${user}~${LONG}`), 'the dialog names the job');
  await until(async () => (await page.evaluate(() => document.activeElement?.textContent)) === 'Cancel', 'the focus is on Cancel');
  await accessible(page, 'stop dialog');
  await tabTo(page, 'dialog button.danger', 2);
  await page.keyboard.press('Enter');
  await until(async () => (await textOf(page, '.banner .state')).includes('Stopped'), 'the job is stopped');
  await until(async () => (await textOf(page, '.log-state')).startsWith('Complete'), 'its log is complete');
  for (const tab of ['events', 'config']) {
    await page.goto(`${base}#/jobs/${user}~${LONG}?tab=${tab}`);
    await page.locator(tab === 'events' ? '.list.wrap tbody tr' : 'pre.config').first().waitFor();
    await accessible(page, `${tab} of the job`);
  }
  await until(async () => (await textOf(page, 'pre.config')).includes(LONG), 'the configuration is shown');
}

async function badJob(page) {
  await page.goto(`${base}#/jobs/${user}~${BAD}`);
  await until(async () => (await textOf(page, '.banner')).includes('exit code 3'), 'a failed job shows its exit code');
  await accessible(page, 'failed job');
  await page.getByRole('link', { name: 'Read the log of worker-0' }).click();
  await until(async () => (await textOf(page, '.lines')).includes('no such thing'), 'its log is one click away');
  await page.getByLabel('Stream').selectOption('stdout');
  await until(async () => (await textOf(page, '.lines')) === 'about to fail', 'standard output alone');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download' }).click(),
  ]);
  check(readFileSync(await download.path(), 'utf8') === 'about to fail\n', 'the download is the log, byte by byte');
}

async function leave(page) {
  await page.getByRole('button', { name: /Account and display/ }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('Password').waitFor();
  await page.reload();
  await page.getByLabel('Password').waitFor();
  check(true, 'signed out, also after a reload');
}

await run(async (browser) => {
  const { page, breaches } = await openWindow(browser);
  const foreign = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(base)) foreign.push(request.url());
  });
  await rest.signIn(user, password);
  await signIn(page);
  await api(page);
  const simulated = await liveList(page);
  await longJob(page, simulated);
  await badJob(page);
  await leave(page);
  check(breaches.length === 0, `no policy violation, no script error${breaches.map((b) => `\n     ${b}`).join('')}`);
  await prepare(rest);
  for (const Hand of [Keyboard, Pointer]) await newcomer(browser, base, rest, Hand);
  check(foreign.length === 0, `nothing is asked of anyone else${foreign.map((f) => `\n     ${f}`).join('')}`);
});
