// SPDX-License-Identifier: MIT
// What the bars of filters are made of. A filter is part of the address, so that a chip is a link, and what is typed
// replaces the address instead of filling the history.
import type { ComponentChildren } from 'preact';
import { go } from '../router.ts';

/** `href`: where one is with it, or without it where it is on. */
export function Chip({ href, on, title, children }: { href: string; on: boolean; title?: string; children: ComponentChildren }) {
  return (
    <a class="chip" href={href} aria-current={on ? 'true' : undefined} title={title}>
      {children}
    </a>
  );
}

/** `word`: what is looked for; `href`: where one is with that text. */
export function Search({ word, value, href, name }: { word: string; value: string; href: (text: string) => string; name?: string }) {
  return (
    <input
      type="search"
      name={name}
      class="keyword"
      placeholder={word}
      aria-label={word}
      value={value}
      onInput={(event) => go(href(event.currentTarget.value), true)}
    />
  );
}
