// SPDX-License-Identifier: MIT
// The figures of a job's profile in the order in which they are shown, and their limits. Pure.
import type { JobProfile } from './api.ts';

export interface Limit {
  side: 'least' | 'below';
  value: number;
}

/** Whether a figure is in seconds; all others are in percent. */
export const seconds = (name: string): boolean => name.endsWith('Seconds');

/** What a figure was held against; null: it proves nothing. */
export function limitOf({ proofs }: Pick<JobProfile, 'proofs'>, name: string): Limit | null {
  for (const proof of proofs) {
    if (proof.figure !== name) continue;
    if (typeof proof.atLeast === 'number') return { side: 'least', value: proof.atLeast };
    if (typeof proof.below === 'number') return { side: 'below', value: proof.below };
  }
  return null;
}

/** The figures that are known: those that prove something, as the rule has them, then the others. */
export function provingFirst({ proofs, figures }: Pick<JobProfile, 'proofs' | 'figures'>): { name: string; value: number }[] {
  const proving = proofs.map(({ figure }) => figure);
  const names = [...new Set([...proving, ...Object.keys(figures)])];
  return names.flatMap((name) => {
    const value = figures[name];
    return typeof value === 'number' ? [{ name, value }] : [];
  });
}
