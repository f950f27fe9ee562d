// SPDX-License-Identifier: MIT
// Scalars of event files as lines of charts: which tags belong together, and what a run is called. Pure.
import type { ScalarRun, ScalarTag } from './api.ts';
import { type Series, smooth } from './series.ts';

export type Over = 'step' | 'relative' | 'wall';

export interface TagOfRun {
  run: ScalarRun;
  tag: ScalarTag;
}

/** All runs of one tag. */
export interface TagChart {
  tag: string;
  of: TagOfRun[];
}

/** "train/loss" and "train/accuracy" stand together; those without a slash are the group ''. */
export function groupTags(runs: readonly ScalarRun[], search: string): Map<string, TagChart[]> {
  const charts = new Map<string, TagChart>();
  for (const run of runs) {
    for (const tag of run.tags) {
      if (!tag.tag.toLowerCase().includes(search.toLowerCase())) continue;
      const chart = charts.get(tag.tag) ?? { tag: tag.tag, of: [] };
      charts.set(tag.tag, chart);
      chart.of.push({ run, tag });
    }
  }
  const groups = new Map<string, TagChart[]>();
  for (const chart of [...charts.values()].sort((a, b) => (a.tag < b.tag ? -1 : 1))) {
    const name = chart.tag.includes('/') ? chart.tag.slice(0, chart.tag.indexOf('/')) : '';
    groups.set(name, [...(groups.get(name) ?? []), chart]);
  }
  return groups;
}

export const runKey = (run: ScalarRun): string =>
  JSON.stringify([run.job ?? '', run.jobAttempt, run.taskRoleName, run.taskIndex, run.taskAttempt, run.folder]);

/** The task, and of jobs, attempts, tries and folders what differs among these runs. */
export function runNames(
  runs: readonly ScalarRun[],
  say: { attempt: (number: number) => string; try: (number: number) => string },
): Map<string, string> {
  const differ = (what: (run: ScalarRun) => unknown): boolean => new Set(runs.map(what)).size > 1;
  const [jobs, attempts, tries, folders] = [
    differ(({ job }) => job),
    differ(({ jobAttempt }) => jobAttempt),
    differ(({ taskAttempt }) => taskAttempt),
    differ(({ folder }) => folder),
  ];
  return new Map(
    runs.map((run) => [
      runKey(run),
      [
        ...(jobs && run.job !== undefined ? [run.job] : []),
        `${run.taskRoleName}-${run.taskIndex}`,
        ...(folders ? [run.folder || '.'] : []),
        ...(tries ? [say.try(run.taskAttempt + 1)] : []),
        ...(attempts ? [say.attempt(run.jobAttempt)] : []),
      ].join(' · '),
    ]),
  );
}

/** A program that counts no steps writes the same one each time. */
export const hasSteps = (charts: readonly TagOfRun[]): boolean =>
  charts.some(({ tag: { points, count } }) => count < 2 || (points?.step.at(-1) ?? 0) !== (points?.step[0] ?? 0));

/** The points over what is wanted; what is not finite is a gap. Values without a time have no place over time. */
export function seriesOf(tag: ScalarTag, over: Over): Series {
  const { step, time, value } = tag.points ?? { step: [], time: [], value: [] };
  const first = time.find((at) => at !== null) ?? 0;
  const series: Series = { x: [], y: [] };
  value.forEach((told, i) => {
    const at = time[i] ?? null;
    const x = over === 'step' ? (step[i] ?? 0) : at === null ? null : over === 'wall' ? at : at - first;
    if (x === null) return;
    series.x.push(x);
    series.y.push(typeof told === 'number' ? told : null);
  });
  return series;
}

export const smoothed = ({ x, y }: Series, weight: number): Series => ({ x, y: smooth(y, weight) });
