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
/* Submits a batch script of Slurm; lists and stops jobs as squeue and scancel do. */
int sbatch_run(struct cli *cli);
int squeue_run(struct cli *cli);
int scancel_run(struct cli *cli);
/* Lists jobs. */
int list_jobs(struct cli *cli);
/* Shows one job. */
int one_show(struct cli *cli);
/* Says in sentences why a job waits or how it ended. */
int one_explain(struct cli *cli);
/* Prints logs. */
int logs_run(struct cli *cli);
/* Prints the lines of a job's logs that fit an expression. */
int search_run(struct cli *cli);
/* Prints what a job's tasks report to TensorBoard. */
int scalars_run(struct cli *cli);
/* Prints what kind of work a job does, what holds it up and how far it is. */
int profile_run(struct cli *cli);
/* Lists what a task left where it worked. */
int files_list(struct cli *cli);
/* Lists the code that came with a job, or copies its archive. */
int code_run(struct cli *cli);
/* Copies files and folders from there. */
int files_copy(struct cli *cli);
/* Lists a job's web apps, or prints a link that opens one. */
int app_run(struct cli *cli);
/* A shell in a running task. Its exit status. */
int shell_run_shell(struct cli *cli);
/* A command in a running task. Its exit status. */
int shell_run_exec(struct cli *cli);
/* Prints what ssh has to know to reach running tasks. */
int ssh_run_config(struct cli *cli);
/* ssh's connection to a task, on standard input and output. Its exit status. */
int ssh_run_proxy(struct cli *cli);
/* Stops jobs; goes on after a failure and returns the first one's status. */
int one_stop(struct cli *cli);
/* Waits for a job's end. */
int one_wait(struct cli *cli);
/* Lists a job's events. */
int list_events(struct cli *cli);
/* Prints a job's document. */
int one_config(struct cli *cli);
/* Lists the jobs that hold GPUs, by their use. */
int top_run(struct cli *cli);
/* Lists nodes. */
int list_nodes(struct cli *cli);
/* Lists what the verb names: virtual clusters, users, groups, tokens, the audit log ... */
int objects_list(struct cli *cli);
/* Tells where the GPU hours went. */
int report_run(struct cli *cli);
/* Shows one thing whole: a user, a node, the site's settings. */
int objects_show(struct cli *cli);
/* Makes the change that the verb names; of several arguments goes on after a failure and returns the first one's
 * status. */
int change_run(struct cli *cli);
/* Sets what the user is told by mail. */
int notify_set(struct cli *cli);
/* Has a test sent. */
int notify_test(struct cli *cli);
/* Makes or changes a webhook, and prints its secret when it is new. */
int notify_webhook(struct cli *cli);
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
/* Checks or imports a table of users. */
int users_import(struct cli *cli);
/* Takes an import of users back. */
int users_undo(struct cli *cli);
/* Sets the own password, or another user's. */
int passwd_run(struct cli *cli);
/* Lists images and imports. */
int images_list_run(struct cli *cli);
/* Has an image imported and waits for the end of it. */
int images_import_run(struct cli *cli);
/* Removes an image. */
int images_remove_run(struct cli *cli);
/* Lists silences; makes one, of the matchers that are given. */
int silences_list_run(struct cli *cli);
int silences_add_run(struct cli *cli);
/* Prints the client's version. */
int access_version(struct cli *cli);

#endif
