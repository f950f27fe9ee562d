// SPDX-License-Identifier: MIT
// How grave an alert is, and what it is about: on the home page and on that of alerts.
import type { Alert } from '../api.ts';
import { jobHref, nodeHref } from '../router.ts';
import { type Key, t } from '../words.ts';

const WORDS: Readonly<Record<string, Key>> = {
  fatal: 'home.alert.fatal',
  error: 'home.alert.error',
  warn: 'home.alert.warn',
  info: 'home.alert.info',
};

/** A severity of others is shown as they say it. */
export function severityWord(severity: string): string {
  const key = WORDS[severity];
  return key ? t(key) : severity;
}

export function Severity({ severity }: { severity: string }) {
  const grave = severity === 'error' || severity === 'fatal';
  return (
    <span class={grave ? 'problem' : ''}>
      <span aria-hidden="true">{severity === 'info' ? '○' : '△'}</span> {severityWord(severity)}
    </span>
  );
}

export function About({ labels: { job_name: job, node_name: node, gpu } }: { labels: Alert['labels'] }) {
  return (
    <>
      {job ? <a href={jobHref(job)}>{job}</a> : node && <a href={nodeHref(node)}>{node}</a>}
      {gpu && ` GPU ${gpu}`}
    </>
  );
}

/** The link names the job already. */
export const said = (job: string | undefined, summary: string): string =>
  job && summary.startsWith(`${job}: `) ? summary.slice(job.length + 2) : summary;
