// SPDX-License-Identifier: MIT
// The pages for admins, the map and help, on the mock; run by pages.mjs in its browser.
import { accessible, check, textOf, until } from './browser.mjs';

const HOSTILE = '<img src=x onerror=alert(1)>';

export const ADMIN_PAGES = ['#/gpus', '#/vcs?vc=vision', '#/users?user=bo', '#/users?import=yes', '#/groups?group=teachers', '#/audit', '#/settings', '#/help'];

/** 16,000 GPUs: only what is in sight is drawn, the filter is in the address, and nobody needs a colour or a pointer. */
async function mapTest(page, mock) {
  await page.goto(`${mock.url}#/gpus`);
  await until(async () => (await textOf(page, '.map-sums')).includes('10,667 of 16,000 GPUs held on 2,000 nodes'), 'the map counts all GPUs');
  const tiles = () => page.locator('.tile').count();
  check((await tiles()) < 400, 'and draws those in sight');
  await accessible(page, 'GPU map');
  await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
  await page.locator('[data-node="node-1999"]').waitFor();
  check((await tiles()) < 400, 'at its end, too');
  await page.goto(`${mock.url}#/gpus?show=wrong&sku=a100`);
  await until(async () => (await textOf(page, '.map-sums')).includes('of 7 GPUs held on 7 nodes'), 'a filter comes from the address');
  await page.getByLabel('Search nodes').fill('node-7');
  await until(() => page.url().includes('q=node-7'), 'and goes there');
  await page.locator('[data-node="node-7"]').focus();
  await until(async () => (await textOf(page, '.map-strip')).includes('Failed'), 'the focus tells what is wrong in words');
  check((await page.locator('[data-node="node-7"]').getAttribute('aria-label')).includes('1 with faults'), 'as does the tile itself');
  check((await textOf(page, '.map-strip')).includes(HOSTILE), 'a name is text');
  await page.keyboard.press('Enter');
  await until(() => page.url().endsWith('#/nodes/node-7'), 'Enter opens the node');
  await until(async () => (await textOf(page, 'h1')) === 'node-7', 'and its page');
}

async function vcTest(page, mock) {
  await page.goto(`${mock.url}#/vcs?vc=vision`);
  await until(async () => (await page.locator('tr[data-vc]').count()) === 4, 'all virtual clusters are there');
  await until(async () => (await textOf(page, 'tr[data-vc="vision-small"]')).includes('4 of 4 · 2 borrowed · 1 opportunistic'), 'a bar is told in words');
  check((await textOf(page, 'tr[data-vc="vision-small"]')).includes('within vision'), 'and whose part it is');
  await page.getByText('Change vision').click();
  await page.getByLabel('GPUs', { exact: true }).fill('8');
  await page.getByLabel('May borrow').fill('x');
  await until(async () => (await page.locator('.edit').textContent()).includes('A whole number'), 'what makes no sense is said');
  check(await page.getByRole('button', { name: /^Apply/ }).isDisabled(), 'and cannot be sent');
  await page.getByLabel('May borrow').fill('101');
  await until(async () => /Guaranteed, a10016 GPUs → 8 GPUs/.test(await textOf(page, '.preview')), 'what will change is told before');
  check((await textOf(page, '.preview')).includes('4 GPUs that it holds now would become borrowed'), 'and what it means for what is held');
  await accessible(page, 'a virtual cluster being changed');
  await page.getByRole('button', { name: 'Apply 2 changes' }).click();
  await until(async () => (await page.locator('.edit [role=alert]').allTextContents()).join('').includes('nobody can borrow 101'), 'a refusal is in the words of the server');
  await page.getByLabel('May borrow').fill('6');
  await page.getByRole('button', { name: 'Apply 2 changes' }).click();
  await until(async () => (await textOf(page, '.notices')).includes('vision is changed'), 'a change is made');
  await page.getByRole('button', { name: 'Stop accepting jobs' }).click();
  await until(async () => (await textOf(page, 'dialog')).includes('5 unfinished jobs go on'), 'a question tells what goes on');
  await page.locator('dialog').getByRole('button', { name: 'Stop accepting jobs' }).click();
  await until(async () => (await textOf(page, 'tr[data-vc="vision"]')).includes('Stopped'), 'and the state is shown');
}

async function userTest(page, mock) {
  await page.goto(`${mock.url}#/users?show=expired`);
  await until(async () => (await page.locator('tr[data-user]').count()) === 1, 'users are filtered by the address');
  await page.goto(`${mock.url}#/users`);
  await until(async () => (await textOf(page, '.pages')).includes('1–100 of 123'), 'and paged');
  await page.getByLabel('Search names').fill('bo@');
  await page.locator('tr[data-user="bo"] a').click();
  await page.getByLabel('E-mail').fill('no@address');
  await page.getByLabel('Disabled: every login').uncheck();
  await accessible(page, 'a user');
  await page.getByRole('button', { name: 'Apply 2 changes' }).click();
  await until(async () => (await page.locator('.one [role=alert]').allTextContents()).join('').includes('is no address'), 'a refusal is in the words of the server');
  await page.getByLabel('E-mail').fill('bo@new.org');
  await page.getByRole('button', { name: 'Apply 2 changes' }).click();
  await until(async () => (await textOf(page, 'tr[data-user="bo"]')).includes('Active'), 'a user is changed');
  await page.getByRole('button', { name: 'New invitation' }).click();
  await until(async () => (await textOf(page, '.made')).includes('#/invite/1234'), 'an invitation is shown once');
}

async function importTest(page, mock) {
  await page.goto(`${mock.url}#/users?import=yes`);
  const table = page.getByLabel('or the table itself');
  await table.fill(`username,email\nnew-1,a@b.c\nbo,x@y.z\n${HOSTILE},\n`);
  await page.getByRole('button', { name: 'Check' }).click();
  await until(async () => (await textOf(page, '.report')).includes('2 good rows, 1 bad ones'), 'a table is checked first');
  check((await textOf(page, '[data-line="3"]')).includes('User name bo already exists'), 'each bad row says why');
  check((await textOf(page, '[data-line="2"]')).includes('will be made'), 'each good one what would be done');
  check(await page.getByRole('button', { name: /^Import 2/ }).isDisabled(), 'all or nothing: nothing');
  await accessible(page, 'an import');
  await page.getByLabel('When a row is bad').selectOption('rows');
  await until(async () => (await page.locator('.report').count()) === 0, 'after a change it has to be checked again');
  await page.getByRole('button', { name: 'Check' }).click();
  await page.getByRole('button', { name: 'Import 2 rows' }).click();
  await page.locator('dialog').getByRole('button', { name: 'Import 2 rows' }).click();
  await until(async () => (await textOf(page, '[data-line="2"]')).includes('#/invite/new-1'), 'the links are shown');
  check((await textOf(page, '[data-line="4"]')).includes(HOSTILE), 'a name is text');
  check((await page.getByRole('link', { name: 'Download the links' }).getAttribute('download')) === 'invitations.csv', 'and can be downloaded');
  await page.getByRole('button', { name: 'Undo the import' }).click();
  await page.locator('dialog').getByRole('button', { name: 'Undo the import' }).click();
  await until(async () => (await textOf(page, '.notices')).includes('2 users are as before'), 'an import is undone');
}

async function othersTest(page, mock) {
  await page.goto(`${mock.url}#/groups?group=teachers`);
  await until(async () => (await textOf(page, 'tr[data-group="vision"] .number')) !== '', 'groups count their members');
  await page.getByRole('group', { name: 'May submit to' }).getByLabel('nlp').check();
  await accessible(page, 'a group');
  await page.getByRole('button', { name: 'Change it' }).click();
  await until(async () => (await textOf(page, '.notices')).includes('teachers is changed'), 'a group is changed');

  await page.goto(`${mock.url}#/audit`);
  await until(async () => (await page.locator('tr[data-record]').count()) === 100, 'the audit log shows its newest');
  check((await textOf(page, 'tr[data-record="250"]')).includes(HOSTILE), 'an object is text');
  await page.getByRole('button', { name: 'Check the chain' }).click();
  await until(async () => (await textOf(page, '.chain')).includes('250 records, none changed or missing'), 'its chain is checked');
  await accessible(page, 'audit log');
  await page.getByRole('link', { name: 'Older' }).click();
  await until(() => page.url().includes('cursor=151'), 'and older ones');
  await page.locator('tr[data-record] a', { hasText: 'UnauthorizedUserError' }).first().click();
  await until(async () => (await page.locator('tr[data-record]').count()) === 50, 'a click filters');

  await page.goto(`${mock.url}#/settings`);
  await page.getByLabel('Name of the site').fill('Our lab');
  await page.getByRole('group', { name: 'Menu entries', exact: true }).getByRole('button', { name: 'Add' }).click();
  await page.getByLabel('Title').fill('Notes');
  await page.getByLabel('Address').fill('javascript:alert(1)');
  await accessible(page, 'settings');
  await page.getByRole('form', { name: 'Settings' }).getByRole('button', { name: 'Save' }).click();
  await until(async () => (await page.locator('form [role=alert]').allTextContents()).join('').includes('https://'), 'the server takes addresses of pages alone');
  await page.getByLabel('Address').fill('https://notes.example/');
  await page.getByRole('form', { name: 'Settings' }).getByRole('button', { name: 'Save' }).click();
  await until(async () => (await textOf(page, '.side')).includes('Our lab'), 'a new name is shown at once');

  await page.goto(`${mock.url}#/vcs`);
  await page.getByRole('link', { name: 'Borrowed' }).click();
  await until(async () => (await textOf(page, '.words .chosen')).includes('taken back'), 'a word leads to what it means');
  await page.getByLabel('Search words').fill('snooze');
  await until(async () => (await page.locator('.words dt').count()) <= 2, 'and words can be searched');
  await accessible(page, 'help');
}

async function snoozeTest(page, mock) {
  const job = mock.add('quiet', { state: 'RUNNING', launched: Date.now(), gpus: 2 });
  await page.goto(`${mock.url}#/jobs/ana~quiet?tab=metrics`);
  await page.getByRole('button', { name: 'Snooze idle rules' }).click();
  await page.getByLabel('Why', { exact: true }).fill('data is still being copied');
  await accessible(page, 'a snooze');
  await page.locator('dialog').getByRole('button', { name: 'Snooze idle rules' }).click();
  await until(async () => (await textOf(page, '.notices')).includes('leave ana~quiet alone for 4h'), 'a job is left alone for a while');
  mock.update(job, { state: 'SUCCEEDED', completed: Date.now(), exitCode: 0 });
}

/** What comes by mail, and webhooks: a refusal at its field, a secret once, a log. */
async function noticeTest(page, mock) {
  await page.goto(`${mock.url}#/profile`);
  const mail = page.getByRole('form', { name: 'By mail' });
  await mail.getByLabel('Failed').check();
  await mail.getByLabel('Quiet hours').check();
  await mail.getByLabel('Your clock against UTC').fill('Mars');
  await mail.getByRole('button', { name: 'Save' }).click();
  await until(async () => (await textOf(page, '#quiet-offset-problem')).includes('such as +08:00'), 'a refusal stands at its field');
  await mail.getByLabel('Your clock against UTC').fill('+08:00');
  await mail.getByRole('button', { name: 'Save' }).click();
  await until(async () => (await textOf(page, '.notices')).includes('notifications are saved'), 'kinds, quiet hours and digest are saved');
  await until(async () => mail.getByRole('button', { name: 'Save' }).isDisabled(), 'and nothing is left to save');
  check((await mail.getByLabel('From').inputValue()) === '22:00', 'the night is there');
  await mail.getByRole('button', { name: 'Send a test mail' }).click();
  await until(async () => (await mail.locator('[role=alert]').allTextContents()).join('').includes('sends no mail'), 'a test tells why none comes');

  const make = page.getByRole('form', { name: 'Add a webhook' });
  await make.getByLabel('Name').fill('chat');
  await make.getByLabel('URL').fill('http://10.0.0.1/');
  await make.getByRole('button', { name: 'Add the webhook' }).click();
  await until(async () => (await textOf(page, '#webhook-url-problem')).includes('https://'), 'an address is refused at its field');
  await make.getByLabel('URL').fill('https://hooks.example/services/1');
  await make.getByLabel('Format').selectOption('slack');
  await make.getByRole('button', { name: 'Add the webhook' }).click();
  await until(async () => (await textOf(page, '.made')).includes('whsec_'), 'its secret is shown');
  await accessible(page, 'notifications');
  await page.getByRole('button', { name: 'I have kept it' }).click();
  await until(async () => (await page.locator('.made').count()) === 0, 'once');
  await make.getByLabel('Name').fill('chat');
  await make.getByRole('button', { name: 'Add the webhook' }).click();
  await until(async () => (await textOf(page, '#webhook-name-problem')).includes('of this name'), 'another of its name would change it');
  await page.getByRole('button', { name: 'Change: chat' }).click();
  const edit = page.getByRole('form', { name: 'Change webhook chat' });
  check((await edit.getByLabel('URL').inputValue()) === 'https://hooks.example/services/1', 'what it has is there to be changed');
  await edit.getByLabel('URL').fill('https://hooks.example/services/2');
  await edit.getByRole('button', { name: 'Save the webhook' }).click();
  await until(async () => (await textOf(page, 'tr[data-webhook="chat"]')).includes('services/2'), 'it is changed');
  check((await page.locator('.made').count()) === 0, 'and keeps its secret');
  await page.getByRole('button', { name: 'Turn off: chat' }).click();
  await until(async () => (await page.locator('tr[data-webhook="chat"] td').first().textContent()) === 'Off', 'it is turned off');
  await page.getByRole('button', { name: 'Test: chat' }).click();
  await until(async () => (await textOf(page, 'tr[data-delivery]')).includes('404 The receiver refused it.'), 'a test is in its log');
  await page.getByRole('button', { name: 'New secret: chat' }).click();
  await page.locator('dialog').getByRole('button', { name: 'New secret' }).click();
  await until(async () => (await textOf(page, '.made')).includes('whsec_'), 'a new secret is shown, too');
  await accessible(page, 'a webhook and its log');
  await page.getByRole('button', { name: 'Remove: chat' }).click();
  await page.locator('dialog').getByRole('button', { name: 'Remove' }).click();
  await until(async () => (await page.locator('tr[data-webhook]').count()) === 0, 'and it is removed');

  await page.goto(`${mock.url}#/settings`);
  const site = page.getByRole('form', { name: 'Add a webhook' });
  await site.getByLabel('Name').fill('pager');
  await site.getByLabel('URL').fill('https://pager.example/');
  check((await site.getByLabel('Keeps my quiet hours').count()) === 0, 'the site has no quiet hours');
  await site.getByRole('button', { name: 'Add the webhook' }).click();
  await page.locator('tr[data-webhook="pager"]').waitFor();
}

/** Windows: what is not filled in is told at its field, who is hit before, and one that has begun is ended. */
async function maintenanceTest(page, mock) {
  await page.goto(`${mock.url}#/nodes`);
  await until(async () => (await textOf(page, '.windows')).includes('None is planned.'), 'no maintenance is planned');
  await page.getByRole('button', { name: 'Plan a window' }).click();
  const form = page.getByRole('form', { name: 'Plan a window' });
  await form.getByRole('button', { name: 'Plan the window' }).click();
  await until(async () => (await textOf(page, '#window-nodes-problem')).includes('at least one node'), 'a window without nodes is refused at the field');
  await form.getByLabel('Names of nodes').fill('node-9');
  await until(async () => (await form.textContent()).includes('There is no node node-9.'), 'a node that is not there is told at once');
  await form.getByLabel('Names of nodes').fill('node-1');
  await form.getByLabel('Jobs at the start').selectOption('stop');
  await until(async () => (await form.textContent()).includes('and are stopped if they still run by then: 1'), 'the jobs that it would stop are shown');
  check((await textOf(page, '.windows .told')).includes('ana~steady'), 'by name');
  await form.getByLabel('Start').first().fill('2001-01-01T08:00');
  await form.getByLabel('End').fill('2001-01-01T09:00');
  await form.getByRole('button', { name: 'Plan the window' }).click();
  await until(async () => (await textOf(page, '#window-end-problem')).includes('after now'), 'a refusal of the server stands at its field');
  await form.getByLabel('End').fill('2099-01-01T09:00');
  await form.getByLabel('Reason').fill(HOSTILE);
  await accessible(page, 'planning of maintenance');
  await form.getByRole('button', { name: 'Plan the window' }).click();
  await until(async () => (await textOf(page, 'tr[data-window]')).includes('Active'), 'the window is in the list');
  check((await textOf(page, 'tr[data-window]')).includes(HOSTILE), 'a reason is text');
  await accessible(page, 'maintenance windows');
  await page.getByRole('button', { name: 'Change the end: node-1' }).click();
  const move = page.getByRole('form', { name: 'When this maintenance ends' });
  check((await move.getByLabel('End').inputValue()) === '2099-01-01T09:00', 'its end is there to be changed');
  await move.getByLabel('End').fill('2001-01-01T08:30');
  await move.getByRole('button', { name: 'Save' }).click();
  await until(async () => (await textOf(page, '#window-new-end-problem')).includes('after now'), 'an end that is over is refused at the field');
  await move.getByLabel('End').fill('2099-01-02T09:00');
  await accessible(page, 'another end of a window');
  await move.getByRole('button', { name: 'Save' }).click();
  await until(async () => (await textOf(page, 'tr[data-window]')).includes('Jan 2, 2099'), 'a window that has begun is longer');
  await page.getByRole('button', { name: 'End now: node-1' }).click();
  await page.locator('dialog').getByRole('button', { name: 'End now' }).click();
  await until(async () => (await page.locator('tr[data-window]').count()) === 0, 'and ended');
}

export async function adminTests(page, mock) {
  await mapTest(page, mock);
  await vcTest(page, mock);
  await userTest(page, mock);
  await importTest(page, mock);
  await othersTest(page, mock);
  await snoozeTest(page, mock);
  await noticeTest(page, mock);
  await maintenanceTest(page, mock);
  mock.configure({ name: 'Drover', menu: [], links: [] });
}
