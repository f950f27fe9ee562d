// SPDX-License-Identifier: MIT
// A word that help explains, as a link to its place there.
import { helpTerm, type HelpId } from '../help-words.ts';
import { pageHref } from '../router.ts';

export function HelpWord({ word }: { word: HelpId }) {
  return (
    <a class="help-word" href={pageHref('help', { word })}>
      {helpTerm(word)}
    </a>
  );
}
