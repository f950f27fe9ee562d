/* SPDX-License-Identifier: MIT
 *
 * Terminal abilities. TERM=dumb has no colour; a pipe has no width.
 */
#include "tui/term.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"

static bool term_set(term_env *env, const char *name)
{
    const char *value = env(name);

    return value && *value;
}

bool term_wants_colour(const char *flag, term_env *env, bool tty)
{
    const char *value;

    if (flag && !strcmp(flag, "always"))
        return true;
    if (flag && !strcmp(flag, "never"))
        return false;
    if (term_set(env, "NO_COLOR"))
        return false;
    value = env("CLICOLOR_FORCE");
    if (value && *value && strcmp(value, "0"))
        return true;
    value = env("CLICOLOR");
    if (value && !strcmp(value, "0"))
        return false;
    value = env("TERM");
    if (value && !strcmp(value, "dumb"))
        return false;
    return tty;
}

static const char *term_getenv(const char *name)
{
    return getenv(name);
}

static int term_columns(int fd)
{
    const char *set = getenv("COLUMNS");
    struct winsize size;
    long columns = set ? strtol(set, NULL, 10) : 0;

    if (columns > 0 && columns < 10000)
        return (int)columns;
    if (!ioctl(fd, TIOCGWINSZ, &size) && size.ws_col)
        return size.ws_col;
    return 80;
}

void term_probe(struct term *t, int fd, const char *colour_flag)
{
    const char *name = getenv("TERM");
    const char *direct = getenv("COLORTERM");

    t->tty = isatty(fd) == 1;
    t->colour = term_wants_colour(colour_flag, term_getenv, t->tty);
    t->many = (name && strstr(name, "256color")) || (direct && *direct);
    t->utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
    t->width = t->tty ? term_columns(fd) : 0;
}

int term_ask_password(const char *prompt, struct buf *out, struct err *e)
{
    struct termios before;
    struct termios quiet;
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    char c;
    ssize_t n;

    if (fd < 0 || tcgetattr(fd, &before)) {
        if (fd >= 0)
            close(fd);
        return err_set(e, ERR_INVALID_PARAMETERS, "There is no terminal to ask for the password; use --password-file.");
    }
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    (void)fs_write_all(fd, prompt, strlen(prompt));
    (void)tcsetattr(fd, TCSAFLUSH, &quiet);
    while ((n = read(fd, &c, 1)) == 1 || (n < 0 && errno == EINTR)) {
        if (n == 1 && c == '\n')
            break;
        if (n == 1)
            (void)buf_addc(out, c);
    }
    (void)tcsetattr(fd, TCSAFLUSH, &before);
    (void)fs_write_all(fd, "\n", 1);
    close(fd);
    return out->bad ? err_set(e, ERR_INVALID_PARAMETERS, "The password is too long.") : 0;
}
