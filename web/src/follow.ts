// SPDX-License-Identifier: MIT
// Follows one log: opens it near its end, goes on after every loss at the byte where it was, and
// stops when the server says that the log is whole.
import { ApiError, followLog, type LogName, logSize, type TaskRef } from './api.ts';
import { LineBuffer } from './log.ts';
import { backoff } from './sse.ts';

export type LogState = 'loading' | 'live' | 'lost' | 'done';

export interface LogSink {
  /** Complete lines, and the unfinished one after them. */
  lines: (lines: string[], tail: string) => void;
  state: (state: LogState) => void;
  /** The first bytes were left out; `size` is what the log had when it was opened. */
  cut: (size: number) => void;
  /** A refusal that another try will not change. */
  failed: (error: Error) => void;
}

/** What a page shows of a long log when it opens it. */
const OPENING_BYTES = 512 * 1024;

/** Returns the function that ends it. A hidden page reads nothing: connections are few. */
export function follow(ref: TaskRef, name: LogName, sink: LogSink): () => void {
  const stop = new AbortController();
  const run = new Follower(ref, name, sink, stop.signal);
  void run.run();
  return () => stop.abort();
}

class Follower {
  private readonly ref: TaskRef;
  private readonly name: LogName;
  private readonly sink: LogSink;
  private readonly stop: AbortSignal;
  private readonly buffer = new LineBuffer();
  private readonly decoder = new TextDecoder();
  private offset = -1;
  private skipFirst = false;

  constructor(ref: TaskRef, name: LogName, sink: LogSink, stop: AbortSignal) {
    this.ref = ref;
    this.name = name;
    this.sink = sink;
    this.stop = stop;
  }

  async run(): Promise<void> {
    this.sink.state('loading');
    let tries = 0;
    while (!this.stop.aborted) {
      await this.seen();
      const before = this.offset;
      try {
        if (await this.once()) return this.end();
      } catch (error) {
        if (this.stop.aborted) return;
        if (isRefusal(error)) return this.sink.failed(error);
        if (!document.hidden) this.sink.state('lost');
      }
      tries = this.offset > before ? 0 : tries + 1;
      await this.pause(backoff(tries, Math.random()));
    }
  }

  /** One connection. True when the whole log has been read. */
  private async once(): Promise<boolean> {
    if (this.offset < 0) await this.findStart();
    const connection = new AbortController();
    const hide = (): void => {
      if (document.hidden) connection.abort();
    };
    document.addEventListener('visibilitychange', hide);
    try {
      const signal = AbortSignal.any([this.stop, connection.signal]);
      const { body, complete } = await followLog(this.ref, this.name, this.offset, signal);
      this.sink.state('live');
      const reader = body.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return complete;
        this.take(value);
      }
    } finally {
      document.removeEventListener('visibilitychange', hide);
    }
  }

  private async findStart(): Promise<void> {
    const size = await logSize(this.ref, this.name, this.stop);
    this.offset = Math.max(0, size - OPENING_BYTES);
    this.skipFirst = this.offset > 0;
    if (this.skipFirst) this.sink.cut(size);
  }

  private take(piece: Uint8Array): void {
    this.offset += piece.byteLength;
    const lines = this.buffer.push(this.decoder.decode(piece, { stream: true }));
    // Where we began in the middle of the log, the first line is half a line.
    if (this.skipFirst && lines.length > 0) {
      lines.shift();
      this.skipFirst = false;
    }
    this.sink.lines(lines, this.skipFirst ? '' : this.buffer.tail);
  }

  private end(): void {
    this.sink.state('done');
  }

  /** Waits until the page can be seen. */
  private seen(): Promise<void> {
    if (!document.hidden) return Promise.resolve();
    return new Promise((resolve) => {
      document.addEventListener('visibilitychange', () => resolve(), { once: true, signal: this.stop });
      this.stop.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.stop.addEventListener(
        'abort',
        () => {
          clearTimeout(timer);
          resolve();
        },
        { once: true },
      );
    });
  }
}

/** 404 is none: a task's log may come a moment after its start. */
const isRefusal = (error: unknown): error is ApiError =>
  error instanceof ApiError && error.status >= 400 && error.status < 500 && ![404, 408, 429].includes(error.status);
