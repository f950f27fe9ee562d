// SPDX-License-Identifier: MIT
// Turns the pieces of a log into lines that a page can show: escape sequences are dropped, a
// carriage return overwrites its line (progress bars), and no line is endless.

/** Longer lines are cut on the page; the download has them whole. */
export const MAX_LINE = 8_192;

// CSI and OSC sequences, two-byte escapes, and control characters but tab, newline, carriage return.
const CONTROL = /\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\^_]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/g;

/** One line as shown. */
export function cleanLine(line: string): string {
  let text = line.replace(/\r+$/, '');
  const back = text.lastIndexOf('\r');
  if (back >= 0) text = text.slice(back + 1);
  text = text.replace(CONTROL, '');
  return text.length > MAX_LINE ? `${text.slice(0, MAX_LINE)} …` : text;
}

/** Collects pieces; hands out the lines that are complete and keeps the unfinished last one. */
export class LineBuffer {
  private rest = '';

  push(piece: string): string[] {
    const lines = (this.rest + piece).split('\n');
    this.rest = lines.pop() as string;
    // An endless line would be kept, and copied, for ever. What was cut off is in the download.
    if (this.rest.length > 16 * MAX_LINE) this.rest = this.rest.slice(-MAX_LINE);
    return lines.map(cleanLine);
  }

  /** The unfinished line, as shown. */
  get tail(): string {
    return cleanLine(this.rest);
  }
}
