// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asked, bars, moment, ordered, type Report, type ReportRow } from '../../../web/src/reports.ts';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 28, 17);

function row(vc: string, all: number, utilization: number | null): ReportRow {
  return {
    vc,
    gpuHours: { succeeded: all, failed: 0, platform: 0, stopped: 0, preempted: 0, running: 0, reserved: 0, all, unused: 0, wasted: 0 },
    goodput: null,
    sampled: { gpuHours: 0, busy: 0, idle: 0, utilization, memoryGiB: null, energyKWh: 0 },
    jobs: { ended: 0, succeeded: 0, started: 0, preempted: 0, success: null },
    waitMs: { p50: null, p95: null },
  };
}

test('the address has days, or moments as mails have them; nonsense is the last week', () => {
  assert.equal(moment('2026-11-01'), Date.UTC(2026, 10, 1));
  assert.equal(moment('1764547200000'), 1764547200000);
  for (const bad of ['', '2026-13-45', 'yesterday', '12']) assert.equal(moment(bad), null);
  const plain = asked(new URLSearchParams(), NOW);
  assert.deepEqual(plain, { from: Date.UTC(2026, 10, 21), to: null, by: ['vc'], sort: 'all' });
  const odd = asked(new URLSearchParams('from=2027-01-01&by=moon,day,user&sort=colour'), NOW);
  assert.deepEqual(odd, { from: Date.UTC(2026, 10, 21), to: null, by: ['user', 'day'], sort: '' });
  const said = asked(new URLSearchParams('from=2026-11-01&to=2026-11-03&sort=-wasted'), NOW);
  assert.deepEqual(said, { from: Date.UTC(2026, 10, 1), to: Date.UTC(2026, 10, 3), by: ['vc'], sort: '-wasted' });
});

test('rows are put in order, what is not known last', () => {
  const rows = [row('a', 1, null), row('b', 3, 10), row('c', 2, 70)];
  const names = (sort: string) => ordered(rows, sort).map((one) => one.vc);
  assert.deepEqual(names('all'), ['b', 'c', 'a']);
  assert.deepEqual(names('-all'), ['a', 'c', 'b']);
  assert.deepEqual(names('utilization'), ['c', 'b', 'a']);
  assert.deepEqual(names('-utilization'), ['b', 'c', 'a']);
  assert.deepEqual(names(''), ['a', 'b', 'c']);
});

test('each day has its bar', () => {
  const from = Date.UTC(2026, 10, 1, 12);
  const days: Report = { from, to: from + 3 * DAY, rows: [{ ...row('', 5, null), day: '2026-11-02' }], total: row('', 5, null) };
  assert.deepEqual(
    bars(days).map((bar) => [bar.day, bar.all]),
    [
      ['2026-11-01', 0],
      ['2026-11-02', 5],
      ['2026-11-03', 0],
      ['2026-11-04', 0],
    ],
  );
  assert.deepEqual(
    bars(days, 2).map((bar) => bar.day),
    ['2026-11-03', '2026-11-04'],
  );
});
