// SPDX-License-Identifier: MIT
// Debug reservations and nodes of a real server: a failed job is kept, extended up to its cap, released; its node says
// what it holds.
//   node tests/web/kept.mjs URL ADMIN PASSWORD_FILE
import { readFileSync } from 'node:fs';
import { accessible, check, openWindow, run, signIn, textOf, until } from './browser.mjs';
import { Rest } from './rest.mjs';

const [base, admin, passwordFile] = process.argv.slice(2);
if (!passwordFile) throw new Error('usage: kept.mjs URL ADMIN PASSWORD_FILE');
const rest = new Rest(base);
const USER = `eve-${Date.now().toString(36)}`;
const PHRASE = 'a-good-phrase-7';
const JOB = `${USER}~broken`;
const KEEP = { extras: { drover: { debugReservation: { on: 'always', hold: 'gpus', maxMinutes: 30 } } } };

async function nodes(page, gpus) {
  await page.locator('.side').getByRole('link', { name: 'Nodes' }).click();
  const row = page.locator('tr[data-node]');
  await until(async () => (await row.count()) === 1, 'the nodes are listed');
  await until(async () => (await row.textContent()).includes(`1 of ${gpus}`), 'the row says which GPUs are in use');
  await accessible(page, 'nodes');
  await page.goto(`${base}#/nodes?state=down`);
  await until(async () => (await textOf(page, '.empty')).includes('No node matches'), 'the filter is the address');
  await page.goto(`${base}#/nodes`);
  await row.getByRole('link').click();
  await until(async () => (await page.locator('tr[data-gpu]').count()) === gpus, 'a node lists its GPUs');
  await until(async () => (await page.locator('tr[data-gpu]', { hasText: `${USER}~holds` }).count()) === 1, 'one says who holds it');
  await until(async () => (await page.locator(`tr[data-job="${USER}~holds"]`).textContent()).includes('Running'), 'its tasks are listed');
  await accessible(page, 'node');
  await rest.call('PUT', `jobs/${USER}~holds/executionType`, { value: 'STOP' });
  await until(async () => (await page.locator('tr[data-gpu]', { hasText: 'holds' }).count()) === 0, 'and leave the page when they end');
  await page.goto(`${base}#/nodes/none`);
  await until(async () => (await textOf(page, '[role=alert]')).includes('not found'), 'an unknown node says so');
}

async function reservations(page) {
  await page.locator('.side').getByRole('link', { name: 'Reservations' }).click();
  const row = page.locator(`tr[data-job="${JOB}"]`);
  await until(async () => (await textOf(page, '.empty')).includes('debugReservation'), 'an empty page says how to fill it');
  await rest.submit('broken', 0, ['exit 3'], { ...KEEP, defaults: { virtualCluster: 'kept' } });
  await until(async () => (await row.count()) === 1, 'what is kept appears by itself');
  const text = () => row.textContent();
  for (const words of ['broken', 'worker-0', USER, `drover shell ${JOB}`]) check((await text()).includes(words), `its row says ${words}`);
  await until(async () => /(29|30)m( \d\ds)? left/.test(await text()), 'and how long yet');
  const first = await text();
  await until(async () => (await text()) !== first, 'which counts down');
  await accessible(page, 'reservations');
  await row.getByRole('button', { name: `Extend ${JOB}` }).click();
  await until(async () => (await textOf(page, '.notice.bad')).includes('lasts 40 minutes at most'), "the cap's refusal is said");
  await rest.call('PUT', `jobs/${JOB}/reservation`, { minutes: 5 });
  await until(async () => /3[45]m \d\ds left/.test(await text()), 'an extension from elsewhere is seen');
  await page.getByLabel('Search jobs, nodes, clusters').fill('nothing');
  await until(async () => (await textOf(page, '.empty')).includes('No reservation matches'), 'the search filters');
  await until(() => page.url().includes('q=nothing'), 'and is in the address');
  await page.goto(`${base}#/reservations?user=@me`);
  await row.getByRole('link', { name: 'broken' }).click();
  await until(async () => (await textOf(page, '.reservation')).includes(`drover shell ${JOB}`), 'the row leads to the job');
  await accessible(page, 'job with a reservation');
  await page.goBack();
  await row.getByRole('button', { name: `Release ${JOB}` }).click();
  await until(async () => (await textOf(page, 'dialog')).includes(JOB), 'the dialog names what it hits');
  await accessible(page, 'release dialog');
  await page.locator('dialog .danger').click();
  await until(async () => (await row.count()) === 0, 'it is released');
  await page.getByRole('link', { name: 'With those that are over' }).click();
  await until(async () => (await text()).includes(`released by ${USER}`), 'and told when asked for');
  check((await row.getByRole('button').count()) === 0, 'nothing can be done with it');
}

await run(async (browser) => {
  await rest.signIn(admin, readFileSync(passwordFile, 'utf8').replace(/\r?\n$/, ''));
  await rest.call('PUT', 'virtual-clusters/kept', { cpus: 4, read: 'own', debugMaxMinutes: 40 });
  await rest.call('POST', 'users', { username: USER, password: PHRASE, virtualCluster: ['kept'] });
  await rest.signIn(USER, PHRASE);
  const [{ gpus }] = await rest.call('GET', 'nodes');
  await rest.submit('holds', 1, ['exec sleep 3600']);
  const { page, breaches } = await openWindow(browser);
  await signIn(page, base, USER, PHRASE);
  await nodes(page, gpus.total);
  await reservations(page);
  check(breaches.length === 0, `no policy violation, no script error${breaches.map((b) => `\n     ${b}`).join('')}`);
});
