// SPDX-License-Identifier: MIT
// The texts of the files of a task, and of columns and views of the job list, which are loaded with them.
import { jobsEn } from './i18n/jobs-en.ts';
import { jobsZhCN } from './i18n/jobs-zh-CN.ts';
import { catalogue } from './words.ts';

export type JobsKey = keyof typeof jobsEn;

export const tj = catalogue<JobsKey>({ en: jobsEn, 'zh-CN': jobsZhCN });
