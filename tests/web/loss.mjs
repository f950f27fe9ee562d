// SPDX-License-Identifier: MIT
// The loss of a job that writes a TensorBoard event file, on the page of a real server, while it writes.
//   node tests/web/loss.mjs URL USER PASSWORD_FILE [FOLDER for screenshots]
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { accessible, check, openWindow, run, textOf, until } from './browser.mjs';
import { Rest } from './rest.mjs';

const [base, user, passwordFile, shots] = process.argv.slice(2);
if (!passwordFile) throw new Error('usage: loss.mjs URL USER PASSWORD_FILE [FOLDER]');
const password = readFileSync(passwordFile, 'utf8').replace(/\r?\n$/, '');
const rest = new Rest(base);
const STEPS = 40;

const TABLE = Array.from({ length: 256 }, (_, i) => {
  let c = i;
  for (let k = 0; k < 8; k += 1) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
  return c;
});

/** CRC32C as event files mask it. */
function maskedCrc(bytes) {
  let c = 0xffffffff;
  for (const byte of bytes) c = TABLE[(c ^ byte) & 255] ^ (c >>> 8);
  c = (c ^ 0xffffffff) >>> 0;
  const out = Buffer.alloc(4);
  out.writeUInt32LE((((c >>> 15) | (c << 17)) + 0xa282ead8) >>> 0);
  return out;
}

function record(event) {
  const length = Buffer.alloc(8);
  length.writeUInt32LE(event.length);
  return Buffer.concat([length, maskedCrc(length), event, maskedCrc(event)]);
}

/** An event of one scalar; each number is below 128, so one byte of a varint. */
function scalar(step, tag, value) {
  const time = Buffer.alloc(9, 0x09);
  time.writeDoubleLE(1_700_000_000 + step, 1);
  const number = Buffer.alloc(5, 0x15);
  number.writeFloatLE(value, 1);
  const one = Buffer.concat([Buffer.from([0x0a, tag.length]), Buffer.from(tag), number]);
  const summary = Buffer.concat([Buffer.from([0x0a, one.length]), one]);
  return record(Buffer.concat([time, Buffer.from([0x10, step, 0x2a, summary.length]), summary]));
}

/** A record each half second; each value is a multiple of 1/4, which a float holds. */
const lossAt = (step) => 20 - step / 4;
const append = (bytes) => `echo ${bytes.toString('base64')} | base64 -d >> tb/events.out.tfevents.1`;

await run(async (browser) => {
  const { page, breaches } = await openWindow(browser);
  await rest.signIn(user, password);
  await page.goto(base);
  await page.getByLabel('User').fill(user);
  await page.getByLabel('Password').fill(password);
  await page.keyboard.press('Enter');
  await page.locator('main#main').waitFor();
  const lines = Array.from({ length: STEPS }, (_, step) => `${append(scalar(step, 'train/loss', lossAt(step)))}; sleep 0.5`);
  await rest.submit('loss', 0, ['mkdir tb', ...lines, 'sleep 3600']);
  await page.goto(`${base}#/jobs/${user}~loss?tab=metrics`);
  const chart = page.locator('.curve', { has: page.getByRole('heading', { name: 'train/loss' }) });
  const last = async () => Number((await chart.locator('.legend output').count()) && (await chart.locator('.legend output').textContent()));
  const first = await until(last, 'the loss has a curve while the job runs');
  await chart.locator('canvas').waitFor();
  await until(async () => (await last()) < first, 'which goes on by itself');
  await until(async () => (await last()) === lossAt(STEPS - 1), 'to the last value that was written');
  await accessible(page, 'the loss of a running job');
  if (shots) await page.screenshot({ path: join(shots, 'loss.png'), fullPage: true });
  await chart.locator('summary').click();
  const shown = await chart.locator('.figures tbody tr').evaluateAll((rows) => rows.map((row) => [row.children[0].textContent, row.children[1].textContent].map(Number)));
  const written = Array.from({ length: STEPS }, (_, i) => [STEPS - 1 - i, lossAt(STEPS - 1 - i)]);
  check(JSON.stringify(shown) === JSON.stringify(written), 'the table has each step with the value that the program wrote');
  await page.getByRole('button', { name: 'Stop', exact: true }).click();
  await page.locator('dialog button.danger').click();
  await until(async () => (await textOf(page, '.banner .state')).includes('Stopped'), 'the job is stopped');
  await page.reload();
  await until(async () => (await last()) === lossAt(STEPS - 1), 'its loss is kept');
  check(breaches.length === 0, `no policy violation, no script error${breaches.map((b) => `\n     ${b}`).join('')}`);
});
