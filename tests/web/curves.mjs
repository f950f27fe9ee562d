// SPDX-License-Identifier: MIT
// Curves of a job's GPUs on the page of a real server: they are there, move while it runs, and are what the API tells.
//   node tests/web/curves.mjs URL USER PASSWORD_FILE [FOLDER for screenshots]
// Prints "!busy N M" when its caller is to make the two GPUs so busy; curves.py does.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { accessible, check, openWindow, run, tabTo, textOf, until } from './browser.mjs';
import { Rest } from './rest.mjs';

const [base, user, passwordFile, shots] = process.argv.slice(2);
if (!passwordFile) throw new Error('usage: curves.mjs URL USER PASSWORD_FILE [FOLDER]');
const password = readFileSync(passwordFile, 'utf8').replace(/\r?\n$/, '');
const rest = new Rest(base);
const JOB = `${user}~curves`;
/** As the first GPU's line is called; which one it is, the engine chose. */
const chart = (page, title) => page.locator('.curve', { has: page.getByRole('heading', { name: title }) });
const legend = (page, title) => chart(page, title).locator('.legend li').allTextContents();
const slider = (page, title) => chart(page, title).getByRole('slider');

/** How many pixels of a chart have the colour of a line. */
const coloured = (page) =>
  page.evaluate(() => {
    const curve = document.querySelector('.gpus .curve');
    const colour = getComputedStyle(curve.querySelector('.legend svg')).stroke.match(/\d+/g).map(Number);
    const canvas = curve.querySelector('canvas');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let found = 0;
    for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 200 && colour.every((part, k) => Math.abs(data[i + k] - part) < 8)) found += 1;
    return found;
  });

async function shot(page, name) {
  if (shots) await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
}

async function signIn(page) {
  await page.goto(base);
  await page.getByLabel('User').fill(user);
  await page.getByLabel('Password').fill(password);
  await page.keyboard.press('Enter');
  await page.locator('main#main').waitFor();
}

/** A job without GPUs says so instead of showing an empty chart. */
async function withoutGpus(page) {
  await rest.submit('curves-none', 0, ['true']);
  await page.goto(`${base}#/jobs/${user}~curves-none?tab=metrics`);
  await until(async () => (await textOf(page, '.gpus .empty')).includes('has no GPUs'), 'a job without GPUs says so');
  await until(async () => (await textOf(page, '.scalars .empty')).includes('events.out.tfevents'), 'one without scalars says how to have some');
  check((await page.locator('.gpus canvas, .scalars canvas').count()) === 0, 'without an empty chart');
  await accessible(page, 'metrics of a job without GPUs');
}

async function live(page) {
  await rest.submit('curves', 2, ['sleep 3600']);
  await page.goto(`${base}#/jobs/${JOB}`);
  const loaded = [];
  page.on('request', (request) => loaded.push(request.url()));
  await page.locator('.tabs').getByRole('link', { name: 'Metrics' }).click();
  await until(async () => (await legend(page, 'GPU utilisation')).some((line) => line.includes('GPU 0') && line.includes('93%')), 'a line for each GPU tells its last value');
  check((await legend(page, 'GPU utilisation')).some((line) => line.includes('GPU 1') && line.includes('17%')), 'of the second, too');
  await until(async () => (await coloured(page)) > 20, 'the line is drawn in its colour');
  check(loaded.some((one) => /curve-plot.*\.js/.test(one)), 'the code that draws came with the page that needs it');
  await until(async () => (await legend(page, 'GPU memory in use')).some((line) => line.includes('46.5 GiB')), 'memory is told in GiB');
  await accessible(page, 'curves of a running job');
  console.log('!busy 40 17');
  const before = Date.now();
  await until(async () => (await legend(page, 'GPU utilisation')).some((line) => line.includes('GPU 0') && line.includes('40%')), 'the curve moves by itself');
  check(Date.now() - before < 15_000, `within seconds (${Date.now() - before} ms)`);
}

/** Readers and the keyboard get at each point; what is shown is shared by both charts. */
async function hands(page) {
  await page.getByLabel('Follow').last().uncheck();
  await page.locator('h1').click();
  await tabTo(page, '.gpus [role=slider]');
  const told = () => slider(page, 'GPU utilisation').getAttribute('aria-valuetext');
  const last = await told();
  check(/GPU 0 \d+%, .*GPU 1 17%$/.test(last), `the cursor says what is there: ${last}`);
  await page.keyboard.press('Home');
  await until(async () => /GPU 0 93%/.test(await told()), 'Home goes to the first point');
  const other = await slider(page, 'GPU memory in use').getAttribute('aria-valuetext');
  check(other.slice(0, 15) === (await told()).slice(0, 15), 'the other chart shows the same moment');
  await page.keyboard.press('End');
  for (const key of ['+', '+']) await page.keyboard.press(key);
  await until(async () => (await page.locator('.gpus').getByRole('button', { name: 'Show everything' }).count()) === 2, 'plus zooms into both');
  await page.keyboard.press('Escape');
  await until(async () => (await page.locator('.gpus').getByRole('button', { name: 'Show everything' }).count()) === 0, 'Escape shows everything');
  const over = chart(page, 'GPU utilisation').locator('.u-over');
  await over.scrollIntoViewIfNeeded();
  const box = await over.boundingBox();
  await page.mouse.move(box.x + box.width * 0.3, box.y + 50);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.7, box.y + 60, { steps: 5 });
  await page.mouse.up();
  await until(async () => (await page.locator('.gpus').getByRole('button', { name: 'Show everything' }).count()) === 2, 'dragging zooms into both');
  await over.dblclick();
  await until(async () => (await page.locator('.gpus').getByRole('button', { name: 'Show everything' }).count()) === 0, 'a double click shows everything');
  const line = chart(page, 'GPU utilisation').locator('.legend button').first();
  await line.click();
  check((await line.getAttribute('aria-pressed')) === 'false', 'a line is switched off in the legend');
  await line.click();
  await page.getByLabel('One line for').selectOption('job');
  await until(async () => (await legend(page, 'GPU utilisation')).join().includes('Least busy'), 'all GPUs as one');
  await accessible(page, 'curves of all GPUs together');
  await page.getByLabel('One line for').selectOption('gpu');
  await page.getByLabel('Follow').last().check();
}

/** A page that nobody sees asks nothing. */
async function hidden(page) {
  let asked = 0;
  page.on('request', (request) => {
    if (/\/gpus\?seconds=/.test(request.url())) asked += 1;
  });
  await until(() => asked > 0, 'a page that is seen asks for samples');
  await page.evaluate(() => Object.defineProperty(document, 'hidden', { configurable: true, get: () => true }));
  const before = asked;
  await new Promise((wake) => setTimeout(wake, 4500));
  check(asked - before <= 1, `a hidden one does not (${asked - before})`);
  await page.evaluate(() => {
    delete document.hidden;
    document.dispatchEvent(new Event('visibilitychange'));
  });
  await until(() => asked > before + 1, 'until it is seen again');
}

/** When the job has ended, the page has what the server keeps: the same values at the same times. */
async function kept(page) {
  await page.getByRole('button', { name: 'Stop', exact: true }).click();
  await page.locator('dialog button.danger').click();
  await until(async () => (await textOf(page, '.banner .state')).includes('Stopped'), 'the job is stopped');
  await until(async () => /^\d+%$/.test(await textOf(page, '.gpus .uses tbody td:nth-child(4)')), 'each GPU has its figures');
  const summary = chart(page, 'GPU utilisation').locator('summary');
  await summary.click();
  const percent = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1 });
  const shown = () => chart(page, 'GPU utilisation').locator('.figures tbody tr').evaluateAll((rows) => rows.map((row) => row.children[1].textContent).filter(Boolean));
  await until(async () => {
    const { gpus } = await rest.call('GET', `jobs/${JOB}/metrics?points=600`);
    const told = gpus[0].curve.utilization.map((value) => percent.format(value / 100)).reverse();
    return told.length > 3 && JSON.stringify(told.slice(0, 200)) === JSON.stringify(await shown());
  }, 'the table has the points of the API');
  const told = async () => {
    const [{ cores, memoryLimit }] = (await rest.call('GET', `jobs/${JOB}/metrics?points=600`)).tasks;
    const row = await textOf(page, '.tasks .uses tbody tr');
    return row.includes(` of ${cores}`) && row.includes(` of ${(memoryLimit / 2 ** 20).toFixed(1)} MiB`);
  };
  await until(told, 'its task has the cores and the memory that the API tells');
  await until(async () => (await page.locator('.tasks canvas').count()) === 5, 'and its curves');
  await accessible(page, 'curves of a job that has ended');
}

async function looks(page) {
  for (const [name, colorScheme, width] of [['light', 'light', 1280], ['dark', 'dark', 1280], ['narrow', 'light', 320]]) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 800 });
    await until(async () => (await page.locator('.plot canvas').first().evaluate((canvas) => canvas.clientWidth)) <= width, `the chart fits ${width} px`);
    await until(async () => (await coloured(page)) > 20, `and has its colours: ${name}`);
    await shot(page, `gpus-${name}`);
  }
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  check(over <= 0, `no sideways scrolling at 320 px (${over} px over)`);
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.getByRole('button', { name: /Account and display/ }).click();
  await page.getByLabel('Theme').selectOption('contrast');
  await page.getByLabel('Language').selectOption('zh-CN');
  await page.keyboard.press('Escape');
  await until(async () => (await page.getByRole('heading', { name: 'GPU 利用率' }).count()) === 1, 'charts speak Chinese');
  await until(async () => (await coloured(page)) > 20, 'and are drawn anew');
  await accessible(page, 'curves in Chinese, high contrast');
  await shot(page, 'gpus-zh');
}

await run(async (browser) => {
  const { page, breaches } = await openWindow(browser, { locale: 'en-GB' });
  await rest.signIn(user, password);
  await signIn(page);
  await withoutGpus(page);
  await live(page);
  await shot(page, 'gpus-live');
  await hands(page);
  await hidden(page);
  await kept(page);
  await looks(page);
  check(breaches.length === 0, `no policy violation, no script error${breaches.map((b) => `\n     ${b}`).join('')}`);
});
