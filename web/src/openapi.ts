// SPDX-License-Identifier: MIT
// The API's description, made ready to be shown: operations by noun, and schemas as rows. Only what the server's
// description has (server/api/openapi.c) is understood; what is not there is left out.

/** A schema, as far as it is shown. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: readonly unknown[];
  const?: unknown;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: readonly string[];
  additionalProperties?: boolean | Schema;
  description?: string;
  oneOf?: readonly Schema[];
  anyOf?: readonly Schema[];
}

type Content = Record<string, { schema?: Schema }>;

interface RawOperation {
  operationId: string;
  summary?: string;
  tags?: readonly string[];
  'x-access'?: string;
  parameters?: readonly { name: string; in: string; required?: boolean; schema?: Schema }[];
  requestBody?: { content: Content };
  responses: Record<string, { description?: string; content?: Content }>;
}

export interface OpenApi {
  paths: Record<string, Record<string, RawOperation>>;
  components: { schemas: Record<string, Schema> };
}

/** One row of a table: a parameter, or a member of a schema. */
export interface Row {
  name: string;
  type: string;
  /** The schema that the type names, to look further. */
  schema: string | null;
  required: boolean;
  note: string;
}

export interface Operation {
  id: string;
  method: string;
  path: string;
  summary: string;
  access: string;
  parameters: Row[];
  /** Media types and schema of the body. */
  body: Row | null;
  answers: Row[];
}

export interface Group {
  name: string;
  operations: Operation[];
}

const refName = (schema: Schema | undefined): string | null => schema?.$ref?.split('/').at(-1) ?? null;

/** "User", "string[]", "\"open\" | \"own\"", "map of integer". */
export function typeName(schema: Schema | undefined): string {
  if (!schema) return '';
  const name = refName(schema);
  if (name) return name;
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices) return choices.map(typeName).join(' | ');
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.type === 'array') return `${typeName(schema.items) || 'any'}[]`;
  if (schema.type === 'object' && typeof schema.additionalProperties === 'object') {
    return `map of ${typeName(schema.additionalProperties)}`;
  }
  if (Array.isArray(schema.type)) return schema.type.join(' | ');
  return schema.type ?? 'any';
}

/** The schema that lies behind lists and maps, to open; null where there is none. */
function within(schema: Schema | undefined): string | null {
  if (!schema) return null;
  const inner = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
  return refName(schema) ?? within(schema.items) ?? (inner ? within(inner) : null);
}

const rowOf = (name: string, schema: Schema | undefined, required: boolean, note = ''): Row => ({
  name,
  type: typeName(schema),
  schema: within(schema),
  required,
  note: note || (schema?.description ?? ''),
});

/** The members of a schema, or what its items have. */
export function members(api: OpenApi, name: string): Row[] {
  let schema: Schema | undefined = api.components.schemas[name];
  while (schema?.items || schema?.$ref) {
    const next: string | null = refName(schema);
    schema = next ? api.components.schemas[next] : schema.items;
  }
  return Object.entries(schema?.properties ?? {}).map(([key, value]) =>
    rowOf(key, value, schema?.required?.includes(key) ?? false),
  );
}

function bodyRow(content: Content | undefined): Row | null {
  const [first] = Object.values(content ?? {});
  return content && first ? rowOf(Object.keys(content).join(', '), first.schema, true) : null;
}

function operationOf(path: string, method: string, raw: RawOperation): Operation {
  return {
    id: raw.operationId,
    method: method.toUpperCase(),
    path,
    summary: raw.summary ?? '',
    access: raw['x-access'] ?? '',
    parameters: (raw.parameters ?? []).map((p) => rowOf(p.name, p.schema, p.required ?? false)),
    body: bodyRow(raw.requestBody?.content),
    answers: Object.entries(raw.responses)
      .filter(([status]) => status !== 'default')
      .map(([status, answer]) => {
        const [first] = Object.values(answer.content ?? {});
        return rowOf(status, first?.schema, false, answer.description);
      }),
  };
}

/** All operations by their noun, in the description's order. */
export function groupsOf(api: OpenApi): Group[] {
  const groups = new Map<string, Operation[]>();
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, raw] of Object.entries(methods)) {
      const name = raw.tags?.[0] ?? '';
      groups.set(name, [...(groups.get(name) ?? []), operationOf(path, method, raw)]);
    }
  }
  return [...groups].map(([name, operations]) => ({ name, operations }));
}

/** What is left of the groups when every word must be in method, path or summary. */
export function search(groups: readonly Group[], text: string): Group[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (o: Operation): boolean => {
    const all = `${o.method} ${o.path} ${o.summary}`.toLowerCase();
    return words.every((word) => all.includes(word));
  };
  return groups
    .map((group) => ({ ...group, operations: group.operations.filter(fits) }))
    .filter((group) => group.operations.length > 0);
}
