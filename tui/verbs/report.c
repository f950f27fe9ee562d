/* SPDX-License-Identifier: MIT
 *
 * report gpu: a listing, or with --html the server's page as it is. A page is markup: on a terminal it is nothing.
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "tui/cli.h"
#include "tui/client.h"
#include "tui/verbs/objects.h"
#include "tui/verbs/verbs.h"

static int print_page(struct cli *cli)
{
    struct transfer_request r = {.method = "GET"};
    struct err e = {0};
    struct buf page;
    const char *path = objects_path(cli, &e);

    if (e.code == ERR_INVALID_PARAMETERS)
        return cli_usage(cli, "%s", e.text);
    if (cli->term.tty)
        return cli_usage(cli, "--html writes a page: send it to a file, as with > report.html.");
    if (!path)
        return cli_fail(cli, NULL, &e);
    r.path = arena_printf(cli->arena, "%s%cformat=html", path, strchr(path, '?') ? '&' : '?');
    if (!r.path) {
        (void)err_set(&e, ERR_INTERNAL, "Out of memory.");
        return cli_fail(cli, NULL, &e);
    }
    buf_init(&page, TRANSFER_MAX_BODY);
    if (!cli_connect(cli, &e) && !client_call(&cli->server, &r, &page, &e) &&
        fwrite(buf_str(&page), 1, page.len, cli->out) != page.len)
        (void)err_set(&e, ERR_INTERNAL, "Cannot write the output.");
    buf_fini(&page);
    return e.code ? cli_fail(cli, NULL, &e) : CLI_OK;
}

int report_run(struct cli *cli)
{
    return args_has(&cli->args, "html") ? print_page(cli) : objects_list(cli);
}
