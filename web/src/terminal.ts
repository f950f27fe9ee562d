// SPDX-License-Identifier: MIT
// A shell in a task, on a page of its own: xterm.js and a WebSocket (server/shell_frame.h says what goes over it). Tab
// belongs to the shell; Escape and then Tab is the way out for those without a pointer.
import '@xterm/xterm/css/xterm.css';
import './styles/theme.css';
import './styles/terminal.css';
import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import { shellHref, whyNoShell } from './api.ts';
import { terminalEn } from './i18n/terminal-en.ts';
import { terminalZhCN } from './i18n/terminal-zh-CN.ts';
import { jobHref } from './router.ts';
import { parseTerminal, type TerminalLink } from './terminal-link.ts';

type Key = keyof typeof terminalEn;

/** Lines that one can scroll back. */
const SCROLLBACK = 5000;

const link = parseTerminal(location.hash);
const element = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;

function t(key: Key, values: Record<string, string | number> = {}): string {
  const text = (link?.language === 'zh-CN' ? terminalZhCN : terminalEn)[key];
  return text.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ''));
}

const say = (key: Key, values?: Record<string, string | number>): void => {
  element('state').textContent = t(key, values);
};

function dress(): void {
  document.documentElement.lang = link?.language ?? 'en';
  document.documentElement.dataset['theme'] = link?.theme ?? 'auto';
  const back = element<HTMLAnchorElement>('back');
  back.href = `./${link ? jobHref(link.ref.job) : '#/jobs'}`;
  back.textContent = t('back');
  element('reader-word').textContent = t('reader');
  element('leave').textContent = t('leave');
}

/** Whether the terminal is to have a key: it lets go of the Tab that follows an Escape. */
function keys(): (event: KeyboardEvent) => boolean {
  let leaving = false;
  return ({ type, key }) => {
    if (type !== 'keydown') return true;
    const goes = leaving && key === 'Tab';
    leaving = key === 'Escape' || (leaving && key === 'Shift');
    return !goes;
  };
}

/** Of colours the page knows only what they have become. */
function colours(): { background: string; foreground: string; cursor: string } {
  const { color, backgroundColor } = getComputedStyle(element('screen'));
  return { background: backgroundColor, foreground: color, cursor: color };
}

/** Bytes of a message to the server. */
const PIECE = 32768;

function open({ ref }: TerminalLink): void {
  const task = `${ref.role}-${ref.index}`;
  document.title = t('title', { task, job: ref.job });
  element('title').textContent = document.title;
  say('opening');
  const terminal = new Terminal({ scrollback: SCROLLBACK, minimumContrastRatio: 4.5, theme: colours(), fontSize: 14 });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  terminal.open(element('screen'));
  terminal.textarea?.setAttribute('aria-label', t('input', { task }));
  terminal.attachCustomKeyEventHandler(keys());
  fit.fit();
  terminal.focus();
  const reader = element<HTMLInputElement>('reader');
  reader.addEventListener('change', () => {
    terminal.options.screenReaderMode = reader.checked;
    terminal.focus();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    terminal.options.theme = colours();
  });
  connect(terminal, ref);
  new ResizeObserver(() => fit.fit()).observe(element('screen'));
}

function connect(terminal: Terminal, ref: TerminalLink['ref']): void {
  const href = shellHref(ref, terminal.rows, terminal.cols);
  const socket = new WebSocket(href.replace(/^http/, 'ws'));
  const bytes = new TextEncoder();
  let opened = false;
  let told = false;
  const over = (key: Key, values?: Record<string, string | number>): void => {
    if (told) return;
    told = true;
    say(key, values);
    terminal.options.disableStdin = true;
    element('back').focus();
  };
  socket.binaryType = 'arraybuffer';
  socket.addEventListener('open', () => {
    opened = true;
    say('open');
  });
  socket.addEventListener('message', ({ data }: MessageEvent<string | ArrayBuffer>) => {
    if (typeof data !== 'string') return terminal.write(new Uint8Array(data));
    const said = JSON.parse(data) as { exit?: number; error?: { message: string } };
    if (said.exit !== undefined) over('ended', { code: said.exit });
    if (said.error) over('refused', { reason: said.error.message });
  });
  socket.addEventListener('close', () => {
    if (opened) over('lost');
    else void whyNoShell(href).then((reason) => over('refused', { reason }));
  });
  const send = (data: string | Uint8Array<ArrayBuffer>): void => {
    if (socket.readyState !== WebSocket.OPEN) return;
    if (typeof data === 'string') return socket.send(data);
    // A paste comes in one piece, and the server takes messages of 64 KiB at most.
    for (let at = 0; at < data.length; at += PIECE) socket.send(data.subarray(at, at + PIECE));
  };
  terminal.onData((text) => send(bytes.encode(text)));
  terminal.onBinary((text) => send(Uint8Array.from(text, (one) => one.charCodeAt(0))));
  terminal.onResize(({ rows, cols }) => send(JSON.stringify({ resize: [rows, cols] })));
}

dress();
if (link) open(link);
else say('nothing');
