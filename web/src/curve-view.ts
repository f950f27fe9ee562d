// SPDX-License-Identifier: MIT
// What the curves of a page share: where the cursor is and which part is shown, so that all of them tell of one moment.
import { signal } from '@preact/signals';
import type { Range } from './series.ts';

export class CurveView {
  /** The part of x that is shown; null: everything, which grows. */
  readonly range = signal<Range>(null);
  /** Where the cursor is on x; null: nowhere, and the last values are told. */
  readonly at = signal<number | null>(null);

  reset(): void {
    this.range.value = null;
    this.at.value = null;
  }
}
