// SPDX-License-Identifier: MIT
// English, of the terminal's page; its keys are the keys of every other one. `{name}` is filled in.

export const terminalEn = {
  'title': 'Shell in {task} of {job}',
  'nothing': 'This address names no task. Open a shell from the page of its job.',
  'opening': 'Opening…',
  'open': 'Connected',
  'ended': 'The shell ended, exit code {code}.',
  'refused': 'No shell: {reason}',
  'lost': 'The connection is lost. What ran in the shell has ended.',
  'back': 'Back to the job',
  'reader': 'For screen readers',
  'leave': 'Esc, then Tab, leaves the terminal.',
  'input': 'Terminal of {task}',
};
