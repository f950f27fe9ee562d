// SPDX-License-Identifier: MIT
// Data of the server that a page shows and keeps fresh: `refresh` asks now, `touch` asks soon but
// at most once per `gap`, however many events come in. An answer that was overtaken is dropped.
import { signal } from '@preact/signals';

export class Live<T> {
  readonly data = signal<T | null>(null);
  readonly error = signal<Error | null>(null);
  private readonly load: () => Promise<T>;
  private readonly gap: number;
  private round = 0;
  private started = Number.NEGATIVE_INFINITY;
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(load: () => Promise<T>, gap = 1000) {
    this.load = load;
    this.gap = gap;
  }

  /** Asks now, whatever is under way. */
  async refresh(): Promise<void> {
    this.cancelTimer();
    this.round += 1;
    const mine = this.round;
    this.started = performance.now();
    try {
      const data = await this.load();
      if (mine !== this.round) return;
      this.data.value = data;
      this.error.value = null;
    } catch (error) {
      if (mine === this.round) this.error.value = error as Error;
    }
  }

  /** Asks as soon as `gap` ms have passed since the last question. */
  touch(): void {
    if (this.timer !== null) return;
    const wait = Math.max(0, this.started + this.gap - performance.now());
    this.timer = setTimeout(() => void this.refresh(), wait);
  }

  /** No answer is taken in any more. */
  close(): void {
    this.cancelTimer();
    this.round += 1;
  }

  private cancelTimer(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }
}
