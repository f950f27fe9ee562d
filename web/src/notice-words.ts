// SPDX-License-Identifier: MIT
// The texts of notifications, webhooks, maintenance windows and tags, which are loaded with them.
import { noticeEn } from './i18n/notice-en.ts';
import { noticeZhCN } from './i18n/notice-zh-CN.ts';
import { catalogue } from './words.ts';

export type NoticeKey = keyof typeof noticeEn;

export const tn = catalogue<NoticeKey>({ en: noticeEn, 'zh-CN': noticeZhCN });
