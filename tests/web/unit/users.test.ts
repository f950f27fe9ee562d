// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImportReport, User } from '../../../web/src/api-admin.ts';
import { auditParams, auditQuery, parseAudit } from '../../../web/src/audit.ts';
import { accountOf, changeOfUser, dayOf, draftOfUser, endOfDay, filterUsers, maskPasswords, rowsOfImport, sheetOf } from '../../../web/src/users.ts';

const user = (username: string, over: Partial<User> = {}): User => ({
  username, email: '', admin: false, grouplist: ['default'], virtualCluster: ['default'], managedVirtualCluster: [], disabled: false, expires: null, userDiskMB: 0, ...over,
});
const NOW = 1_800_000_000_000;

test('users are found by name, address, account, cluster and group', () => {
  const users = [
    user('ana', { admin: true }), user('bo', { disabled: true, email: 'bo@x.org' }), user('li', { expires: NOW - 1 }),
    user('vi', { virtualCluster: ['default', 'vision'], grouplist: ['default', 'vision'], expires: NOW + 1 }),
  ];
  const names = (over: object) => filterUsers(users, { q: '', show: 'all', vc: '', group: '', ...over }, NOW).map((one) => one.username);
  assert.deepEqual(names({ q: 'X.ORG' }), ['bo']);
  assert.deepEqual(names({ show: 'admins' }), ['ana']);
  assert.deepEqual(names({ show: 'disabled' }), ['bo']);
  assert.deepEqual(names({ show: 'expired' }), ['li']);
  assert.deepEqual(names({ show: 'novc' }), ['bo', 'li']);
  assert.deepEqual(names({ vc: 'vision' }), ['ana', 'vi']);
  assert.deepEqual(names({ group: 'vision' }), ['vi']);
  assert.deepEqual(users.map((one) => accountOf(one, NOW)), ['active', 'disabled', 'expired', 'active']);
});

test('a draft sends what changed, and makes the group of a cluster with its first member', () => {
  const ana = user('ana');
  const draft = draftOfUser(ana);
  assert.deepEqual(changeOfUser(ana, draft, ['default'], []), { username: 'ana' });
  assert.deepEqual(changeOfUser(ana, { ...draft, email: 'a@b.c', disabled: true, expires: '2027-01-31' }, ['default'], []), {
    username: 'ana', email: 'a@b.c', disabled: true, expires: endOfDay('2027-01-31'),
  });
  assert.deepEqual(changeOfUser(ana, { ...draft, groups: ['default', 'vision'] }, ['default', 'vision'], ['vision']), { username: 'ana', grouplist: ['default', 'vision'] });
  assert.deepEqual(changeOfUser(ana, { ...draft, groups: ['default', 'new'] }, ['default'], ['new']), { username: 'ana', grouplist: ['default'], virtualCluster: ['new'] });
  assert.equal(changeOfUser(ana, { ...draft, disk: '-3' }, [], []), null);
});

test('a day ends when the next begins, and is read back as it was', () => {
  assert.equal(dayOf(endOfDay('2027-02-28')), '2027-02-28');
  assert.equal(endOfDay('tomorrow'), null);
  assert.equal(dayOf(null), '');
});

const REPORT: ImportReport = {
  dryRun: true, applied: false, importId: null, rows: 3, badRows: 1, errorCount: 2,
  errors: [{ line: 3, field: 'email', code: 'X', message: 'is none' }, { line: 3, field: '', code: 'X', message: 'twice' }],
  users: [{ line: 4, username: '=cmd', action: 'create', invitation: 'http://x/"1"' }, { line: 2, username: 'bo', action: 'update' }],
};

test('an import is told by rows, and shows no password', () => {
  const rows = rowsOfImport(REPORT, 'username,"Password",email\nbo,s3cret,\nli,s3cret,nowhere\n=cmd,,\n');
  assert.deepEqual(rows.map((row) => [row.line, row.name, row.problems]), [[2, 'bo', []], [3, 'li,…,nowhere', ['email: is none', 'twice']], [4, '=cmd', []]]);
  assert.equal(maskPasswords('username', 'a,b'), 'a,b');
});

test('a sheet of links has nothing that a spreadsheet computes', () => {
  assert.equal(sheetOf(rowsOfImport(REPORT, '')), 'username,invitation\r\n"\'=cmd","http://x/""1"""\r\n');
});

test('filters of the audit log go from the address to the question, and what makes no sense is not asked', () => {
  const filter = parseAudit(new URLSearchParams('actor=ana&since=2027-01-02&until=2027-01-02&cursor=x&method=PUT'));
  assert.deepEqual(auditParams(filter), { actor: 'ana', ip: '', route: '', code: '', method: 'PUT', since: '2027-01-02', until: '2027-01-02', cursor: null });
  const query = auditQuery(filter);
  assert.equal(query.get('actor'), 'ana');
  assert.equal(Number(query.get('until')) - Number(query.get('since')), 86_400_000);
  assert.equal(query.get('cursor'), null);
  assert.equal(auditQuery(parseAudit(new URLSearchParams('since=yesterday&cursor=17'))).toString(), 'cursor=17');
});
