/* SPDX-License-Identifier: MIT
 *
 * Completion and retry policy of the protocol, as pure functions.
 */
#ifndef DROVER_JOBS_POLICY_H
#define DROVER_JOBS_POLICY_H

#include <stdint.h>

#include "jobs/state.h"

struct job;
struct task;
struct exit_verdict;
struct exit_trigger;

/* Decides a job attempt after `last` ended (NULL: re-evaluate all). Returns 0 while it goes on, else STATE_SUCCEEDED or
 * STATE_FAILED, and fills *trigger (message, role, task index) and *exit_code of the deciding task. Pure. */
enum run_state policy_completion(const struct job *j, const struct task *last, struct exit_trigger *trigger,
                                 int *exit_code);

enum policy_retry { POLICY_NO_RETRY, POLICY_RETRY_FREE, POLICY_RETRY_COUNTED };

/* Whether a failed job attempt is tried again: by the catalogue's reaction and jobRetryCount. *delay_ms gets the
 * back-off (0 when at once; 60 s doubling to 900 s for BACKOFF; a small growing delay, 1 s doubling to 60 s, for free
 * retries so that a platform fault cannot spin). What words in a log say is believed three times only: a program may
 * print them whatever ails it. Pure. */
enum policy_retry policy_job_retry(const struct job *j, const struct exit_verdict *exit, int64_t *delay_ms);

/* Whether a failed task alone is tried again (only without gang allocation, up to taskRetryCount; free retries, which
 * come at once, three times). Pure. */
enum policy_retry policy_task_retry(const struct task *t, const struct exit_verdict *exit);

#endif
