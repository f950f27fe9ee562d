// SPDX-License-Identifier: MIT
// The only place that speaks to the server. Addresses are relative to the page, so that the portal
// works below a base path; the session is a cookie that scripts cannot read.

import type { OpenApi } from './openapi.ts';

/** "https://host/base/api/v2/" */
export const ROOT = new URL('api/v2/', document.baseURI.replace(/[#?].*$/, '')).href;

/** A link of the site's; the server lets only addresses of pages pass. */
export interface SiteLink {
  title: string;
  url: string;
}

export interface Settings {
  name: string;
  logo: string | null;
  menu: SiteLink[];
  links: SiteLink[];
}

export type JobState = 'WAITING' | 'RUNNING' | 'STOPPING' | 'STOPPED' | 'SUCCEEDED' | 'FAILED' | 'UNKNOWN';

export interface Session {
  user: string;
  admin: boolean;
  email: string;
}

export interface JobSummary {
  name: string;
  username: string;
  state: JobState;
  subState: string;
  executionType: 'START' | 'STOP';
  retries: number;
  submissionTime: number;
  launchedTime: number | null;
  completedTime: number | null;
  appExitCode: number | null;
  virtualCluster: string;
  totalGpuNumber: number;
  totalTaskNumber: number;
  jobPriority: string | null;
  waitReason: string | null;
  exitPhrase: string | null;
}

export interface JobPage {
  totalCount: number;
  data: JobSummary[];
}

export interface ExitSpec {
  code: number;
  phrase: string;
  type: string;
  reason?: string | null;
  solution?: string[] | null;
}

export interface ExitProof {
  stream: 'stdout' | 'stderr';
  offset: number;
  line: number | null;
  text: string;
}

export interface ExitDiagnosis {
  category: 'none' | 'user' | 'platform' | 'resource' | 'policy' | 'unknown';
  confidence: number;
  proof: ExitProof | null;
  next: { code: number; phrase: string; reason: string; confidence: number; proof: ExitProof | null }[];
}

/** What a task and each of its attempts have in common. */
export interface Placement {
  attemptId: number;
  attemptState: JobState;
  containerNodeName: string | null;
  containerPorts: Record<string, string> | null;
  containerGpus: number[] | null;
  containerExitCode: number | null;
  containerExitSpec: ExitSpec | null;
  containerExitDiagnostics: string | null;
  currentAttemptLaunchedTime: number | null;
  currentAttemptCompletedTime: number | null;
}

export interface TaskStatus extends Placement {
  taskIndex: number;
  taskState: JobState;
  retries: number;
  node?: string | null;
  simulatedGpus?: boolean;
  isolation?: string | null;
  onHost?: boolean;
}

/** What each task of a role gets. */
export interface Resources {
  cpu: number;
  memoryMB: number;
  gpu: number;
  shmMB: number;
}

export interface Limits {
  timeSeconds: number | null;
  processes: number;
  diskMB: number | null;
}

export interface CodeFile {
  path: string;
  type: 'file' | 'folder' | 'other';
  size: number;
}

/** What is in the archive that came with a job. */
export interface CodeListing {
  size: number;
  files: CodeFile[];
  truncated: boolean;
}

/** A folder that a task left. */
export interface FileListing {
  path: string;
  files: { name: string; type: 'file' | 'folder' | 'other'; size: number; modifiedTime: number }[];
  /** Those whose names are no text. */
  hidden: number;
  truncated: boolean;
}

/** What is left of a task that failed its job, kept for a while. */
export interface Reservation {
  id: string;
  jobName: string;
  username: string;
  virtualCluster: string;
  taskRoleName: string;
  taskIndex: number;
  node: string;
  hold: 'gpus' | 'sandbox';
  gpus: number;
  reclaimable: boolean;
  state: 'HELD' | 'ENDING' | 'ENDED' | 'LOST';
  createdTime: number;
  expiresTime: number;
  endedTime: number | null;
  endedBy: string | null;
}

/** A web app of a job. */
export interface JobApp {
  name: string;
  url: string;
  ready: boolean;
}

export interface JobDetail {
  name: string;
  tags?: string[];
  jobPriority?: string | null;
  code?: string | null;
  limits?: Limits;
  debugReservations?: Reservation[];
  apps?: JobApp[];
  jobStatus: {
    username: string;
    state: JobState;
    subState: string;
    executionType: 'START' | 'STOP';
    retries: number;
    submissionTime: number;
    launchedTime: number | null;
    completedTime: number | null;
    attemptId: number;
    attemptState: JobState;
    appExitCode: number | null;
    appExitSpec: ExitSpec | null;
    appExitDiagnosis?: ExitDiagnosis | null;
    appExitDiagnostics: string | null;
    appExitTriggerMessage: string | null;
    virtualCluster: string;
    waitReason?: string | null;
    avoidedNodes?: string[];
  };
  taskRoles: Record<string, { resources?: Resources; taskRoleStatus: { name: string }; taskStatuses: TaskStatus[] }>;
}

export interface JobEvent {
  uid: string;
  taskroleName: string | null;
  taskIndex: number | null;
  type: string;
  reason: string;
  message: string;
  firstTimestamp: string;
  lastTimestamp: string;
  count: number;
}

export type NodeState = 'up' | 'maintenance' | 'cordoned' | 'draining' | 'down';

export const NODE_EVENTS = [
  'added',
  'up',
  'down',
  'cordoned',
  'drained',
  'uncordoned',
  'labels',
  'gpuHealth',
  'gpuHealthy',
  'gpuQuarantined',
  'gpuUnquarantined',
  'maintenanceBegun',
  'maintenanceOver',
] as const;

export interface NodeEvent {
  id: number;
  time: number;
  kind: (typeof NODE_EVENTS)[number];
  /** null: the server itself. */
  username: string | null;
  reason: string;
}

export interface Use {
  total: number;
  used: number;
}

export interface Node {
  name: string;
  address: string;
  state: NodeState;
  cordonReason: string | null;
  isolation: string;
  labels: Record<string, string>;
  /** The window that it is in (start: null), or the next. */
  maintenance: { start: number | null; end: number } | null;
  cpus: Use;
  memoryMB: Use;
  /** Those that are quarantined do not count in the total. */
  gpus: Use & { quarantined: number; simulated: boolean; model: string | null };
}

export interface KeptProcess {
  pid: number;
  ppid: number;
  state: string;
  uid: number;
  cpuMs: number;
  rssBytes: number;
  startTime: number;
  command: string;
}

/** What is known of the end of a task that is kept, and what its sandbox was like then. */
export interface Collected {
  exitCode: number;
  signal: number;
  reason: string;
  category: string;
  message: string;
  /** When its sandbox was looked at; null: nothing was kept of it. */
  time: number | null;
  /** Names; their values are masked. */
  secrets: string[];
  /** A value that is null is hidden. */
  environment: { name: string; value: string | null }[];
  environmentLeftOut: number;
  processes: KeptProcess[];
  processesLeftOut: number;
  core: { handedTo: string | null; files: { name: string; size: number; time: number }[] } | null;
  log: { stream: LogName; lines: string[] } | null;
  /** As they are now. */
  gpus: (Pick<Device, 'index' | 'model' | 'simulated' | 'sample'> & { state: string; reason: string | null })[];
}

/** The last figures of a GPU; null for what its driver does not tell. */
export interface DeviceSample {
  time: number;
  utilization: number | null;
  memoryTotal: number | null;
  memoryUsed: number | null;
  powerMilliwatts: number | null;
  temperature: number | null;
}

export type DeviceHealth = 'ok' | 'degraded' | 'failed' | 'lost' | 'hung';

/** A GPU of a node, as it is now. */
export interface Device {
  index: number;
  uuid: string | null;
  model: string;
  simulated: boolean;
  quarantined: boolean;
  state: 'ok' | 'lost' | 'driverHangs' | 'driverFails' | 'unknown';
  health: { state: DeviceHealth; reason: string | null };
  sample: DeviceSample | null;
  /** Of the last seconds that were asked for. */
  history?: { time: number[]; utilization: (number | null)[]; memoryUsed: (number | null)[] };
  task: { username: string; name: string; taskRoleName: string; taskIndex: number } | null;
}

/** What is placed on a node, of the jobs that one may read. */
export interface PlacedTask {
  username: string;
  name: string;
  virtualCluster: string;
  taskRoleName: string;
  taskIndex: number;
  taskState: JobState;
  gpus: number[];
  launchedTime: number | null;
}

/** A public key of ssh that one's tasks let in. */
export interface SshKey {
  title: string;
  /** Its type and its base64. */
  value: string;
  fingerprint: string;
  time: number | null;
}

export interface Token {
  id: string;
  kind: 'browser' | 'application' | 'session';
  readOnly: boolean;
  /** Its last characters. */
  hint: string;
  issued: number | null;
  expires: number | null;
  lastUsed: number | null;
}

/** How one use of a GPU went; points in which nothing was sampled are missing. */
export interface JobGpuCurve {
  stepMs: number;
  time: number[];
  utilization: (number | null)[];
  utilizationMax: (number | null)[];
  memoryMax: (number | null)[];
}

/** What a task attempt made of one GPU. */
export interface GpuUse {
  jobAttempt: number;
  taskRoleName: string;
  taskIndex: number;
  taskAttempt: number;
  node: string | null;
  gpu: number;
  lastSampleTime: number;
  sampledMs: number;
  idleMs: number;
  utilization: number | null;
  utilizationMax: number | null;
  utilizationP50: number | null;
  utilizationP95: number | null;
  memoryTotal: number;
  memoryMean: number;
  memoryMax: number;
  energyJoules: number;
  curve?: JobGpuCurve;
}

/** How one task attempt went; points in which nothing was sampled are missing. */
export interface JobTaskCurve {
  stepMs: number;
  time: number[];
  /** Percent of its cores. */
  cpu: (number | null)[];
  memoryMax: number[];
  /** Percent of the time. */
  waiting: (number | null)[];
  /** Bytes a second, the most between two looks; null where they are not known. */
  received: (number | null)[];
  sent: (number | null)[];
}

/** What a task attempt used of the machine beside GPUs. */
export interface TaskUse {
  jobAttempt: number;
  taskRoleName: string;
  taskIndex: number;
  taskAttempt: number;
  node: string | null;
  sampledMs: number;
  /** That it asked for. */
  cores: number;
  cpuSeconds: number;
  coresUsed: number;
  coresUsedMax: number;
  memoryLimit: number;
  memoryMean: number;
  memoryMax: number;
  /** null: its processes are another user's than the server. */
  diskReadBytes: number | null;
  diskWrittenBytes: number | null;
  waitingMs: number;
  /** Over TCP, by connections that were seen; null where they are not known. */
  networkReceivedBytes: number | null;
  networkSentBytes: number | null;
  curve?: JobTaskCurve;
}

export interface JobUses {
  gpus: GpuUse[];
  tasks: TaskUse[];
}

/** A value that JSON has no number for comes as its name. */
export type ScalarValue = number | 'NaN' | 'Infinity' | '-Infinity';

export interface ScalarTag {
  tag: string;
  count: number;
  notFinite: number;
  step: number;
  time: number | null;
  value: ScalarValue;
  min: number | null;
  minStep: number | null;
  max: number | null;
  maxStep: number | null;
  points?: { step: number[]; time: (number | null)[]; value: ScalarValue[] };
}

/** What one folder of event files of a task attempt tells. */
export interface ScalarRun {
  /** Whose it is, where several jobs are compared; the server does not say it. */
  job?: string;
  jobAttempt: number;
  taskRoleName: string;
  taskIndex: number;
  taskAttempt: number;
  folder: string;
  damaged: number;
  complete: boolean;
  tags: ScalarTag[];
  tagsLeftOut: number;
}

export interface JobScalars {
  runs: ScalarRun[];
  complete: boolean;
  runsLeftOut: number;
}

export type ProfileKind = 'unknown' | 'idle' | 'training' | 'dense' | 'inference' | 'interactive' | 'hung';
export type Bottleneck = 'none' | 'input' | 'cpu' | 'memory' | 'small-kernels' | 'imbalance' | 'hang';

/** What its log tells of how far a job is. */
export interface JobProgress {
  step: number | null;
  steps: number | null;
  epoch: number | null;
  epochs: number | null;
  loss: number | null;
  /** 0 to 1. */
  done: number | null;
  stepsPerSecond: number | null;
  leftMs: number | null;
  silentMs: number;
  stalled: boolean;
}

/** What kind of work the newest attempt does, and what holds it up. */
export interface JobProfile {
  jobAttempt: number;
  gpus: number;
  kind: ProfileKind;
  kindConfidence: number;
  periodSeconds: number | null;
  bottleneck: Bottleneck;
  confidence: number;
  /** A figure, and the limit that it was held against. */
  proofs: { figure: string; value: number | null; atLeast?: number | null; below?: number | null }[];
  figures: Record<string, number | null>;
  /** The bottleneck in words; '': there is nothing to say. */
  sentence: string;
  advice: string[];
  progress: JobProgress | null;
}

/** Names one task attempt of one job attempt. */
export interface TaskRef {
  job: string;
  attempt: number;
  role: string;
  index: number;
  taskAttempt: number;
}

export type LogName = 'stdout' | 'stderr' | 'all';

/** What the server said no with; `status` is 0 where there was no answer at all. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  /** Where in the text that was sent; null: not of a place. */
  readonly place: ErrorPlace | null;

  constructor(status: number, code: string, message: string, place: ErrorPlace | null = null) {
    super(message);
    this.status = status;
    this.code = code;
    this.place = place;
  }
}

export interface ErrorPlace {
  /** JSON pointer. */
  pointer?: string;
  /** Both from 1. */
  line?: number;
  column?: number;
}

/** Why a job waits, or would wait. `reason` is null of one that does not. */
export interface WaitAnswer {
  reason: string | null;
  message: string;
  gpus?: Record<'asked' | 'idle' | 'guaranteed' | 'held' | 'borrow' | 'borrowed' | 'userCap' | 'userHeld', number>;
  blockedBy?: string[];
  blockers?: number;
  help?: { kind: string; amount?: number; name?: string }[];
  helpTogether?: boolean;
}

export interface DryRun {
  name: string;
  warning?: string;
  would: WaitAnswer | null;
}

/** A kind of GPU, or `cpu`: what a unit has, and how many units there are. */
export interface Sku {
  cpu: number;
  memory: number;
  gpu: number;
  total: number;
  free: number;
}

export interface VirtualCluster {
  status: 'Running' | 'Stopped';
  unfinishedJobs: number;
  borrow: number;
  gpus: Record<'guaranteed' | 'used' | 'borrowed' | 'opportunistic' | 'free', number>;
}

export interface Alert {
  labels: { alertname: string; severity: string; node_name?: string; job_name?: string; username?: string; gpu?: string };
  annotations: { summary: string };
  startsAt: string;
}

export type Visibility = 'private' | 'group' | 'public';

export interface Template {
  name: string;
  owner: string;
  visibility: Visibility;
  group: string | null;
  title: string;
  description: string;
  createdTime: number;
  updatedTime: number;
  /** Of one alone. */
  config?: string;
}

/** One's own account. */
export interface Account {
  grouplist: string[];
  virtualCluster: string[];
}

let onSignedOut = (): void => {};

/** Called whenever the server no longer knows the session. */
export function whenSignedOut(handler: () => void): void {
  onSignedOut = handler;
}

interface Options {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is. */
  raw?: { type: string; body: string | Blob };
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
}

export async function send(path: string, options: Options = {}): Promise<Response> {
  const method = options.method ?? 'GET';
  const headers: Record<string, string> = { ...options.headers };
  if (method !== 'GET') headers['X-Drover-Csrf'] = '1';
  const body = options.raw ? options.raw.body : options.body === undefined ? undefined : JSON.stringify(options.body);
  if (body !== undefined) headers['Content-Type'] = options.raw?.type ?? 'application/json';
  let response: Response;
  try {
    response = await fetch(ROOT + path, {
      method,
      headers,
      credentials: 'same-origin',
      cache: 'no-store',
      ...(body === undefined ? {} : { body }),
      ...(options.signal ? { signal: options.signal } : {}),
    });
  } catch (cause) {
    if (options.signal?.aborted) throw cause;
    throw new ApiError(0, 'Unreachable', 'The server cannot be reached.');
  }
  if (response.ok || response.status === 304) return response;
  if (response.status === 401) onSignedOut();
  throw await refusal(response);
}

async function refusal(response: Response): Promise<ApiError> {
  let code = `HTTP ${response.status}`;
  let message = response.statusText;
  let place: ErrorPlace | null = null;
  try {
    const body = (await response.json()) as { code?: unknown; message?: unknown; detail?: unknown; errors?: ErrorPlace[] };
    place = body.errors?.[0] ?? null;
    if (typeof body.code === 'string') code = body.code;
    if (typeof body.message === 'string') message = body.message;
    else if (typeof body.detail === 'string') message = body.detail;
  } catch {
    // Not JSON: something between us and the server has answered; its status is all we have.
  }
  return new ApiError(response.status, code, message || code, place);
}

export async function json<T>(path: string, options?: Options): Promise<T> {
  return (await (await send(path, options)).json()) as T;
}

const jobPath = (job: string): string => `jobs/${encodeURIComponent(job)}`;

const taskPath = (ref: TaskRef): string =>
  `${jobPath(ref.job)}/attempts/${ref.attempt}/taskRoles/${encodeURIComponent(ref.role)}/taskIndex/${ref.index}/attempts`;

export const getSession = (): Promise<Session> => json('session');

export const signIn = (username: string, password: string): Promise<Session> =>
  json('session', { method: 'POST', body: { username, password } });

/** Sets the first password with an invitation's secret; whose it was. */
export const acceptInvitation = (invitation: string, password: string): Promise<{ user: string }> =>
  json('invitation', { method: 'POST', body: { invitation, password } });

export const signOut = async (): Promise<void> => void (await send('session', { method: 'DELETE' }));

export const listJobs = (query: URLSearchParams): Promise<JobPage> => json(`jobs?${query}`);

/** The job as it is, or one of its earlier attempts. */
export const getJob = (job: string, attempt: number | null): Promise<JobDetail> =>
  json(attempt === null ? jobPath(job) : `${jobPath(job)}/attempts/${attempt}`);

/** What its task attempts made of their GPUs, cores, memory and discs, each with a curve of at most so many points. */
export const getUses = (job: string, points: number): Promise<JobUses> => json(`${jobPath(job)}/metrics?points=${points}`);

/** An answer and its tag, for what is asked again and again: what is as it was is not sent again. */
export interface Tagged<T> {
  tag: string;
  value: T;
}

/** What its tasks wrote into event files: each tag with at most so many points; `before` itself where nothing changed. */
export async function getScalars(job: string, points: number, before: Tagged<JobScalars> | null): Promise<Tagged<JobScalars>> {
  const headers: Record<string, string> = before?.tag ? { 'If-None-Match': before.tag } : {};
  const response = await send(`${jobPath(job)}/scalars?points=${points}`, { headers });
  if (before && response.status === 304) return before;
  return { tag: response.headers.get('ETag') ?? '', value: (await response.json()) as JobScalars };
}

export const getProfile = (job: string): Promise<JobProfile> => json(`${jobPath(job)}/profile`);

export const getConfig = async (job: string): Promise<string> => (await send(`${jobPath(job)}/config`)).text();

/** A link that opens an app, once. */
export const openApp = async (job: string, app: string): Promise<string> =>
  (await json<{ url: string }>(`${jobPath(job)}/apps/${encodeURIComponent(app)}`, { method: 'POST' })).url;
/** Why a job waits, and what would let it start. */
export const explain = (job: string): Promise<WaitAnswer> => json(`${jobPath(job)}/explain`);

const YAML = 'text/yaml';

/** Asks what would become of a job; nothing is kept. */
export const tryJob = (text: string, signal: AbortSignal): Promise<DryRun> =>
  json('jobs?dryRun=true', { method: 'POST', raw: { type: YAML, body: text }, signal });

export const submitJob = (text: string): Promise<{ name: string; warning?: string }> =>
  json('jobs', { method: 'POST', raw: { type: YAML, body: text } });

/** Sends an archive of code; its id, which a job names. */
export async function sendCode(archive: File): Promise<string> {
  const packed = /\.(tgz|gz)$/i.test(archive.name) ? 'gzip' : /\.(zst|tzst)$/i.test(archive.name) ? 'zstd' : 'x-tar';
  return (await json<{ id: string }>('code', { method: 'POST', raw: { type: `application/${packed}`, body: archive } })).id;
}

export const listTemplates = (): Promise<Template[]> => json('templates');

const templatePath = (name: string): string => `templates/${encodeURIComponent(name)}`;

export const getTemplate = (name: string): Promise<Template> => json(templatePath(name));

export const addTemplate = async (template: Partial<Template>): Promise<void> =>
  void (await send('templates', { method: 'POST', body: template }));

export const removeTemplate = async (name: string): Promise<void> => void (await send(templatePath(name), { method: 'DELETE' }));

export const listStorages = async (): Promise<string[]> =>
  (await json<{ storages: { name: string }[] }>('storages')).storages.map(({ name }) => name);

export const listAlerts = (): Promise<Alert[]> => json('alerts');

export const getCode = (job: string): Promise<CodeListing> => json(`${jobPath(job)}/code/files`);

export const getEvents = async (job: string): Promise<JobEvent[]> =>
  (await json<{ data: JobEvent[] }>(`${jobPath(job)}/events`)).data;

export const stopJob = async (job: string): Promise<void> =>
  void (await send(`${jobPath(job)}/executionType`, { method: 'PUT', body: { value: 'STOP' } }));

export const extendReservation = async (job: string, minutes: number): Promise<void> =>
  void (await send(`${jobPath(job)}/reservation`, { method: 'PUT', body: { minutes } }));

export const releaseReservation = async (job: string): Promise<void> =>
  void (await send(`${jobPath(job)}/reservation`, { method: 'DELETE' }));

/** Those of the jobs that one may read; `ended`: with those that are over. */
export const listReservations = (ended: boolean): Promise<Reservation[]> =>
  json(`reservations${ended ? '?state=all' : ''}`);

export const listKeys = (): Promise<SshKey[]> => json('ssh-keys');

export const putKey = async (title: string, value: string): Promise<void> =>
  void (await send(`ssh-keys/${encodeURIComponent(title)}`, { method: 'PUT', body: { value } }));

export const removeKey = async (title: string): Promise<void> =>
  void (await send(`ssh-keys/${encodeURIComponent(title)}`, { method: 'DELETE' }));

export const listTokens = async (): Promise<Token[]> => (await json<{ details: Token[] }>('tokens')).details;

/** The token itself, which the server tells this once. `expires`: ms since the epoch; null: never. */
export const makeToken = async (readOnly: boolean, expires: number | null): Promise<string> =>
  (await json<{ token: string }>('tokens/application', { method: 'POST', body: { readOnly, expires } })).token;

export const revokeToken = async (id: string): Promise<void> =>
  void (await send(`tokens/${encodeURIComponent(id)}`, { method: 'DELETE' }));

const userPath = (user: string): string => `users/${encodeURIComponent(user)}`;

export const setEmail = async (user: string, email: string): Promise<void> =>
  void (await send(`${userPath(user)}/email`, { method: 'PUT', body: { email } }));

/** Ends every login of the user, this one too. */
export const setPassword = async (user: string, oldPassword: string, newPassword: string): Promise<void> =>
  void (await send(`${userPath(user)}/password`, { method: 'PUT', body: { oldPassword, newPassword } }));

export const listVirtualClusters = async (): Promise<string[]> =>
  Object.keys(await json<Record<string, unknown>>('virtual-clusters')).sort();

export const getVirtualClusters = (): Promise<Record<string, VirtualCluster>> => json('virtual-clusters');

export const getSkus = (): Promise<Record<string, Sku>> => json('cluster/sku-types');

export const getAccount = (user: string): Promise<Account> => json(userPath(user));

export const getSettings = (): Promise<Settings> => json('settings');

/** The API's own description, and where it is. */
export const getOpenApi = (): Promise<OpenApi> => json('openapi.json');

export const openApiHref = `${ROOT}openapi.json`;

export const listNodes = (): Promise<Node[]> => json('nodes');

const nodePath = (node: string): string => `nodes/${encodeURIComponent(node)}`;

export const getNode = (node: string): Promise<Node> => json(nodePath(node));

/** The GPUs of a node, with the samples of so many seconds; 0: without. */
export const listDevices = (node: string, seconds = 0): Promise<Device[]> =>
  json(`${nodePath(node)}/gpus${seconds ? `?seconds=${seconds}` : ''}`);

export const listNodeEvents = (node: string): Promise<NodeEvent[]> => json(`${nodePath(node)}/events`);
export const listPlaced = (node: string): Promise<PlacedTask[]> => json(`${nodePath(node)}/tasks`);

/** What was found when a failed job's task was kept. */
export const getCollected = async (job: string): Promise<Collected> =>
  (await json<{ collected: Collected }>(`${jobPath(job)}/reservation`)).collected;

/** Address of a whole log, for a download. */
export const logHref = (ref: TaskRef, name: LogName): string =>
  `${ROOT}${taskPath(ref)}/${ref.taskAttempt}/logs/${name}`;

/** Where a terminal's WebSocket is, as an address of http. */
export const shellHref = (ref: TaskRef, rows: number, columns: number): string =>
  `${ROOT}${taskPath(ref)}/${ref.taskAttempt}/shell?tty=true&term=xterm-256color&rows=${rows}&columns=${columns}`;

/** A browser does not tell why a WebSocket was refused; the same question without one is refused for the same reason. */
export async function whyNoShell(href: string): Promise<string> {
  try {
    await send(href.slice(ROOT.length));
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

/** A folder that a task left; '' is the one that it worked in. */
export const listFiles = (ref: TaskRef, folder: string): Promise<FileListing> =>
  json(`${taskPath(ref)}/${ref.taskAttempt}/files?path=${encodeURIComponent(folder)}`);

export const fileHref = (ref: TaskRef, path: string): string =>
  `${ROOT}${taskPath(ref)}/${ref.taskAttempt}/files/content?path=${encodeURIComponent(path)}`;

export const codeHref = (job: string): string => `${ROOT}${jobPath(job)}/code`;

export const configHref = (job: string): string => `${ROOT}${jobPath(job)}/config`;

/** Where a log stands: bytes written so far. Its last piece comes with the answer and is not read. */
export async function logSize(ref: TaskRef, name: LogName, signal: AbortSignal): Promise<number> {
  const response = await send(`${taskPath(ref)}/${ref.taskAttempt}/logs/${name}?tail-mode=true`, { signal });
  await response.body?.cancel();
  return Number(response.headers.get('X-Drover-Log-Size') ?? 0);
}

/** Opens a log from a byte on; the body goes on until the attempt has ended. */
export async function followLog(
  ref: TaskRef,
  name: LogName,
  offset: number,
  signal: AbortSignal,
): Promise<{ body: ReadableStream<Uint8Array>; complete: boolean }> {
  const path = `${taskPath(ref)}/${ref.taskAttempt}/logs/${name}?follow=true&offset=${offset}`;
  const response = await send(path, { signal });
  if (!response.body) throw new ApiError(0, 'Unreachable', 'The log has no body.');
  return { body: response.body, complete: response.headers.get('X-Drover-Log-Complete') === 'true' };
}

/** Opens the event stream, after the last event seen. */
export async function openStream(lastEventId: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  const headers: Record<string, string> = { Accept: 'text/event-stream' };
  if (lastEventId !== '') headers['Last-Event-ID'] = lastEventId;
  const response = await send('stream', { headers, signal });
  if (!response.body) throw new ApiError(0, 'Unreachable', 'The stream has no body.');
  return response.body;
}
