/* SPDX-License-Identifier: MIT
 *
 * drover-holder SCRIPT (hold.h). Deaf to all signals, so that a stop is the command's; whoever wants it gone ends the
 * shim's socket, or kills it. It looks after all orphans below it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "engines/local/hold.h"
#include "engines/local/procs.h"

#define HOLDER_SWEEP_MS 10
#define HOLDER_ABOVE 8 /* processes between it and the keeper: one at most, where there is an image */

struct holder {
    int shim;    /* the socket; -1 = there is none */
    int signals; /* signalfd: SIGCHLD */
    pid_t command;
    bool ended;
    int32_t status; /* of the command */
};

static int holder_connect(void)
{
    const char *nonce = getenv("DROVER_NONCE");
    struct sockaddr_un a;
    socklen_t len = hold_address(&a, nonce ? nonce : "");
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)&a, len) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

/* The command, as the keeper would have started it: a session of its own, no signal blocked, our end its end. */
static void __attribute__((noreturn)) holder_exec(pid_t parent, char *script)
{
    static const char *const shells[] = {"/bin/bash", "/usr/bin/bash", "/bin/sh"};
    sigset_t none;

    sigemptyset(&none);
    if (setsid() >= 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent &&
        sigprocmask(SIG_SETMASK, &none, NULL) == 0)
        for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
            char *argv[] = {(char *)(uintptr_t)shells[i], script, NULL};

            (void)execv(shells[i], argv);
        }
    (void)dprintf(2, "drover: cannot start the command: %s\n", strerrordesc_np(errno));
    _exit(127);
}

/* Only the command holds the logs open from now on, and not who waits for it. */
static void holder_let_go_of_logs(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null >= 0 && dup2(null, 1) == 1)
        (void)dup2(null, 2);
}

/* Ends as the command did, for those above. */
static void __attribute__((noreturn)) holder_end(const struct holder *h)
{
    sigset_t one;

    if (WIFSIGNALED(h->status)) {
        sigemptyset(&one); /* no other that may wait */
        sigaddset(&one, WTERMSIG(h->status));
        (void)kill(getpid(), WTERMSIG(h->status));
        (void)sigprocmask(SIG_UNBLOCK, &one, NULL);
    }
    _exit(WIFEXITED(h->status) ? WEXITSTATUS(h->status) : 128 + WTERMSIG(h->status));
}

/* ---- what is to end where its GPUs are given back ---- */

/* Whether the numbers of processes are the task's own: then its keeper is the first. */
static bool holder_apart(void)
{
    char name[16] = "";
    int fd = open("/proc/1/comm", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, name, sizeof(name) - 1);

    if (fd >= 0)
        (void)close(fd);
    return n > 0 && strcmp(name, "drover-keeper\n") == 0;
}

/* Whether it is one of those that we stand under. */
static bool holder_above(const pid_t above[HOLDER_ABOVE], pid_t pid)
{
    for (int i = 0; i < HOLDER_ABOVE; i++)
        if (above[i] == pid)
            return true;
    return false;
}

/* SIGKILL to all others in our namespace. How many there were. */
static int holder_sweep_all(void)
{
    pid_t above[HOLDER_ABOVE] = {1, getpid()};
    DIR *proc = opendir("/proc");
    int count = 0;

    for (int i = 1; i + 1 < HOLDER_ABOVE && above[i] > 1; i++)
        (void)procs_start_ticks(above[i], &above[i + 1]);
    for (const struct dirent *d = proc ? readdir(proc) : NULL; d; d = readdir(proc)) {
        const pid_t pid = (pid_t)strtol(d->d_name, NULL, 10);

        if (pid > 0 && !holder_above(above, pid) && kill(pid, SIGKILL) == 0)
            count++; /* a dead one counts until it is reaped */
    }
    if (proc)
        (void)closedir(proc);
    return count;
}

static void holder_sweep(void)
{
    const char *attempt = getenv(PROCS_MARK);
    const bool apart = holder_apart();
    bool more = true;
    pid_t pid;

    while (more) {
        if (!apart)
            procs_signal_tree(SIGKILL);
        more = (apart ? holder_sweep_all() : procs_kill_marked(attempt ? attempt : "-", NULL)) > 0;
        while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
            ;
        more = more || pid == 0; /* one that dies still */
        if (more)
            (void)poll(NULL, 0, HOLDER_SWEEP_MS);
    }
}

/* What is entered into us gets the variables that we show: they are cleared where they lie. */
static void holder_forget_gpus(void)
{
    static const char *const names[] = {"CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char *value = getenv(names[i]);

        if (value)
            memset(value, 0, strlen(value));
    }
}

/* ---- its life ---- */

static void holder_tell(struct holder *h, int32_t number)
{
    if (send(h->shim, &number, sizeof(number), MSG_NOSIGNAL) == (ssize_t)sizeof(number))
        return;
    (void)close(h->shim);
    h->shim = -1;
}

static void holder_reap(struct holder *h)
{
    struct signalfd_siginfo info[8];
    int status;
    pid_t pid;

    while (read(h->signals, info, sizeof(info)) > 0)
        ;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == h->command && !h->ended) {
            h->ended = true;
            h->status = status;
            if (h->shim >= 0 && status != 0)
                holder_tell(h, status);
        }
}

static void holder_hear(struct holder *h)
{
    char c = 0;

    if (recv(h->shim, &c, 1, 0) <= 0) {
        (void)close(h->shim);
        h->shim = -1;
        return;
    }
    if (c == HOLD_GIVE) {
        holder_sweep();
        holder_forget_gpus();
    }
    holder_tell(h, 0);
}

int main(int argc, char **argv)
{
    const pid_t self = getpid();
    struct holder h = {.shim = -1};
    sigset_t all;

    if (argc != 2) {
        (void)fprintf(stderr, HOLD_PROGRAM " is started by drover-keeper\n");
        return 2;
    }
    sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, NULL);
    sigemptyset(&all);
    sigaddset(&all, SIGCHLD);
    h.signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    if (h.signals < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
        return 127;
    h.shim = holder_connect();
    h.command = fork();
    if (h.command == 0)
        holder_exec(self, argv[1]);
    if (h.command < 0)
        return 127;
    holder_let_go_of_logs();
    while (!h.ended || (h.shim >= 0 && h.status != 0)) {
        struct pollfd p[2] = {{.fd = h.signals, .events = POLLIN}, {.fd = h.shim, .events = POLLIN}};

        if (poll(p, 2, -1) < 0)
            continue;
        if (p[0].revents)
            holder_reap(&h);
        if (h.shim >= 0 && p[1].revents)
            holder_hear(&h);
    }
    holder_end(&h);
}
