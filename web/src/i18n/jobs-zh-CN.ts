// SPDX-License-Identifier: MIT
// Simplified Chinese, of what the pages of jobs load when it is asked for.
import type { jobsEn } from './jobs-en.ts';

export const jobsZhCN: Record<keyof typeof jobsEn, string> = {
  'files.caption': '{task} 的文件',
  'files.what': '任务在其工作目录中留下的文件。',
  'files.top': '工作目录',
  'files.path': '目录',
  'files.name': '名称',
  'files.size': '大小',
  'files.changed': '修改时间',
  'files.download': '下载 {name}',
  'files.open': '打开目录 {name}',
  'files.other': '无法读取',
  'files.none': '此目录为空。',
  'files.more': '此处未列出全部文件。',
  'files.hidden': '名称不是文本的文件：{count}',

  'columns.legend': '列表中的列',
  'columns.reset': '恢复默认',
  'columns.always': '始终显示',
  'views.what': '视图即当前的筛选、排序与列，保存在此浏览器中。',
  'views.none': '尚未保存任何视图。',
  'views.name': '此视图的名称',
  'views.save': '保存此视图',
  'views.needName': '请为视图命名。',
  'views.full': '已有 {count} 个视图，请先删除一个。',
  'views.remove': '删除 {name}',
};
