// SPDX-License-Identifier: MIT
// The texts of pages that are loaded when they are opened: those for admins, the map, alerts, and what tasks use.
import { adminEn } from './i18n/admin-en.ts';
import { adminZhCN } from './i18n/admin-zh-CN.ts';
import { catalogue } from './words.ts';

export type AdminKey = keyof typeof adminEn;

export const ta = catalogue<AdminKey>({ en: adminEn, 'zh-CN': adminZhCN });
