// SPDX-License-Identifier: MIT
// What the browser tests share: Debian's Chromium, a page that reports every breach of the policy,
// axe, and waiting that the policy allows (page.waitForFunction evaluates in the page: blocked).
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';

const need = createRequire(new URL('../../web/package.json', import.meta.url));
const { chromium } = need('playwright-core');
const axe = need('axe-core');

const CHROMIUM = process.env.DROVER_CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export class Failure extends Error {}

/** Fails the test with words. */
export function check(truth, words) {
  if (!truth) throw new Failure(words);
  console.log(`ok - ${words}`);
}

/** Only a failure waits so long; a machine may be busy for a while. */
const PATIENCE_MS = 90_000;

/** Asks again until the answer is truthy; gives it back. */
export async function until(question, words, ms = PATIENCE_MS) {
  const end = Date.now() + ms;
  for (;;) {
    const answer = await question();
    if (answer) {
      console.log(`ok - ${words}`);
      return answer;
    }
    if (Date.now() > end) throw new Failure(`not within ${ms / 1000} s: ${words}`);
    await new Promise((wake) => setTimeout(wake, 50));
  }
}

export async function launch() {
  if (!existsSync(CHROMIUM)) throw new Failure(`${CHROMIUM} is missing: apt-get install chromium`);
  return chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
}

/** A window of its own (cookies too). `breaches` collects every violation and script error. */
export async function openWindow(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  const breaches = [];
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      console.error(`policy violation: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`);
    });
  });
  const page = await context.newPage();
  page.on('console', (message) => {
    // Refusals that a test asks for are answers, not faults.
    const answer = /Failed to load resource: .* (400|401|403|404|409|503)/.test(message.text());
    const unreachable = /net::ERR_/.test(message.text());
    if (message.type() === 'error' && !answer && !unreachable) breaches.push(message.text());
  });
  page.on('pageerror', (error) => breaches.push(String(error)));
  return { context, page, breaches };
}

/** Through the login page to the first one. */
export async function signIn(page, url, user, password) {
  await page.goto(url);
  await page.getByLabel('User').fill(user);
  await page.getByLabel('Password').fill(password);
  await page.keyboard.press('Enter');
  await page.locator('main#main').waitFor();
}

// What a rule of axe sees of a scheme: its colours. `./dev nightly` asks all rules in both schemes.
const COLOUR_RULES = ['color-contrast', 'link-in-text-block'];

/** axe on the page as it is, in both schemes. All findings count. */
export async function accessible(page, where) {
  // Only pages that are asked pay for it; the policy does not reach what the debugger evaluates.
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(`${axe.source}; undefined`);
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    const rules = colorScheme === 'light' || process.env.DROVER_NIGHTLY ? {} : { runOnly: COLOUR_RULES };
    const options = { resultTypes: ['violations'], ...rules };
    const { violations } = await page.evaluate((asked) => globalThis.axe.run(document, asked), options);
    const words = violations.map((v) => `${v.impact} ${v.id}: ${v.nodes.map((n) => n.target.join(' ')).join(', ')}`);
    check(words.length === 0, `axe finds nothing: ${where}, ${colorScheme}${words.map((w) => `\n     ${w}`).join('')}`);
  }
  await page.emulateMedia({ colorScheme: null });
}

/** The text of the first match, '' without one. */
export async function textOf(page, selector) {
  const found = page.locator(selector).first();
  return (await found.count()) > 0 ? ((await found.textContent()) ?? '') : '';
}

/** Presses Tab until the focus is on something that matches; fails after `limit` stops. */
export async function tabTo(page, selector, limit = 60) {
  for (let stop = 0; stop < limit; stop += 1) {
    await page.keyboard.press('Tab');
    if (await page.evaluate((what) => document.activeElement?.matches(what) ?? false, selector)) {
      console.log(`ok - the keyboard reaches ${selector}`);
      return;
    }
  }
  throw new Failure(`the keyboard does not reach ${selector} in ${limit} stops`);
}

/** Runs a test's main function: closes the browser, prints the reason, sets the exit code. */
export async function run(main) {
  const browser = await launch();
  try {
    await main(browser);
    console.log('all passed');
  } catch (error) {
    console.error(error instanceof Failure ? `FAILED - ${error.message}` : error);
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
}
