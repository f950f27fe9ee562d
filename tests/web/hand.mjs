// SPDX-License-Identifier: MIT
// Two ways to use a page. With the keyboard alone, every stop must be seen: in the window, under nothing, with a ring
// around it. With the pointer alone (but for typing), every target must be large enough, and be what is hit.
import { check, Failure } from './browser.mjs';

/** CSS pixels of a target's side (WCAG 2.2, 2.5.8, without its exception for links in a sentence). */
const TARGET = 24;
/** Stops from the top of a page to anything on it. */
const STOPS = 90;

const NOWHERE = 'nothing has the focus';

/** What is wrong with how the focus is shown, '' when nothing is, and whether it is on what is looked for. In the page. */
function focusNow(selector) {
  const at = document.activeElement;
  const say = (fault) => ({ fault, there: at?.matches(selector) ?? false });
  if (!at || at === document.body) return say('nothing has the focus');
  let ring = at;
  const has = (element) => {
    const style = getComputedStyle(element);
    return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
  };
  // A field may be drawn by what it is in: a terminal's is out of sight.
  while (ring && !has(ring)) ring = ring.parentElement?.matches(':focus-within') && ring.parentElement !== document.body ? ring.parentElement : null;
  const name = `${at.tagName.toLowerCase()} "${(at.getAttribute('aria-label') ?? at.textContent ?? '').trim().slice(0, 40)}"`;
  if (!ring) return say(`no ring around ${name}`);
  const box = ring.getBoundingClientRect();
  const [left, right] = [Math.max(box.left, 0), Math.min(box.right, innerWidth)];
  const [top, bottom] = [Math.max(box.top, 0), Math.min(box.bottom, innerHeight)];
  if (right - left < 1 || bottom - top < 1) return say(`${name} is out of sight`);
  const hit = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
  return say(hit && (ring.contains(hit) || hit.contains(ring)) ? '' : `${name} is under something else`);
}

/** Counts what a person does, by kind; asked for with `done`. Before the first page of the window. */
export async function countDeeds(context) {
  const deeds = new Map();
  await context.exposeFunction('droverDeed', (kind) => deeds.set(kind, (deeds.get(kind) ?? 0) + 1));
  await context.addInitScript(() => {
    for (const kind of ['mousedown', 'mousemove', 'pointerdown', 'wheel', 'touchstart', 'keydown']) {
      addEventListener(kind, (event) => {
        if (!event.isTrusted) return;
        const typing = event.target.matches?.('input, textarea');
        void globalThis.droverDeed(kind === 'keydown' && typing && event.key !== 'Tab' ? 'typing' : kind);
      }, true);
    }
  });
  return deeds;
}

export class Keyboard {
  constructor(page, deeds) {
    this.page = page;
    this.deeds = deeds;
  }

  /** Whether the focus is on it; where it is must be seen. */
  async #at(selector) {
    const { fault, there } = await this.page.evaluate(focusNow, selector);
    if (fault) throw new Failure(`on the way to ${selector}: ${fault}`);
    return there;
  }

  /** Tab until it is there. */
  async reach(selector) {
    let ends = 0;
    for (let stop = 0; stop < STOPS; stop += 1) {
      await this.page.keyboard.press('Tab');
      const { fault, there } = await this.page.evaluate(focusNow, selector);
      if (there && !fault) return;
      // After the last stop of a page come the browser's own, of which a window without any has one.
      if (fault === NOWHERE && ends === 0) ends += 1;
      else if (fault) throw new Failure(`on the way to ${selector}: ${fault}`);
    }
    throw new Failure(`the keyboard does not reach ${selector} in ${STOPS} stops`);
  }

  async press(selector) {
    await this.reach(selector);
    await this.page.keyboard.press('Enter');
    console.log(`ok - by keyboard: ${selector}`);
  }

  /** Tab selects what is in a field. */
  async type(selector, text) {
    const there = await this.page.evaluate((what) => document.activeElement?.matches(what) ?? false, selector);
    if (!there || !(await this.#at(selector))) await this.reach(selector);
    await this.page.keyboard.type(text);
  }

  /** Writes a line where the focus is. */
  async line(text) {
    check(await this.#at('#screen *'), 'the terminal has the focus');
    await this.page.keyboard.type(text);
    await this.page.keyboard.press('Enter');
  }

  /** Out of a terminal, which has Tab for itself. */
  async leaveTerminal(selector) {
    await this.page.keyboard.press('Tab');
    check(!(await this.page.evaluate((what) => document.activeElement?.matches(what), selector)), "Tab is the shell's");
    await this.page.keyboard.press('Escape');
    await this.press(selector);
  }

  finish() {
    const others = [...this.deeds].filter(([kind]) => kind !== 'keydown' && kind !== 'typing');
    check(others.length === 0 && this.deeds.get('keydown') > 0, `no mouse event at all (${JSON.stringify([...this.deeds])})`);
  }
}

export class Pointer {
  constructor(page, deeds) {
    this.page = page;
    this.deeds = deeds;
  }

  async press(selector, clicks = 1) {
    const target = this.page.locator(selector).first();
    await target.waitFor();
    await target.scrollIntoViewIfNeeded();
    const box = await target.boundingBox();
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    if (box.width < TARGET || box.height < TARGET) throw new Failure(`${selector} is ${box.width} by ${box.height} pixels`);
    const hit = await target.evaluate((element, at) => element.contains(document.elementFromPoint(at[0], at[1])), [x, y]);
    if (!hit) throw new Failure(`something lies over the middle of ${selector}`);
    await this.page.mouse.click(x, y, { clickCount: clicks });
    console.log(`ok - by pointer: ${selector}`);
  }

  /** Three clicks select what is in a field. */
  async type(selector, text) {
    await this.press(selector, 3);
    await this.page.keyboard.type(text);
  }

  async line(text) {
    await this.press('#screen');
    await this.page.keyboard.type(text);
    await this.page.keyboard.press('Enter');
  }

  async leaveTerminal(selector) {
    await this.line('exit');
    await this.page.locator('#state', { hasText: 'exit code 0' }).waitFor();
    await this.press(selector);
  }

  finish() {
    check(!this.deeds.has('keydown') && this.deeds.get('pointerdown') > 0, `no key but to type (${JSON.stringify([...this.deeds])})`);
  }
}
