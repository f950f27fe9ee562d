// SPDX-License-Identifier: MIT
// What the submit page's form knows of a job's text: where its fields are, and changes that are more than one value.
// All are functions from text to text, so that the text is the only truth.
import { nodeAt, parseYaml, type Path, type Value, valueOf } from './yaml.ts';
import { renameKey, setIn } from './yaml-edit.ts';

export const MASK = '******';

export const EXAMPLE = `protocolVersion: 2
name: my-job
type: job
prerequisites:
  - type: dockerimage
    name: image
    uri: python:3.11-slim
taskRoles:
  main:
    instances: 1
    dockerImage: image
    resourcePerInstance: {cpu: 1, memoryMB: 1024, gpu: 0}
    commands:
      - echo "Hello from $PAI_JOB_NAME"
`;

export const EXTRAS = ['extras', 'drover'] as const;
export const PRIORITY: Path = ['extras', 'hivedScheduler', 'jobPriorityClass'];

export const rolePath = (role: string, ...rest: Path): Path => ['taskRoles', role, ...rest];
export const skuPath = (role: string, field: 'skuType' | 'skuNum'): Path => ['extras', 'hivedScheduler', 'taskRoles', role, field];

/** The value at a place of a parsed job; undefined: there is none. */
export function valueAt(job: Value, path: Path): Value | undefined {
  let at: Value | undefined = job;
  for (const step of path) {
    if (at === null || typeof at !== 'object') return undefined;
    at = Array.isArray(at) ? at[step as number] : at[step];
  }
  return at;
}

export const textAt = (job: Value, path: Path): string => {
  const found = valueAt(job, path);
  return found === undefined || found === null || typeof found === 'object' ? '' : String(found);
};

const mapAt = (job: Value, path: Path): { [key: string]: Value } => {
  const found = valueAt(job, path);
  return found !== null && typeof found === 'object' && !Array.isArray(found) ? found : {};
};

export const pairsAt = (job: Value, path: Path): [string, Value][] => Object.entries(mapAt(job, path));

export const rolesOf = (job: Value): string[] => Object.keys(mapAt(job, ['taskRoles']));

/** "/taskRoles/main/instances", as the server names a place. */
export const pointerOf = (path: Path): string => path.map((step) => `/${String(step).replace(/~/g, '~0').replace(/\//g, '~1')}`).join('');

// ---- images: a role names a prerequisite, the prerequisite has the image ----

interface Image {
  index: number;
  name: string;
  uri: string;
}

function imagesOf(job: Value): Image[] {
  const list = valueAt(job, ['prerequisites']);
  return (Array.isArray(list) ? list : []).flatMap((one, index) =>
    textAt(one, ['type']) === 'dockerimage' ? [{ index, name: textAt(one, ['name']), uri: textAt(one, ['uri']) }] : [],
  );
}

export const imageOf = (job: Value, role: string): string =>
  imagesOf(job).find(({ name }) => name === textAt(job, rolePath(role, 'dockerImage')))?.uri ?? '';

/** An image of one role alone is changed in place; one that others use stays, and the role gets another. */
export function setImage(text: string, role: string, uri: string): string {
  const job = valueOf(parseYaml(text));
  const images = imagesOf(job);
  const mine = images.find(({ name }) => name === textAt(job, rolePath(role, 'dockerImage')));
  const shared = rolesOf(job).some((other) => other !== role && textAt(job, rolePath(other, 'dockerImage')) === mine?.name);
  if (mine && !shared) return setIn(text, ['prerequisites', mine.index, 'uri'], uri);
  const same = images.find((image) => image.uri === uri);
  if (same) return setIn(text, rolePath(role, 'dockerImage'), same.name);
  let name = `image-${role}`;
  while (images.some((image) => image.name === name)) name += '-2';
  const list = valueAt(job, ['prerequisites']);
  const next = setIn(text, ['prerequisites', Array.isArray(list) ? list.length : 0], { type: 'dockerimage', name, uri });
  return setIn(next, rolePath(role, 'dockerImage'), name);
}

// ---- commands: a list whose items are joined by line breaks ----

export function commandsOf(job: Value, role: string): string {
  const list = valueAt(job, rolePath(role, 'commands'));
  return (Array.isArray(list) ? list : []).map((one) => String(one).replace(/\n+$/, '')).join('\n');
}

/** One item a line, as long as no line depends on how it is indented: the server trims each item. */
export function setCommands(text: string, role: string, commands: string): string {
  const lines = commands.replace(/\s+$/, '').split('\n');
  const script = lines.length > 1 && lines.some((line) => line.trim() === '' || /^\s|<<|\\$/.test(line));
  return setIn(text, rolePath(role, 'commands'), script ? [`${lines.join('\n')}\n`] : lines);
}

// ---- roles ----

export function addRole(text: string): { text: string; role: string } {
  const job = valueOf(parseYaml(text));
  const roles = rolesOf(job);
  let number = roles.length + 1;
  while (roles.includes(`role${number}`)) number += 1;
  const role = `role${number}`;
  const image = imagesOf(job)[0]?.name ?? 'image';
  const resourcePerInstance = { cpu: 1, memoryMB: 1024, gpu: 0 };
  return { text: setIn(text, rolePath(role), { instances: 1, dockerImage: image, resourcePerInstance, commands: ['sleep 1'] }), role };
}

/** Wherever the job names the role. */
const namesRole = (job: Value, role: string): Path[] => {
  const list = valueAt(job, ['deployments']);
  const deployments = (Array.isArray(list) ? list : []).map((_, index): Path => ['deployments', index, 'taskRoles', role]);
  const all: Path[] = [rolePath(role), ['extras', 'hivedScheduler', 'taskRoles', role], ...deployments];
  return all.filter((path) => valueAt(job, path) !== undefined);
};

export const removeRole = (text: string, role: string): string =>
  namesRole(valueOf(parseYaml(text)), role).reduceRight((next, path) => setIn(next, path, undefined), text);

export const renameRole = (text: string, role: string, name: string): string =>
  namesRole(valueOf(parseYaml(text)), role).reduce((next, path) => renameKey(next, path, name), text);

// ---- names and secrets ----

/** Another name for a copy: "train" → "train-2" → "train-3". */
export function nextName(name: string): string {
  const found = /^(.*)-(\d{1,6})$/.exec(name);
  return found ? `${found[1]}-${Number(found[2]) + 1}` : `${name}-2`;
}

const secretPaths = (job: Value): Path[] => {
  const list = valueAt(job, ['prerequisites']);
  return [
    ...Object.keys(mapAt(job, ['secrets'])).map((key): Path => ['secrets', key]),
    ...(Array.isArray(list) ? list : []).map((_, index): Path => ['prerequisites', index, 'auth', 'password']),
  ].filter((path) => valueAt(job, path) !== undefined);
};

/** The text without what must not be kept; null where it cannot be read, for then nobody knows what is secret. */
export function withoutSecrets(text: string): string | null {
  try {
    return secretPaths(valueOf(parseYaml(text))).reduce((next, path) => setIn(next, path, MASK), text);
  } catch {
    return /^\s*(secrets|auth)\b|password/m.test(text) ? null : text;
  }
}

/** Secrets that came masked, of a copy: they have to be given again. */
export const maskedSecrets = (job: Value): string[] =>
  secretPaths(job)
    .filter((path) => valueAt(job, path) === MASK)
    .map((path) => path.slice(path[0] === 'secrets' ? 1 : 0).join('.'));

/** Numbers (from 0) of the lines that are not in the text before. */
export function newLines(before: string, after: string): Set<number> {
  const left = new Map<string, number>();
  for (const line of before.split('\n')) left.set(line, (left.get(line) ?? 0) + 1);
  const found = new Set<number>();
  after.split('\n').forEach((line, index) => {
    const count = left.get(line) ?? 0;
    if (count > 0) left.set(line, count - 1);
    else found.add(index);
  });
  return found;
}

/** Where in the text a place is that the server names; for those it tells no line of. */
export function lineOf(text: string, pointer: string): number | null {
  try {
    const root = parseYaml(text);
    const path = pointer.split('/').slice(1).map((step) => (/^\d+$/.test(step) ? Number(step) : step.replace(/~1/g, '/').replace(/~0/g, '~')));
    const node = nodeAt(root, path);
    return node ? text.slice(0, node.start).split('\n').length : null;
  } catch {
    return null;
  }
}
