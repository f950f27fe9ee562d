/* SPDX-License-Identifier: MIT
 *
 * passwd: sets the own password, which needs the one until now, or as an admin another user's.
 */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "tui/cli.h"
#include "tui/client.h"
#include "tui/password.h"
#include "tui/verbs/verbs.h"

/* The new password; asked for twice where nobody sees what is typed. 0 or -1. */
static int new_password(struct cli *cli, struct buf *out, struct err *e)
{
    struct buf again;
    bool same;

    if (password_read(cli, "password-file", "New password: ", out, e))
        return -1;
    if (args_has(&cli->args, "password-file"))
        return 0;
    buf_init(&again, PASSWORD_MAX);
    same = !password_read(cli, "password-file", "Once more: ", &again, e) && !strcmp(buf_str(out), buf_str(&again));
    if (again.data)
        explicit_bzero(again.data, again.len);
    buf_fini(&again);
    return same || e->code ? -!same : err_set(e, ERR_INVALID_PARAMETERS, "The two are not the same.");
}

/* Reads what is needed and makes the body. 0 or -1. */
static int make_body(struct cli *cli, bool own, struct buf *body, struct err *e)
{
    struct buf old, fresh;
    struct json_out j;
    int rc = -1;

    buf_init(&old, PASSWORD_MAX);
    buf_init(&fresh, PASSWORD_MAX);
    if ((!own || !password_read(cli, "old-password-file", "Password until now: ", &old, e)) &&
        !new_password(cli, &fresh, e)) {
        json_out_init(&j, body);
        json_out_object(&j);
        if (own)
            json_out_kstring(&j, "oldPassword", buf_str(&old));
        json_out_kstring(&j, "newPassword", buf_str(&fresh));
        json_out_object_end(&j);
        rc = body->bad ? err_set(e, ERR_INTERNAL, "Out of memory.") : 0;
    }
    if (old.data)
        explicit_bzero(old.data, old.len);
    if (fresh.data)
        explicit_bzero(fresh.data, fresh.len);
    buf_fini(&old);
    buf_fini(&fresh);
    return rc;
}

int passwd_run(struct cli *cli)
{
    struct transfer_request r = {.method = "PUT", .type = "application/json"};
    bool own = cli->args.rest_count == 0;
    const char *user = own ? NULL : cli->args.rest[0];
    struct buf body;
    struct err e = {0};
    int rc = CLI_OK;

    buf_init(&body, 4 * PASSWORD_MAX);
    if (!cli_connect(cli, &e) && own && (user = cli_full_name(cli, "x", &e)) != NULL)
        user = arena_strndup(cli->arena, user, strcspn(user, "~"));
    if (user && !e.code && !make_body(cli, own, &body, &e)) {
        r.path = cli_path(cli, "/api/v2/users/%s/password", user);
        r.body = buf_str(&body);
        r.body_len = body.len;
        (void)client_call(&cli->server, &r, NULL, &e);
    }
    if (e.code)
        rc = cli_fail(cli, NULL, &e);
    else
        cli_say(cli, cli->err, "The password of %s is set; whoever was logged in with the old one is not any more.\n",
                user);
    if (body.data)
        explicit_bzero(body.data, body.len);
    buf_fini(&body);
    return rc;
}
