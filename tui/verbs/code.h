/* SPDX-License-Identifier: MIT
 *
 * submit --code: a folder or an archive goes to the server before the job that names it. The verb code is in verbs.h.
 */
#ifndef DROVER_TUI_VERBS_CODE_H
#define DROVER_TUI_VERBS_CODE_H

struct cli;
struct err;

/* Sends `path`: a folder, packed without what its .droverignore names, or a tar archive as it is. The id that the job
 * names it by, in the arena; NULL with `e`. The server must be known (cli_connect). */
const char *code_send(struct cli *cli, const char *path, struct err *e);

#endif
