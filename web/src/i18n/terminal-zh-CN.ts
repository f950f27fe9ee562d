// SPDX-License-Identifier: MIT
// Simplified Chinese, of the terminal's page.
import type { terminalEn } from './terminal-en.ts';

export const terminalZhCN: Record<keyof typeof terminalEn, string> = {
  'title': '{job} 中 {task} 的 Shell',
  'nothing': '此地址未指明任务。请从作业页面打开 Shell。',
  'opening': '正在打开…',
  'open': '已连接',
  'ended': 'Shell 已结束，退出码 {code}。',
  'refused': '无法打开 Shell：{reason}',
  'lost': '连接已断开，Shell 中运行的程序已结束。',
  'back': '返回作业',
  'reader': '供屏幕阅读器使用',
  'leave': '先按 Esc，再按 Tab，即可离开终端。',
  'input': '{task} 的终端',
};
