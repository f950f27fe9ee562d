// SPDX-License-Identifier: MIT
// One event stream per browser. The tab that holds the lock (the leader) reads the stream and tells
// the others over a BroadcastChannel; when it closes, the lock passes on to another tab. Where the
// page has no locks (plain HTTP off loopback), each tab reads its own.
//
//   connecting ──open──► live ──end or silence──► lost ──wait──► connecting …
import { signal } from '@preact/signals';
import { ApiError, openStream } from './api.ts';
import { backoff, type Change, changeOf, SseParser } from './sse.ts';

export interface StreamStatus {
  state: 'connecting' | 'live' | 'lost';
  /** When the server was last heard of, ms since the epoch; 0 = not yet. */
  heard: number;
}

export const status = signal<StreamStatus>({ state: 'connecting', heard: 0 });

/** The server sends a comment every 15 s; three missed mean that the peer is dead. */
const SILENCE_MS = 45_000;

type Message = { what: 'change'; change: Change } | { what: 'status'; status: StreamStatus } | { what: 'ask' };

type Listener = (change: Change) => void;

/** Follows the stream for this session; returns the function that ends it. */
export function startStream(user: string, listener: Listener): () => void {
  const stop = new AbortController();
  const alone: Sink = {
    change: listener,
    status: (next) => {
      status.value = next;
    },
  };
  status.value = { state: 'connecting', heard: 0 };
  if (navigator.locks) share(user, alone, stop.signal);
  else void readForEver(stop.signal, alone);
  return () => stop.abort();
}

/** Takes part in the browser's one stream: as its reader, or by hearing from the reader. */
function share(user: string, own: Sink, stop: AbortSignal): void {
  const scope = `drover:${user}:${new URL('.', document.baseURI).pathname}`;
  const channel = new BroadcastChannel(scope);
  stop.addEventListener('abort', () => channel.close(), { once: true });
  const tell = (message: Message): void => {
    if (!stop.aborted) channel.postMessage(message);
  };
  let leading = false;
  channel.onmessage = (event: MessageEvent<Message>): void => {
    const message = event.data;
    if (message.what === 'change') own.change(message.change);
    else if (message.what === 'status') own.status(message.status);
    else if (leading) tell({ what: 'status', status: status.value });
  };
  tell({ what: 'ask' });
  const lead = (): Promise<void> => {
    leading = true;
    return readForEver(stop, {
      change: (change) => {
        own.change(change);
        tell({ what: 'change', change });
      },
      status: (next) => {
        own.status(next);
        tell({ what: 'status', status: next });
      },
    });
  };
  navigator.locks.request(scope, { signal: stop }, lead).catch(() => {
    // Only the end of the session cancels the wait for the lock.
  });
}

interface Sink {
  change: (change: Change) => void;
  status: (status: StreamStatus) => void;
}

/** Reads, and reads again after every loss, until told to stop or signed out. */
async function readForEver(stop: AbortSignal, sink: Sink): Promise<void> {
  let lastId = '';
  let heard = status.value.heard;
  let lost = heard > 0;
  let tries = 0;
  while (!stop.aborted) {
    sink.status({ state: lost ? 'lost' : 'connecting', heard });
    const attempt = new AbortController();
    const both = AbortSignal.any([stop, attempt.signal]);
    try {
      const body = await openStream(lastId, both);
      heard = Date.now();
      tries = 0;
      sink.status({ state: 'live', heard });
      // What changed between a page's first question, or the loss, and now has been told to nobody.
      sink.change({ kind: 'reset' });
      lost = false;
      for await (const piece of pieces(body, attempt)) {
        heard = Date.now();
        for (const event of piece) {
          lastId = event.id;
          const change = changeOf(event.type, event.data);
          if (change) sink.change(change);
        }
        sink.status({ state: 'live', heard });
      }
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return;
    }
    if (stop.aborted) return;
    lost = true;
    sink.status({ state: 'lost', heard });
    await pause(backoff(tries, Math.random()), stop);
    tries += 1;
  }
}

/** The events of each piece that arrives; aborts the attempt after too long a silence. */
async function* pieces(body: ReadableStream<Uint8Array>, attempt: AbortController) {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  const parser = new SseParser();
  for (;;) {
    const timer = setTimeout(() => attempt.abort(), SILENCE_MS);
    const { done, value } = await reader.read().finally(() => clearTimeout(timer));
    if (done) return;
    yield parser.push(value);
  }
}

function pause(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    stop.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}
