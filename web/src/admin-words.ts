// SPDX-License-Identifier: MIT
// The texts of the pages for admins and of the map, which are loaded with them.
import { adminEn } from './i18n/admin-en.ts';
import { adminZhCN } from './i18n/admin-zh-CN.ts';
import { catalogue } from './words.ts';

export type AdminKey = keyof typeof adminEn;

export const ta = catalogue<AdminKey>({ en: adminEn, 'zh-CN': adminZhCN });
