// SPDX-License-Identifier: MIT
// The profile page of a real server: keys of ssh, tokens, the address and the password of a user.
//   node tests/web/account.mjs URL ADMIN PASSWORD_FILE
import { readFileSync } from 'node:fs';
import { accessible, check, openWindow, run, signIn, textOf, until } from './browser.mjs';
import { Rest } from './rest.mjs';

const [base, admin, passwordFile] = process.argv.slice(2);
if (!passwordFile) throw new Error('usage: account.mjs URL ADMIN PASSWORD_FILE');
const rest = new Rest(base);
const USER = `ada-${Date.now().toString(36)}`;
const FIRST = 'a-good-phrase-7';
const SECOND = 'another-phrase-8';
const BASE64 = 'AAAAC3NzaC1lZDI1NTE5AAAAIKb1nvoLqSHI2E230WMIP9sS+GRBgzHZnwP6oXdZJa1E';
const KEY = `ssh-ed25519 ${BASE64}`;

async function keys(page) {
  const text = page.getByLabel('Public key');
  const add = page.getByRole('button', { name: 'Add a key' });
  const wrong = () => textOf(page, '#key-text-problem');
  await add.click();
  await until(async () => (await wrong()).includes('Paste the public key'), 'an empty key is refused in words');
  await text.fill('-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----');
  await add.click();
  await until(async () => (await wrong()).includes('keep it to yourself'), 'a private key is kept from the server');
  await text.fill('ssh-ed25519 AAAA ada@desk');
  check((await page.getByLabel('Title').inputValue()) === 'ada@desk', "the key's comment is the title");
  await add.click();
  await until(async () => (await wrong()).includes('This is no public key of ssh'), 'what only the server sees, it says at the field');
  check((await text.getAttribute('aria-invalid')) === 'true', 'and readers know the field');
  await accessible(page, 'a key refused');
  await text.fill(KEY);
  await page.getByLabel('Title').fill('desk/home');
  await add.click();
  await until(async () => (await textOf(page, '#key-title-problem')).includes('no slash'), 'a title that no address takes is refused');
  await page.getByLabel('Title').fill('desk, home');
  await add.click();
  const row = page.locator('tr', { hasText: 'desk, home' });
  await row.waitFor();
  const listed = await rest.call('GET', 'ssh-keys');
  check(listed.length === 1 && listed[0].value === KEY, 'the server has the key');
  for (const words of ['ssh-ed25519', listed[0].fingerprint]) check((await row.textContent()).includes(words), `the list says ${words}`);
  check((await text.inputValue()) === '', 'the form is empty again');
  await text.fill(KEY);
  await page.getByLabel('Title').fill('desk, home');
  await add.click();
  await until(async () => (await textOf(page, '#key-title-problem')).includes('key of this title'), 'a title is not taken twice');
  await page.locator('.how summary').click();
  await until(async () => (await textOf(page, '.how')).includes('drover ssh-config'), 'the page says how to use it');
  await accessible(page, 'keys');
  await row.getByRole('button').click();
  await until(async () => (await textOf(page, 'dialog')).includes(listed[0].fingerprint), 'the dialog names the key');
  await until(async () => (await page.evaluate(() => document.activeElement?.textContent)) === 'Cancel', 'the focus is on Cancel');
  await accessible(page, 'remove dialog');
  await page.keyboard.press('Enter');
  await until(async () => (await page.locator('dialog').count()) === 0, 'Enter removes nothing');
  check((await row.count()) === 1, 'the key is still there');
  await row.getByRole('button').click();
  await page.locator('dialog .danger').click();
  await until(async () => (await row.count()) === 0, 'it is removed');
  check((await rest.call('GET', 'ssh-keys')).length === 0, 'on the server, too');
}

async function tokens(page) {
  const applications = () => page.locator('tr[data-token]', { hasText: 'Program' });
  await page.getByLabel('It may only read').check();
  await page.getByRole('button', { name: 'Make it' }).click();
  await page.locator('.made code').waitFor();
  const token = await textOf(page, '.made code');
  const ask = (method, path) =>
    fetch(`${base}api/v2/${path}`, { method, headers: { Authorization: `Bearer ${token}` } }).then((answer) => answer.status);
  check((await ask('GET', 'jobs')) === 200, 'the token works');
  check((await ask('PUT', `jobs/${USER}~none/executionType`)) === 403, 'and only reads');
  await until(async () => (await applications().count()) === 1, 'it is in the list');
  const row = await applications().textContent();
  check(row.includes(`…${token.slice(-4)}`) || token.endsWith(row.match(/…(\S+?)Program/)?.[1] ?? '?'), 'by its last characters');
  check(/in (29|30) days/.test(row), `and ends in a month (${row})`);
  await accessible(page, 'a token made');
  await page.getByRole('button', { name: 'I have copied it' }).click();
  check(!(await page.content()).includes(token), 'then the page has it no more');
  await applications().getByRole('button').click();
  await page.locator('dialog .danger').click();
  await until(async () => (await applications().count()) === 0, 'it is revoked');
  check((await ask('GET', 'jobs')) === 401, 'and refused');
}

async function login(page) {
  await page.getByLabel('Address').fill('no address');
  await page.getByRole('button', { name: 'Set the address' }).click();
  await until(async () => (await textOf(page, '#email-problem')) !== '', 'a bad address is refused at its field');
  await page.getByLabel('Address').fill('ada@example.org');
  await page.getByRole('button', { name: 'Set the address' }).click();
  await until(async () => (await rest.call('GET', `users/${USER}`)).email === 'ada@example.org', 'the address is set');
  const fill = async (before, after, again) => {
    await page.getByLabel('Password until now').fill(before);
    await page.getByLabel('New password', { exact: true }).fill(after);
    await page.getByLabel('New password once more').fill(again);
    await page.getByRole('button', { name: 'Change the password' }).click();
  };
  await fill(FIRST, SECOND, 'else');
  await until(async () => (await textOf(page, '#password-again-problem')).includes('not the same'), 'two passwords are refused in words');
  await fill('wrong', SECOND, SECOND);
  await until(async () => (await textOf(page, '#password-before-problem')) !== '', 'a wrong one is refused at its field');
  await fill(FIRST, 'short', 'short');
  await until(async () => (await textOf(page, '#password-after-problem')) !== '', 'a bad one at its own');
  await accessible(page, 'a password refused');
  await fill(FIRST, SECOND, SECOND);
  await until(async () => (await textOf(page, '.notices')).includes('password is changed'), 'the password is changed');
  await page.reload();
  await until(async () => (await textOf(page, 'h1')) === 'Profile', 'one stays signed in');
}

await run(async (browser) => {
  await rest.signIn(admin, readFileSync(passwordFile, 'utf8').replace(/\r?\n$/, ''));
  await rest.call('POST', 'users', { username: USER, password: FIRST });
  await rest.signIn(USER, FIRST);
  const { page, breaches } = await openWindow(browser);
  await signIn(page, base, USER, FIRST);
  await page.getByRole('button', { name: /Account and display/ }).click();
  await page.getByRole('link', { name: /Profile/ }).click();
  await until(async () => (await textOf(page, 'h1')) === 'Profile', 'the account menu leads to the profile');
  await accessible(page, 'profile');
  await keys(page);
  await tokens(page);
  await login(page);
  await rest.signIn(USER, SECOND);
  check(breaches.length === 0, `no policy violation, no script error${breaches.map((b) => `\n     ${b}`).join('')}`);
});
