// SPDX-License-Identifier: MIT
// The way of somebody who is new: sign in, submit from a template, see why it waits, watch its log, read why it failed,
// open the shell of its reservation, clone and fix it, see it succeed, download what it made. Each next step is on the page.
import { readFileSync } from 'node:fs';
import { accessible, check, openWindow, textOf, until } from './browser.mjs';
import { countDeeds } from './hand.mjs';

export const TEMPLATE = 'first-training';
const PHRASE = 'a-good-phrase-7';
/** Long enough to be watched on a busy machine; once it is mended, nobody watches. */
const STEPS = 60;

/** Fails like a program in Python, until its parameter is a number. */
const COMMANDS = [
  'steps="<% $parameters.steps %>"',
  'echo "training $steps steps" | tee plan.txt',
  `case $steps in *[!0-9]*) n=${STEPS};; *) n=2;; esac`,
  'for i in $(seq 1 $n); do echo "step $i"; sleep 0.1; done',
  `case $steps in *[!0-9]*) printf 'Traceback (most recent call last):\\n  File "train.py", line 7, in <module>\\nValueError: steps must be a number\\n' >&2; exit 1;; esac`,
  'echo "the weights of $steps steps" > model.txt',
];

const CONFIG = `protocolVersion: 2
name: train
type: job
prerequisites:
  - {name: image, type: dockerimage, uri: "debian:12-slim"}
parameters:
  steps: ten
taskRoles:
  worker:
    instances: 1
    dockerImage: image
    resourcePerInstance: {cpu: 1, memoryMB: 64, gpu: 1}
    commands:
${COMMANDS.map((line) => `      - ${JSON.stringify(line)}\n`).join('')}extras:
  drover:
    debugReservation: {on: always, hold: gpus, maxMinutes: 30}
`;

/** What an administrator has made before. */
export async function prepare(rest) {
  await rest.call('POST', 'templates', { name: TEMPLATE, title: 'A first training', description: 'Trains for some steps.', visibility: 'public', config: CONFIG });
}

/** Somebody else's job has all GPUs until `free` is called. */
async function occupy(rest, name) {
  // What was kept, and stopped, before may still be on its way out.
  const { gpus } = await until(async () => (await rest.call('GET', 'nodes')).find((node) => node.gpus.used === 0), 'all GPUs are free');
  const full = `${rest.user}~${name}`;
  await rest.submit(name, gpus.total, ['exec sleep 3600']);
  await until(async () => (await rest.call('GET', `jobs/${full}`)).jobStatus.state === 'RUNNING', 'and then none is');
  return () => rest.call('PUT', `jobs/${full}/executionType`, { value: 'STOP' });
}

async function submits(page, hand) {
  await until(async () => (await textOf(page, '.home')).includes('no jobs yet'), 'home says how to begin');
  await hand.press('.hint a[href="#/templates"]');
  await page.locator(`tr[data-template="${TEMPLATE}"]`).waitFor();
  await hand.press(`tr[data-template="${TEMPLATE}"] .act a`);
  await until(async () => (await textOf(page, '.verdict')).includes('would be accepted, and wait'), 'the server says that it would wait');
  await hand.press('.headline button.primary');
  await until(async () => (await textOf(page, 'h1')) === 'train', 'it is submitted, and shown');
}

async function waits(page, free) {
  await until(async () => (await textOf(page, '.banner .state')).includes('Waiting'), 'it waits');
  await until(async () => (await textOf(page, '.banner .numbers')).includes('1'), 'the page says what it asks for and what there is');
  await until(async () => /GPU/.test(await textOf(page, '.banner section p')), 'and why it waits, in a sentence');
  await free();
  await until(async () => (await textOf(page, '.banner .state')).includes('Running'), 'then it runs');
}

async function fails(page, hand) {
  await hand.press('.tabs a[href*="tab=log"]');
  await until(async () => (await textOf(page, '.lines')).includes('step 2'), 'the log is shown');
  const before = (await textOf(page, '.lines')).length;
  await until(async () => (await textOf(page, '.lines')).length > before, 'and grows', 20_000);
  await until(async () => (await textOf(page, '.banner .state')).includes('Failed'), 'it fails');
  await until(async () => (await textOf(page, '.banner figure')).includes('ValueError: steps must be a number'), 'the page shows the line that says why');
  check((await textOf(page, '.banner')).includes('What to do'), 'and what to do');
  await hand.press('.banner a[href*="tab=log"]');
  await until(async () => (await textOf(page, '.log-state')).startsWith('Complete'), 'the log is complete');
}

async function looks(page, hand) {
  await page.locator('.reservation a[href^="terminal.html"]').waitFor();
  await hand.press('.reservation a[href^="terminal.html"]');
  await until(async () => (await textOf(page, '#state')) === 'Connected', 'a shell is open');
  await hand.line('cat plan.txt');
  await until(async () => (await textOf(page, '.xterm-rows')).includes('training ten steps'), 'it is where the task was');
  await accessible(page, 'terminal');
  await hand.leaveTerminal('#back');
  await page.locator('.reservation').waitFor();
}

async function mends(page, hand) {
  await hand.press('.headline a.button');
  await until(async () => (await textOf(page, '.headline')).includes('copy of'), 'a copy is written');
  await hand.type('input[aria-label="Parameters: value steps"]', '20');
  await until(async () => (await textOf(page, '.verdict')).includes('start now'), 'the server says that it would start');
  await hand.press('.headline button.primary');
  await until(async () => (await textOf(page, 'h1')) === 'train-2', 'it is submitted');
  await until(async () => (await textOf(page, '.banner .state')).includes('Succeeded'), 'and succeeds');
}

async function downloads(page, hand) {
  await hand.press('.tabs a[href*="tab=files"]');
  await page.locator('tr[data-file="model.txt"]').waitFor();
  await accessible(page, 'files of a task');
  const coming = page.waitForEvent('download');
  await hand.press('tr[data-file="model.txt"] a');
  const download = await coming;
  check(readFileSync(await download.path(), 'utf8') === 'the weights of 20 steps\n', 'the artifact is what the job wrote');
}

/** `Hand`: Keyboard or Pointer; `rest` is an administrator's. */
export async function newcomer(browser, base, rest, Hand) {
  const user = `new-${Hand.name.toLowerCase()}-${Date.now().toString(36)}`;
  await rest.call('POST', 'users', { username: user, password: PHRASE });
  const free = await occupy(rest, `all-${user}`);
  const { context, page, breaches } = await openWindow(browser);
  const deeds = await countDeeds(context);
  const hand = new Hand(page, deeds);
  await page.goto(base);
  await page.getByLabel('User').waitFor();
  await hand.type('input[name=username]', user);
  await hand.type('input[name=password]', PHRASE);
  await hand.press('button[type=submit]');
  await submits(page, hand);
  await waits(page, free);
  await fails(page, hand);
  await looks(page, hand);
  await mends(page, hand);
  await downloads(page, hand);
  hand.finish();
  check(breaches.length === 0, `no policy violation, no script error${breaches.map((b) => `\n     ${b}`).join('')}`);
  await rest.call('DELETE', `jobs/${user}~train/reservation`);
  await context.close();
}
