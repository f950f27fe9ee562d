// SPDX-License-Identifier: MIT
// A stand-in for droverd in page tests: it speaks the portal's part of the HTTP contract with jobs
// in states that a real server reaches slowly or never (waiting on a quota, failing hardware,
// hostile names), and can be told to drop its streams. The journey runs against the real server.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { adminRoutes } from './mock-admin.mjs';
import { alertRoutes } from './mock-alerts.mjs';
import { noticeRoutes } from './mock-notices.mjs';

export const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; " +
  "require-trusted-types-for 'script'";

export const INVITATION = '0a1b2c3d';

/** A description as the server makes it, of two nouns. */
const OPENAPI = {
  paths: {
    '/api/v2/jobs': {
      get: {
        operationId: 'get_jobs',
        summary: 'list jobs',
        tags: ['jobs'],
        'x-access': 'user',
        parameters: [{ name: 'limit', in: 'query', schema: { type: 'integer' } }],
        responses: { 200: { description: 'success', content: { 'application/json': { schema: { $ref: '#/components/schemas/JobList' } } } } },
      },
    },
    '/api/v2/users': {
      post: {
        operationId: 'post_users',
        summary: '<img src=x onerror=alert(1)>',
        tags: ['users'],
        'x-access': 'admin',
        requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Job' } } } },
        responses: { 201: { description: 'A change was made.' } },
      },
    },
  },
  components: {
    schemas: {
      JobList: { type: 'array', items: { $ref: '#/components/schemas/Job' } },
      Job: {
        type: 'object',
        required: ['name'],
        properties: { name: { type: 'string', description: 'its own' }, parts: { type: 'array', items: { $ref: '#/components/schemas/Job' } } },
      },
    },
  },
};

/** Of a job with two tasks on the node. */
const PLACED = { username: 'ana', name: 'steady', virtualCluster: 'default', taskRoleName: 'main', taskIndex: 0, taskState: 'RUNNING', gpus: [], launchedTime: 1 };

const NODE = {
  name: 'node-1',
  address: '127.0.0.1',
  state: 'up',
  cordonReason: null,
  isolation: 'cgroup2',
  labels: {},
  cpus: { total: 64, used: 0 },
  memoryMB: { total: 262_144, used: 0 },
  gpus: { total: 8, used: 0, quarantined: 0, simulated: true, model: 'simulated' },
};

const WAITS = {
  reason: 'quota',
  message: 'The job needs 8 GPUs; virtual cluster vision holds 128 of the 128 it is guaranteed.',
  gpus: { asked: 8, idle: 3, guaranteed: 128, held: 128, borrow: 0, borrowed: 0, userCap: 16, userHeld: 8 },
  blockedBy: ['bo~vit-l', 'li~kept (debug reservation)'],
  blockers: 3,
  help: [{ kind: 'fewerTasks', amount: 3 }, { kind: 'otherVirtualCluster', name: 'default' }, { kind: 'nodeReturns', name: 'node-9' }],
  helpTogether: false,
};

/** What the server tells of a task that was killed by a signal and left everything that can be left. */
const COLLECTED = {
  exitCode: 139,
  signal: 11,
  reason: 'The process was killed by a fault of its own.',
  category: 'user',
  message: '',
  time: Date.now() - 30_000,
  secrets: ['TOKEN'],
  environment: [
    { name: 'DROVER_NONCE', value: null },
    { name: 'GREETING', value: '<img src=x onerror=alert(1)>' },
  ],
  environmentLeftOut: 0,
  processes: [{ pid: 12, ppid: 1, state: 'S', uid: 1000, cpuMs: 130, rssBytes: 123_456, startTime: Date.now() - 60_000, command: 'sleep 600' }],
  processesLeftOut: 2,
  core: { pattern: 'core', handedTo: null, files: [{ name: 'core.12', size: 4096, time: Date.now() - 31_000 }] },
  log: { stream: 'all', offset: 10, lines: ['one', 'the last line'] },
  gpus: [
    {
      index: 0, uuid: 'GPU-0', model: 'A100', simulated: false, state: 'failed', reason: 'uncorrectable ECC error',
      sample: { time: Date.now(), utilization: 80, memoryUsed: 1 << 30, memoryTotal: 4 * (1 << 30), temperature: 61, powerMilliwatts: null },
    },
  ],
};

/** A job without GPUs whose log tells nothing. */
const UNPROFILED = {
  jobAttempt: 0, gpus: 0, from: null, to: null, stepMs: 5000, kind: 'unknown', kindConfidence: 0, periodSeconds: null, bottleneck: 'none', confidence: 0,
  proofs: [], figures: {}, sentence: '', advice: [], progress: null,
};

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };

const PROBLEMS = {
  400: ['IncorrectPasswordError', 'Password is incorrect.'],
  401: ['UnauthorizedUserError', 'Guest is not allowed to do this operation.'],
  403: ['ForbiddenUserError', 'The portal must send X-Drover-Csrf.'],
  404: ['NoJobError', 'There is no such job.'],
};

/** A job as the mock keeps it; `log` grows by calls of `say`. */
function makeJob(user, name, over = {}) {
  return {
    user,
    name,
    vc: 'default',
    state: 'WAITING',
    subState: 'AttemptCreationPending',
    executionType: 'START',
    priority: null,
    tasks: 1,
    gpus: 1,
    retries: 0,
    submitted: Date.now(),
    launched: null,
    completed: null,
    waitReason: null,
    exitCode: null,
    exitSpec: null,
    trigger: null,
    diagnostics: null,
    simulated: false,
    onHost: false,
    code: null,
    reservations: [],
    extendable: 0, // minutes
    scalars: [], // runs, as the API has them
    taskUses: [], // what tasks used beside GPUs, as the API has it
    unchanged: 0, // answers that they are as they were
    profile: UNPROFILED,
    log: '',
    config: null, // null: a short one
    ...over,
  };
}

const fullName = (job) => `${job.user}~${job.name}`;

const today = () => new Date().toISOString().slice(0, 10);

/** A row of a report: so many GPU hours, of which so many were wasted. */
function counts(all, wasted) {
  return {
    gpuHours: { succeeded: all - wasted, failed: wasted, platform: 0, stopped: 0, preempted: 0, running: 0, reserved: 0, all, unused: 0, wasted },
    goodput: null,
    sampled: { gpuHours: all, busy: all / 2, idle: 1, utilization: 50, memoryGiB: 20, energyKWh: 3 },
    jobs: { ended: 4, succeeded: 3, started: 4, preempted: 0, success: 75 },
    waitMs: { p50: 4000, p95: 61_000 },
  };
}

const report = (rows) => ({ from: Date.now() - 7 * 86_400_000, to: Date.now(), rows, total: counts(24, 6) });

/** Starts the mock on a port of the kernel's choice. `root` holds the built portal. */
export async function startMock({ root, user = 'ana', password = 'correct horse', base = '/' }) {
  const jobs = new Map();
  const streams = new Set();
  const waiters = new Set();
  const readers = new Set();
  const templates = new Map();
  const asked = []; // submissions and dry runs that were accepted
  let nextEvent = 1;
  let settings = { name: 'Drover', logo: null, menu: [], links: [] };
  let refuseStreams = false;
  let refuseLogs = false;

  const changed = (job) => {
    const data = { jobId: fullName(job), name: job.name, user: job.user, vc: job.vc, state: job.state, subState: job.subState };
    const text = `id: ${nextEvent}\nevent: job\ndata: ${JSON.stringify(data)}\n\n`;
    nextEvent += 1;
    for (const stream of streams) stream.write(text);
    for (const wake of waiters) wake();
  };

  const server = createServer((request, response) => {
    serve(request, response).catch((error) => {
      response.writeHead(500).end(String(error));
    });
  });

  async function serve(request, response) {
    const url = new URL(request.url, 'http://mock');
    if (!url.pathname.startsWith(base)) return problem(response, 404);
    const path = decodeURIComponent(url.pathname.slice(base.length - 1));
    if (!path.startsWith('/api/v2/')) return file(path, response);
    const parts = path.slice('/api/v2/'.length).split('/');
    const signedIn = /(?:^|; )drover=mock/.test(request.headers.cookie ?? '');
    if (path === '/api/v2/session' && request.method === 'POST') return signIn(request, response);
    if (path === '/api/v2/invitation' && request.method === 'POST') return accept(request, response);
    if (!signedIn) return problem(response, 401);
    if (request.method !== 'GET' && request.headers['x-drover-csrf'] !== '1') return problem(response, 403);
    const route = ROUTES[`${request.method} ${parts[0]}`];
    return route ? route({ request, response, url, parts }) : problem(response, 404);
  }

  async function file(path, response) {
    const name = normalize(path === '/' ? '/index.html' : path);
    try {
      const body = await readFile(join(root, name));
      response.writeHead(200, {
        'Content-Type': TYPES[extname(name)] ?? 'application/octet-stream',
        'Content-Security-Policy': CSP,
        'X-Content-Type-Options': 'nosniff',
      });
      response.end(body);
    } catch {
      problem(response, 401);
    }
  }

  async function signIn(request, response) {
    const body = JSON.parse(await text(request));
    if (request.headers['x-drover-csrf'] !== '1') return problem(response, 403);
    if (body.username !== user || body.password !== password) return problem(response, 400);
    response.setHeader('Set-Cookie', 'drover=mock; HttpOnly; SameSite=Strict; Path=/');
    return json(response, 200, { user, admin: true, email: '' });
  }

  /** One invitation; its password is the mock's. */
  async function accept(request, response) {
    const body = JSON.parse(await text(request));
    if (body.invitation !== INVITATION || body.password !== password) return problem(response, 400);
    return json(response, 201, { user });
  }

  const reportMail = { on: false, weekday: 'monday', hour: 8, nextTime: null };

  const admins = adminRoutes({ user, json, text, settings: { get: () => settings, set: (next) => configure(next) } });
  const ROUTES = {
    'GET session': ({ response }) => json(response, 200, { user, admin: true, email: '' }),
    'DELETE session': ({ response }) => {
      response.setHeader('Set-Cookie', 'drover=; Max-Age=0; Path=/');
      json(response, 200, { message: 'signed out' });
    },
    'GET storages': ({ response }) => json(response, 200, { storages: [{ name: 'data', share: true, volumeName: 'data', default: false }] }),
    ...alertRoutes({ user, json, text }),
    'GET templates': ({ response, parts }) => {
      if (parts.length === 1) return json(response, 200, [...templates.values()].map(({ config, ...rest }) => rest));
      return templates.has(parts[1]) ? json(response, 200, templates.get(parts[1])) : problem(response, 404);
    },
    'POST templates': async ({ request, response }) => {
      const body = JSON.parse(await text(request));
      templates.set(body.name, { group: null, owner: user, createdTime: Date.now(), updatedTime: Date.now(), ...body });
      return json(response, 201, { status: 201, message: 'made' });
    },
    'DELETE templates': ({ response, parts }) => {
      templates.delete(parts[1]);
      return json(response, 200, { status: 200, message: 'removed' });
    },
    'POST code': ({ request, response }) => {
      request.resume();
      return json(response, 201, { id: 'c'.repeat(64) });
    },
    'POST jobs': async ({ request, response, url }) => submit(await text(request), url.searchParams.get('dryRun') === 'true', response),
    ...admins,
    ...noticeRoutes({ json, text, others: admins }),
    'GET nodes': ({ response, parts }) =>
      json(response, 200, parts.length === 1 ? [NODE] : parts.length === 2 ? { ...NODE, name: parts[1] } : parts[2] === 'tasks' ? [PLACED, { ...PLACED, taskIndex: 1 }] : []),
    'GET reservations': ({ response }) => json(response, 200, [...jobs.values()].flatMap((job) => job.reservations)),
    'GET reports': ({ response, url, parts }) => {
      if (parts[1] === 'mail') return json(response, 200, reportMail);
      if (url.searchParams.get('by') === 'day') return json(response, 200, report([{ ...counts(24, 6), day: today() }]));
      return json(response, 200, report([{ ...counts(8, 6), vc: 'vision' }, { ...counts(16, 0), vc: '<img src=x onerror=alert(1)>' }]));
    },
    'PUT reports': async ({ request, response }) => {
      Object.assign(reportMail, JSON.parse(await text(request)), { nextTime: Date.now() + 86_400_000 });
      json(response, 200, { status: 200, message: 'ok' });
    },
    'GET ssh-keys': ({ response }) => json(response, 200, []),
    'GET tokens': ({ response }) => json(response, 200, { tokens: [], details: [] }),
    'GET openapi.json': ({ response }) => json(response, 200, OPENAPI),
    'GET stream': ({ request, response }) => {
      if (refuseStreams) return problem(response, 503);
      response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
      response.write(': ping\n\n');
      streams.add(response);
      return request.on('close', () => streams.delete(response));
    },
    'GET jobs': (call) => (call.parts.length === 1 ? list(call) : part(call)),
    'PUT jobs': async ({ request, response, parts }) => {
      const job = jobs.get(parts[1]);
      if (job && parts[2] === 'reservation') return extend(job, JSON.parse(await text(request)), response);
      if (job && parts[2] === 'snooze') return json(response, 200, { status: 200, message: 'snoozed' });
      if (job && parts[2] === 'tag') {
        const { value } = JSON.parse(await text(request));
        return value.includes(',') || job.user !== user ? problem(response, 400, 'A tag has 1 to 255 bytes and no comma.') : json(response, 201, { status: 201, message: 'tagged' });
      }
      if (!job || parts[2] !== 'executionType') return problem(response, 404);
      Object.assign(job, { executionType: 'STOP', state: 'STOPPING' });
      changed(job);
      setTimeout(() => update(job, { state: 'STOPPED', completed: Date.now(), exitCode: -210 }), 200);
      return json(response, 202, { status: 202, message: 'stopping' });
    },
    'DELETE jobs': ({ response, parts }) => {
      const held = jobs.get(parts[1])?.reservations.find((one) => one.state === 'HELD');
      if (!held || parts[2] !== 'reservation') return problem(response, 404);
      held.state = 'ENDING';
      changed(jobs.get(parts[1]));
      return json(response, 200, { status: 200, message: 'released' });
    },
  };

  /** As the server: the same checks for both, and nothing kept of a dry run. What it would say is made of words in the text. */
  function submit(body, dry, response) {
    const name = /^name: *(.*)$/m.exec(body)?.[1] ?? '';
    const lines = body.split('\n');
    const wrong = lines.findIndex((line) => /cpu: -?0*[,}]|cpu: none/.test(line));
    if (wrong >= 0) return problem(response, 400, 'cpu must be at least 1.', { pointer: '/taskRoles/main/resourcePerInstance/cpu', line: wrong + 1, column: 1 });
    if (jobs.has(`${user}~${name}`)) return problem(response, 409, `Job name ${user}~${name} already exists.`);
    asked.push({ dry, body });
    if (dry) return json(response, 200, { status: 200, dryRun: true, name: `${user}~${name}`, would: body.includes('instances: 8') ? WAITS : { ...WAITS, reason: 'starts', message: 'It starts.' } });
    const job = makeJob(user, name, { config: body });
    jobs.set(fullName(job), job);
    changed(job);
    return json(response, 202, { status: 202, message: 'taken', name: fullName(job), jobId: fullName(job) });
  }

  /** As the server: so many minutes at most, and none beyond them to a user. */
  function extend(job, { minutes }, response) {
    const held = job.reservations.find((one) => one.state === 'HELD');
    if (!held || minutes > job.extendable) return problem(response, 403);
    job.extendable -= minutes;
    held.expiresTime += minutes * 60_000;
    changed(job);
    return json(response, 200, { status: 200, message: 'extended' });
  }

  function list({ response, url }) {
    const wanted = (name) => (url.searchParams.get(name) ?? '').split(',').filter(Boolean);
    const [users, states, vcs] = ['username', 'state', 'vc'].map(wanted);
    const keyword = url.searchParams.get('keyword') ?? '';
    const found = [...jobs.values()]
      .filter((job) => !users.length || users.includes(job.user))
      .filter((job) => !states.length || states.includes(job.state))
      .filter((job) => !vcs.length || vcs.includes(job.vc))
      .filter((job) => [job.name, job.user, job.vc].some((field) => field.includes(keyword)))
      .sort((a, b) => b.submitted - a.submitted);
    const offset = Number(url.searchParams.get('offset') ?? 0);
    const limit = Number(url.searchParams.get('limit') ?? 5000);
    json(response, 200, { totalCount: found.length, data: found.slice(offset, offset + limit).map(summary) });
  }

  function part({ request, response, url, parts }) {
    const job = jobs.get(parts[1]);
    if (!job) return problem(response, 404);
    if (parts[2] === 'config') return plain(response, job.config ?? `protocolVersion: 2\nname: ${job.name}\ntype: job\n`);
    if (parts[2] === 'explain') return json(response, 200, explained(job));
    if (parts[2] === 'code' && parts[3] === 'files' && job.code) return json(response, 200, job.code);
    if (parts[2] === 'reservation') return json(response, 200, { ...job.reservations[0], collected: COLLECTED });
    if (parts[2] === 'scalars') return scalars(job, request, response);
    if (parts[2] === 'profile') return json(response, 200, job.profile);
    if (parts[2] === 'metrics') return json(response, 200, { gpus: [], tasks: job.taskUses });
    if (parts[2] === 'events') return json(response, 200, { totalCount: 1, data: [eventOf(job)] });
    if (parts.at(-2) === 'logs') return log(job, request, response, url);
    return json(response, 200, detail(job));
  }

  /** What is as it was is not sent again. */
  function scalars(job, request, response) {
    const value = { runs: job.scalars, points: 600, complete: true, runsLeftOut: 0 };
    const tag = `"${JSON.stringify(value).length}-${job.scalars.length}"`;
    response.setHeader('ETag', tag);
    if (request.headers['if-none-match'] !== tag) return json(response, 200, value);
    job.unchanged += 1;
    return response.writeHead(304).end();
  }

  async function log(job, request, response, url) {
    if (refuseLogs) return problem(response, 503);
    const bytes = () => Buffer.from(job.log);
    const ended = () => job.completed !== null;
    let at = Number(url.searchParams.get('offset') ?? 0);
    if (url.searchParams.get('tail-mode') === 'true') at = Math.max(0, bytes().length - 16_384);
    response.writeHead(200, {
      'Content-Type': 'text/plain; charset=utf-8',
      'X-Drover-Log-Size': bytes().length,
      'X-Drover-Log-Offset': at,
      'X-Drover-Log-Complete': String(ended()),
    });
    response.flushHeaders();
    readers.add(response);
    for (;;) {
      const piece = bytes().subarray(at);
      at += piece.length;
      response.write(piece);
      if (ended() || url.searchParams.get('follow') !== 'true' || request.destroyed) break;
      await new Promise((wake) => {
        waiters.add(wake);
        request.once('close', wake);
      });
    }
    readers.delete(response);
    response.end();
  }

  function configure(next) {
    settings = { ...settings, ...next };
    for (const stream of streams) stream.write(`id: settings-${nextEvent}\nevent: settings\ndata: {}\n\n`);
    nextEvent += 1;
  }

  function update(job, change) {
    Object.assign(job, change);
    changed(job);
  }

  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  return {
    url: `http://127.0.0.1:${server.address().port}${base}`,
    user,
    password,
    add(name, over = {}) {
      const job = makeJob(over.user ?? user, name, over);
      jobs.set(fullName(job), job);
      changed(job);
      return job;
    },
    update,
    /** Adds to a job's log and wakes its readers. */
    say(job, line) {
      job.log += line;
      for (const wake of waiters) wake();
    },
    /** Changes the site's settings and tells the open pages. */
    configure,
    /** Ends every stream; while `refuse`, none opens again. */
    drop(refuse) {
      refuseStreams = refuse;
      for (const stream of streams) stream.end();
      streams.clear();
    },
    /** Cuts the connections of those who follow a log, in the middle of the reply; while `refuse`, none opens again. */
    cutLogs(refuse) {
      refuseLogs = refuse;
      for (const reader of readers) reader.destroy();
    },
    streams: () => streams.size,
    asked,
    stop() {
      server.closeAllConnections();
      return new Promise((done) => server.close(done));
    },
  };
}

async function text(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

function json(response, status, body) {
  response.writeHead(status, { 'Content-Type': status < 400 ? 'application/json' : 'application/problem+json' });
  response.end(JSON.stringify(body));
}

function plain(response, body) {
  response.writeHead(200, { 'Content-Type': 'text/yaml; charset=utf-8' });
  response.end(body);
}

/** `words` instead of those for the status; `place`: where in the text. */
function problem(response, status, words, place) {
  const [code, message] = PROBLEMS[status] ?? ['UnknownError', 'Try again later.'];
  const errors = place && { errors: [{ ...place, detail: words }] };
  json(response, status, { code, message: words ?? message, status, title: code, type: 'about:blank', ...errors });
}

const explained = (job) => {
  if (job.state !== 'WAITING') return { reason: null, message: 'The job does not wait.' };
  return job.waitReason ? { ...WAITS, message: job.waitReason } : { ...WAITS, blockedBy: [], help: [], blockers: 0 };
};

function summary(job) {
  return {
    debugId: fullName(job),
    jobId: fullName(job),
    name: job.name,
    username: job.user,
    state: job.state,
    subState: job.subState,
    executionType: job.executionType,
    tags: [],
    retries: job.retries,
    retryDetails: { user: job.retries, platform: 0, resource: 0 },
    retryDelayTime: null,
    submissionTime: job.submitted,
    createdTime: job.submitted,
    launchedTime: job.launched,
    completedTime: job.completed,
    appExitCode: job.exitCode,
    virtualCluster: job.vc,
    totalGpuNumber: job.gpus,
    totalTaskNumber: job.tasks,
    totalTaskRoleNumber: 1,
    jobPriority: job.priority,
    waitReason: job.waitReason,
    exitPhrase: job.exitSpec?.phrase ?? null,
  };
}

function detail(job) {
  const task = (index) => ({
    taskIndex: index,
    taskUid: `${fullName(job)}-${index}`,
    taskState: job.state,
    retries: job.retries,
    accountableRetries: 0,
    createdTime: job.submitted,
    launchedTime: job.launched,
    completedTime: job.completed,
    attemptId: 0,
    attemptState: job.state,
    currentAttemptCreatedTime: job.submitted,
    currentAttemptLaunchedTime: job.launched,
    currentAttemptCompletedTime: job.completed,
    containerId: null,
    containerIp: '127.0.0.1',
    containerNodeName: job.launched ? 'node-1' : null,
    containerPorts: job.launched ? { ssh: String(15000 + index), http: String(15100 + index) } : {},
    containerGpus: job.launched ? Array.from({ length: job.gpus / job.tasks }, (_, gpu) => gpu) : [],
    containerLog: '',
    containerExitCode: job.exitCode,
    containerExitSpec: job.exitSpec,
    containerExitDiagnostics: job.diagnostics,
    node: job.launched ? 'node-1' : null,
    simulatedGpus: job.simulated,
    isolation: 'cgroup v2',
    onHost: job.onHost,
  });
  return {
    debugId: fullName(job),
    name: job.name,
    tags: [],
    jobPriority: job.priority,
    code: job.code && 'a'.repeat(64),
    debugReservations: job.reservations,
    limits: { timeSeconds: job.tasks > 1 ? 7200 : null, processes: 4096, diskMB: job.tasks > 1 ? 10_240 : null },
    jobStatus: {
      username: job.user,
      state: job.state,
      subState: job.subState,
      executionType: job.executionType,
      retries: job.retries,
      retryDetails: { user: job.retries, platform: 0, resource: 0 },
      retryDelayTime: null,
      submissionTime: job.submitted,
      createdTime: job.submitted,
      launchedTime: job.launched,
      completedTime: job.completed,
      attemptId: job.retries,
      attemptState: job.state,
      appExitCode: job.exitCode,
      appExitSpec: job.exitSpec,
      appExitDiagnostics: job.diagnostics,
      appExitTriggerMessage: job.trigger,
      virtualCluster: job.vc,
      waitReason: job.waitReason,
    },
    taskRoles: {
      worker: {
        resources: { cpu: 4, memoryMB: 8192, gpu: job.gpus / job.tasks, shmMB: 512 },
        taskRoleStatus: { name: 'worker' },
        taskStatuses: Array.from({ length: job.tasks }, (_, index) => task(index)),
      },
    },
  };
}

function eventOf(job) {
  const time = new Date(job.submitted).toISOString();
  return {
    uid: `${fullName(job)}-1`,
    frameworkName: fullName(job),
    podUid: '',
    taskroleName: 'worker',
    taskName: 'worker-0',
    taskIndex: 0,
    type: job.exitSpec ? 'Warning' : 'Normal',
    reason: job.exitSpec?.phrase ?? 'Submitted',
    message: job.trigger ?? 'The job was taken in.',
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
    sourceComponent: 'drover',
    sourceHost: null,
  };
}
