// SPDX-License-Identifier: MIT
// What maintenance windows ask of the server; loaded with them.
import { json, listPlaced, send } from './api.ts';
import { type Body, jobsOf, type Window } from './maintenance.ts';

/** Those that are planned or active. */
export const listWindows = (): Promise<Window[]> => json('maintenance');

export const addWindow = async (body: Body): Promise<void> => void (await send('maintenance', { method: 'POST', body }));

/** One that has begun keeps its nodes and its beginning. */
export const putWindow = async (id: number, body: Body): Promise<void> => void (await send(`maintenance/${id}`, { method: 'PUT', body }));

/** One that has begun ends by it. */
export const removeWindow = async (id: number): Promise<void> => void (await send(`maintenance/${id}`, { method: 'DELETE' }));

/** Nodes are asked so many at once. */
const AT_ONCE = 8;

/** The jobs that have tasks on these nodes now. */
export async function jobsOn(nodes: readonly string[]): Promise<string[]> {
  const tasks = [];
  for (let at = 0; at < nodes.length; at += AT_ONCE) tasks.push(...(await Promise.all(nodes.slice(at, at + AT_ONCE).map(listPlaced))).flat());
  return jobsOf(tasks);
}
