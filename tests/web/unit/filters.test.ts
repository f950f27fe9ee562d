// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiQuery, filterParams, isFiltered, parseColumns, parseFilters, USUAL_COLUMNS } from '../../../web/src/filters.ts';
import { jobsHref } from '../../../web/src/router.ts';

const read = (text: string) => parseFilters(new URLSearchParams(text));

test('no filter asks for the newest fifty', () => {
  const filters = read('');
  assert.equal(isFiltered(filters), false);
  assert.equal(jobsHref(filterParams(filters)), '#/jobs');
  assert.equal(
    apiQuery(filters, 'ana').toString(),
    'offset=0&limit=50&order=submissionTime%2CDESC&withTotalCount=true',
  );
});

test('an address and its filters are the same thing', () => {
  const text = 'q=vit&user=%40me&vc=vision&state=RUNNING%2CFAILED&order=jobName%2CASC&page=3';
  assert.equal(jobsHref(filterParams(read(text))), `#/jobs?${text}`);
});

test('the server gets names and offsets', () => {
  const query = apiQuery(read('user=@me&page=3&state=FAILED&vc=v&q=x'), 'ana');
  assert.equal(query.get('username'), 'ana');
  assert.equal(query.get('offset'), '100');
  assert.equal(query.get('state'), 'FAILED');
  assert.equal(query.get('vc'), 'v');
  assert.equal(query.get('keyword'), 'x');
  assert.equal(apiQuery(read('user=bo'), 'ana').get('username'), 'bo');
});

test('nonsense in an address is ignored', () => {
  const filters = read('state=HAPPY,FAILED&order=colour,ASC&page=-2');
  assert.deepEqual(filters.states, ['FAILED']);
  assert.equal(filters.order, 'submissionTime');
  assert.equal(filters.descending, true);
  assert.equal(filters.page, 1);
  assert.equal(read('page=1e99').page, 1);
});

test('columns are chosen in the address, in the order of the list', () => {
  assert.equal(read('').columns, null);
  assert.deepEqual(read('columns=gpus,colour,state').columns, ['state', 'gpus']);
  assert.equal(read('columns=colour').columns, null);
  assert.equal(jobsHref(filterParams(read('vc=v&columns=exit,user'))), '#/jobs?vc=v&columns=user%2Cexit');
  assert.equal(apiQuery(read('columns=user'), 'ana').has('columns'), false);
  assert.deepEqual(parseColumns(USUAL_COLUMNS.join()), USUAL_COLUMNS);
});
