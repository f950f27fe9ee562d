// SPDX-License-Identifier: MIT
// A growing log. Lines are written to the page directly, once a frame, and the oldest leave it:
// the page stays quick however long the log is. Text only ever becomes text nodes.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { type LogName, logHref, type TaskRef } from '../api.ts';
import { follow, type LogState } from '../follow.ts';
import { bytes, count } from '../format.ts';
import { type Key, language, t } from '../words.ts';

/** Lines kept on the page. */
const KEEP = 5_000;

/** The page's side of a log: a list of line elements, the last of which may be unfinished. */
class Sheet {
  private readonly box: HTMLElement;
  private readonly last = document.createElement('div');
  private waiting: string[] = [];
  private tail = '';
  private frame = 0;
  private wanted = '';
  private complete = 0;
  following = true;
  onDraw = (): void => {};

  constructor(box: HTMLElement) {
    this.box = box;
    box.append(this.last);
  }

  write(lines: string[], tail: string): void {
    for (const line of lines) this.waiting.push(line);
    this.complete += lines.length;
    this.tail = tail;
    // A burst between two frames may be longer than what is kept.
    if (this.waiting.length > KEEP) this.waiting = this.waiting.slice(-KEEP);
    if (this.frame === 0) this.frame = requestAnimationFrame(() => this.draw());
  }

  /** Draws what waits for its frame: before the page says anything of the log as a whole. */
  flush(): void {
    if (this.frame === 0) return;
    cancelAnimationFrame(this.frame);
    this.draw();
  }

  /** Lines since the log was opened, with the unfinished one. */
  get count(): number {
    return this.complete + (this.tail === '' ? 0 : 1);
  }

  /** Hides lines without `text`; the empty text hides none. */
  filter(text: string): void {
    this.wanted = text.toLowerCase();
    for (const line of this.box.children) this.sift(line as HTMLElement);
    this.toEnd();
  }

  toEnd(): void {
    if (this.following) this.box.scrollTop = this.box.scrollHeight;
  }

  close(): void {
    cancelAnimationFrame(this.frame);
    this.box.replaceChildren();
  }

  private draw(): void {
    this.frame = 0;
    const fresh = document.createDocumentFragment();
    for (const text of this.waiting) {
      const line = document.createElement('div');
      line.textContent = text;
      this.sift(line);
      fresh.append(line);
    }
    this.waiting = [];
    this.last.remove();
    this.last.textContent = this.tail;
    this.sift(this.last);
    this.box.append(fresh);
    while (this.box.childElementCount > KEEP) this.box.firstElementChild?.remove();
    if (this.tail !== '') this.box.append(this.last);
    this.toEnd();
    this.onDraw();
  }

  private sift(line: HTMLElement): void {
    line.hidden = this.wanted !== '' && !(line.textContent ?? '').toLowerCase().includes(this.wanted);
  }
}

interface View {
  state: LogState;
  lines: number;
  cut: number | null;
  problem: string;
}

interface Props {
  target: TaskRef;
  name: LogName;
  /** File name of the download. */
  saveAs: string;
  /** Stands first in the row of tools. */
  children: ComponentChildren;
}

export function LogView({ target, name, saveAs, children }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const sheet = useRef<Sheet | null>(null);
  const [view, setView] = useState<View>({ state: 'loading', lines: 0, cut: null, problem: '' });
  const [following, setFollowing] = useState(true);

  useEffect(() => {
    const page = new Sheet(box.current as HTMLElement);
    sheet.current = page;
    const change = (part: Partial<View>): void => setView((old) => ({ ...old, ...part }));
    page.onDraw = () => change({ lines: page.count });
    const end = follow(target, name, {
      lines: (lines, tail) => page.write(lines, tail),
      state: (state) => {
        page.flush();
        change({ state });
      },
      cut: (cut) => change({ cut }),
      failed: (error) => change({ problem: error.message }),
    });
    return () => {
      end();
      page.close();
    };
  }, []);

  const setFollow = (on: boolean): void => {
    setFollowing(on);
    if (sheet.current) sheet.current.following = on;
    if (on) sheet.current?.toEnd();
  };
  // Scrolling up is the way to stop following; scrolling to the end goes on.
  const scrolled = (): void => {
    const at = box.current as HTMLElement;
    const atEnd = at.scrollHeight - at.scrollTop - at.clientHeight < 8;
    if (atEnd !== following) setFollow(atEnd);
  };
  return (
    <>
      <div class="tools">
        {children}
        <input
          type="search"
          aria-label={t('log.filter')}
          placeholder={t('log.filter')}
          onInput={(event) => sheet.current?.filter(event.currentTarget.value)}
        />
        <label>
          <input type="checkbox" checked={following} onChange={(event) => setFollow(event.currentTarget.checked)} />{' '}
          {t('log.follow')}
        </label>
        <a href={logHref(target, name)} download={saveAs}>
          {t('log.download')}
        </a>
        <Status view={view} />
      </div>
      {view.problem && (
        <p class="problem" role="alert">
          {view.problem}
        </p>
      )}
      {view.cut !== null && <p class="hint">{t('log.cut', { size: bytes(view.cut) })}</p>}
      {view.cut === null && view.lines > KEEP && <p class="hint">{t('log.trimmed')}</p>}
      <div class="lines" ref={box} tabIndex={0} role="log" aria-live="off" aria-label={t('log.region')} onScroll={scrolled} />
    </>
  );
}

function Status({ view }: { view: View }) {
  if (view.problem) return null;
  if (view.state === 'loading' || view.state === 'lost') {
    return <span class={`log-state log-${view.state}`}>{t(`log.${view.state}`)}</span>;
  }
  if (view.lines === 0) {
    return <span class="log-state">{view.state === 'done' ? t('log.emptyEnd') : t('log.empty')}</span>;
  }
  const key: Key =
    view.cut !== null ? `log.${view.state}.cut` : view.lines === 1 ? `log.${view.state}.one` : `log.${view.state}`;
  // Of a log that was opened near its end, nobody has counted the lines before.
  const lines = count(view.cut === null ? view.lines : Math.min(view.lines, KEEP), language.value);
  return <span class={`log-state log-${view.state}`}>{t(key, { lines })}</span>;
}
