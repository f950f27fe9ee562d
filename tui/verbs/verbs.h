/* SPDX-License-Identifier: MIT
 *
 * The verbs of the command table. Each performs one command line (options and arguments in `cli`, already checked
 * against its row) and returns the exit status, having said what went wrong. Main thread.
 */
#ifndef DROVER_TUI_VERBS_VERBS_H
#define DROVER_TUI_VERBS_VERBS_H

struct cli;

/* Submits a job document; with --wait or --follow stays until its end. */
int submit_run(struct cli *cli);
/* Lists jobs. */
int list_jobs(struct cli *cli);
/* Shows one job. */
int one_show(struct cli *cli);
/* Says in sentences why a job waits or how it ended. */
int one_explain(struct cli *cli);
/* Prints logs. */
int logs_run(struct cli *cli);
/* Stops jobs; goes on after a failure and returns the first one's status. */
int one_stop(struct cli *cli);
/* Waits for a job's end. */
int one_wait(struct cli *cli);
/* Lists a job's events. */
int list_events(struct cli *cli);
/* Prints a job's document. */
int one_config(struct cli *cli);
/* Lists nodes. */
int list_nodes(struct cli *cli);
/* Runs the TUI. */
int loop_run(struct cli *cli);
/* Logs in and stores a context. */
int access_login(struct cli *cli);
/* Revokes the token and removes it. */
int access_logout(struct cli *cli);
/* Says user and server. */
int access_whoami(struct cli *cli);
/* Lists contexts. */
int access_contexts(struct cli *cli);
/* Chooses the current context. */
int access_use(struct cli *cli);
/* Prints the client's version. */
int access_version(struct cli *cli);

#endif
