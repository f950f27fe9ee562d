// SPDX-License-Identifier: MIT
// What can be said of a pasted public key of ssh without the server, which alone looks into it. Pure.

export interface PublicKey {
  type: string;
  /** Usually "user@machine". */
  comment: string;
}

/** "private": what must never leave its machine; "none": not the line of a public key. */
export type KeyFault = 'empty' | 'private' | 'none';

const LINE = /^((?:sk-)?(?:ssh|ecdsa)-[a-z0-9@.-]+) +([A-Za-z0-9+/]+={0,2})(?: +(.*))?$/;

/** The key that a text is, or what is wrong with it. */
export function readKey(text: string): PublicKey | KeyFault {
  const line = text.trim();
  if (line === '') return 'empty';
  if (/PRIVATE KEY/.test(line)) return 'private';
  const [, type, , comment] = LINE.exec(line) ?? [];
  return type ? { type, comment: comment ?? '' } : 'none';
}

/** "ssh-ed25519" of a key as the server lists it. */
export const typeOf = (value: string): string => value.split(' ', 1)[0] ?? '';

export const TITLE_BYTES = 100;

/** Titles are part of an address: the server counts their bytes, and takes no slash. */
export const titleFits = (title: string): boolean =>
  !/[/\\]/.test(title) && new TextEncoder().encode(title).length <= TITLE_BYTES;
