// SPDX-License-Identifier: MIT
// What a job's tasks use of cores, memory, discs and network, on the mock. Part of pages.mjs.
import { accessible, check, textOf, until } from './browser.mjs';

const MIB = 1 << 20;
const START = 1_790_000_000_000;

/** `cpu`: percent of its cores, a point each five seconds. */
export function taskUse(taskIndex, cpu, over = {}) {
  const column = (value) => cpu.map(value);
  return {
    jobAttempt: 0, taskRoleName: 'worker', taskIndex, taskAttempt: 0, node: '<img src=x onerror=alert(1)>', firstSampleTime: START, lastSampleTime: START + cpu.length * 5000,
    sampledMs: 3_600_000, cores: 4, cpuSeconds: 5400, coresUsed: 1.5, coresUsedMax: 3.25, memoryLimit: 512 * MIB, memoryMean: 64 * MIB, memoryMax: 128 * MIB,
    diskReadBytes: 3 * MIB, diskWrittenBytes: null, waitingMs: 90_000, networkReceivedBytes: 5 * MIB, networkSentBytes: null,
    curve: { stepMs: 5000, time: column((_, i) => START + i * 5000), cpu, memoryMax: column((_, i) => (i + 1) * MIB), waiting: column((_, i) => i * 10), received: column((_, i) => i * MIB), sent: column(() => null) },
    ...over,
  };
}

/** Each task has its line, one can be chosen, and many are told as one; a job without GPUs has them, too. */
export async function tasksTest(page, mock) {
  const job = mock.add('busy', { state: 'RUNNING', launched: Date.now(), gpus: 0, tasks: 2, taskUses: [taskUse(0, [10, 20, 50]), taskUse(1, [80, null, 90])] });
  await page.goto(`${mock.url}#/jobs/ana~busy?tab=metrics`);
  const part = page.getByRole('region', { name: 'Cores, memory, discs and network' });
  const legend = (title) => part.locator('.curve', { has: page.getByRole('heading', { name: title }) }).locator('.legend li').allTextContents();
  await until(async () => (await legend('Share of its cores')).join() === ' worker-050%, worker-190%', 'a line for each task tells its last value');
  await until(async () => (await legend('Memory in use')).join() === ' worker-03.0 MiB, worker-13.0 MiB', 'of memory, too');
  await until(async () => (await legend('Waiting for discs')).join() === ' worker-020%, worker-120%', 'and of waiting');
  await until(async () => (await legend('Received over the network')).join() === ' worker-02.0 MiB/s, worker-12.0 MiB/s', 'and of what came over the network');
  await until(async () => (await part.locator('canvas').count()) === 5, 'they are drawn');
  const cells = await part.locator('tr[data-use="worker-0/0"]').evaluate((row) => [...row.cells].map((cell) => cell.textContent).join(' | '));
  check(cells === 'worker-0 | <img src=x onerror=alert(1)> | 1.5 of 4 | 3.25 | 64.0 MiB | 128.0 MiB of 512.0 MiB | 3.0 MiB | – | 1m 30s of 1h 00m | 5.0 MiB | –', `each task has its figures: ${cells}`);
  check((await part.textContent()).includes('run as the server does'), 'and why one is not known');
  await accessible(page, 'cores, memory and discs');
  await page.getByLabel('Lines for').selectOption('worker-1/0');
  await until(async () => (await legend('Share of its cores')).join() === ' worker-190%', 'one task can be chosen');
  mock.update(job, { taskUses: Array.from({ length: 6 }, (_, i) => taskUse(i, [10 * i, 10 * i])) });
  await page.getByLabel('Lines for').selectOption('all');
  await until(async () => (await legend('Share of its cores')).join() === ' Mean25%, Task with the least0%, Task with the most50%', 'or all of them together');
  mock.update(job, { state: 'SUCCEEDED', completed: Date.now(), exitCode: 0 });
  await page.goto(`${mock.url}#/jobs/ana~sweep-31?tab=metrics`);
  await until(async () => (await textOf(page, '.metrics.tasks .empty')).includes('begin with its first task'), 'a job that waits says when they begin');
}
