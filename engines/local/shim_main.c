/* SPDX-License-Identifier: MIT
 *
 * drover-shim --dir FD --spec FD --ctl FD --out FD --err FD --task FD --keeper PID --folder PATH
 *
 * The spawner made the attempt's folder (the once-only latch) and holds an flock on it, which this process inherits: as
 * long as the lock is held, the attempt has a living shim. Started by drover-spawner only, which has forked the task's
 * keeper (task.h) for it before: a child of this process that owns the task's tree.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/failpoint.h"
#include "base/fs.h"
#include "engines/local/procs.h"
#include "engines/local/proto.h"
#include "engines/local/shim.h"
#include "engines/local/shim_call.h"
#include "engines/local/task.h"
#include "jobs/exits.h"

#define SHIM_TAIL_MS 2000  /* what a task left behind has so long after a SIGTERM */
#define SHIM_SWEEP_MS 20   /* between two kills of the tree */
#define SHIM_RETRY_MS 500  /* between two tries to write to a full disk */
#define SHIM_FULL_MS 30000 /* a full disk after the task's end: the log's rest is given up after that */
#define SHIM_POLLS (6 + SHIM_PEERS)
#define SHIM_STRANGER_MS 1000 /* the tree is gone but a pipe is still open: someone outside holds it */

struct shim {
    int dir; /* the attempt's folder, locked */
    int spec_fd, ctl_fd;
    struct taskspec spec;
    struct record record;
    struct shim_io io;
    struct shim_ctl ctl;
    struct shim_hold hold;
    int out, err; /* read ends of the task's output */
    int task;     /* socket to the keeper */
    int keeper;   /* its pid */
    int signals;  /* signalfd: SIGCHLD, SHIM_LISTEN */
    bool main_gone, keeper_gone, tree_gone, over_disk;
    const char *failed_step; /* TASK_STEP_PLACE when that is why nothing was started */
    int64_t kill_at;         /* monotonic ms: from then on SIGKILL; 0 = not ordered */
    int64_t drain_till;      /* monotonic ms, once the tree is gone */
};

static int shim_args(struct shim *s, int argc, char **argv)
{
    const struct {
        const char *name;
        int *value;
    } known[] = {{"--dir", &s->dir}, {"--spec", &s->spec_fd}, {"--ctl", &s->ctl_fd},   {"--out", &s->out},
                 {"--err", &s->err}, {"--task", &s->task},    {"--keeper", &s->keeper}};

    if (argc != 2 * (int)(sizeof(known) / sizeof(known[0])) + 3)
        return -1;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        char *end;
        long v = strtol(argv[2 * i + 2], &end, 10);

        if (strcmp(argv[2 * i + 1], known[i].name) != 0 || *end || v < 2 || v > 1 << 22)
            return -1;
        *known[i].value = (int)v;
    }
    return 0;
}

/* A session of its own, deaf to the signals of whoever started it, parent of all orphans below it. */
static int shim_detach(struct shim *s, struct err *e)
{
    static const int deaf[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGPIPE};
    struct sigaction sa = {.sa_handler = SIG_IGN};
    sigset_t heard;

    (void)umask(077);
    (void)setsid();
    for (size_t i = 0; i < sizeof(deaf) / sizeof(deaf[0]); i++)
        (void)sigaction(deaf[i], &sa, NULL);
    sigemptyset(&heard);
    sigaddset(&heard, SIGCHLD);
    sigaddset(&heard, SHIM_LISTEN);
    (void)sigprocmask(SIG_SETMASK, &heard, NULL);
    s->signals = signalfd(-1, &heard, SFD_CLOEXEC | SFD_NONBLOCK);
    if (s->signals < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) || fchdir(s->dir) ||
        close_range(3, ~0u, CLOSE_RANGE_CLOEXEC))
        return err_errno(e, errno, "cannot set up the shim");
    return 0;
}

/* A small file written and renamed into place; no sync: it matters only while this boot lasts. */
static int shim_write_file(int dirfd, const char *temp, const char *name, const void *data, size_t len)
{
    int fd = openat(dirfd, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    int rc;

    if (fd < 0)
        return -1;
    rc = fs_write_all(fd, data, len);
    if (close(fd) || rc)
        return -1;
    return name ? renameat(dirfd, temp, dirfd, name) : 0;
}

/* The file `shim`: from now on the command may have been started. */
static int shim_write_record(struct shim *s, struct err *e)
{
    struct record *r = &s->record;
    struct buf b;
    int rc;

    memcpy(r->attempt, s->spec.attempt, sizeof(r->attempt));
    memcpy(r->nonce, s->spec.nonce, sizeof(r->nonce));
    memcpy(r->boot, s->spec.boot, sizeof(r->boot));
    memcpy(r->gpus, s->spec.gpus, sizeof(r->gpus));
    r->gpu_count = s->spec.gpu_count;
    r->on_host = s->spec.on_host;
    r->pid = getpid();
    r->ticks = procs_start_ticks(getpid(), NULL);
    r->started_ms = clock_read().wall;
    buf_init(&b, RECORD_MAX);
    rc = record_format(&b, r) || FAILPOINT(SHIM_BEFORE_RECORD) ||
         shim_write_file(s->dir, ".shim", "shim", b.data, b.len);
    if (rc)
        err_errno(e, errno, "cannot write the shim file");
    buf_fini(&b);
    if (rc == 0 && FAILPOINT(SHIM_AFTER_RECORD))
        rc = err_errno(e, errno, "cannot go on after the shim file");
    return rc ? -1 : 0;
}

/* The keeper's next word, waited for; a keeper that is gone has failed. */
static struct task_word shim_await(struct shim *s)
{
    struct task_word w = {0};
    ssize_t n;

    do
        n = recv(s->task, &w, sizeof(w), 0);
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof(w))
        w = (struct task_word){.event = TASK_FAILED, .value = ECHILD, .step = "keeper"};
    w.step[sizeof(w.step) - 1] = '\0';
    w.place[sizeof(w.place) - 1] = '\0';
    return w;
}

static void shim_command(struct shim *s, char c)
{
    if (!s->keeper_gone)
        (void)kill(s->keeper, SIGCONT); /* its task may have stopped it, where both have one user */
    (void)send(s->task, &c, 1, MSG_NOSIGNAL);
}

/* Everything before the start of the command. */
static int shim_prepare(struct shim *s, struct err *e)
{
    struct task_word w;

    if (taskspec_from_fd(s->spec_fd, &s->spec, e))
        return -1;
    (void)close(s->spec_fd);
    if (shim_io_open(&s->io, s->dir, (const int[]){s->out, s->err}, s->spec.log_mb << 20, e))
        return -1;
    shim_ctl_open(&s->ctl, s->ctl_fd);
    w = shim_await(s);
    if (w.event == TASK_READY)
        return shim_write_record(s, e);
    s->failed_step = strcmp(w.step, TASK_STEP_PLACE) == 0 ? TASK_STEP_PLACE : NULL;
    if (s->failed_step)
        return err_set(e, ERR_INTERNAL, "the image cannot be used: it has no place for %s: %s", w.place,
                       strerrordesc_np(w.value));
    return err_set(e, ERR_INTERNAL, "the task could not be started (%s%s%s): %s", w.step, w.place[0] ? " " : "",
                   w.place, strerrordesc_np(w.value));
}

/* Tells one peer or (-1) all that the command runs, or its end. */
static void shim_tell(struct shim *s, int peer)
{
    struct proto_msg m = {.type = s->record.ended ? PROTO_ENDED : PROTO_STATE, .pid = s->keeper};
    struct buf b;

    memcpy(m.attempt, s->spec.attempt, sizeof(m.attempt));
    m.number = s->record.started_ms;
    buf_init(&b, PROTO_TEXT - 1);
    if (record_format(&b, &s->record) == 0) {
        memcpy(m.text, b.data, b.len);
        m.text_len = b.len;
    }
    buf_fini(&b);
    shim_ctl_send(&s->ctl, peer, &m);
}

static void shim_kill(struct shim *s)
{
    if (s->keeper_gone)
        procs_signal_tree(SIGKILL);
    else
        shim_command(s, TASK_KILL);
}

static void shim_stop(struct shim *s, int64_t grace_ms, int64_t signal)
{
    int64_t at = clock_read().mono + (grace_ms < 0 ? 0 : grace_ms);

    if (s->tree_gone)
        return;
    shim_hold_drop(&s->hold);
    if (s->kill_at == 0)
        shim_command(s, signal > 0 && signal <= TASK_SIGNAL_MAX ? (char)signal : SIGTERM);
    if (s->kill_at == 0 || at < s->kill_at)
        s->kill_at = at;
}

/* A stop for the disk's sake: that is how it ended then, whatever it makes of the signal. */
static void shim_note_disk(struct shim *s, const struct proto_msg *m)
{
    if (s->main_gone || s->over_disk || strcmp(m->step, SHIM_STEP_DISK) != 0)
        return;
    s->over_disk = true;
    (void)snprintf(s->record.message, sizeof(s->record.message), "%.*s", (int)m->text_len, m->text);
}

static void shim_serve(struct shim *s, int peer)
{
    struct proto_msg m;

    while (shim_ctl_read(&s->ctl, peer, &m)) {
        if (m.type == PROTO_STOP) {
            shim_note_disk(s, &m);
            shim_stop(s, m.number, m.pid);
        } else if (m.type == PROTO_STATUS)
            shim_tell(s, peer);
    }
}

/* How the command ended: `w` as its keeper told, or of a status alone. */
static void shim_main_ended(struct shim *s, const struct task_word *w)
{
    struct record *r = &s->record;
    const int status = w->value;

    if (s->main_gone)
        return;
    s->main_gone = true;
    r->ended_ms = clock_read().wall;
    r->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    r->code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    if (s->over_disk) {
        r->code = EXIT_CODE_DISK;
        return;
    }
    if (WIFEXITED(status) && r->code != 0 && strcmp(w->step, TASK_STEP_UNPACK) == 0) {
        r->code = EXIT_CODE_NO_CODE;
        (void)snprintf(r->message, sizeof(r->message), "the code sent with the job could not be unpacked; see stderr");
    }
    if (w->oom_kills == 0 || r->code == 0)
        return; /* it may have got over the death of a child */
    r->code = EXIT_CODE_OOM;
    (void)snprintf(r->message, sizeof(r->message), "the task was killed at its memory limit of %lld MiB",
                   (long long)s->spec.memory_mb);
}

/* The command has ended and its sandbox is to stay; `w` is the keeper's answer. In an image it may have the kernel's
 * kills only from what the end looks like. */
static void shim_hold_ended(struct shim *s, struct task_word *w)
{
    const int status = s->hold.status;

    if (s->spec.rootfs && status != SIGKILL && status != (128 + SIGKILL) << 8)
        w->oom_kills = 0;
    w->value = status;
    shim_main_ended(s, w);
    shim_collect(&s->hold, &s->spec, s->dir, s->record.started_ms);
    shim_hold_keep(&s->hold);
}

/* What the holder tells. A sandbox is kept of a command that failed by itself. */
static void shim_hold_told(struct shim *s)
{
    enum shim_hold_news news = shim_hold_hear(&s->hold);

    if (news == SHIM_HOLD_ENDED && (s->kill_at || s->over_disk))
        shim_hold_drop(&s->hold);
    else if (news == SHIM_HOLD_ENDED)
        shim_command(s, TASK_ASK);
}

/* What the keeper tells of the command. */
static void shim_hear(struct shim *s)
{
    struct task_word w;
    ssize_t n;

    while ((n = recv(s->task, &w, sizeof(w), MSG_DONTWAIT)) == (ssize_t)sizeof(w)) {
        if (w.event == TASK_ENDED && s->hold.state == SHIM_HOLD_ASKS)
            shim_hold_ended(s, &w);
        else if (w.event == TASK_ENDED)
            shim_main_ended(s, &w);
    }
    if (n == 0) {
        (void)close(s->task);
        s->task = -1;
    }
}

/* Takes the signals that have come. */
static void shim_signals(struct shim *s)
{
    struct signalfd_siginfo info[8];
    ssize_t n;

    while ((n = read(s->signals, info, sizeof(info))) > 0)
        for (size_t i = 0; i < (size_t)n / sizeof(info[0]); i++)
            if (info[i].ssi_signo == SHIM_LISTEN)
                shim_ctl_listen(&s->ctl, s->dir);
}

/* Reaps what has died. The tree is gone when there is no child left: the keeper ends last, and where a task could kill
 * its keeper, its orphans are our children. */
static void shim_reap(struct shim *s)
{
    int status;
    pid_t pid;

    shim_signals(s);
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == s->keeper) {
            shim_hear(s);
            shim_main_ended(
                s, &(struct task_word){.value = SIGKILL}); /* has not told: it was killed, and the command with it */
            s->keeper_gone = true;
        }
    if (((pid < 0 && errno == ECHILD) || FAILPOINT_GUARD_OFF("tree")) && s->main_gone && !s->tree_gone) {
        s->tree_gone = true;
        s->drain_till = clock_read().mono + SHIM_STRANGER_MS;
        return;
    }
    /* The task has ended with its main process; what it left behind gets a short notice and then the kill. */
    if (s->main_gone && !s->tree_gone && s->kill_at == 0 && s->hold.state < SHIM_HOLD_GIVES)
        shim_stop(s, SHIM_TAIL_MS, SIGTERM);
}

/* Milliseconds until something must be done without an event; -1 = nothing. */
static int shim_timeout(const struct shim *s, int64_t now)
{
    if (s->io.blocked_since)
        return SHIM_RETRY_MS;
    if (s->tree_gone)
        return s->drain_till > now ? (int)(s->drain_till - now) : 0;
    if (s->hold.till)
        return s->hold.till > now ? (int)(s->hold.till - now) : 0;
    if (s->kill_at == 0)
        return -1;
    return s->kill_at > now ? (int)(s->kill_at - now < 60000 ? s->kill_at - now : 60000) : SHIM_SWEEP_MS;
}

/* What to wait for, in the order of shim_wait. */
static void shim_watch(const struct shim *s, bool blocked, struct pollfd p[SHIM_POLLS])
{
    p[0] = (struct pollfd){.fd = s->signals, .events = POLLIN};
    p[1] = (struct pollfd){.fd = s->ctl.listener, .events = POLLIN};
    for (int i = 0; i < 2; i++)
        p[2 + i] = (struct pollfd){.fd = blocked ? -1 : s->io.pipes[i], .events = POLLIN};
    for (int i = 0; i < SHIM_PEERS; i++)
        p[5 + i] = (struct pollfd){.fd = s->ctl.peers[i], .events = POLLIN};
    p[4] = (struct pollfd){.fd = s->task, .events = POLLIN};
    p[5 + SHIM_PEERS] = (struct pollfd){.fd = s->hold.fd, .events = POLLIN};
}

/* Keeper, holder and children. */
static void shim_take(struct shim *s, bool keeper, bool holder, bool child)
{
    if (keeper)
        shim_hear(s);
    if (holder)
        shim_hold_told(s);
    if (keeper || holder || child)
        shim_reap(s);
}

static void shim_wait(struct shim *s)
{
    struct pollfd p[SHIM_POLLS];
    bool blocked = s->io.blocked_since != 0;

    shim_watch(s, blocked, p);
    if (poll(p, SHIM_POLLS, shim_timeout(s, clock_read().mono)) < 0)
        return;
    if (blocked)
        (void)shim_io_flush(&s->io);
    for (int i = 0; i < 2; i++)
        if (p[2 + i].revents)
            (void)shim_io_pump(&s->io, i);
    for (int i = 0; i < SHIM_PEERS; i++)
        if (p[5 + i].revents)
            shim_serve(s, i);
    if (p[1].revents) {
        int peer = shim_ctl_accept(&s->ctl);

        if (peer >= 0)
            shim_tell(s, peer);
    }
    shim_take(s, p[4].revents, p[5 + SHIM_PEERS].revents, p[0].revents);
}

/* Everything that the command has written. */
static void shim_drain(struct shim *s, int64_t now)
{
    while (shim_io_pump(&s->io, SHIM_OUT) || shim_io_pump(&s->io, SHIM_ERR))
        ;
    if (s->io.blocked_since && now - s->io.blocked_since > SHIM_FULL_MS)
        shim_io_discard(&s->io);
}

/* Writes what happened for good: logs, then the exit file, then the word to the engine. */
static void shim_finish(struct shim *s)
{
    struct record *r = &s->record;
    struct stat st;
    struct err e = {0};
    struct buf b;

    shim_io_end(&s->io);
    for (int i = 0; i < SHIM_LOGS; i++)
        r->bytes[i] = s->io.logs[i].bytes;
    r->lost_bytes = s->io.lost;
    r->ended = true;
    r->held = s->hold.state == SHIM_HOLD_STAYS ? s->spec.hold : 0;
    (void)unlinkat(s->dir, "script", 0);
    buf_init(&b, RECORD_MAX);
    (void)record_format(&b, r);
    while (FAILPOINT(SHIM_BEFORE_EXIT) || fs_write_atomic_at(s->dir, "exit", b.data, b.len, &e)) {
        /* A full disk passes; a folder that was removed does not. */
        if (fstat(s->dir, &st) || st.st_nlink == 0)
            break;
        (void)poll(NULL, 0, SHIM_RETRY_MS);
    }
    buf_fini(&b);
    (void)FAILPOINT(SHIM_AFTER_EXIT);
    shim_tell(s, -1);
}

/* As long as there is a holder. */
static void shim_keep(struct shim *s, int64_t now)
{
    if (s->hold.till && now >= s->hold.till) {
        shim_hold_drop(&s->hold);
        shim_reap(s);
    }
    if (s->hold.state != SHIM_HOLD_STAYS || s->record.ended)
        return;
    shim_drain(s, now);
    if (!s->io.blocked_since)
        shim_finish(s);
}

/* From the start of the command until its tree is gone and its output stored. */
static void shim_run(struct shim *s)
{
    while (!s->tree_gone || !shim_io_done(&s->io)) {
        int64_t now;

        shim_wait(s);
        now = clock_read().mono;
        if (!s->tree_gone && s->kill_at && now >= s->kill_at)
            shim_kill(s);
        shim_keep(s, now);
        if (!s->tree_gone)
            continue;
        shim_drain(s, now);
        if (!s->io.blocked_since && now >= s->drain_till)
            break;
    }
}

/* Could not even prepare: the engine hears why, and nothing was started. */
static int shim_refuse(struct shim *s, const struct err *e)
{
    struct proto_msg m = {.type = PROTO_FAILED, .number = errno};

    memcpy(m.attempt, s->spec.attempt, sizeof(m.attempt));
    (void)snprintf(m.step, sizeof(m.step), "%s", s->failed_step ? s->failed_step : "prepare");
    m.text_len = strnlen(e->text, sizeof(e->text));
    memcpy(m.text, e->text, m.text_len);
    (void)proto_send(s->ctl_fd, &m, NULL, 0);
    return 1;
}

/* What the shim allocated, so that a leak checker has nothing to say when the process ends. */
static int shim_release(struct shim *s, int status)
{
    free(s->io.chunk);
    free(s->spec.env);
    return status;
}

/* The command could not be started, which is no fault of the user's: for want of something that passes it is tried
 * again until it starts, otherwise as often as the job allows. */
static void shim_not_started(struct shim *s, const struct task_word *w)
{
    static const int passing[] = {EAGAIN, ENOMEM, EMFILE, ENFILE, ENOSPC, EDQUOT, ECHILD};
    bool passes = false;

    for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
        passes = passes || w->value == passing[i];
    s->record.code = passes ? EXIT_CODE_ENGINE_REFUSED : EXIT_CODE_START_FAILED;
    s->record.ended_ms = clock_read().wall;
    (void)snprintf(s->record.message, sizeof(s->record.message), "cannot start %s (%s): %s", s->spec.shell, w->step,
                   strerrordesc_np(w->value));
    s->main_gone = true;
}

/* Lets the keeper start the command, and waits until it runs or cannot. */
static void shim_go(struct shim *s)
{
    struct task_word w;

    shim_command(s, TASK_GO);
    w = shim_await(s);
    (void)FAILPOINT(SHIM_AFTER_FORK);
    if (w.event == TASK_STARTED) {
        shim_tell(s, -1);
        return;
    }
    shim_not_started(s, &w);
}

int main(int argc, char **argv)
{
    struct shim s = {.task = -1, .hold.fd = -1};
    struct err e = {0};

    if (shim_args(&s, argc, argv)) {
        (void)fprintf(stderr, "drover-shim is started by drover-spawner\n");
        return 2;
    }
    if (shim_detach(&s, &e) || shim_prepare(&s, &e))
        return shim_release(&s, shim_refuse(&s, &e));
    if (s.spec.hold)
        shim_hold_open(&s.hold, &s.spec, s.keeper);
    shim_go(&s);
    shim_reap(&s);
    shim_run(&s);
    (void)unlinkat(s.dir, "ctl", 0);
    shim_finish(&s);
    return shim_release(&s, 0);
}
