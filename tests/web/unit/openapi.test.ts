// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groupsOf, members, type OpenApi, search, typeName } from '../../../web/src/openapi.ts';

const API: OpenApi = {
  paths: {
    '/api/v2/jobs': {
      get: {
        operationId: 'get_jobs',
        summary: 'list jobs',
        tags: ['jobs'],
        'x-access': 'user',
        parameters: [{ name: 'limit', in: 'query', schema: { type: 'integer' } }],
        responses: {
          '200': { description: 'success', content: { 'application/json': { schema: { $ref: '#/components/schemas/JobList' } } } },
          default: {},
        },
      },
      post: {
        operationId: 'post_jobs',
        tags: ['jobs'],
        requestBody: { content: { 'text/yaml': { schema: { type: 'string' } }, 'text/plain': {} } },
        responses: { '202': {} },
      },
    },
    '/healthz': { get: { operationId: 'get_healthz', responses: {} } },
  },
  components: {
    schemas: {
      JobList: { type: 'array', items: { $ref: '#/components/schemas/Job' } },
      Job: {
        type: 'object',
        required: ['name'],
        properties: { name: { type: 'string', description: 'its name' }, parts: { type: 'array', items: { $ref: '#/x/Job' } } },
      },
    },
  },
};

test('types are told in a word', () => {
  assert.equal(typeName({ $ref: '#/components/schemas/User' }), 'User');
  assert.equal(typeName({ type: 'array', items: { type: 'string' } }), 'string[]');
  assert.equal(typeName({ type: 'array' }), 'any[]');
  assert.equal(typeName({ enum: ['open', null] }), '"open" | null');
  assert.equal(typeName({ type: ['integer', 'null'] }), 'integer | null');
  assert.equal(typeName({ type: 'object', additionalProperties: { type: 'integer' } }), 'map of integer');
  assert.equal(typeName({ oneOf: [{ type: 'string' }, { const: true }] }), 'string | true');
  assert.equal(typeName(undefined), '');
});

test('operations stand by their noun', () => {
  const groups = groupsOf(API);
  assert.deepEqual(groups.map((g) => [g.name, g.operations.length]), [['jobs', 2], ['', 1]]);
  const [list, submit] = groups[0]?.operations ?? [];
  assert.deepEqual([list?.method, list?.access, list?.parameters[0]?.type], ['GET', 'user', 'integer']);
  assert.deepEqual(list?.answers.map((a) => [a.name, a.type, a.schema]), [['200', 'JobList', 'JobList']]);
  assert.equal(submit?.body?.name, 'text/yaml, text/plain');
});

test('the members of a list are those of its items', () => {
  assert.deepEqual(
    members(API, 'JobList').map((m) => [m.name, m.type, m.required, m.schema]),
    [['name', 'string', true, null], ['parts', 'Job[]', false, 'Job']],
  );
  assert.deepEqual(members(API, 'Nothing'), []);
});

test('every word must be there', () => {
  const groups = groupsOf(API);
  assert.equal(search(groups, '').length, 2);
  assert.deepEqual(search(groups, 'GET list').map((g) => g.operations.length), [1]);
  assert.deepEqual(search(groups, 'nothing of that'), []);
});
