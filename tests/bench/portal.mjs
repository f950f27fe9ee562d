// SPDX-License-Identifier: MIT
// portal.mjs URL USER PASSWORD_FILE JOB NODE MINUTES [PARTS [PAGES]]: every page of the portal in Chromium. bench_portal.py starts it, with a
// server that has what the pages show, and says what the figures are for.
import { readFileSync } from 'node:fs';
import { openWindow, run, signIn, textOf, until } from '../web/browser.mjs';
import { Rest } from '../web/rest.mjs';

const [base, user, passwordFile, job, node, minutesText, partsText = '', pagesText = ''] = process.argv.slice(2);
if (!minutesText) throw new Error('usage: portal.mjs URL USER PASSWORD_FILE JOB NODE MINUTES [PARTS [PAGES]]');
const minutes = Number(minutesText);
const password = readFileSync(passwordFile, 'utf8').replace(/\r?\n$/, '');
const rest = new Rest(base);

const LCP_MS = 1000;
const INTERACTION_MS = 100;
const IDLE_REQUESTS = 2;
/** A heap may breathe by so much, of what it was. */
const GROWTH = 0.1;
const REPEATS = 5;
/** After what a page is for is there, for what comes behind it. */
const SETTLE_MS = 500;
/** The portal calls it quiet after 30 s (store.ts); then a minute is counted. */
const [QUIET_MS, IDLE_MS] = [35_000, 60_000];
const UPDATE_MS = 250;
const TABS = 10;

const encoded = encodeURIComponent(job);
/** Whether a list of names, empty for all, has this one. */
const asked = (list, name) => list === '' || list.split(',').includes(name);

/** Pages by name: where, and what is there when it is. Long: looked at for the whole time, others a tenth. */
const ALL_PAGES = [
  ['home', '#/', '.counts'],
  ['jobs', '#/jobs', 'tr[data-job]', true],
  ['job', `#/jobs/${encoded}`, '.banner', true],
  ['job log', `#/jobs/${encoded}?tab=log`, '.log-state'],
  ['job files', `#/jobs/${encoded}?tab=files`, '.hint'],
  ['job metrics', `#/jobs/${encoded}?tab=metrics`, '.tabs'],
  ['job events', `#/jobs/${encoded}?tab=events`, '.list'],
  ['job config', `#/jobs/${encoded}?tab=config`, 'pre.config'],
  ['compare', `#/compare?jobs=${encoded}`, 'h1'],
  ['submit', '#/submit', '.yaml-area'],
  ['templates', '#/templates', '.empty'],
  ['reservations', '#/reservations', '.empty'],
  ['nodes', '#/nodes', 'tr[data-node]'],
  ['node', `#/nodes/${encodeURIComponent(node)}`, 'tr[data-gpu]'],
  ['gpus', '#/gpus', '.map-row', true],
  ['alerts', '#/alerts', 'h1'],
  ['vcs', '#/vcs', 'h1'],
  ['users', '#/users', 'h1'],
  ['groups', '#/groups', 'h1'],
  ['audit', '#/audit', 'h1'],
  ['settings', '#/settings', 'h1'],
  ['reports', '#/reports', 'h1'],
  ['api', '#/api', '.api details'],
  ['profile', '#/profile', 'h1'],
  ['help', '#/help', 'h1'],
];

const PAGES = ALL_PAGES.filter(([name]) => asked(pagesText, name));

let missed = 0;
function figure(words, value, goal, unit) {
  const over = value > goal;
  if (over) missed += 1;
  console.log(`${words.padEnd(34)} ${value.toFixed(unit === 'ms' ? 0 : 2).padStart(8)} ${unit}${over ? `  MISSES ${goal}` : ''}`);
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

/** Largest contentful paint of the page as it is, in ms since it was asked for. */
const lcp = (page) =>
  page.evaluate(
    () =>
      new Promise((done) => {
        let last = 0;
        const watch = new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) last = Math.max(last, entry.startTime);
        });
        watch.observe({ type: 'largest-contentful-paint', buffered: true });
        setTimeout(() => done(last), 300);
      }),
  );

async function painted(context, address, ready) {
  const page = await context.newPage();
  await page.goto(address);
  await page.locator(ready).first().waitFor();
  await page.waitForTimeout(SETTLE_MS);
  const at = await lcp(page);
  await page.close();
  return at;
}

/** Each page as a browser that has never been here sees it, and a bare page of the same server before and after. */
async function paints(browser, state) {
  console.log('# largest contentful paint, the median of cold starts; bare: a page of one file and two styles');
  const once = async (where, ready, options) => {
    const { context } = await openWindow(browser, options);
    const at = await painted(context, base + where, ready);
    await context.close();
    return at;
  };
  const bare = [];
  for (const [name, where, ready] of PAGES) {
    bare.push(await once('terminal.html', '#state', {}));
    const runs = [];
    for (let i = 0; i < 3; i += 1) runs.push(await once(where, ready, { storageState: state }));
    figure(`lcp ${name}`, median(runs), LCP_MS, 'ms');
  }
  figure('lcp bare', median(bare), LCP_MS, 'ms');
}

/** From a click, or a key, to the frame after the page shows what it asked for. `shown` in the page; it must change. */
async function answers(page, deed, shown) {
  await page.evaluate((selector) => {
    const text = () => document.querySelector(selector)?.textContent ?? '';
    const before = text();
    globalThis.answered = new Promise((done) => {
      const begin = (event) => {
        for (const kind of ['click', 'input', 'wheel']) removeEventListener(kind, begin, true);
        const look = () => {
          if (text() !== before) requestAnimationFrame(() => done(performance.now() - event.timeStamp));
          else requestAnimationFrame(look);
        };
        look();
      };
      for (const kind of ['click', 'input', 'wheel']) addEventListener(kind, begin, { capture: true, passive: true });
    });
  }, shown);
  await deed();
  return page.evaluate(() => globalThis.answered);
}

async function interactions(context) {
  console.log(`# list interaction, from the event to the frame that shows its answer: the median and the worst of ${REPEATS}`);
  const page = await context.newPage();
  // Each deed must change what is shown: a key that finds as much as before has no answer to wait for.
  const several = async (name, deed, shown, goal = INTERACTION_MS) => {
    const runs = [];
    for (let i = 0; i < REPEATS; i += 1) {
      runs.push(await answers(page, () => deed(i), shown));
      await page.waitForTimeout(300);
    }
    figure(`${name} (worst ${Math.max(...runs).toFixed(0)})`, median(runs), goal, 'ms');
  };
  // The bare page's: one file of the server, and a frame.
  await page.goto(`${base}terminal.html`);
  await page.evaluate(() => {
    let clicks = 0;
    addEventListener('click', async () => {
      await fetch('favicon.svg', { cache: 'no-store' });
      clicks += 1;
      document.getElementById('leave').textContent = String(clicks);
    });
  });
  await several('bare: a click, a file', () => page.mouse.click(5, 5), '#leave');
  await page.goto(`${base}#/jobs`);
  await page.locator('tr[data-job]').first().waitFor();
  const rows = 'table.list tbody';
  await several('jobs: next page', () => page.locator('.pages a').last().click(), rows);
  await page.goto(`${base}#/jobs?page=1000`);
  await page.locator('tr[data-job]').first().waitFor();
  await several('jobs: next page at 50,000', () => page.locator('.pages a').last().click(), rows);
  await page.goto(`${base}#/jobs`);
  await page.locator('tr[data-job]').first().waitFor();
  await several('jobs: a state', (i) => page.locator('.chips a.state-failed, .chips a.state-succeeded').nth(i % 2).click(), rows);
  for (const [word, column] of [['name', 1], ['user', 3], ['submitted', 8]]) {
    await page.goto(`${base}#/jobs`);
    await page.locator('tr[data-job]').first().waitFor();
    await several(`jobs: order by ${word}`, () => page.locator(`thead th:nth-of-type(${column + 1}) a`).click(), rows);
  }
  await page.goto(`${base}#/jobs`);
  await page.locator('tr[data-job]').first().waitFor();
  await page.locator('.keyword').focus();
  await several('jobs: a key in the search', (i) => page.keyboard.type('01234'[i]), '.pages span, .jobs .empty');
  await page.goto(`${base}#/nodes`);
  await page.locator('tr[data-node]').first().waitFor();
  await page.locator('.keyword').focus();
  await several('nodes: a key in the search', (i) => page.keyboard.type('12341'[i]), '.nodes tbody, .nodes .empty');
  await page.goto(`${base}#/gpus`);
  await page.locator('.map-row').first().waitFor();
  await page.locator('.keyword').focus();
  await several('gpus: a key in the search', (i) => page.keyboard.type('12341'[i]), '.map-sums, .gpus .empty');
  await page.close();
}

/** A change that all pages hear of, again and again: a job that cannot start, and is stopped. */
function updates() {
  let on = true;
  const end = (async () => {
    for (let i = 0; on; i += 1) {
      const name = `update-${Date.now().toString(36)}-${i}`;
      await rest.quietly('POST', 'jobs', rest.body(name, 8, ['true']));
      await rest.quietly('PUT', `jobs/${user}~${name}/executionType`, { value: 'STOP' });
      await new Promise((wake) => setTimeout(wake, UPDATE_MS));
    }
  })();
  return async () => {
    on = false;
    await end;
  };
}

async function heap(cdp) {
  for (let i = 0; i < 2; i += 1) await cdp.send('HeapProfiler.collectGarbage');
  return (await cdp.send('Runtime.getHeapUsage')).usedSize;
}

async function heaps(browser, state) {
  console.log(`# heap after ${minutes} minutes of live updates (a tenth of that on pages that are not lists of many), after a collection; at first: when a fifth of the time is over`);
  const stop = updates();
  const look = async ([name, where, ready, long]) => {
    const { context } = await openWindow(browser, { storageState: state });
    const page = await context.newPage();
    await page.goto(base + where);
    await page.locator(ready).first().waitFor();
    const cdp = await context.newCDPSession(page);
    const all = minutes * 60_000 * (long ? 1 : 0.1);
    await page.waitForTimeout(all / 5);
    const first = await heap(cdp);
    await page.waitForTimeout((all * 4) / 5);
    const last = await heap(cdp);
    figure(`heap ${name} (${(last / 1e6).toFixed(1)} MB)`, last / first, 1 + GROWTH, 'of what it was');
    await context.close();
  };
  const long = Promise.all(PAGES.filter((page) => page[3]).map(look));
  for (const page of PAGES.filter((one) => !one[3])) await look(page);
  await long;
  await stop();
}

/** A user may have so many streams only: pages in browsers of their own, a few at once. */
const TOGETHER = 10;

async function idles(browser, state) {
  console.log(`# requests in a minute while nothing happens, ${TOGETHER} pages at once, each in a browser of its own; streams that were opened`);
  for (let at = 0; at < PAGES.length; at += TOGETHER) await idlesOf(browser, state, PAGES.slice(at, at + TOGETHER));
}

async function idlesOf(browser, state, pages) {
  const open = async ([name, where, ready]) => {
    const { context } = await openWindow(browser, { storageState: state });
    const page = await context.newPage();
    const calls = [];
    let streams = 0;
    page.on('request', (request) => {
      if (request.url().includes('/api/v2/stream')) streams += 1;
      else calls.push(request.url().slice(base.length));
    });
    await page.goto(base + where);
    await page.locator(ready).first().waitFor();
    return { name, context, calls, streams: () => streams };
  };
  const all = [];
  for (const page of pages) all.push(await open(page));
  await new Promise((wake) => setTimeout(wake, QUIET_MS));
  const before = all.map(({ calls }) => calls.length);
  await new Promise((wake) => setTimeout(wake, IDLE_MS));
  for (const [i, { name, context, calls, streams }] of all.entries()) {
    const late = calls.slice(before[i]);
    figure(`idle ${name}`, late.length, IDLE_REQUESTS, `requests, ${streams()} stream${late.length > IDLE_REQUESTS ? ` ${late.join(' ')}` : ''}`);
    if (streams() !== 1) missed += 1;
    await context.close();
  }
}

async function tabs(context) {
  let streams = 0;
  context.on('request', (request) => {
    if (request.url().includes('/api/v2/stream')) streams += 1;
  });
  const begin = performance.now();
  const pages = [];
  for (const [, where, ready] of [...ALL_PAGES.slice(0, TABS - 3), ...ALL_PAGES.filter(([name]) => ['jobs', 'nodes', 'gpus'].includes(name))]) {
    const page = await context.newPage();
    await page.goto(base + where);
    await page.locator(ready).first().waitFor();
    pages.push(page);
  }
  for (const page of pages) await until(async () => (await textOf(page, '.stream')).includes('Live'), 'a tab is live');
  console.log(`ten tabs open and live in ${((performance.now() - begin) / 1000).toFixed(1)} s, ${streams} stream`);
  if (streams !== 1) missed += 1;
  const late = `late-${Date.now().toString(36)}`;
  await rest.quietly('POST', 'jobs', rest.body(late, 8, ['true']));
  for (const page of pages.filter((one) => one.url().endsWith('#/jobs'))) {
    await until(async () => (await page.locator(`tr[data-job$="~${late}"]`).count()) === 1, 'a list among them hears of a new job');
  }
  for (const page of pages) await page.close();
}

await run(async (browser) => {
  await rest.signIn(user, password);
  const { context, page } = await openWindow(browser);
  await signIn(page, base, user, password);
  const state = await context.storageState();
  await page.close();
  const parts = {
    lcp: () => paints(browser, state),
    interaction: () => interactions(context),
    tabs: () => tabs(context),
    heap: () => heaps(browser, state),
    idle: () => idles(browser, state),
  };
  for (const [name, part] of Object.entries(parts)) if (asked(partsText, name)) await part();
  if (missed > 0) throw new Error(`${missed} figures miss their goal`);
});
