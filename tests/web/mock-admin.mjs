// SPDX-License-Identifier: MIT
// The part of the mock that the pages for admins speak to: users, groups, virtual clusters, a map of many GPUs and an audit
// log, with hostile names. What is changed is kept, so that a test sees what was sent.
const HOSTILE = '<img src=x onerror=alert(1)>';

const SPEC = {
  guarantee: [], pins: [], borrow: 0, userCap: 0, cpus: 0, maxTime: 0, maxGpus: 0, maxJobs: 0, keepLogsDays: 0, userDiskMB: 0,
  debugReservations: 'asked', debugMaxMinutes: 0, debugPerUser: 0, debugTotal: 0, debugReclaim: 'yes', idle: null, parent: '',
  read: 'open', preemption: 'stop', description: '', externalName: '',
};

const vc = (gpus, over = {}) => ({ ...SPEC, status: 'Running', gpus, unfinishedJobs: 0, liveReservations: 0, ...over });

const GROUP = (groupname, acls, description = '') => ({
  groupname, description, externalName: '', extension: { acls: { admin: false, virtualClusters: [], managedVirtualClusters: [], storageConfigs: [], ...acls } },
});

const SKUS = {
  'NVIDIA-V100': { cpu: 8, memory: 65_536, gpu: 1, total: 16, free: 3 },
  a100: { cpu: 8, memory: 1, gpu: 1, total: 16, free: 0 },
  h100: { cpu: 8, memory: 1, gpu: 1, total: 8, free: 8 },
  cpu: { cpu: 1, memory: 4096, gpu: 0, total: 64, free: 60 },
};

/** 2,000 nodes of eight GPUs: what is busy, idle and broken follows from the numbers alone. */
function gpuMap(user) {
  const jobs = [
    { username: user, name: 'mine', virtualCluster: 'vision' },
    { username: 'bo', name: HOSTILE, virtualCluster: 'nlp' },
  ];
  const nodes = Array.from({ length: 2000 }, (_, n) => {
    const eight = (value) => Array.from({ length: 8 }, (_, gpu) => value(gpu));
    const job = eight((gpu) => ((n + gpu) % 3 === 0 ? null : (n * 7 + gpu) % 11 === 0 ? 0 : (n + gpu) % 13 === 0 ? -1 : 1));
    return {
      name: `node-${n}`,
      state: n % 97 === 5 ? 'down' : n % 89 === 3 ? 'cordoned' : 'up',
      sku: n < 1400 ? 'a100' : 'h100',
      model: n < 1400 ? 'NVIDIA A100-SXM4-80GB' : 'NVIDIA H100 80GB HBM3',
      simulated: false,
      utilization: eight((gpu) => (job[gpu] === null ? 0 : (n * 31 + gpu * 17) % 10 === 0 ? 0 : (n * 37 + gpu * 13) % 101)),
      memory: eight((gpu) => (job[gpu] === null ? 0 : (n * 29 + gpu * 11) % 101)),
      wrong: eight((gpu) => (n % 211 === 7 && gpu === 2 ? 'failed' : null)),
      job,
    };
  });
  return { jobs, nodes };
}

function auditLog(user) {
  return Array.from({ length: 250 }, (_, i) => ({
    id: 250 - i, time: Date.now() - i * 60_000, actor: i % 5 === 4 ? '' : user, ip: '127.0.0.1', method: ['POST', 'PUT', 'DELETE'][i % 3],
    route: ['/api/v2/jobs', '/api/v2/users/{user}/email', '/api/v2/session'][i % 3], object: i === 0 ? HOSTILE : `ana~job-${i}`,
    status: i % 5 === 4 ? 401 : 201, code: i % 5 === 4 ? 'UnauthorizedUserError' : '', requestId: `request-${i}`, count: 1,
  }));
}

/** What the server would say of a table in which each line after the first is "name,email". */
function importReport(csv, query, users) {
  const rows = csv.split('\n').slice(1).filter((line) => line !== '').map((line, i) => ({ line: i + 2, name: line.split(',')[0] }));
  const bad = rows.filter(({ name }) => users.some((one) => one.username === name));
  const good = rows.filter((row) => !bad.includes(row));
  const applied = query.get('dryRun') !== 'true' && (bad.length === 0 || query.get('mode') === 'rows');
  return {
    dryRun: query.get('dryRun') === 'true', applied, importId: applied ? 'import-1' : null, rows: rows.length, badRows: bad.length, create: good.length, update: 0,
    disable: 0, delete: 0, errorCount: bad.length,
    errors: bad.map(({ line, name }) => ({ line, field: 'username', code: 'ConflictUserError', message: `User name ${name} already exists.` })),
    users: good.map(({ line, name }) => ({ line, username: name, action: 'create', ...(applied ? { invitation: `http://mock/#/invite/${name}` } : {}) })),
  };
}

/** By method and first part of the path. */
export function adminRoutes({ user, json, text, settings }) {
  const account = (username, over = {}) => ({
    username, email: `${username}@example.org`, extension: {}, admin: false, grouplist: ['default', 'vision'], virtualCluster: ['default', 'vision'],
    managedVirtualCluster: [], storageConfig: [], disabled: false, expires: null, userDiskMB: 0, ...over,
  });
  let users = [
    account(user, { admin: true, grouplist: ['lab', 'admingroup', 'default'] }),
    account('bo', { disabled: true }),
    account('li', { virtualCluster: ['default'], grouplist: ['default'], expires: Date.now() - 86_400_000 }),
    ...Array.from({ length: 120 }, (_, i) => account(`student-${i}`)),
  ];
  let before = users;
  const groups = [
    GROUP('default', { virtualClusters: ['default'] }),
    GROUP('admingroup', { admin: true }),
    GROUP('vision', { virtualClusters: ['vision'] }),
    GROUP('teachers', { managedVirtualClusters: ['vision'] }, HOSTILE),
  ];
  const vcs = {
    default: vc({ guaranteed: 8, used: 2, borrowed: 0, opportunistic: 3, free: 6 }),
    vision: vc({ guaranteed: 16, used: 12, borrowed: 0, opportunistic: 0, free: 4 }, { guarantee: [{ sku: 'a100', gpus: 16 }], borrow: 4, unfinishedJobs: 5, description: 'Image models' }),
    'vision-small': vc({ guaranteed: 4, used: 4, borrowed: 2, opportunistic: 1, free: 0 }, { guarantee: [{ sku: 'a100', gpus: 4 }], parent: 'vision', read: 'own', userCap: 2, description: HOSTILE }),
    nlp: vc({ guaranteed: 8, used: 0, borrowed: 0, opportunistic: 0, free: 8 }, { guarantee: [{ sku: 'h100', nodes: 1 }], status: 'Stopped' }),
  };
  const log = auditLog(user);
  const map = gpuMap(user);
  const done = (response, status = 201) => json(response, status, { status, message: 'done' });
  const refuse = (response, status, message) => json(response, status, { code: 'Refused', message, status });
  const body = async (request) => JSON.parse((await text(request)) || '{}');
  const ROUTES = {
    'GET gpus': ({ response }) => json(response, 200, map),
    'GET cluster': ({ response }) => json(response, 200, SKUS),
    'GET virtual-clusters': ({ response }) => json(response, 200, vcs),
    'PUT virtual-clusters': async ({ request, response, parts }) => {
      const change = await body(request);
      if (change.vcStatus) vcs[parts[1]].status = change.vcStatus === 'stopped' ? 'Stopped' : 'Running';
      else if ((change.borrow ?? 0) > 100) return refuse(response, 400, 'The cluster has 32 GPUs; nobody can borrow 101.');
      else vcs[parts[1]] = { ...(vcs[parts[1]] ?? vc({ guaranteed: 0, used: 0, borrowed: 0, opportunistic: 0, free: 0 })), ...change };
      return done(response);
    },
    'DELETE virtual-clusters': ({ response, parts }) => {
      delete vcs[parts[1]];
      return done(response);
    },
    'GET groups': ({ response }) => json(response, 200, groups),
    'POST groups': async ({ request, response }) => {
      const { groupname, extension, description } = await body(request);
      groups.push(GROUP(groupname, extension.acls, description));
      return done(response);
    },
    'PUT groups': ({ response }) => done(response),
    'GET users': ({ response, parts }) => (parts[1] ? json(response, 200, users.find((one) => one.username === parts[1])) : json(response, 200, users)),
    'POST users': async ({ request, response, url, parts }) => {
      if (parts[2] === 'invitation') return json(response, 201, { username: parts[1], mailed: false, invitation: 'http://mock/#/invite/1234' });
      if (parts[1] === 'import') {
        const report = importReport(await text(request), url.searchParams, users);
        if (report.applied) {
          before = users;
          users = [...users, ...report.users.map((one) => account(one.username))];
        }
        return json(response, 200, report);
      }
      users = [...users, account((await body(request)).username)];
      return done(response);
    },
    'POST user-imports': ({ response }) => {
      const count = users.length - before.length;
      users = before;
      return json(response, 200, { importId: 'import-1', users: count });
    },
    'PUT users': async ({ request, response }) => {
      const { data } = await body(request);
      if (data.email === 'no@address') return refuse(response, 400, '"no@address" is no address.');
      users = users.map((one) => (one.username === data.username ? { ...one, ...data } : one));
      return done(response);
    },
    'DELETE users': ({ response, parts }) => {
      users = users.filter((one) => one.username !== parts[1]);
      return done(response, 200);
    },
    'GET audit': ({ response, url, parts }) => {
      if (parts[1] === 'chain') return json(response, 200, { whole: true, records: 250, head: '250:ab', message: null });
      const wanted = (record) => ['actor', 'method', 'route', 'code'].every((key) => [null, record[key]].includes(url.searchParams.get(key)));
      const rest = log.filter((record) => wanted(record) && record.id < Number(url.searchParams.get('cursor') ?? Infinity));
      return json(response, 200, { data: rest.slice(0, 100), next: rest.length > 100 ? rest[99].id : null });
    },
    'GET settings': ({ response }) => json(response, 200, settings.get()),
    'PUT settings': async ({ request, response }) => {
      const next = await body(request);
      if (next.menu.some((link) => !link.url.startsWith('https://'))) return refuse(response, 400, 'It must begin with https://.');
      settings.set(next);
      return done(response, 200);
    },
  };
  return ROUTES;
}
