// SPDX-License-Identifier: MIT
// The part of the mock that tells of alerts: some of each state, a history of two pages, and silences that are kept.
const HOSTILE = '<img src=x onerror=alert(1)>';

/** One moment for all: times of one row are apart by what they say, and not by a tick of the clock more. */
const NOW = Date.now();
const ago = (minutes) => NOW - minutes * 60_000;

function alert(alertname, severity, minutes, labels, summary, over = {}) {
  return {
    labels: { alertname, severity, ...labels }, annotations: { summary, description: HOSTILE }, startsAt: new Date(ago(minutes)).toISOString(), status: 'active',
    fingerprint: `${alertname} ${summary}`, silencedBy: null, foreign: false, ...over,
  };
}

const ALERTS = () => [
  alert('JobGpusNotUsed', 'warn', 10, { job_name: 'ana~idle', username: 'ana' }, 'ana~idle: 8 GPUs are not used.'),
  alert('JobGpusNotUsed', 'warn', 0, { job_name: 'bo~idle', username: 'bo' }, 'bo~idle: not of ana.'),
];

/** Of admins alone, and on the page of alerts: home shows what fires. */
const MORE = () => [
  alert('GpuLost', 'error', 30, { node_name: 'node-7', gpu: '3' }, HOSTILE),
  alert('NodeMemoryUsage', 'warn', 2, {}, 'The memory is at 97 %.', { status: 'pending' }),
  alert('DiskSlow', 'page', 90, {}, 'Prometheus says so.', { foreign: true }),
];

const change = (id, labels, over) => ({
  id, time: ago(300 - id), rule: 'GpuThrottled', severity: 'warn', fingerprint: 'f', started: ago(300 - id) - 125_000, ended: null, silenced: false, state: 'firing',
  labels: { alertname: 'GpuThrottled', ...labels }, annotations: { summary: 'The GPU is slowed down.' }, ...over,
});

/** 150 changes, the newest first. */
const HISTORY = Array.from({ length: 150 }, (_, i) => {
  const id = 150 - i;
  if (i === 0) return change(id, { node_name: 'node-7' }, { rule: 'GpuLost', severity: 'error', state: 'resolved', ended: ago(300 - id), silenced: true, annotations: { summary: HOSTILE } });
  return change(id, { node_name: 'node-1', gpu: '0' });
});

export function alertRoutes({ user, json, text }) {
  const silences = [
    { id: 's-old', status: { state: 'expired' }, matchers: [{ name: 'alertname', value: HOSTILE, isRegex: false, isEqual: true }], startsAt: new Date(ago(300)).toISOString(), endsAt: new Date(ago(200)).toISOString(), createdBy: 'bo', comment: HOSTILE },
  ];
  /** A silence for the alert's name is all that the mock looks at. */
  const shown = () => [...ALERTS(), ...MORE()].map((one) => {
    const by = silences.find(({ status, matchers }) => status.state === 'active' && matchers.some(({ value }) => value === one.labels.alertname));
    return by ? { ...one, status: 'suppressed', silencedBy: by.id } : one;
  });
  return {
    'GET alerts': ({ response, url, parts }) => {
      if (parts[1] === 'history') {
        const { rule, cursor } = Object.fromEntries(url.searchParams);
        const found = HISTORY.filter((one) => (!rule || one.rule === rule) && one.id < Number(cursor ?? Infinity));
        return json(response, 200, { data: found.slice(0, 100), next: found.length > 100 ? found[99].id : null });
      }
      return json(response, 200, url.searchParams.get('all') === 'true' ? shown() : ALERTS());
    },
    'GET silences': ({ response }) => json(response, 200, silences),
    'POST silences': async ({ request, response }) => {
      const body = JSON.parse(await text(request));
      if (body.matchers.every(({ value, isRegex }) => value === '' && !isRegex)) return json(response, 400, { code: 'InvalidParametersError', message: 'One matcher at least must not match "".', status: 400 });
      silences.push({ ...body, id: `s-${silences.length}`, status: { state: 'active' }, createdBy: user });
      return json(response, 200, { silenceID: silences.at(-1).id });
    },
    'DELETE silences': ({ response, parts }) => {
      silences.find(({ id }) => id === parts[1]).status.state = 'expired';
      return json(response, 200, { status: 200, message: 'Expire silence successfully.' });
    },
  };
}
