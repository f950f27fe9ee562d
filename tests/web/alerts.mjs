// SPDX-License-Identifier: MIT
// The page of alerts on the mock. Part of pages.mjs.
import { accessible, check, textOf, until } from './browser.mjs';

const HOSTILE = '<img src=x onerror=alert(1)>';

/** What fires, filters in the address, and what was. */
async function readTest(page, mock) {
  await page.goto(`${mock.url}#/`);
  await page.getByRole('link', { name: 'All alerts' }).click();
  const names = async () => (await page.locator('tr[data-alert]').evaluateAll((rows) => rows.map((row) => row.dataset.alert))).join();
  await until(async () => (await names()) === 'GpuLost,JobGpusNotUsed,JobGpusNotUsed,DiskSlow,NodeMemoryUsage', 'home leads to all alerts: the gravest first, what waits to fire last');
  const lost = await textOf(page, 'tr[data-alert=GpuLost]');
  for (const words of ['Firing', 'Error', 'node-7 GPU 3', HOSTILE]) check(lost.includes(words), `with: ${words}`);
  check((await textOf(page, 'tr[data-alert=DiskSlow]')).includes('page') && (await textOf(page, 'tr[data-alert=DiskSlow]')).includes('from elsewhere'), 'and those of others, as they are');
  await accessible(page, 'alerts');
  await page.getByRole('link', { name: 'Pending', exact: true }).click();
  await until(async () => (await names()) === 'NodeMemoryUsage' && page.url().includes('status=pending'), 'a state is a click, and in the address');
  await page.goto(`${mock.url}#/alerts?severity=warn&q=BO~`);
  await until(async () => (await names()) === 'JobGpusNotUsed', 'filters come from the address');
  await page.getByLabel('Search alerts').fill('no such thing');
  await until(async () => (await textOf(page, '.empty')).includes('No alert matches'), 'an empty page says why');
  await page.getByRole('link', { name: 'History' }).click();
  const rows = () => page.locator('tr[data-change]').count();
  await until(async () => (await rows()) === 100, 'the history shows its newest');
  const newest = await textOf(page, 'tr[data-change="150"]');
  for (const words of ['Resolved', 'Silenced', '2m 05s', HOSTILE]) check(newest.includes(words), `with: ${words}`);
  await accessible(page, 'history of alerts');
  await page.getByRole('link', { name: 'Older' }).click();
  await until(async () => (await rows()) === 50 && page.url().includes('cursor=51'), 'and older ones');
  await page.locator('tr[data-change] a', { hasText: 'GpuThrottled' }).first().click();
  await until(async () => page.url().includes('rule=GpuThrottled') && (await rows()) === 100, 'a click leaves one alert');
}

/** An admin silences what fires, sees whom that is about before, and ends it. */
async function silenceTest(page, mock) {
  await page.goto(`${mock.url}#/alerts`);
  await page.getByRole('link', { name: 'Silence GpuLost' }).click();
  const form = page.locator('form');
  await until(async () => (await page.getByLabel('Value 2').inputValue()) === 'node-7', 'an alert fills in the form');
  await until(async () => (await form.textContent()).includes('1 of the 5 alerts'), 'which says how many it is about');
  await page.getByRole('button', { name: 'Remove condition 3' }).click();
  await page.getByRole('button', { name: 'Remove condition 2' }).click();
  await page.getByLabel('Value 1').fill('Gpu.*|Disk.*');
  await page.getByLabel('Comparison 1').selectOption('=~');
  await until(async () => (await form.textContent()).includes('2 of the 5 alerts'), 'as it is changed, too');
  await page.getByLabel('Until').fill('2020-01-01T00:00');
  await until(async () => (await textOf(page, '#silence-until-problem')).includes('A moment to come'), 'an end in the past is told at once');
  await accessible(page, 'a new silence');
  await page.getByLabel('Until').fill('2099-01-01T00:00');
  await page.getByLabel('Value 1').fill('');
  await page.getByLabel('Comparison 1').selectOption('=');
  await form.getByRole('button', { name: 'Silence', exact: true }).click();
  await until(async () => page.evaluate(() => document.activeElement?.id === 'silence-comment'), 'a silence says why');
  await page.getByLabel('Comment').fill(HOSTILE);
  await form.getByRole('button', { name: 'Silence', exact: true }).click();
  await until(async () => (await textOf(page, '#silence-comment-problem')).includes('must not match ""'), 'a refusal is in the words of the server');
  await page.getByLabel('Value 1').fill('GpuLost');
  await form.getByRole('button', { name: 'Silence', exact: true }).click();
  await until(async () => (await textOf(page, 'tr[data-silence="s-1"]')).includes(HOSTILE), 'a silence is made');
  const row = () => textOf(page, 'tr[data-silence="s-1"]');
  await until(async () => (await row()).includes('alertname="GpuLost"') && /In force1in/.test(await row()), 'and says what it is about');
  check((await page.locator('tr[data-silence]').count()) === 1 && (await form.count()) === 0, 'those that are over are not shown');
  await accessible(page, 'silences');
  await page.getByRole('link', { name: 'Now', exact: true }).click();
  await until(async () => (await textOf(page, 'tr[data-alert=GpuLost]')).includes('Silenced'), 'the alert says so, too');
  await page.goto(`${mock.url}#/alerts?show=silences&expired=yes`);
  await page.getByRole('button', { name: 'End the silence alertname="GpuLost"' }).click();
  await page.locator('dialog').getByRole('button', { name: 'End' }).click();
  await until(async () => (await row()).includes('Over'), 'it is ended');
  check((await textOf(page, 'tr[data-silence="s-old"]')).includes(HOSTILE), 'one that is over is shown when asked for');
}

export async function alertsTest(page, mock) {
  await readTest(page, mock);
  await silenceTest(page, mock);
}
