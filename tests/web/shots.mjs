// SPDX-License-Identifier: MIT
// Screenshots of the portal for the docs, from a real server.
//   node tests/web/shots.mjs URL USER PASSWORD_FILE FOLDER [JOB]
// JOB is a full name; without it, the newest job is shown.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openWindow, run } from './browser.mjs';

const [url, user, passwordFile, folder, job] = process.argv.slice(2);
if (!folder) throw new Error('usage: shots.mjs URL USER PASSWORD_FILE FOLDER [JOB]');
const base = url.endsWith('/') ? url : `${url}/`;

await run(async (browser) => {
  mkdirSync(folder, { recursive: true });
  const { page } = await openWindow(browser, { colorScheme: 'light', reducedMotion: 'reduce' });
  const shot = (name) => page.screenshot({ path: join(folder, `portal-${name}.png`) });

  await page.goto(base);
  await page.getByLabel('User').waitFor();
  await shot('login');
  await page.getByLabel('User').fill(user);
  await page.getByLabel('Password').fill(readFileSync(passwordFile, 'utf8').replace(/\r?\n$/, ''));
  await page.keyboard.press('Enter');
  await page.locator('.counts').waitFor();
  await page.locator('.stream-live').waitFor();
  await shot('home');
  await page.goto(`${base}#/jobs`);
  await page.locator('tr[data-job]').first().waitFor();
  await shot('jobs');
  const name = job ?? (await page.locator('tr[data-job]').first().getAttribute('data-job'));
  await page.goto(`${base}#/jobs/${encodeURIComponent(name)}`);
  await page.locator('.role').first().waitFor();
  await shot('job');
  await page.goto(`${base}#/jobs/${encodeURIComponent(name)}?tab=log`);
  await page.locator('.log-live, .log-done').waitFor();
  await page.locator('.lines > div').first().waitFor();
  await shot('log');
  await page.goto(`${base}#/submit?from=${encodeURIComponent(name)}`);
  await page.locator('.verdict > :not(.dim)').first().waitFor();
  await shot('submit');
});
