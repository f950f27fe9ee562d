// SPDX-License-Identifier: MIT
// The REST calls that the browser tests make beside the portal.
import { check } from './browser.mjs';

export class Rest {
  #base;
  #token = '';
  /** Who signed in. */
  user = '';

  /** `base` ends with a slash. */
  constructor(base) {
    this.#base = base;
  }

  async call(method, path, body) {
    const headers = { ...(body && { 'Content-Type': 'application/json' }) };
    if (this.#token) headers.Authorization = `Bearer ${this.#token}`;
    const response = await fetch(`${this.#base}api/v2/${path}`, {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    check(response.ok, `${method} ${path}: ${response.status}${response.ok ? '' : ` ${text}`}`);
    return JSON.parse(text);
  }

  async signIn(username, password) {
    const { token } = await this.call('POST', 'authn/basic/login', { username, password });
    this.#token = token;
    this.user = username;
  }

  /** Without a word where it went well. */
  async quietly(method, path, body) {
    const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${this.#token}` };
    const response = await fetch(`${this.#base}api/v2/${path}`, { method, headers, body: JSON.stringify(body) });
    if (!response.ok) check(false, `${method} ${path}: ${response.status} ${await response.text()}`);
    await response.arrayBuffer();
  }

  /** A job of one task; `more` are members of the job. */
  submit(name, gpu, commands, more = {}) {
    return this.call('POST', 'jobs', this.body(name, gpu, commands, more));
  }

  body(name, gpu, commands, more = {}) {
    return {
      protocolVersion: 2,
      name,
      type: 'job',
      ...more,
      prerequisites: [{ name: 'image', type: 'dockerimage', uri: 'debian:12-slim' }],
      taskRoles: {
        worker: { instances: 1, dockerImage: 'image', resourcePerInstance: { cpu: 1, memoryMB: 64, gpu }, commands },
      },
    };
  }
}
