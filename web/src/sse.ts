// SPDX-License-Identifier: MIT
// The event-stream format, read piece by piece. We read it ourselves because EventSource hides
// the status of a refused connection and when the last byte came.

/** A job or the site's settings have changed, or (`reset`) anything may have: read it all again. */
export type Change = { kind: 'job'; name: string } | { kind: 'settings' } | { kind: 'reset' };

export interface SseEvent {
  /** The id to resume after; '' until the server has sent one. */
  id: string;
  type: string;
  data: string;
}

export class SseParser {
  private rest = '';
  private id = '';
  private type = '';
  private data: string[] = [];

  /** Feeds one piece of text; returns the events that it completed. */
  push(piece: string): SseEvent[] {
    const events: SseEvent[] = [];
    this.rest += piece;
    for (;;) {
      const match = /\r\n|\n|\r(?!$)/.exec(this.rest);
      if (!match) return events;
      const line = this.rest.slice(0, match.index);
      this.rest = this.rest.slice(match.index + match[0].length);
      if (line === '') this.flush(events);
      else this.field(line);
    }
  }

  private flush(events: SseEvent[]): void {
    if (this.data.length > 0) {
      events.push({ id: this.id, type: this.type || 'message', data: this.data.join('\n') });
    }
    this.type = '';
    this.data = [];
  }

  private field(line: string): void {
    const colon = line.indexOf(':');
    if (colon === 0) return; // a comment: the server's ping
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'id') this.id = value;
    else if (name === 'event') this.type = value;
    else if (name === 'data') this.data.push(value);
  }
}

/** What an event means to the pages; null for one that this portal does not know. */
export function changeOf(type: string, data: string): Change | null {
  if (type === 'reset') return { kind: 'reset' };
  if (type === 'settings') return { kind: 'settings' };
  if (type !== 'job') return null;
  try {
    const { name, user } = JSON.parse(data) as { name?: unknown; user?: unknown };
    if (typeof name !== 'string' || typeof user !== 'string') return null;
    // Events may carry the full name already.
    return { kind: 'job', name: name.includes('~') ? name : `${user}~${name}` };
  } catch {
    return null;
  }
}


const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

/** The wait before the n-th try in a row (from 0): doubling, bounded, with a random part so that a
 *  restarted server is not met by all browsers at once. `random` is in 0..1. */
export function backoff(tries: number, random: number): number {
  const full = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(tries, 10));
  return Math.round(full * (0.5 + random / 2));
}
