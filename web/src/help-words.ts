// SPDX-License-Identifier: MIT
// The words that help explains: one source for the help page and for the links to it.
import { helpEn } from './i18n/help-en.ts';
import { helpZhCN } from './i18n/help-zh-CN.ts';
import { language } from './words.ts';

export type HelpId = keyof typeof helpEn;

export const HELP_IDS = Object.keys(helpEn) as HelpId[];

export const helpOf = (id: HelpId): { term: string; text: string } => (language.value === 'zh-CN' ? helpZhCN : helpEn)[id];

export const helpTerm = (id: HelpId): string => helpOf(id).term;

/** Those whose term or text has what is searched for, in the order of the language. */
export function findHelp(q: string): HelpId[] {
  const wanted = q.trim().toLowerCase();
  const order = new Intl.Collator(language.value);
  return HELP_IDS.filter((id) => `${helpOf(id).term} ${helpOf(id).text}`.toLowerCase().includes(wanted)).sort((a, b) =>
    order.compare(helpTerm(a), helpTerm(b)),
  );
}
