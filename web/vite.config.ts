// SPDX-License-Identifier: MIT
// The portal is built to plain files with hashed names and relative addresses, so that it works
// below any base path. Nothing is inlined: the server's policy allows scripts and styles from
// files of our own only.
import { defineConfig } from 'vite';

export default defineConfig({
  base: './',
  publicDir: 'static',
  build: {
    outDir: process.env['DROVER_WEB_OUT'] || '../build/web',
    emptyOutDir: true,
    target: 'es2023',
    cssTarget: 'chrome123',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The terminal is a page of its own: no other has to allow what xterm.js does.
    rolldownOptions: { input: ['index.html', 'terminal.html'] },
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  // `npm run dev` talks to a server that runs already.
  server: { proxy: { '/api': process.env['DROVER_URL'] || 'http://127.0.0.1:7780' } },
});
