// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Live } from '../../../web/src/live.ts';

/** A loader whose answers are given by hand. */
function byHand() {
  const asked: { answer: (value: string) => void; refuse: (error: Error) => void }[] = [];
  const load = () => new Promise<string>((answer, refuse) => asked.push({ answer, refuse }));
  return { asked, load };
}

const settle = () => new Promise((done) => setImmediate(done));

test('an answer that was overtaken is dropped', async () => {
  const { asked, load } = byHand();
  const live = new Live(load);
  void live.refresh();
  void live.refresh();
  asked[1]?.answer('new');
  await settle();
  asked[0]?.answer('old');
  await settle();
  assert.equal(live.data.value, 'new');
});

test('a failure keeps the data and is gone after the next success', async () => {
  const { asked, load } = byHand();
  const live = new Live(load);
  void live.refresh();
  asked[0]?.answer('first');
  await settle();
  void live.refresh();
  asked[1]?.refuse(new Error('no'));
  await settle();
  assert.equal(live.data.value, 'first');
  assert.equal(live.error.value?.message, 'no');
  void live.refresh();
  asked[2]?.answer('second');
  await settle();
  assert.equal(live.data.value, 'second');
  assert.equal(live.error.value, null);
});

test('many touches ask once per gap', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const { asked, load } = byHand();
  const live = new Live(load, 60_000);
  for (let i = 0; i < 100; i += 1) live.touch();
  context.mock.timers.tick(0);
  assert.equal(asked.length, 1, 'the first touch asks at once');
  for (let i = 0; i < 100; i += 1) live.touch();
  context.mock.timers.tick(50_000);
  assert.equal(asked.length, 1, 'the next waits for the gap');
  context.mock.timers.tick(10_001);
  assert.equal(asked.length, 2, 'and asks once');
});

test('nothing is taken in after the end', async () => {
  const { asked, load } = byHand();
  const live = new Live(load);
  void live.refresh();
  live.close();
  asked[0]?.answer('late');
  await settle();
  assert.equal(live.data.value, null);
});
