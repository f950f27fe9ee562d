// SPDX-License-Identifier: MIT
// The researcher's own pages on the mock: home, writing a job, templates. Parts of pages.mjs.
import { accessible, check, textOf, until } from './browser.mjs';

export async function homeTest(page, mock) {
  await until(async () => /Waiting\s*2/.test(await textOf(page, '.counts')), 'home counts my jobs by state');
  await until(async () => (await textOf(page, '.home')).includes('The process asked for more memory than its GPU had left.'), 'a failed job has its diagnosis in one line');
  await until(async () => (await textOf(page, '.alerts')).includes('8 GPUs are not used'), 'alerts of mine');
  check(!(await textOf(page, '.alerts')).includes('bo~idle'), 'and of nobody else');
  await until(async () => (await textOf(page, '.halves')).includes('3 of 16'), 'what is free now');
  await until(async () => (await textOf(page, '.halves')).includes('12 of 16'), 'and what my virtual clusters use');
  await accessible(page, 'home');
  await page.locator('.counts a', { hasText: 'Failed' }).click();
  await until(() => page.url().includes('state=FAILED') && page.url().includes('user=%40me'), 'a count leads to its jobs');
}

const yaml = (page) => page.getByLabel('The job as YAML').inputValue();
const verdict = (page) => textOf(page, '.verdict');

export async function submitTest(page, mock) {
  await page.goto(`${mock.url}#/submit`);
  await until(async () => (await verdict(page)).includes('start now'), 'the server says that the example would start');
  await accessible(page, 'submit');
  await page.getByLabel('Name', { exact: true }).fill('written');
  await until(async () => (await yaml(page)).includes('name: written\n'), 'the form writes the text');
  await page.getByLabel('The job as YAML').fill((await yaml(page)).replace('instances: 1', 'instances: 8 # eight\n    unknownToTheForm: [1, 2]'));
  await until(async () => (await page.getByLabel('Tasks', { exact: true }).inputValue()) === '8', 'the text fills the form');
  await until(async () => (await verdict(page)).includes('would be accepted, and wait') && (await verdict(page)).includes('vision holds 128'), 'a job that would wait says why');
  await accessible(page, 'a job that would wait');
  await page.getByLabel('SKU', { exact: true }).selectOption('NVIDIA-V100');
  await until(async () => (await yaml(page)).includes('skuType: NVIDIA-V100') && /cpu: 8, memoryMB: 65536, gpu: 1/.test(await yaml(page)), 'a SKU brings its share');
  check(/instances: 8 # eight\n {4}unknownToTheForm: \[1, 2\]/.test(await yaml(page)), 'what the form does not know stays');
  await page.getByLabel('CPUs', { exact: true }).fill('0');
  await until(async () => (await textOf(page, '[id="job/taskRoles/main/resourcePerInstance/cpu-problem"]')).includes('at least 1'), 'a fault is told at its field');
  await until(async () => (await page.locator('.yaml-area li.wrong').count()) === 1, 'and at its line');
  check(await page.getByRole('button', { name: 'Submit', exact: true }).isDisabled(), 'and cannot be submitted');
  await accessible(page, 'a job with a fault');
  await page.getByRole('button', { name: /Go to line/ }).click();
  await until(async () => page.evaluate(() => document.activeElement?.tagName === 'TEXTAREA'), 'the line is one click away');
  await page.getByLabel('CPUs', { exact: true }).fill('2');
  await page.getByRole('button', { name: 'Add a secret' }).click();
  await page.getByLabel('Secrets: value SECRET1').fill('s3cret-thing');
  await until(async () => (await yaml(page)).includes('SECRET1: s3cret-thing'), 'a secret is written');
  const kept = await page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }));
  check(kept.includes('written') && !kept.includes('s3cret-thing'), 'what is kept has no secret in it');
  await page.reload();
  await until(async () => (await yaml(page)).includes('name: written') && (await textOf(page, '.submit')).includes('to be given again: SECRET1'), 'a reload keeps the text, and asks for the secret');
  await page.getByLabel('The job as YAML').fill(`${await yaml(page)}broken: &anchor [\n`);
  await until(async () => (await textOf(page, '.no-form')).includes('edited in the text only'), 'a text that the form cannot follow says so');
  await page.getByLabel('The job as YAML').fill((await yaml(page)).replace('broken: &anchor [\n', ''));
  await until(async () => (await verdict(page)).includes('would be accepted'), 'and it is checked again');
  check(mock.asked.every(({ dry }) => dry), 'nothing was submitted until now');
  await page.getByRole('button', { name: 'Submit', exact: true }).click();
  await until(async () => (await textOf(page, 'h1')) === 'written', 'the job is submitted, and shown');
  check(mock.asked.filter(({ dry }) => !dry).length === 1, 'once');
  await page.getByRole('link', { name: 'Clone' }).click();
  await until(async () => (await yaml(page)).includes('name: written-2'), 'a copy has a name of its own');
  await page.getByLabel('Tasks', { exact: true }).fill('3');
  await until(async () => (await textOf(page, '.task-role')).includes('changed, was 8'), 'what was changed is marked');
  check((await page.locator('.yaml-area li.new').count()) === 2, 'in the text, too');
  await accessible(page, 'a copy');
  await page.getByRole('button', { name: 'Start over' }).click();
  await page.locator('dialog .danger').click();
  await until(async () => (await yaml(page)).includes('name: my-job'), 'one can start over');
}

export async function templatesTest(page, mock) {
  await page.goto(`${mock.url}#/templates`);
  await until(async () => (await textOf(page, '.empty')).includes('no templates yet'), 'an empty page says how to fill it');
  await page.goto(`${mock.url}#/jobs/ana~written?tab=config`);
  await page.getByRole('link', { name: 'Make a template of it' }).click();
  await page.getByLabel('Name', { exact: true }).fill('a name');
  await until(async () => (await textOf(page, '#template-name-problem')).includes('letters'), 'a bad name is told at once');
  await page.getByLabel('Name', { exact: true }).fill('starter');
  await page.getByLabel('Title').fill('<img src=x onerror=alert(1)>');
  await page.getByLabel('Shared with').selectOption('group');
  await page.locator('#template-group').selectOption('lab');
  await accessible(page, 'sharing a job');
  await page.getByRole('button', { name: 'Make the template' }).click();
  await until(async () => (await textOf(page, 'pre.config')).includes('name: written'), 'the template is shown with its text');
  await accessible(page, 'a template');
  await page.goto(`${mock.url}#/templates?q=starter`);
  await until(async () => (await page.locator('tr[data-template]').count()) === 1, 'it is in the list');
  check((await textOf(page, 'tr[data-template]')).includes('group lab'), 'with whom it is shared');
  await accessible(page, 'templates');
  await page.getByRole('link', { name: /^Try/ }).click();
  await until(async () => (await yaml(page)).includes('name: written'), 'trying it writes a job');
}
