/* SPDX-License-Identifier: MIT
 *
 * Away from the screen. What the child may not have of us: our descriptors, and signals that we ignore meanwhile.
 */
#include "tui/verbs/away.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tui/app.h"
#include "tui/cli.h"

#define AWAY_ARGS 16

extern char **environ;

/* Starts ourselves with these arguments. 0 or an errno. */
static int away_start(const char *const *argv, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t fresh, none;
    int rc;

    sigemptyset(&none);
    sigemptyset(&fresh);
    sigaddset(&fresh, SIGINT);
    sigaddset(&fresh, SIGQUIT);
    sigaddset(&fresh, SIGWINCH);
    sigaddset(&fresh, SIGTSTP);
    if ((rc = posix_spawn_file_actions_init(&files)) != 0)
        return rc;
    if ((rc = posix_spawnattr_init(&how)) != 0) {
        (void)posix_spawn_file_actions_destroy(&files);
        return rc;
    }
    rc = posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    rc = rc ? rc : posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    rc = rc ? rc : posix_spawnattr_setsigdefault(&how, &fresh);
    rc = rc ? rc : posix_spawnattr_setsigmask(&how, &none);
    rc = rc ? rc : posix_spawn(pid, "/proc/self/exe", &files, &how, (char *const *)(uintptr_t)argv, environ);
    (void)posix_spawn_file_actions_destroy(&files);
    (void)posix_spawnattr_destroy(&how);
    return rc;
}

/* Waits for its end with the keys that interrupt going to it alone. Its exit status, 128 and the signal's number. */
static int away_wait(pid_t pid)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction interrupt, quit;
    int status = 0;

    (void)sigaction(SIGINT, &ignore, &interrupt);
    (void)sigaction(SIGQUIT, &ignore, &quit);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    (void)sigaction(SIGINT, &interrupt, NULL);
    (void)sigaction(SIGQUIT, &quit, NULL);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void away_pause(struct cli *cli, const char *what, int status)
{
    char byte = 0;

    cli_say(cli, cli->out, "\n%s (status %d). Press Enter to go back.\n", what, status);
    (void)fflush(cli->out);
    while (byte != '\n' && read(STDIN_FILENO, &byte, 1) > 0)
        ;
}

void away_shell(struct cli *cli, const struct app_shell *to)
{
    static const char *const kept[] = {"context", "timeout"};
    const char *argv[AWAY_ARGS] = {"drover", "shell"};
    char options[2][300], index[32];
    size_t n = 2;
    pid_t pid = -1;
    int rc;

    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        const char *value = args_get(&cli->args, kept[i]);

        snprintf(options[i], sizeof options[i], "--%s=%s", kept[i], value ? value : "");
        if (value)
            argv[n++] = options[i];
    }
    if (*to->role) {
        snprintf(index, sizeof index, "%d", to->index);
        argv[n++] = "--role";
        argv[n++] = to->role;
        argv[n++] = "--index";
        argv[n++] = index;
    }
    argv[n++] = "--";
    argv[n++] = to->job;
    cli_say(cli, cli->out, "A shell in %s; exit goes back to the screen.\n", to->job);
    (void)fflush(cli->out);
    rc = away_start(argv, &pid);
    if (rc)
        away_pause(cli, strerror(rc), rc);
    else if ((rc = away_wait(pid)) != 0)
        away_pause(cli, "The shell has ended", rc);
}
