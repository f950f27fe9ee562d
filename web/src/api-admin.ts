// SPDX-License-Identifier: MIT
// What the pages for admins ask of the server; loaded with them. The fetch is api.ts's.
import { json, type NodeState, send, type Settings } from './api.ts';

/** Who has GPUs on the map. */
export interface MapJob {
  username: string;
  name: string;
  virtualCluster: string;
}

/** A node on the map: one list a figure, in the order of its GPUs. */
export interface MapNode {
  name: string;
  state: NodeState;
  sku: string;
  model: string;
  simulated: boolean;
  /** Percent; null: not known. */
  utilization: (number | null)[];
  memory: (number | null)[];
  wrong: ('degraded' | 'failed' | 'lost' | 'hung' | 'quarantined' | null)[];
  /** A place in `jobs`; -1: one that may not be read; null: nobody's. */
  job: (number | null)[];
}

export interface GpuMap {
  jobs: MapJob[];
  nodes: MapNode[];
}

export const getGpuMap = (): Promise<GpuMap> => json('gpus');

export interface User {
  username: string;
  email: string;
  admin: boolean;
  grouplist: string[];
  virtualCluster: string[];
  managedVirtualCluster: string[];
  disabled: boolean;
  expires: number | null;
  userDiskMB: number;
}

const userPath = (user: string): string => `users/${encodeURIComponent(user)}`;

export const getUser = (user: string): Promise<User> => json(userPath(user));

// ---- virtual clusters ----

export interface Guarantee {
  sku: string;
  gpus?: number;
  sockets?: number;
  nodes?: number;
  racks?: number;
  pods?: number;
}

/** What an admin may say of a virtual cluster. */
export interface VcSpec {
  guarantee: Guarantee[];
  pins: string[];
  borrow: number;
  userCap: number;
  cpus: number;
  maxTime: number;
  maxGpus: number;
  maxJobs: number;
  keepLogsDays: number;
  userDiskMB: number;
  debugReservations: 'asked' | 'off' | 'userFailure';
  debugMaxMinutes: number;
  debugPerUser: number;
  debugTotal: number;
  debugReclaim: 'yes' | 'no';
  idle: unknown;
  parent: string;
  read: 'open' | 'own';
  preemption: 'stop' | 'lazy';
  description: string;
  externalName: string;
}

export interface VcGpus {
  guaranteed: number;
  used: number;
  borrowed: number;
  opportunistic: number;
  free: number;
}

export interface VirtualCluster extends VcSpec {
  status: 'Running' | 'Stopped';
  gpus: VcGpus;
  unfinishedJobs: number;
  liveReservations: number;
}

const vcPath = (vc: string): string => `virtual-clusters/${encodeURIComponent(vc)}`;

export const getVcs = (): Promise<Record<string, VirtualCluster>> => json('virtual-clusters');

/** Makes one where there is none of this name. */
export const putVc = async (vc: string, change: Partial<VcSpec>): Promise<void> =>
  void (await send(vcPath(vc), { method: 'PUT', body: change }));

export const setVcStatus = async (vc: string, vcStatus: 'stopped' | 'running'): Promise<void> =>
  void (await send(`${vcPath(vc)}/status`, { method: 'PUT', body: { vcStatus } }));

export const removeVc = async (vc: string): Promise<void> => void (await send(vcPath(vc), { method: 'DELETE' }));

/** The names of the units in which GPUs are asked for. */
export const listSkus = async (): Promise<string[]> => Object.keys(await json<Record<string, unknown>>('cluster/sku-types')).sort();

// ---- groups ----

export interface Acls {
  admin: boolean;
  virtualClusters: string[];
  managedVirtualClusters: string[];
  storageConfigs: string[];
}

export interface Group {
  groupname: string;
  description: string;
  externalName: string;
  extension: { acls: Acls };
}

export interface GroupChange {
  groupname: string;
  description?: string;
  externalName?: string;
  extension?: { acls: Partial<Acls> };
}

export const getGroups = (): Promise<Group[]> => json('groups');

export const getUsers = (): Promise<User[]> => json('users');

export const addGroup = async (group: GroupChange): Promise<void> => void (await send('groups', { method: 'POST', body: group }));

export const changeGroup = async (data: GroupChange): Promise<void> =>
  void (await send('groups', { method: 'PUT', body: { patch: true, data } }));

export const removeGroup = async (group: string): Promise<void> =>
  void (await send(`groups/${encodeURIComponent(group)}`, { method: 'DELETE' }));

/** One member more, or one less. */
export const setMember = async (user: string, groupname: string, is: boolean): Promise<void> =>
  void (await send(`${userPath(user)}/group`, { method: is ? 'PUT' : 'DELETE', body: { groupname } }));

// ---- users ----

export interface UserChange {
  username: string;
  email?: string;
  password?: string;
  admin?: boolean;
  grouplist?: string[];
  virtualCluster?: string[];
  disabled?: boolean;
  expires?: number | null;
  userDiskMB?: number;
}

export const addUser = async (user: UserChange): Promise<void> => void (await send('users', { method: 'POST', body: user }));

export const changeUser = async (data: UserChange): Promise<void> =>
  void (await send('users', { method: 'PUT', body: { patch: true, data } }));

export const removeUser = async (user: string): Promise<void> => void (await send(userPath(user), { method: 'DELETE' }));

export const resetPassword = async (user: string, newPassword: string): Promise<void> =>
  void (await send(`${userPath(user)}/password`, { method: 'PUT', body: { newPassword } }));

/** The link, which is told this once; null where it was mailed. */
export const inviteUser = async (user: string, how: 'sheet' | 'mail'): Promise<string | null> =>
  (await json<{ invitation: string | null }>(`${userPath(user)}/invitation?invite=${how}`, { method: 'POST' })).invitation;

export interface ImportOptions {
  action: 'create' | 'update' | 'disable' | 'delete';
  mode: 'all' | 'rows';
  invite: 'none' | 'mail' | 'sheet';
  allowAdmin: boolean;
}

export interface ImportReport {
  dryRun: boolean;
  applied: boolean;
  importId: string | null;
  rows: number;
  badRows: number;
  errorCount: number;
  /** The first 1,000. */
  errors: { line: number; field: string; code: string; message: string }[];
  users: { line: number; username: string; action: string; invitation?: string }[];
}

export const importUsers = (csv: string, options: ImportOptions, dryRun: boolean): Promise<ImportReport> => {
  const { allowAdmin, ...words } = options;
  const query = new URLSearchParams({ ...words, allowAdmin: String(allowAdmin), dryRun: String(dryRun) });
  return json(`users/import?${query}`, { method: 'POST', raw: { type: 'text/csv', body: csv } });
};

/** How many users are as they were before. */
export const undoImport = async (id: string): Promise<number> =>
  (await json<{ users: number }>(`user-imports/${encodeURIComponent(id)}/undo`, { method: 'POST' })).users;

// ---- audit ----

export interface AuditRecord {
  id: number;
  time: number;
  /** '': nobody was logged in. */
  actor: string;
  ip: string;
  method: string;
  route: string;
  object: string;
  status: number;
  code: string;
  requestId: string;
  /** Calls that it tells of. */
  count: number;
}

export interface AuditPage {
  data: AuditRecord[];
  next: number | null;
}

export const listAudit = (query: URLSearchParams): Promise<AuditPage> => json(`audit?${query}`);

/** Whether each record fits the one before it; the log's end as it is to be noted elsewhere. */
export interface Chain {
  whole: boolean;
  records: number;
  head: string;
  message: string | null;
}

export const verifyAudit = (): Promise<Chain> => json('audit/chain');

// ---- the site ----

export const putSettings = async (settings: Settings): Promise<void> =>
  void (await send('settings', { method: 'PUT', body: settings }));

export const snoozeJob = async (job: string, minutes: number, reason: string): Promise<void> =>
  void (await send(`jobs/${encodeURIComponent(job)}/snooze`, { method: 'PUT', body: { minutes, reason } }));
