// SPDX-License-Identifier: MIT
// A job's web app in a browser: opened from the job's page it works, and can neither read the portal's cookies nor call its API.
//   node tests/web/apps.mjs URL USER PASSWORD_FILE apart|sandboxed
import { readFileSync } from 'node:fs';
import { check, openWindow, run, signIn, until } from './browser.mjs';

const [base, user, passwordFile, mode] = process.argv.slice(2);
if (mode !== 'apart' && mode !== 'sandboxed') throw new Error('usage: apps.mjs URL USER PASSWORD_FILE apart|sandboxed');
const password = readFileSync(passwordFile, 'utf8').replace(/\r?\n$/, '');

/** Opens the app as people do; the tab that it is in. */
async function open(context, page) {
  await page.goto(`${base}#/jobs/${user}~shown`);
  const button = page.getByRole('button', { name: /web/ });
  await button.waitFor();
  const [tab] = await Promise.all([context.waitForEvent('page'), button.click()]);
  await until(async () => /\/jobs\/.*\/apps\/web\/$/.test(tab.url()), 'the ticket has become a cookie, and is in no address');
  return tab;
}

/** What the page of the app could do. */
async function tried(tab) {
  await tab.goto(`${tab.url()}page?portal=${encodeURIComponent(base)}`);
  const text = await until(() => tab.locator('#seen').textContent(), 'the script of the app has run');
  return JSON.parse(text);
}

run(async (browser) => {
  const { context, page, breaches } = await openWindow(browser);
  await signIn(page, base, user, password);
  const tab = await open(context, page);
  const seen = await tried(tab);
  console.log(JSON.stringify(seen));
  const refused = (what) => /^refused: /.test(what);
  if (mode === 'apart') {
    check(new URL(tab.url()).origin !== new URL(base).origin, 'it is on an origin of its own');
    check(seen.app === 'GET' && seen.echo === 'ping', 'its page calls the app, and speaks with its WebSocket');
    check(seen.cookies === '', 'no cookie of the portal, and not its own ticket, is to be read');
  } else {
    check(refused(seen.cookies) && refused(seen.storage), 'a sandboxed page has neither cookies nor storage');
  }
  check(refused(seen.read) && refused(seen.write), 'the API is not to be called from it');
  check(seen.opener === 'null', 'nor has it a way to the window that opened it');
  await page.reload();
  await page.getByRole('button', { name: /web/ }).waitFor();
  check(breaches.length === 0, `the portal keeps its policy${breaches.map((line) => `\n     ${line}`).join('')}`);
});
