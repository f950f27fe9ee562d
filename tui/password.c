/* SPDX-License-Identifier: MIT
 *
 * Reading a password.
 */
#include "tui/password.h"

#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "tui/cli.h"

/* The next line of standard input; byte by byte, so that another password may be on the line behind it. */
static int read_line(struct buf *out, struct err *e)
{
    char c;

    while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n')
        (void)buf_addc(out, c);
    return out->bad ? err_set(e, ERR_INVALID_PARAMETERS, "The password is too long.") : 0;
}

int password_read(struct cli *cli, const char *option, const char *prompt, struct buf *out, struct err *e)
{
    const char *file = args_get(&cli->args, option);
    size_t len;

    if (!file)
        return term_ask_password(prompt, out, e);
    if (!strcmp(file, "-"))
        return read_line(out, e);
    if (fs_read(file, PASSWORD_MAX, out, e))
        return -1;
    len = strcspn(buf_str(out), "\r\n");
    if (out->data)
        out->data[len] = '\0';
    out->len = len;
    return 0;
}
