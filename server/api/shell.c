/* SPDX-License-Identifier: MIT
 *
 * A shell, or a command, in a running task, or in what is kept of a failed one by a debug reservation.
 */
#include <string.h>

#include "auth/access.h"
#include "auth/auth_store.h"
#include "auth/ssh_keys.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/ssh_key.h"
#include "engines/local/enter.h"
#include "jobs/lease_store.h"
#include "server/api/api.h"
#include "server/api/job_view.h"
#include "server/app_headers.h"
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

/* What the shell is for, read in one snapshot. */
struct subject {
    struct job_view view;
    struct auth_user owner;
};

static int read_job(struct api *a, struct request *r, struct subject *out, struct err *e)
{
    struct store *s = readers_get(a->readers, e);
    struct err gone = {0};
    *out = (struct subject){.owner.extension = "{}"};
    if (!s)
        return -1;
    int rc = job_view_row(&out->view, s, r, e);
    if (!rc && auth_store_user_get(s, request_arena(r), out->view.job.user, &out->owner, &gone))
        out->owner.extension = "{}"; /* a job outlives its owner */
    readers_put(a->readers, s);
    return rc ? -1 : 0;
}

/* Whoever is in a task acts as its owner. The core decides on commands; this is none, so it is decided here, and before
 * anything is told of the task. */
static int check_owner(struct request *r, const struct subject *j, struct err *e)
{
    const struct access_object o = {.owner = j->view.job.user, .what = "this job"};
    return access_check_object(ACCESS_JOB_CHANGE, request_identity(r), &o, e);
}

static int add_key(void *ctx, const struct ssh_keys_entry *k)
{
    return buf_addf(ctx, "%s\n", k->key);
}

/* The keys that may come in by ssh: the one asked for, those that the job's owner keeps, those of its plugin. "" where
 * ssh is not asked for. */
static int read_ssh(struct request *r, const struct subject *j, struct shell_order *o, struct err *e)
{
    const char *text = NULL;
    char key[SSH_KEY_SIZE];
    struct buf b;
    o->ssh = "";
    if (request_query(r, "ssh", &text, e))
        return -1;
    if (!text)
        return 0;
    if (o->command[0] || o->tty)
        return err_set(e, ERR_INVALID_PARAMETERS, "ssh says itself what to run; leave command and tty out.");
    const struct spec *spec = spec_load(request_arena(r), j->view.job.config, strlen(j->view.job.config), e);
    if (!spec || ssh_key_read(text, key, e))
        return -1;
    buf_init(&b, 0);
    (void)buf_addf(&b, "%s\n%s", key, spec->ssh_keys ? spec->ssh_keys : "");
    (void)ssh_keys_each(j->owner.extension, add_key, &b);
    o->ssh = b.bad ? NULL : arena_strdup(request_arena(r), buf_str(&b));
    buf_fini(&b);
    return o->ssh ? 0 : err_set(e, ERR_INTERNAL, "out of memory");
}

static int is_held(void *ctx, const struct lease *l)
{
    const struct task_attempt_row *row = ctx;
    return l->state == LEASE_HELD && !strcmp(l->id, row->id);
}

/* Whether there is somebody to enter. 0 or -1. */
static int check_runs(struct api *a, struct task_attempt_row *row, struct err *e)
{
    if (!row->launched_ms)
        return err_set(e, ERR_CONFLICT_JOB, "The task has not started yet.");
    if (!row->ended)
        return 0;
    struct store *s = readers_get(a->readers, e);
    if (!s)
        return -1;
    const struct lease_store_which live = {0};
    int rc = lease_store_each(s, &live, is_held, row, e);
    readers_put(a->readers, s);
    if (rc)
        return rc > 0 ? 0 : -1;
    return err_set(e, ERR_CONFLICT_JOB, "The task attempt has ended, and no debug reservation keeps its sandbox.");
}

/* A browser opens a WebSocket for whatever page asks, with the portal's cookie: that page must be of this very origin,
 * which apps of jobs are not (theirs is another, or none). */
static int check_origin(struct request *r, struct err *e)
{
    const char *origin = request_header(r, "Origin");
    if (request_identity(r)->kind != IDENTITY_SESSION || !request_header(r, "Upgrade"))
        return 0; /* without an upgrade nothing is opened: it is told why */
    if (origin && app_headers_same_origin(origin, request_header(r, "Host")))
        return 0;
    return err_set(e, ERR_FORBIDDEN, "With the portal's session, only a page of the portal opens a shell.");
}

int api_shell(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    struct task_attempt_row row;
    struct shell_order o = {0};
    struct subject job;
    if (request_identity(r)->read_only)
        return err_set(e, ERR_FORBIDDEN, "This token only reads.");
    if (read_job(a, r, &job, e) || check_owner(r, &job, e) || read_query(r, &o, e) || read_ssh(r, &job, &o, e) ||
        job_view_task_attempt(a, r, &row, ERR_NO_TASK_LOG, e) || check_runs(a, &row, e) || check_origin(r, e))
        return -1;
    o.attempt = row.id;
    return shells_reply(a->shells, r, &o, e);
}
