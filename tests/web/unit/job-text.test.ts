// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as job from '../../../web/src/job-text.ts';
import { parseYaml, valueOf } from '../../../web/src/yaml.ts';

const read = (text: string) => valueOf(parseYaml(text));

test('an image of one role is changed in place, of several for one alone', () => {
  const own = job.setImage(job.EXAMPLE, 'main', 'debian:12');
  assert.equal(own, job.EXAMPLE.replace('python:3.11-slim', 'debian:12'));
  const { text, role } = job.addRole(job.EXAMPLE);
  const other = job.setImage(text, role, 'debian:12');
  assert.equal(job.imageOf(read(other), role), 'debian:12');
  assert.equal(job.imageOf(read(other), 'main'), 'python:3.11-slim');
  const back = job.setImage(other, 'main', 'debian:12');
  assert.equal(job.imageOf(read(back), 'main'), 'debian:12');
});

test('commands are a line each, or a script whose lines stay together', () => {
  const lines = job.setCommands(job.EXAMPLE, 'main', 'a\nb\n');
  assert.deepEqual(job.valueAt(read(lines), ['taskRoles', 'main', 'commands']), ['a', 'b']);
  const script = 'if x; then\n  y\nfi';
  const whole = job.setCommands(job.EXAMPLE, 'main', script);
  assert.deepEqual(job.valueAt(read(whole), ['taskRoles', 'main', 'commands']), [`${script}\n`]);
  assert.equal(job.commandsOf(read(whole), 'main'), script);
});

test('a role is renamed and removed wherever it is named', () => {
  const text = `${job.EXAMPLE}deployments:
  - name: d
    taskRoles:
      main: {preCommands: [a]}
extras:
  hivedScheduler: {taskRoles: {main: {skuType: v100, skuNum: 1}}}
`;
  const renamed = job.renameRole(text, 'main', 'chief');
  assert.deepEqual(job.rolesOf(read(renamed)), ['chief']);
  assert.equal(renamed, text.replaceAll('main:', 'chief:'));
  assert.ok(!job.removeRole(text, 'main').includes('main'));
});

test('secrets are not kept, and those of a copy are asked for again', () => {
  const text = `${job.EXAMPLE}secrets: {TOKEN: abc, other: 1}\n`;
  const kept = job.withoutSecrets(text) as string;
  assert.ok(!kept.includes('abc'));
  assert.deepEqual(job.maskedSecrets(read(kept)), ['TOKEN', 'other']);
  assert.deepEqual(job.maskedSecrets(read(text)), []);
  assert.equal(job.withoutSecrets(`${text}broken: [`), null);
  assert.equal(job.withoutSecrets('a: ['), 'a: [');
  const image = job.EXAMPLE.replace('uri: python', 'auth: {username: u, password: pw9}\n    uri: python');
  assert.ok(!(job.withoutSecrets(image) as string).includes('pw9'));
});

test('a copy has another name, and its changes are known', () => {
  assert.equal(job.nextName('train'), 'train-2');
  assert.equal(job.nextName('train-9'), 'train-10');
  assert.deepEqual([...job.newLines('a\nb\na\n', 'a\nc\na\na\n')], [1, 3]);
  assert.equal(job.lineOf(job.EXAMPLE, '/taskRoles/main/instances'), 10);
  assert.equal(job.lineOf(job.EXAMPLE, '/nothing'), null);
});
