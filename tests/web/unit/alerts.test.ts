// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  alertParams, alertsShown, historyQuery, holds, localMoment, matchersOf, matchersParam, momentAfter, operatorOf, OPERATORS, parseAlerts, parseMatchers, withOperator,
} from '../../../web/src/alerts.ts';
import type { FullAlert, Matcher } from '../../../web/src/api-alerts.ts';
import { pageHref } from '../../../web/src/router.ts';

const from = (text: string) => parseAlerts(new URLSearchParams(text));

test('the address has the filters, nonsense is none, and the default is the shortest', () => {
  assert.equal(pageHref('alerts', alertParams(from(''))), '#/alerts');
  assert.equal(pageHref('alerts', alertParams(from('show=moon&severity=pink&status=x&since=2026-13&cursor=-4&expired=no'))), '#/alerts');
  const said = 'show=history&rule=GpuLost&since=2026-11-01&until=2026-11-02&cursor=7';
  assert.equal(pageHref('alerts', alertParams(from(said))), `#/alerts?show=history&rule=GpuLost&since=2026-11-01&until=2026-11-02&cursor=7`);
  const query = historyQuery(from(said));
  assert.deepEqual([query.get('rule'), query.get('cursor')], ['GpuLost', '7']);
  assert.equal(Number(query.get('until')) - Number(query.get('since')), 2 * 86_400_000);
  assert.equal(historyQuery(from('q=x&severity=warn')).toString(), '');
});

const alert = (alertname: string, severity: string, status: FullAlert['status'], minute = 0, labels = {}) =>
  ({ labels: { alertname, severity, ...labels }, annotations: { summary: `${alertname} it is` }, status, startsAt: new Date(minute * 60_000).toISOString(), silencedBy: null, fingerprint: '', foreign: false }) as FullAlert;

test('what fires comes first, then the gravest, then the newest; filters leave the rest out', () => {
  const all = [alert('a', 'warn', 'suppressed'), alert('b', 'fatal', 'pending'), alert('c', 'odd', 'active'), alert('d', 'warn', 'active', 1), alert('e', 'warn', 'active', 2, { node_name: 'N7' })];
  const names = (text: string) => alertsShown(all, from(text)).map(({ labels }) => labels.alertname).join('');
  assert.equal(names(''), 'edcba');
  assert.equal(names('severity=warn'), 'eda');
  assert.equal(names('status=pending'), 'b');
  assert.equal(names('q=n7'), 'e');
  assert.equal(names('q=B+it'), 'b');
});

test('matchers are written and read as Alertmanager has them', () => {
  const some: Matcher[] = OPERATORS.map((operator) => withOperator({ name: 'node_name', value: 'a "b"\n\\', isRegex: false, isEqual: true }, operator));
  assert.deepEqual(some.map(operatorOf), [...OPERATORS]);
  assert.deepEqual(parseMatchers(matchersParam(some)), some);
  assert.deepEqual(parseMatchers('x\n9=""\na="\na=b\n=""'), []);
  assert.equal(matchersParam(matchersOf({ alertname: 'GpuLost', severity: 'error', node_name: 'n1', gpu: '0' })), 'alertname="GpuLost"\nnode_name="n1"\ngpu="0"');
});

test('a silence holds where all its matchers do, on whole values', () => {
  const [is, not, like, unlike] = OPERATORS.map((operator) => withOperator({ name: 'node_name', value: 'n[12]', isRegex: false, isEqual: true }, operator)) as [Matcher, Matcher, Matcher, Matcher];
  assert.equal(holds([like], { node_name: 'n1' }), true);
  assert.equal(holds([like], { node_name: 'n11' }), false);
  assert.equal(holds([like, unlike], { node_name: 'n1' }), false);
  assert.equal(holds([is], { node_name: 'n[12]' }), true);
  assert.equal(holds([not, unlike], {}), true);
  assert.equal(holds([{ ...like, value: '(?<x' }], { node_name: 'n1' }), null);
});

test('an end is a moment after now', () => {
  const now = Date.UTC(2026, 10, 28, 18, 30);
  assert.equal(momentAfter(localMoment(now + 60_000), now), '2026-11-28T18:31:00.000Z');
  assert.equal(momentAfter(localMoment(now), now), null);
  assert.equal(momentAfter('', now), null);
});
