// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jobHref, jobsHref, nodeHref, parseRoute } from '../../../web/src/router.ts';

test('the empty address is the home page', () => {
  for (const fragment of ['', '#', '#/']) assert.equal(parseRoute(fragment).view, 'home');
});

test('jobs, submit and templates have pages', () => {
  assert.equal(parseRoute('#/submit?from=a~b').view, 'submit');
  const route = parseRoute('#/templates/a.b');
  assert.equal(route.view === 'template' && route.template, 'a.b');
  for (const fragment of ['#/jobs', '/jobs?']) assert.equal(parseRoute(fragment).view, 'jobs');
});

test('a job address gives the job and its query back', () => {
  const route = parseRoute(jobHref('ana~a/b?c#d', { tab: 'log', index: 0, attempt: null }));
  assert.equal(route.view, 'job');
  assert.equal(route.view === 'job' && route.job, 'ana~a/b?c#d');
  assert.equal(route.query.toString(), 'tab=log&index=0');
});

test('what is empty stays out of the address', () => {
  assert.equal(jobsHref({ q: '', user: null, vc: undefined, page: 2 }), '#/jobs?page=2');
  assert.equal(jobsHref(), '#/jobs');
});

test('an invitation carries its secret', () => {
  const route = parseRoute('#/invite/0a1b');
  assert.equal(route.view === 'invite' && route.secret, '0a1b');
  assert.equal(parseRoute('#/invite').view, 'missing');
});

test('the API has a page', () => {
  assert.equal(parseRoute('#/api').view, 'api');
  assert.equal(parseRoute('#/api/x').view, 'missing');
});

test('pages that are named by a word', () => {
  for (const view of ['profile', 'reservations', 'nodes', 'compare'] as const) assert.equal(parseRoute(`#/${view}?q=a`).view, view);
  const route = parseRoute(nodeHref('a/b'));
  assert.equal(route.view === 'node' && route.node, 'a/b');
});

test('an address that names nothing is a missing page', () => {
  for (const fragment of ['#/nodes/a/b', '#/profile/x', '#/jobs/a/b', '#/jobs/%E0%A4%A']) {
    assert.equal(parseRoute(fragment).view, 'missing');
  }
});
