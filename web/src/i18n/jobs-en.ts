// SPDX-License-Identifier: MIT
// English, of what the pages of jobs load when it is asked for; its keys are the keys of every other one. `{name}` is filled in.

export const jobsEn = {
  'files.caption': 'Files of {task}',
  'files.what': 'What the task left in the folder that it worked in.',
  'files.top': 'Working folder',
  'files.path': 'Folder',
  'files.name': 'Name',
  'files.size': 'Size',
  'files.changed': 'Changed',
  'files.download': 'Download {name}',
  'files.open': 'Open the folder {name}',
  'files.other': 'not to be read',
  'files.none': 'There is nothing in this folder.',
  'files.more': 'There are more files than are listed here.',
  'files.hidden': 'Files whose names are no text: {count}',

  'columns.legend': 'Columns of the list',
  'columns.reset': 'As they were',
  'columns.always': 'always there',
  'views.what': 'A view is the filters, the order and the columns as they are now. It is kept in this browser.',
  'views.none': 'Nothing is saved yet.',
  'views.name': 'Name of this view',
  'views.save': 'Save this view',
  'views.needName': 'Give the view a name.',
  'views.full': 'There are {count} views already. Remove one first.',
  'views.remove': 'Remove {name}',
};
