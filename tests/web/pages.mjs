// SPDX-License-Identifier: MIT
// Page tests on the mock: states that a real server reaches slowly or never.
//   node tests/web/pages.mjs BUILT_PORTAL
import { accessible, check, openWindow, run, textOf, until } from './browser.mjs';
import { INVITATION, startMock } from './mock.mjs';
import { homeTest, submitTest, templatesTest } from './researcher.mjs';
import { alertsTest } from './alerts.mjs';
import { ADMIN_PAGES, adminTests } from './pages-admin.mjs';
import { tasksTest } from './tasks.mjs';

const OOM = {
  code: 226,
  phrase: 'ContainerCudaOOMKilled',
  issuer: 'USER_CONTAINER',
  causer: 'USER_CONTAINER',
  type: 'USER_FAILURE',
  stage: 'RUNNING',
  behavior: 'PERMANENT',
  reaction: 'NEVER_RETRY',
  reason: 'The process asked for more memory than its GPU had left.',
  repro: [],
  solution: ['Use a smaller batch.', 'Accumulate gradients.'],
};
const ECC = { ...OOM, code: 223, phrase: 'ContainerCudaUncorrectableECCError', type: 'PLATFORM_FAILURE', solution: [] };
const HOSTILE = '<img src=x onerror=alert(1)>';
const CODE = {
  size: 3 << 20,
  files: [
    { path: 'train.py', type: 'file', size: 2048 },
    { path: 'lib', type: 'folder', size: 0 },
    { path: HOSTILE, type: 'other', size: 0 },
  ],
  truncated: true,
};

const root = process.argv[2];
if (!root) throw new Error('usage: pages.mjs BUILT_PORTAL');

/** Two jobs of every kind, so that lists look like lists. */
function fill(mock) {
  const ago = (minutes) => Date.now() - minutes * 60_000;
  mock.add('sweep-31', { submitted: ago(41), vc: 'vision', priority: 'test', gpus: 8, waitReason: 'Waiting for 8 GPUs in one node. vision uses 128 of 128.' });
  mock.add('vit-l', { user: 'bo', vc: 'vision', state: 'RUNNING', subState: 'AttemptRunning', submitted: ago(190), launched: ago(182), gpus: 16, tasks: 2, priority: 'prod', simulated: true, onHost: true, code: CODE, log: 'step 1 loss 2.31\n' });
  mock.add('dbg', { state: 'FAILED', subState: 'Completed', submitted: ago(12), launched: ago(11), completed: ago(9), exitCode: 226, exitSpec: OOM, trigger: 'worker-0 failed with exit code 226.', diagnostics: 'CUDA out of memory. Tried to allocate 2.00 GiB', log: 'CUDA out of memory\n' });
  mock.add('ecc', { state: 'FAILED', subState: 'Completed', submitted: ago(14), launched: ago(13), completed: ago(10), exitCode: 223, exitSpec: ECC, retries: 2 });
  mock.add('hello', { state: 'SUCCEEDED', subState: 'Completed', submitted: ago(60), launched: ago(59), completed: ago(58), exitCode: 0, gpus: 0, log: 'hello\n' });
  mock.add('evaluate', { user: 'li', state: 'STOPPED', subState: 'Completed', executionType: 'STOP', submitted: ago(300), launched: ago(299), completed: ago(240), exitCode: -210 });
  mock.add('hostile', { submitted: ago(5), waitReason: HOSTILE, vc: HOSTILE, log: `${HOSTILE}\n` });
}

const rows = (page) => page.locator('tr[data-job]').count();

async function signIn(page, mock) {
  await page.goto(mock.url);
  await page.getByLabel('User').fill(mock.user);
  await page.getByLabel('Password').fill(mock.password);
  await page.keyboard.press('Enter');
  await page.locator('main#main').waitFor();
}

/** Where an invitation's link leads, in a browser that knows nobody. */
async function inviteTest(browser, mock) {
  const { context, page, breaches } = await openWindow(browser);
  await page.goto(`${mock.url}#/invite/${INVITATION}`);
  await page.getByLabel('Password', { exact: true }).waitFor();
  await accessible(page, 'invitation');
  await until(async () => (await page.evaluate(() => document.activeElement?.getAttribute('type'))) === 'password', 'the focus is on the password');
  await page.keyboard.press('Enter');
  await until(async () => (await textOf(page, '[role=alert]')).includes('Enter a password'), 'an empty password is refused in words');
  await page.keyboard.type(mock.password);
  await page.keyboard.press('Tab');
  await page.keyboard.type('something else');
  await page.keyboard.press('Enter');
  await until(async () => (await textOf(page, '[role=alert]')).includes('not the same'), 'two passwords are refused in words');
  await accessible(page, 'invitation refused');
  await page.getByLabel('Password once more').fill(mock.password);
  await page.keyboard.press('Enter');
  await page.locator('main#main').waitFor();
  await until(() => !page.url().includes(INVITATION), 'the secret leaves the address');
  await page.goBack();
  await until(() => !page.url().includes(INVITATION), 'and the history');
  check(breaches.length === 0, `no policy violation in an invitation${breaches.map((b) => `\n     ${b}`).join('')}`);
  await context.close();
}

/** The API's description, read like a page. */
async function apiTest(page, mock) {
  await page.goto(`${mock.url}#/jobs`);
  await page.locator('.side').getByRole('link', { name: 'API' }).click();
  await until(async () => (await textOf(page, '.api [role=status]')) === '2 operations', 'the page counts operations');
  await accessible(page, 'API');
  await page.locator('.api details', { hasText: '/api/v2/jobs' }).locator('summary').first().click();
  await until(async () => (await textOf(page, '.operation')).includes('Who may: user'), 'an operation says who may');
  await page.locator('.operation summary', { hasText: 'Members of JobList' }).click();
  await until(async () => (await textOf(page, '.operation')).includes('its own'), 'and what its answer is made of');
  await accessible(page, 'an operation');
  await until(async () => (await page.locator('.api').textContent()).includes(HOSTILE), 'a summary is text');
  await page.getByLabel(/^Search/).fill('post users');
  await until(async () => (await textOf(page, '.api [role=status]')) === '1 operation', 'the search finds by method and path');
}

async function listTest(page, mock) {
  await page.goto(`${mock.url}#/jobs`);
  await until(async () => (await rows(page)) === 7, 'the list shows all jobs');
  await until(async () => (await textOf(page, 'tr[data-job="ana~sweep-31"] .state-cell')).includes('vision uses 128'), 'a waiting row says why');
  await until(async () => (await textOf(page, 'tr[data-job="ana~dbg"] .state-cell')).includes('ContainerCudaOOMKilled'), 'a failed row says what');
  await until(async () => (await textOf(page, '.headline')).includes('Simulated GPUs'), 'simulated GPUs are labelled in the list');
  await accessible(page, 'job list');

  await page.locator('.filters .chip.state-failed').click();
  await until(async () => (await rows(page)) === 2, 'a click filters by state');
  await until(() => page.url().includes('state=FAILED'), 'the filter is in the address');
  await page.getByLabel(/^Search/).fill('ecc');
  await until(async () => (await rows(page)) === 1, 'the keyword filters');
  await page.reload();
  await until(async () => (await rows(page)) === 1, 'a reload keeps the filters');
  await page.getByLabel(/^Search/).fill('nothing has this name');
  await until(async () => (await textOf(page, '.empty')).includes('No job matches'), 'an empty page says why it is empty');
  await accessible(page, 'empty job list');
  await page.locator('.empty a').click();
  await until(async () => (await rows(page)) === 7, 'the filters are cleared');

  await page.locator('thead a', { hasText: 'Name' }).click();
  await until(() => page.url().includes('order=jobName'), 'a column head orders');
  for (let i = 0; i < 60; i += 1) mock.add(`many-${i}`, { submitted: Date.now() - 86_400_000 - i });
  await page.goto(`${mock.url}#/jobs`);
  await until(async () => (await textOf(page, '.pages')).includes('1–50 of 67'), 'the pager counts');
  await page.getByRole('link', { name: 'Next' }).click();
  await until(async () => (await rows(page)) === 17, 'the second page');
}

/** Columns are the address's, then the browser's; a view is an address with a name. */
async function viewsTest(page, mock) {
  const heads = () => page.locator('.jobs thead th[scope=col]').allTextContents();
  await page.goto(`${mock.url}#/jobs?state=FAILED`);
  await page.locator('.list-tools summary', { hasText: 'Columns' }).click();
  await page.getByLabel('Exit', { exact: true }).check();
  await page.getByLabel('Priority', { exact: true }).uncheck();
  await until(async () => (await heads()).includes('Exit') && !(await heads()).includes('Priority'), 'columns are chosen');
  check(page.url().includes('columns=') && page.url().includes('state=FAILED'), 'and are in the address, with the filters');
  await page.locator('.list-tools summary', { hasText: 'Saved views' }).click();
  await page.getByRole('button', { name: 'Save this view' }).click();
  await until(async () => (await textOf(page, '#view-name-problem')).includes('a name'), 'a view needs a name');
  await page.getByLabel('Name of this view').fill('<b>failed</b>');
  await page.getByRole('button', { name: 'Save this view' }).click();
  await page.locator('[data-view="<b>failed</b>"] a[aria-current]').waitFor();
  await accessible(page, 'columns and views');
  await page.goto(`${mock.url}#/jobs`);
  await page.reload();
  await until(async () => (await heads()).includes('Exit'), 'the browser keeps the columns');
  await page.locator('.list-tools summary', { hasText: 'Saved views' }).click();
  await page.getByRole('link', { name: '<b>failed</b>' }).click();
  await until(async () => page.url().includes('state=FAILED') && (await rows(page)) < 7, 'a view is one click away');
  await page.getByRole('button', { name: 'Remove <b>failed</b>' }).click();
  await until(async () => (await page.locator('[data-view]').count()) === 0, 'and can be removed');
  await page.locator('.list-tools summary', { hasText: 'Columns' }).click();
  await page.getByRole('button', { name: 'As they were' }).click();
  await until(async () => !(await heads()).includes('Exit') && !page.url().includes('columns='), 'the usual columns need no words');
}

async function stopTest(page, mock) {
  await page.goto(`${mock.url}#/jobs?q=vi`);
  const box = page.getByLabel('Select bo~vit-l');
  await box.check();
  await page.getByLabel('Select ana~sweep-31').check();
  await page.locator('.selection .danger').click();
  await until(async () => (await textOf(page, 'dialog h2')) === 'Stop 2 jobs of 2 users?', 'the dialog counts jobs and users');
  await until(async () => (await textOf(page, 'dialog')).includes('bo~vit-l'), 'the dialog names what it hits');
  await until(async () => (await page.evaluate(() => document.activeElement?.textContent)) === 'Cancel', 'the focus is on Cancel');
  await accessible(page, 'stop dialog');
  await page.keyboard.press('Enter');
  await until(async () => (await page.locator('dialog').count()) === 0, 'Enter cancels');
  await page.locator('.selection .danger').click();
  await page.locator('dialog[open]').waitFor();
  await page.keyboard.press('Escape');
  await until(async () => (await page.locator('dialog').count()) === 0, 'Escape cancels');
  await page.getByRole('button', { name: 'Tag…' }).click();
  await page.getByLabel('Tag', { exact: true }).fill('sweep');
  await page.getByRole('button', { name: 'Put it on' }).click();
  await until(async () => (await textOf(page, '[data-tagged="ana~sweep-31"]')).endsWith('done'), 'a tag is put on several jobs');
  await until(async () => (await textOf(page, '[data-tagged="bo~vit-l"]')).includes('no comma'), 'each with its own result');
  await accessible(page, 'tag dialog');
  await page.getByRole('button', { name: 'Close' }).click();
  await until(async () => (await page.locator('dialog').count()) === 0, 'the dialog closes');
}

async function jobTest(page, mock) {
  await page.goto(`${mock.url}#/jobs/ana~sweep-31`);
  await until(async () => (await textOf(page, '.banner')).includes('Waiting for 8 GPUs'), 'a waiting job says why');
  await until(async () => (await textOf(page, '.banner')).includes('Only so many tasks of its first role: 3.'), 'and what would help');
  check((await page.locator('.banner a[href*="bo~vit-l"]').count()) === 1, 'and who is in the way');
  await accessible(page, 'waiting job');
  await page.goto(`${mock.url}#/jobs/ana~dbg`);
  await until(async () => (await textOf(page, '.banner')).includes('Use a smaller batch.'), 'a failed job says what to do');
  await until(async () => (await textOf(page, '.banner')).includes('exit code 226'), 'a failed job shows its exit code');
  await accessible(page, 'failed job');
  await page.goto(`${mock.url}#/jobs/ana~ecc`);
  await until(async () => (await textOf(page, '.banner')).includes('not your fault'), 'a platform failure is not blamed on the user');
  await page.goto(`${mock.url}#/jobs/bo~vit-l`);
  await until(async () => (await textOf(page, '.banner')).includes('image not used'), 'a job on the host says so');
  await until(async () => (await textOf(page, '.banner')).includes('Simulated GPUs'), 'a job on simulated GPUs says so');
  const facts = () => textOf(page, '.facts');
  await until(async () => /Time limit\s*2h 00m/.test(await facts()) && /Disk of a task\s*10\.0 GiB/.test(await facts()), 'a job says its limits');
  await until(async () => /Processes of a task\s*4096/.test(await facts()) && (await facts()).includes('cgroup v2'), 'and what keeps tasks apart');
  await until(async () => (await textOf(page, '.shares')).includes('4 CPUs, 8.0 GiB of memory'), 'a role says what a task gets');
  await accessible(page, 'running job');
  const parts = { events: '.list.wrap', config: 'pre.config', code: '.list tbody tr' };
  for (const [tab, shown] of Object.entries(parts)) {
    await page.goto(`${mock.url}#/jobs/bo~vit-l?tab=${tab}`);
    await page.locator('.tabs a[aria-current]', { hasText: new RegExp(tab, 'i') }).waitFor();
    await page.locator(shown).first().waitFor();
    await accessible(page, `${tab} of a job`);
  }
  const listing = () => textOf(page, '.job');
  for (const name of ['train.py', 'lib/', HOSTILE]) await until(async () => (await listing()).includes(name), `the code is listed, as text: ${name}`);
  for (const words of ['(3.0 MiB)', 'has more than these']) await until(async () => (await listing()).includes(words), `with its size, and that it is not all: ${words}`);
  const archive = page.locator('a[download="bo~vit-l.tar"]');
  check((await archive.getAttribute('href')).endsWith('api/v2/jobs/bo~vit-l/code'), 'the archive can be fetched');
  await page.goto(`${mock.url}#/jobs/ana~dbg`);
  await until(async () => (await textOf(page, 'h1')) === 'dbg', 'another job');
  await until(async () => /Time limit\s*none/.test(await textOf(page, '.facts')), 'one without limits says so');
  check(!(await textOf(page, '.tabs')).includes('Code'), 'and one without code has no such tab');
  await page.goto(`${mock.url}#/jobs/no~such`);
  await until(async () => (await textOf(page, '.empty')).includes('There is no such job'), 'an unknown job says so');
}

/** What is kept of a failed job: its time runs down, it is extended within the cap, and released only after a question. */
async function reservationTest(page, mock) {
  const kept = { id: 'r', jobName: 'kept', username: mock.user, virtualCluster: 'default', createdTime: Date.now() - 60_000, endedTime: null, endedBy: null, taskRoleName: 'worker', taskIndex: 0, node: 'node-1', hold: 'gpus', gpus: 8, reclaimable: true };
  const old = { ...kept, id: 'o', state: 'ENDED', expiresTime: Date.now() - 1, endedTime: Date.now() - 1, endedBy: 'need' };
  const job = mock.add('kept', { state: 'FAILED', subState: 'Completed', launched: Date.now(), completed: Date.now(), exitCode: 226, exitSpec: OOM, extendable: 30,
    reservations: [old, { ...kept, state: 'HELD', expiresTime: Date.now() + 25 * 60_000 }] });
  await page.goto(`${mock.url}#/jobs/ana~kept`);
  const shown = () => textOf(page, '.reservation');
  await until(async () => /2[45]m \d\ds left/.test(await shown()), 'a reservation says how long it lasts');
  const first = await shown();
  await until(async () => (await shown()) !== first, 'and counts down');
  for (const words of ['node-1', '8 GPUs', 'drover shell ana~kept', 'may take the GPUs back']) await until(async () => (await shown()).includes(words), `it says: ${words}`);
  await accessible(page, 'job with a reservation');
  await page.getByRole('button', { name: 'Extend ana~kept' }).click();
  await until(async () => /5[45]m \d\ds left/.test(await shown()), 'it is extended');
  await until(async () => (await textOf(page, '.notices')).includes('30m longer'), 'and that is said');
  await page.getByRole('button', { name: 'Extend ana~kept' }).click();
  await until(async () => (await textOf(page, '.notices')).includes('must send'), 'a refusal is said in the words of the server');
  const release = page.locator('.reservation > section').getByRole('button', { name: 'Release ana~kept' });
  await release.click();
  await until(async () => (await textOf(page, 'dialog')).includes('task worker 0 on node-1'), 'the dialog names what it hits');
  await until(async () => (await page.evaluate(() => document.activeElement?.textContent)) === 'Cancel', 'the focus is on Cancel');
  await accessible(page, 'release dialog');
  await page.keyboard.press('Enter');
  await until(async () => (await page.locator('dialog').count()) === 0, 'Enter releases nothing');
  check(job.reservations[1].state === 'HELD', 'it is still held');
  await release.click();
  await page.locator('dialog .danger').click();
  await until(async () => (await shown()).includes('ends now'), 'it is released');
  check((await page.locator('.reservation button').count()) === 0, 'and nothing can be done with it any more');
  job.reservations.shift();
  Object.assign(job.reservations[0], { state: 'ENDED', endedTime: Date.now(), endedBy: 'expiry' });
  mock.update(job, {});
  await until(async () => (await shown()).includes('its time was over'), 'one that has ended says why');
  check(!(await shown()).includes('drover shell'), 'and cannot be entered');
  await collectedTest(page);
  await page.goto(`${mock.url}#/jobs/ana~dbg`);
  await until(async () => (await textOf(page, 'h1')) === 'dbg', 'a job that left none');
  check((await page.locator('.reservation').count()) === 0, 'shows none');
}

/** What was found of a failed task: everything is text, and what is hidden says so. */
async function collectedTest(page) {
  await page.locator('.collected summary').click();
  const found = () => textOf(page, '.collected');
  for (const words of ['signal 11', 'the last line', 'sleep 600', 'and 2 more', 'ECC error', '80 % busy', 'core.12', 'TOKEN', 'hidden', HOSTILE]) {
    await until(async () => (await found()).includes(words), `what was collected says: ${words}`);
  }
  await accessible(page, 'what was collected');
}

async function logTest(page, mock) {
  const job = mock.add('logs', { state: 'RUNNING', subState: 'AttemptRunning', launched: Date.now() });
  await page.goto(`${mock.url}#/jobs/ana~logs?tab=log`);
  const lines = page.locator('.lines > div:not([hidden])');
  await until(async () => (await textOf(page, '.log-state')).includes('Nothing written'), 'an empty log says so');
  mock.say(job, 'one\ntw');
  mock.say(job, 'o\n\u001b[31mred\u001b[0m\n10%\r100%\npart');
  await until(async () => (await lines.allTextContents()).join('|') === 'one|two|red|100%|part', 'lines are clean and whole');
  mock.say(job, `ial ${HOSTILE}\n`);
  await until(async () => (await lines.last().textContent()) === `partial ${HOSTILE}`, 'markup in a log is text');
  await page.getByLabel('Show only lines with').fill('RED');
  await until(async () => (await lines.count()) === 1, 'the filter hides the other lines');
  await page.getByLabel('Show only lines with').fill('');
  mock.say(job, `${Array.from({ length: 12_000 }, (_, i) => `line ${i}`).join('\n')}\n`);
  await until(async () => (await lines.last().textContent()) === 'line 11999', 'a burst arrives whole');
  check((await page.locator('.lines > div').count()) <= 5_001, 'the page keeps a bounded number of lines');
  const end = () => page.evaluate(() => {
    const box = document.querySelector('.lines');
    return box.scrollHeight - box.scrollTop - box.clientHeight;
  });
  await until(async () => (await end()) < 8, 'the view follows the end');
  await page.locator('.lines').hover();
  await page.mouse.wheel(0, -2000);
  await until(async () => !(await page.getByLabel('Follow').isChecked()), 'scrolling up stops following');
  mock.say(job, 'more\n');
  await until(async () => (await lines.last().textContent()) === 'more', 'lines still arrive');
  check((await end()) > 500, 'the view stays where the reader is');
  await accessible(page, 'live log');
  mock.update(job, { state: 'SUCCEEDED', completed: Date.now(), exitCode: 0 });
  await until(async () => (await textOf(page, '.log-state')).startsWith('Complete'), 'a log that ended says so');
}

/** A log is opened near its end; a loss in its middle costs no line and doubles none. */
async function longLogTest(page, mock) {
  const numbers = Array.from({ length: 200_000 }, (_, i) => `${i}`).join('\n');
  const job = mock.add('long', { state: 'RUNNING', launched: Date.now(), log: `${numbers}\n` });
  await page.goto(`${mock.url}#/jobs/ana~long?tab=log`);
  const lines = page.locator('.lines > div');
  await until(async () => (await lines.last().textContent()) === '199999', 'a long log shows its end');
  await until(async () => (await textOf(page, '.hint')).includes('the download has all 1.2 MiB'), 'and says that it is only the end');
  await until(async () => (await textOf(page, '.log-state')) === 'Live · last 5,000 lines', 'and how much of it');
  mock.cutLogs(true);
  await until(async () => (await textOf(page, '.log-state')).includes('lost'), 'a lost log is said');
  mock.say(job, 'a\nb\n');
  mock.cutLogs(false);
  await until(async () => (await lines.last().textContent()) === 'b', 'it goes on');
  await until(async () => (await lines.allTextContents()).slice(-3).join() === '199999,a,b', 'where it was');
}

/** `values` as a run of two tags has them; each is ten steps after the one before. */
function scalarRun(values, over = {}) {
  const step = values.map((_, i) => i * 10);
  const time = values.map((_, i) => 1_790_000_000_000 + i * 30_000);
  const finite = values.filter((value) => typeof value === 'number');
  const tag = (name) => ({ tag: name, count: values.length, notFinite: values.length - finite.length, step: step.at(-1), time: time.at(-1), value: values.at(-1),
    min: Math.min(...finite), minStep: 0, max: Math.max(...finite), maxStep: 0, points: { step, time, value: values } });
  return { jobAttempt: 0, taskRoleName: 'worker', taskIndex: 0, taskAttempt: 0, folder: 'tb', files: 1, bytes: 1, records: values.length, damaged: 0, complete: true,
    tags: [tag('train/loss'), tag(`eval/${HOSTILE}`)], tagsLeftOut: 0, ...over };
}

/** The loss of a training: it grows on the page, can be smoothed, and runs are compared. */
async function scalarsTest(page, mock) {
  const loss = [2, 1, 'NaN', 0.5];
  const job = mock.add('loss', { state: 'RUNNING', launched: Date.now(), gpus: 0, scalars: [scalarRun(loss), scalarRun([3, 3, 3], { taskIndex: 1 })] });
  await page.goto(`${mock.url}#/jobs/ana~loss?tab=metrics`);
  const group = page.locator('.scalars > details', { hasText: 'train' });
  await group.locator('summary').first().waitFor();
  if ((await group.getAttribute('open')) === null) await group.locator('summary').first().click();
  const chart = page.locator('.curve', { has: page.getByRole('heading', { name: 'train/loss' }) });
  const legend = () => chart.locator('.legend li').allTextContents();
  await until(async () => (await legend()).join() === ' worker-00.5, worker-13', 'a line for each run tells its last value');
  await chart.locator('canvas').waitFor();
  await until(async () => (await chart.textContent()).includes('1 value is not a finite number'), 'what is not finite is told');
  await until(async () => (await page.locator('.gpus').textContent()).includes('has no GPUs'), 'beside it, that there are no GPUs');
  await accessible(page, 'scalars');
  const told = () => chart.getByRole('slider').getAttribute('aria-valuetext');
  await chart.getByRole('slider').focus();
  for (const [key, said] of [['End', '30: worker-0 0.5,'], ['ArrowLeft', '20: worker-0 nothing known,'], ['Home', '0: worker-0 2,']]) {
    await page.keyboard.press(key);
    await until(async () => (await told()).startsWith(said), `${key} tells: ${said}`);
  }
  await page.keyboard.press('Escape');
  job.scalars = [scalarRun([...loss, 0.25]), scalarRun([3, 3, 3], { taskIndex: 1 })];
  await until(async () => (await legend())[0].endsWith('0.25'), 'the curve grows while the job runs');
  const slider = page.getByLabel('Smoothing');
  await slider.focus();
  await page.keyboard.press('End');
  await until(async () => /worker-00\.9\d*$/.test((await legend())[0]), 'smoothing takes what came before into account');
  await page.keyboard.press('Home');
  await page.getByLabel('Over').selectOption('relative');
  await until(async () => (await told()).startsWith('2m 00s: worker-0 0.25'), 'over the time since the start');
  await page.getByLabel('Over').selectOption('step');
  await page.getByLabel('Show only tags').fill('eval');
  await until(async () => (await page.getByRole('heading', { name: 'train/loss' }).count()) === 0, 'the search filters tags');
  await until(async () => (await page.locator('.scalars .curve h3').allTextContents()).join() === `eval/${HOSTILE}`, 'a tag is text');
  await page.getByLabel('Show only tags').fill('');
  job.scalars = [...job.scalars, scalarRun([9], { jobAttempt: 1 })];
  await page.getByLabel('Attempts').selectOption('all');
  if ((await group.getAttribute('open')) === null) await group.locator('summary').first().click();
  await until(async () => (await legend()).join() === ' worker-0 · attempt 00.25, worker-1 · attempt 03, worker-0 · attempt 19', 'attempts are compared');
  await accessible(page, 'scalars of several attempts');
  mock.update(job, { state: 'SUCCEEDED', completed: Date.now(), exitCode: 0 });
}

/** What holds a job up, with what proves it; it changes while one looks. */
async function profileTest(page, mock) {
  const progress = { step: 120, steps: 1000, epoch: null, epochs: null, loss: 0.5, done: 0.12, stepsPerSecond: 4, leftMs: 3_720_000, silentMs: 0, stalled: false };
  const profile = {
    jobAttempt: 0, gpus: 2, from: 1, to: 2, stepMs: 5000, kind: 'training', kindConfidence: 91, periodSeconds: 12.5, bottleneck: 'small-kernels', confidence: 74,
    proofs: [{ figure: 'intensity', value: 21, below: 35 }], figures: { busy: 97, intensity: 21, cpu: null, stillSeconds: 0 },
    sentence: 'The GPUs are busy with very small pieces of work.', advice: ['Try a larger batch.', HOSTILE], progress,
  };
  const job = mock.add('slow', { state: 'RUNNING', launched: Date.now(), gpus: 2, profile });
  await page.goto(`${mock.url}#/jobs/ana~slow?tab=metrics`);
  const part = page.getByRole('region', { name: 'What it does' });
  await until(async () => (await part.textContent()).includes('BottleneckSmall kernels 74% sure'), 'the bottleneck is told');
  const said = await part.textContent();
  for (const words of ['Training 91% sure', 'Repeats each12.5 s', '12%', 'about 1h 02m', '120 of 1,000', profile.sentence, profile.advice[0], HOSTILE]) check(said.includes(words), `and: ${words}`);
  const cells = await part.locator('tbody tr').evaluateAll((rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent).join(' | ')));
  check(cells[0] === 'Power drawn, of what such use would need | 21% | below 35%', 'the figure that proves it comes first');
  check(cells.length === 3 && cells[2] === 'At the end without work | 0 s | ', 'what is not known is left out');
  await accessible(page, 'a profile');
  mock.update(job, { profile: { ...profile, kind: 'idle', bottleneck: 'none', proofs: [], sentence: 'Its GPUs are not used.', advice: [], progress: { ...progress, stalled: true, silentMs: 600_000 } } });
  await until(async () => (await part.textContent()).includes('silent for 10m 00s'), 'a log that stalls is told');
  check(!(await part.textContent()).includes('Bottleneck'), 'what is idle has no bottleneck');
  await page.goto(`${mock.url}#/jobs/ana~loss?tab=metrics`);
  await until(async () => (await page.locator('.scalars .curve').count()) > 0, 'another job is shown');
  check((await part.count()) === 0, 'where nothing is known, there is no such part');
}

/** The same tag of several jobs in one chart; the address holds the choice. */
async function compareTest(page, mock) {
  const [slow, fast] = ['cmp-slow', 'cmp-fast'].map((name, i) => mock.add(name, {
    state: 'SUCCEEDED', launched: Date.now(), completed: Date.now(), exitCode: 0, scalars: [scalarRun([2 + i, 1 + i]), scalarRun([7, 7], { taskIndex: 1 })],
  }));
  mock.add('cmp-silent');
  await page.goto(`${mock.url}#/jobs/ana~cmp-slow?tab=metrics`);
  await page.getByRole('link', { name: 'Compare with other jobs' }).click();
  const chart = page.locator('.curve', { has: page.getByRole('heading', { name: 'train/loss' }) });
  const legend = async () => (await chart.locator('.legend li').allTextContents()).join();
  await until(async () => (await legend()) === ' worker-01, worker-17', 'one job is as on its own page');
  await page.getByLabel('Add a job').fill('cmp-fast');
  await page.keyboard.press('Enter');
  await until(async () => (await legend()) === ' ana~cmp-slow · worker-01, ana~cmp-fast · worker-02, ana~cmp-slow · worker-17, ana~cmp-fast · worker-17', 'lines of both, the first task of each before the others');
  check(page.url().endsWith('#/compare?jobs=ana%7Ecmp-slow%2Cana%7Ecmp-fast'), 'the address holds the choice');
  await page.getByLabel('Add a job').fill('ana~cmp-silent');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await until(async () => (await page.locator('.scalars .hint').allTextContents()).join() === 'ana~cmp-silent has no scalars.', 'a job without curves is told');
  await accessible(page, 'compared jobs');
  await page.getByRole('link', { name: 'Take ana~cmp-silent out' }).click();
  await page.goto(`${mock.url}#/compare?jobs=cmp-slow,cmp-fast,nobody~none,cmp-slow`);
  await until(async () => (await page.locator('.scalars .hint').allTextContents()).join() === 'nobody~none: There is no such job.', 'one that cannot be read does not hide the others');
  await until(async () => (await legend()).includes('ana~cmp-fast · worker-02'), 'which are shown');
  const before = slow.unchanged;
  fast.scalars = [scalarRun([3, 2, 0.5])];
  mock.update(fast, {});
  await until(async () => (await legend()).includes('ana~cmp-fast · worker-00.5'), 'curves follow');
  check(slow.unchanged > before, 'what is as it was is not sent again');
}

async function liveTest(page, mock) {
  await page.goto(`${mock.url}#/jobs?q=live-`);
  await page.locator('.empty').waitFor();
  const job = mock.add('live-1');
  await until(async () => (await rows(page)) === 1, 'a new job appears by itself');
  mock.drop(true);
  await until(async () => (await textOf(page, '.stream')).includes('Connection lost'), 'a lost stream is said');
  await until(async () => /data from .* ago/.test(await textOf(page, '.stream')), 'and how old the data is');
  await accessible(page, 'connection lost');
  mock.update(job, { state: 'RUNNING', launched: Date.now() });
  mock.drop(false);
  await until(async () => (await textOf(page, '.stream')).includes('Live'), 'the stream comes back');
  await until(async () => (await textOf(page, 'tr[data-job="ana~live-1"]')).includes('Running'), 'what was missed is read');
}

/** One stream a browser, and it outlives the tab that read it. */
async function tabsTest(context, page, mock) {
  const second = await context.newPage();
  await second.goto(`${mock.url}#/jobs?q=tabs-`);
  await second.locator('.empty').waitFor();
  await until(async () => (await textOf(second, '.stream')).includes('Live'), 'the second tab is live');
  await until(() => mock.streams() === 1, 'two tabs share one stream');
  await page.close();
  await until(() => mock.streams() === 1, 'the second tab takes over');
  await until(async () => (await textOf(second, '.stream')).includes('Live'), 'and is live');
  mock.add('tabs-1');
  await until(async () => (await rows(second)) === 1, 'and hears of changes');
  return second;
}

async function lookTest(page, mock) {
  await page.getByRole('button', { name: /Account and display/ }).click();
  await page.getByLabel('Theme').selectOption('contrast');
  await accessible(page, 'account menu, high contrast');
  await page.getByLabel('Theme').selectOption('auto');
  await page.getByLabel('Language').selectOption('zh-CN');
  await until(async () => (await textOf(page, 'h1')) === '作业', 'the page speaks Chinese');
  await until(async () => (await page.evaluate(() => document.documentElement.lang)) === 'zh-CN', 'and says so to readers');
  await page.getByLabel('语言').selectOption('en');
  await page.keyboard.press('Escape');
  await page.setViewportSize({ width: 320, height: 640 });
  const own = ['#/', '#/submit', '#/templates', '#/jobs', '#/jobs/ana~dbg', '#/jobs/ana~dbg?tab=log', '#/jobs/ana~kept', '#/reservations?state=all', '#/nodes', '#/alerts', '#/alerts?show=history', '#/alerts?show=silences&new=yes', '#/jobs/ana~busy?tab=metrics', '#/reports', '#/profile'];
  for (const where of [...own, ...ADMIN_PAGES]) {
    await page.goto(mock.url + where);
    await page.locator('h1').waitFor();
    await accessible(page, `${where} at 320 px`);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    check(over <= 0, `${where} needs no sideways scrolling at 320 px (${over} px over)`);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.getByRole('button', { name: /Account and display/ }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('Password').waitFor();
  await accessible(page, 'login');
}

/** Rows in the order that the address holds, days, what cannot be reckoned, and the weekly mail. */
async function reportsTest(page, mock) {
  await page.goto(`${mock.url}#/reports`);
  const names = () => page.locator('tr[data-row] th').allTextContents();
  await until(async () => (await names()).length === 2, 'the report has its rows');
  check((await names())[0] === HOSTILE, 'in falling order of GPU hours, names as text');
  check((await textOf(page, '[data-figure=all] dd')) === '24', 'with the total');
  check((await textOf(page, '[data-figure=goodput] dd')) === '–', 'and without what is not known');
  check((await page.locator('.bars g').count()) >= 7, 'each day has its bar');
  await page.getByRole('link', { name: 'Wasted' }).click();
  await until(async () => (await names())[0] === 'vision', 'another order is a click');
  check(page.url().includes('sort=wasted'), 'and stands in the address');
  check((await page.locator('th[aria-sort=descending]').count()) === 1, 'which readers are told');
  const csv = await page.getByRole('link', { name: 'CSV' }).getAttribute('href');
  check(csv.includes('/site/drover/api/v2/reports/gpu?') && csv.includes('format=csv'), 'the table for spreadsheets is a link');
  await page.getByLabel('Send me the report each week').click();
  await until(async () => (await textOf(page, '.bymail')).includes('next:'), 'the weekly mail is asked for');
  await accessible(page, 'reports');
}

/** The site's name, menu and links come to open pages by themselves. */
async function siteTest(page, mock) {
  await until(async () => (await textOf(page, '.side .brand')).includes('Drover'), 'a site without a name is called Drover');
  mock.configure({
    name: 'The lab',
    menu: [{ title: 'Wiki', url: 'https://wiki.example/' }],
    links: [{ title: HOSTILE, url: '/help.html' }],
  });
  await until(async () => (await textOf(page, '.side .brand')).includes('The lab'), 'a new name is shown without a reload');
  await until(async () => (await page.title()).endsWith('The lab'), 'the title names the site');
  await until(async () => (await page.getByRole('link', { name: 'Wiki' }).getAttribute('href')) === 'https://wiki.example/', 'the menu has the entry');
  await until(async () => (await textOf(page, '.side')).includes(HOSTILE), 'a title is text');
  await accessible(page, 'the menu of the site');
}

await run(async (browser) => {
  // Below a base path: nothing may ask for "/api" or "/assets".
  const mock = await startMock({ root, base: '/site/drover/' });
  try {
    fill(mock);
    const { context, page, breaches } = await openWindow(browser);
    await signIn(page, mock);
    await homeTest(page, mock);
    await listTest(page, mock);
    await viewsTest(page, mock);
    await stopTest(page, mock);
    await jobTest(page, mock);
    await submitTest(page, mock);
    await templatesTest(page, mock);
    await reservationTest(page, mock);
    await logTest(page, mock);
    await longLogTest(page, mock);
    await scalarsTest(page, mock);
    await profileTest(page, mock);
    await tasksTest(page, mock);
    await compareTest(page, mock);
    await liveTest(page, mock);
    await alertsTest(page, mock);
    await adminTests(page, mock);
    await reportsTest(page, mock);
    await siteTest(page, mock);
    await apiTest(page, mock);
    const second = await tabsTest(context, page, mock);
    await lookTest(second, mock);
    check(breaches.length === 0, `no policy violation, no script error${breaches.map((b) => `\n     ${b}`).join('')}`);
    await context.close();
    await inviteTest(browser, mock);
  } finally {
    await mock.stop();
  }
});
