// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseYaml, valueOf, YamlError } from '../../../web/src/yaml.ts';
import { renameKey, setIn, toYaml } from '../../../web/src/yaml-edit.ts';

const read = (text: string) => valueOf(parseYaml(text));

const JOB = `# my job
protocolVersion: 2
name: train   # its name
type: job
prerequisites:
  - {type: dockerimage, name: image, uri: "python:3.11"}
taskRoles:
  worker:
    instances: 1
    dockerImage: image
    resourcePerInstance: {cpu: 1, memoryMB: 64, gpu: 0}
    commands:
    - echo one
    - |
      for i in 1 2; do
        echo $i
      done
extras:
  unknown: [a, {b: 1}]  # stays
`;

test('what people write is read', () => {
  assert.deepEqual(read(JOB), {
    protocolVersion: 2,
    name: 'train',
    type: 'job',
    prerequisites: [{ type: 'dockerimage', name: 'image', uri: 'python:3.11' }],
    taskRoles: {
      worker: {
        instances: 1,
        dockerImage: 'image',
        resourcePerInstance: { cpu: 1, memoryMB: 64, gpu: 0 },
        commands: ['echo one', 'for i in 1 2; do\n  echo $i\ndone\n'],
      },
    },
    extras: { unknown: ['a', { b: 1 }] },
  });
  assert.deepEqual(read(''), {});
  assert.deepEqual(read('---\na:\nb: ~\nc: "x\\ny"\nd: \'it\'\'s\'\ne: -1.5\nf: a b\n  c\ng: http://x:1/y#z\n'), {
    a: null, b: null, c: 'x\ny', d: "it's", e: -1.5, f: 'a b c', g: 'http://x:1/y#z',
  });
  assert.deepEqual(read('a: >\n  one\n  two\n\n  three\nb: |-\n  x\n'), { a: 'one two\nthree\n', b: 'x' });
  assert.deepEqual(read('a:\n- - 1\n  - 2\n-\n  k: v\n  l: w\n'), { a: [[1, 2], { k: 'v', l: 'w' }] });
  assert.deepEqual(read('a:\r\n  b: 1\r\nc: x\r\n'), { a: { b: 1 }, c: 'x' });
  assert.deepEqual(read('{"a": [1, "b"],\n "c": {"d": null}}'), { a: [1, 'b'], c: { d: null } });
});

test('what is not read names its line', () => {
  const fails = (text: string, line: number) =>
    assert.throws(() => parseYaml(text), (error) => error instanceof YamlError && error.line === line, text);
  fails('a: 1\nb: &x 2\n', 2);
  fails('a: 1\n  b: 2\n', 2);
  fails('a: 1\na: 2\n', 2);
  fails('a: [1,\n 2\n', 3);
  fails('a: 1\n\tb: 2\n', 2);
  fails('a: "x\n', 1);
  fails('a: 1\n---\nb: 2\n', 2);
  fails('x: a: b\n', 1);
  fails(`${'['.repeat(40)}`, 1);
});

test('a change touches its own text only', () => {
  assert.equal(setIn(JOB, ['name'], 'other'), JOB.replace('name: train ', 'name: other '));
  assert.equal(setIn(JOB, ['name'], 'train'), JOB);
  assert.equal(setIn(JOB, ['taskRoles', 'worker', 'instances'], 4), JOB.replace('instances: 1', 'instances: 4'));
  assert.equal(
    setIn(JOB, ['taskRoles', 'worker', 'resourcePerInstance', 'gpu'], 8),
    JOB.replace('gpu: 0', 'gpu: 8'),
  );
  assert.equal(setIn(JOB, ['extras', 'unknown', 0], undefined), JOB.replace('[a, {b: 1}]', '[{b: 1}]'));
  assert.equal(setIn(JOB, ['taskRoles', 'worker', 'commands', 0], undefined), JOB.replace('    - echo one\n', ''));
  assert.equal(setIn(JOB, ['jobRetryCount'], 2), `${JOB}jobRetryCount: 2\n`);
  assert.equal(setIn(JOB, ['missing', 'deep'], undefined), JOB);
  assert.equal(renameKey(JOB, ['taskRoles', 'worker'], 'ps'), JOB.replace('worker:', 'ps:'));
});

test('what is added can be read back, and taken away again', () => {
  const paths: [(string | number)[], unknown][] = [
    [['extras', 'drover', 'timeLimit'], 3600],
    [['extras', 'storages'], [{ name: 'data', mountPath: '/data' }]],
    [['secrets', 'TOKEN'], 'a: "b" #c'],
    [['parameters', 'script'], 'a\n  b\n\nc\n'],
    [['taskRoles', 'ps'], { instances: 1, commands: ['sleep 1', 'x\ny'], resourcePerInstance: { cpu: 1 } }],
    [['taskRoles', 'worker', 'resourcePerInstance', 'ports', 'ssh'], 2],
    [['defaults', 'virtualCluster'], 'true'],
  ];
  for (const [path, value] of paths) {
    const next = setIn(JOB, path, value as never);
    const found = path.reduce<unknown>((at, step) => (at as Record<string, unknown>)[step], read(next));
    assert.deepEqual(found, value, path.join('.'));
    assert.deepEqual(read(setIn(next, path, undefined)), read(JOB), path.join('.'));
  }
});

test('a member of a list item goes without its dash', () => {
  const text = 'list:\n  - a: 1\n    b: 2\n  - a: 3\n';
  assert.equal(setIn(text, ['list', 0, 'a'], undefined), 'list:\n  - b: 2\n  - a: 3\n');
  assert.equal(setIn(text, ['list', 1, 'a'], undefined), 'list:\n  - a: 1\n    b: 2\n');
  assert.equal(setIn(text, ['list', 2], { a: 4 }), `${text}  - a: 4\n`);
  assert.equal(setIn('a:\nb: 1\n', ['a', 'c'], 1), 'a:\n  c: 1\nb: 1\n');
});

test('strings that would be read as something else are quoted', () => {
  for (const text of ['yes', 'true', '1', '-', '- a', 'a: b', '#', 'null', '~', '', ' x', 'x ', "it's", '"', '*a', '@', '0x1', '1e3', '中文', 'tab\there', 'a\n', '\n', 'a\n\n\nb', ' a\nb', '{x}', '[', '%', '!t', '&a', '<% $x %>', '...', 'a\u2028b'])
    assert.deepEqual(read(toYaml({ k: text, l: [text, { m: text }] })), { k: text, l: [text, { m: text }] }, JSON.stringify(text));
});
