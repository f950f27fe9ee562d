// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readKey, titleFits, typeOf } from '../../../web/src/ssh.ts';

const BASE64 = 'AAAAC3NzaC1lZDI1NTE5AAAAIKb1nvoLqSHI2E230WMIP9sS+GRBgzHZnwP6oXdZJa1E';

test('the line of a public key has a type, and perhaps a comment', () => {
  assert.deepEqual(readKey(`ssh-ed25519 ${BASE64} ana@desk\n`), { type: 'ssh-ed25519', comment: 'ana@desk' });
  assert.deepEqual(readKey(`ssh-rsa ${BASE64}`), { type: 'ssh-rsa', comment: '' });
  for (const type of ['ecdsa-sha2-nistp256', 'sk-ssh-ed25519@openssh.com', 'sk-ecdsa-sha2-nistp256@openssh.com']) {
    assert.deepEqual(readKey(`${type} ${BASE64} two words`), { type, comment: 'two words' });
  }
});

test('what is no public key says what it is', () => {
  assert.equal(readKey(' \n'), 'empty');
  assert.equal(readKey('-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----'), 'private');
  for (const text of ['ssh-ed25519', BASE64, `ssh-ed25519 ${BASE64}\nssh-rsa ${BASE64}`, 'ssh-ed25519 not*base64', `command="x" ssh-rsa ${BASE64}`]) {
    assert.equal(readKey(text), 'none', text);
  }
});

test('a listed key says its type; a title is counted in bytes, and has no slash', () => {
  assert.equal(typeOf(`ssh-ed25519 ${BASE64}`), 'ssh-ed25519');
  assert.equal(titleFits('a'.repeat(100)), true);
  assert.equal(titleFits('a/b'), false);
  assert.equal(titleFits('密'.repeat(34)), false);
});
