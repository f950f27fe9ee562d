/* SPDX-License-Identifier: MIT
 *
 * A shell, or a command, in a running task.
 */
#include <string.h>

#include "auth/access.h"
#include "auth/ssh_key.h"
#include "base/err.h"
#include "engines/local/enter.h"
#include "server/api/api.h"
#include "server/api/job_view.h"
#include "server/readers.h"
#include "server/shell.h"
#include "server/shell_frame.h"

enum { ROWS = 24, COLUMNS = 80 };

static int read_query(struct request *r, struct shell_order *o, struct err *e)
{
    int64_t rows = ROWS, columns = COLUMNS, side[2] = {1, SHELL_SIDE_MAX};
    const char *command = NULL, *term = NULL;
    if (request_query(r, "command", &command, e) || request_query(r, "term", &term, e) ||
        request_query_bool(r, "tty", &o->tty, e) || request_query_int(r, "rows", side, &rows, e) ||
        request_query_int(r, "columns", side, &columns, e))
        return -1;
    o->command = command ? command : "";
    o->term = term && *term ? term : "dumb";
    o->rows = (int)rows;
    o->columns = (int)columns;
    if (strlen(o->command) >= ENTER_COMMAND_MAX || strlen(o->term) >= ENTER_TERM_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "command may have %d bytes, term %d.", ENTER_COMMAND_MAX - 1,
                       ENTER_TERM_MAX - 1);
    return 0;
}

/* `key` gets the key that may come in by ssh; "" for none. */
static int read_ssh(struct request *r, struct shell_order *o, char key[SSH_KEY_SIZE], struct err *e)
{
    const char *text = NULL;
    key[0] = '\0';
    o->ssh = key;
    if (request_query(r, "ssh", &text, e))
        return -1;
    if (text && (o->command[0] || o->tty))
        return err_set(e, ERR_INVALID_PARAMETERS, "ssh says itself what to run; leave command and tty out.");
    return text ? ssh_key_read(text, key, e) : 0;
}

/* Whoever is in a task acts as its owner. The core decides on commands; this is none, so it is decided here, and before
 * anything is told of the task. */
static int check_owner(struct api *a, struct request *r, struct err *e)
{
    struct job_view v;
    struct store *s = readers_get(a->readers, e);
    if (!s)
        return -1;
    int rc = job_view_row(&v, s, r, e);
    readers_put(a->readers, s);
    if (rc)
        return -1;
    const struct access_object o = {.owner = v.job.user, .what = "this job"};
    return access_check_object(ACCESS_JOB_CHANGE, request_identity(r), &o, e);
}

int api_shell(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    struct task_attempt_row row;
    struct shell_order o = {0};
    char key[SSH_KEY_SIZE];
    /* A browser would let any site open it with the portal's cookie: there is no terminal in the portal to let in. */
    if (request_identity(r)->kind != IDENTITY_TOKEN)
        return err_set(e, ERR_FORBIDDEN, "A shell needs a token, not the portal's session.");
    if (request_identity(r)->read_only)
        return err_set(e, ERR_FORBIDDEN, "This token only reads.");
    if (check_owner(a, r, e) || read_query(r, &o, e) || read_ssh(r, &o, key, e) ||
        job_view_task_attempt(a, r, &row, ERR_NO_TASK_LOG, e))
        return -1;
    if (row.ended || !row.launched_ms)
        return err_set(e, ERR_CONFLICT_JOB,
                       row.ended ? "The task attempt has ended." : "The task has not started yet.");
    o.attempt = row.id;
    return shells_reply(a->shells, r, &o, e);
}
