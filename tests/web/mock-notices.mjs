// SPDX-License-Identifier: MIT
// The part of the mock that notifications, webhooks and maintenance windows speak to. What is changed is kept.

/** Routes below users/me, the site's webhooks and maintenance. `others` answers what is not told here. */
export function noticeRoutes({ json, text, others }) {
  let rules = { mail: ['idle', 'reservation'], startedAfterMinutes: 30, quietHours: null, utcOffset: '+00:00', digestMinutes: 0 };
  const hooks = { own: [], site: [] };
  const log = [];
  let windows = [];
  const body = async (request) => JSON.parse((await text(request)) || '{}');
  const done = (response, status = 200) => json(response, status, { status, message: 'done' });
  const refuse = (response, message) => json(response, 400, { code: 'InvalidParametersError', message, status: 400 });

  const putHook = async (list, name, { request, response }) => {
    const { newSecret, ...one } = await body(request);
    if (!one.url.startsWith('https://')) return refuse(response, 'The URL must begin with https://.');
    const at = list.findIndex((hook) => hook.name === name);
    if (at >= 0) list[at] = { ...list[at], ...one };
    else list.push({ name, createdTime: Date.now(), ...one });
    return json(response, at >= 0 ? 200 : 201, { status: 200, message: 'done', secret: at < 0 || newSecret ? 'whsec_c2VjcmV0' : null });
  };
  const hook = (list, rest, call) => {
    const { request, response } = call;
    const [name, what] = rest;
    if (!name) return json(response, 200, list);
    if (request.method === 'PUT') return putHook(list, name, call);
    if (request.method === 'DELETE') {
      list.splice(list.findIndex((one) => one.name === name), 1);
      return done(response);
    }
    if (what === 'deliveries') return json(response, 200, log);
    log.unshift({ id: `test-${log.length}`, kind: 'test', time: Date.now(), state: 'failed', tries: 1, nextTryTime: null, endedTime: Date.now(), status: 404, problem: 'The receiver refused it.' });
    return done(response, 202);
  };
  const mine = async (call) => {
    const { request, response, parts } = call;
    if (parts[2] === 'webhooks') return hook(hooks.own, parts.slice(3), call);
    if (parts[3] === 'test') return refuse(response, 'The server sends no mail (smtpUrl in its configuration).');
    if (request.method === 'GET') return json(response, 200, rules);
    const next = await body(request);
    if (!/^[+-]\d\d:\d\d$/.test(next.utcOffset)) return refuse(response, '"utcOffset" is UTC or such as +08:00.');
    rules = next;
    return done(response);
  };
  const ROUTES = { 'GET maintenance': ({ response }) => json(response, 200, windows) };
  for (const method of ['GET', 'PUT', 'POST', 'DELETE']) {
    ROUTES[`${method} webhooks`] = (call) => hook(hooks.site, call.parts.slice(1), call);
    const other = others[`${method} users`];
    ROUTES[`${method} users`] = (call) => (call.parts[1] === 'me' ? mine(call) : other?.(call));
  }
  ROUTES['POST maintenance'] = async ({ request, response }) => {
    const one = await body(request);
    if (one.end < Date.now()) return refuse(response, 'A maintenance window ends after it has begun, and after now.');
    const now = Date.now();
    const begun = one.start <= now;
    windows = [...windows, { id: windows.length + 1, nodes: [], all: false, ...one, state: begun ? 'active' : 'planned', username: 'ana', createdTime: now, begunTime: begun ? now : null, overTime: null }];
    return json(response, 201, { status: 201, message: 'done', id: windows.length });
  };
  ROUTES['PUT maintenance'] = async ({ request, response, parts }) => {
    const one = await body(request);
    if (one.end < Date.now()) return refuse(response, 'A maintenance window ends after it has begun, and after now.');
    windows = windows.map((old) => (old.id === Number(parts[1]) ? { ...old, ...one } : old));
    return done(response);
  };
  ROUTES['DELETE maintenance'] = ({ response, parts }) => {
    windows = windows.filter(({ id }) => id !== Number(parts[1]));
    return done(response);
  };
  return ROUTES;
}
