/* SPDX-License-Identifier: MIT
 *
 * ssh-config and ssh-proxy: OpenSSH's own programs reach a task through a shell's WebSocket, at whose other end sshd
 * runs in the task for this one connection. Who may in, the server has decided by then. Below the folder of contexts:
 *
 *   ssh/key/      a key of ours, made at the first need: sshd trusts it alone, since ssh must have one
 *   ssh/hosts/    a file a task with its host's key, which ssh-proxy has from the task before ssh asks
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/json.h"
#include "tui/cli.h"
#include "tui/model.h"
#include "tui/verbs/shell.h"
#include "tui/verbs/verbs.h"
#include "tui/watch.h"

#define SSH_ALIAS "drover" /* what a host is called in its own file */
#define SSH_HOST_KEY "drover-host-key "
#define SSH_HEAD_MAX 8192
#define SSH_JOBS_MAX "500"

/* ---- our files ---- */

static const char *ssh_path(struct cli *cli, const char *name, struct err *e)
{
    const char *folder = context_folder(cli->arena, e);

    return folder ? arena_printf(cli->arena, "%s/ssh%s", folder, name) : NULL;
}

static int ssh_make_folders(struct cli *cli, struct err *e)
{
    const char *above = context_folder(cli->arena, e), *ours = ssh_path(cli, "", e),
               *hosts = ssh_path(cli, "/hosts", e);

    if (!above || !ours || !hosts || fs_mkdir(above, 0700, e) || fs_mkdir(ours, 0700, e) || fs_mkdir(hosts, 0700, e))
        return -1;
    return 0;
}

/* Runs ssh-keygen for a key in that file. 0 or -1. */
static int ssh_keygen(const char *file, struct err *e)
{
    const char *argv[] = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", SSH_ALIAS, "-f", file, NULL};
    int status = 0, rc;
    pid_t pid;

    rc = posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv, environ);
    if (rc)
        return err_errno(e, rc, "Cannot run ssh-keygen; it comes with ssh");
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status ? err_set(e, ERR_INTERNAL, "ssh-keygen made no key in %s.", file) : 0;
}

/* Makes our key unless it is there; of two that do, the first stays. Its file, or NULL. */
static const char *ssh_key(struct cli *cli, struct err *e)
{
    const char *folder = ssh_path(cli, "/key", e);
    const char *file = folder ? arena_printf(cli->arena, "%s/id_ed25519", folder) : NULL;
    const char *made, *at;

    if (!file || access(file, F_OK) == 0)
        return file;
    made = arena_printf(cli->arena, "%s.%d", folder, (int)getpid());
    at = made ? arena_printf(cli->arena, "%s/id_ed25519", made) : NULL;
    if (!at || ssh_make_folders(cli, e) || fs_mkdir(made, 0700, e) || ssh_keygen(at, e))
        return NULL;
    if (rename(made, folder) && access(file, F_OK)) {
        (void)err_errno(e, errno, "%s", folder);
        return NULL;
    }
    return file;
}

/* The context's name; "" where it comes from the environment, as it will for ssh. */
static const char *ssh_context(const struct cli *cli)
{
    return cli->context.name && !strchr(cli->context.name, '/') ? cli->context.name : "";
}

/* Where the key of that task's host is kept. NULL with `e`. */
static const char *ssh_host_file(struct cli *cli, const char *full, const char *role, const char *index, struct err *e)
{
    const char *folder = ssh_path(cli, "/hosts", e);

    return folder ? arena_printf(cli->arena, "%s/%s.%s.%s.%s", folder, ssh_context(cli), full, role ? role : "",
                                 index ? index : "")
                  : NULL;
}

/* ---- ssh-config ---- */

/* A word for ssh, and within ProxyCommand for the shell. */
static void ssh_word(struct buf *out, const char *text)
{
    (void)buf_addc(out, '"');
    for (; *text; text++)
        (void)buf_adds(out, *text == '%' ? "%%" : (const char[]){*text, '\0'});
    (void)buf_addc(out, '"');
}

static void ssh_line(struct buf *out, const char *key, const char *value)
{
    (void)buf_addf(out, "    %s ", key);
    ssh_word(out, value);
    (void)buf_addc(out, '\n');
}

/* What ssh-config prints. */
struct ssh_config {
    struct cli *cli;
    const char *key;
    struct buf out;
};

/* The block of one task. */
static int ssh_host(struct ssh_config *c, const struct model_detail *d, const struct model_task *t, struct err *e)
{
    struct cli *cli = c->cli;
    struct buf *out = &c->out;
    const char *own = cli->context.user && !strcmp(cli->context.user, d->job.user) ? d->job.name : d->job.full;
    const char *index = arena_printf(cli->arena, "%d", t->index);
    const char *hosts = index ? ssh_host_file(cli, d->job.full, t->role, index, e) : NULL;
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

    if (!hosts || n < 0)
        return hosts ? err_errno(e, errno, "/proc/self/exe") : -1;
    self[n] = '\0';
    (void)buf_addf(out, "Host drover-%s-%s-%s\n    User drover\n    ProxyCommand ", own, t->role, index);
    ssh_word(out, self);
    (void)buf_adds(out, " ssh-proxy ");
    if (*ssh_context(cli))
        (void)buf_addf(out, "--context %s ", ssh_context(cli));
    (void)buf_addf(out, "--role %s --index %s -- ", t->role, index);
    ssh_word(out, d->job.full);
    (void)buf_addc(out, '\n');
    ssh_line(out, "IdentityFile", c->key);
    ssh_line(out, "UserKnownHostsFile", hosts);
    (void)buf_adds(out, "    IdentitiesOnly yes\n    HostKeyAlias " SSH_ALIAS "\n    StrictHostKeyChecking yes\n"
                        "    UpdateHostKeys no\n\n");
    return 0;
}

/* The blocks of a job's running tasks; how many, or -1. */
static int ssh_job(struct ssh_config *c, const char *full, struct err *e)
{
    struct model_detail d;
    int count = 0;

    if (watch_fetch(c->cli, full, &d, e))
        return -1;
    for (size_t i = 0; i < d.task_count; i++) {
        if (d.tasks[i].state != WORD_RUNNING)
            continue;
        if (ssh_host(c, &d, &d.tasks[i], e))
            return -1;
        count++;
    }
    return count;
}

static int ssh_jobs(struct ssh_config *c, struct err *e)
{
    struct cli *cli = c->cli;
    const char *full = cli_full_name(cli, "x", e); /* for the own name */
    const char *path = full ? cli_path(cli, "/api/v2/jobs?limit=" SSH_JOBS_MAX "&state=RUNNING&username=%s",
                                       arena_strndup(cli->arena, full, strcspn(full, "~")))
                            : NULL;
    cJSON *reply = path ? cli_get(cli, path, NULL, e) : NULL;
    struct model_jobs jobs;
    int rc = reply ? model_read_jobs(cli->arena, reply, &jobs, e) : -1;

    cJSON_Delete(reply);
    for (size_t i = 0; !rc && i < jobs.count; i++)
        if (ssh_job(c, jobs.items[i].full, e) < 0 && e->code != ERR_NO_JOB)
            rc = -1;
    return rc;
}

int ssh_run_config(struct cli *cli)
{
    struct ssh_config c = {.cli = cli};
    struct err e = {0};
    const char *full;
    int rc = -1;

    buf_init(&c.out, 0);
    c.key = cli_connect(cli, &e) ? NULL : ssh_key(cli, &e);
    /* Quotes would have to hold for ssh and a shell at once. */
    if (c.key && strpbrk(c.key, "\"\\$`\n"))
        (void)err_set(&e, ERR_INVALID_PARAMETERS, "ssh cannot be told of a folder of this name: %s", c.key);
    else if (c.key && cli->args.rest_count == 0)
        rc = ssh_jobs(&c, &e);
    else if (c.key && (full = cli_full_name(cli, cli->args.rest[0], &e)) != NULL)
        rc = ssh_job(&c, full, &e);
    if (rc == 0 && cli->args.rest_count > 0)
        rc = err_set(&e, ERR_CONFLICT_JOB, "No task of %s runs.", cli->args.rest[0]);
    if (rc >= 0 && c.out.bad)
        rc = err_set(&e, ERR_INTERNAL, "Out of memory.");
    if (rc >= 0)
        (void)fwrite(buf_str(&c.out), 1, c.out.len, cli->out);
    buf_fini(&c.out);
    return rc < 0 ? cli_fail(cli, NULL, &e) : CLI_OK;
}

/* ---- ssh-proxy ---- */

struct ssh_proxy {
    struct cli *cli;
    const char *hosts; /* the file for the host's key */
    struct buf head;   /* what came before sshd's first line */
    bool begun;
};

/* A line before sshd's first. 0, or -1 when it is no key of a host: then it says why sshd is not there. */
static int ssh_take_key(struct ssh_proxy *p, const char *line)
{
    const char *key = line + strlen(SSH_HOST_KEY);
    struct err e = {0};
    const char *text;

    if (strncmp(line, SSH_HOST_KEY, strlen(SSH_HOST_KEY)))
        return -1;
    for (const char *c = key; *c; c++)
        if (!isprint((unsigned char)*c))
            return -1;
    text = arena_printf(p->cli->arena, "%s %s\n", SSH_ALIAS, key);
    if (text && fs_write_atomic(p->hosts, text, strlen(text), 0600, &e))
        cli_say(p->cli, p->cli->err, "drover: %s\n", e.text);
    return 0;
}

/* Looks through the head's whole lines. Where sshd's own bytes begin, or SIZE_MAX. */
static size_t ssh_read_head(struct ssh_proxy *p)
{
    size_t at = 0;

    for (char *end; (end = memchr(p->head.data + at, '\n', p->head.len - at)) != NULL;
         at = (size_t)(end - p->head.data) + 1) {
        const char *line = p->head.data + at;

        if (strncmp(line, "SSH-", 4) == 0)
            return at;
        *end = '\0';
        if (ssh_take_key(p, line))
            cli_say(p->cli, p->cli->err, "drover: %s\n", line);
    }
    memmove(p->head.data, p->head.data + at, p->head.len - at);
    p->head.len -= at;
    return SIZE_MAX;
}

static int ssh_write(void *ctx, const void *data, size_t len)
{
    struct ssh_proxy *p = ctx;
    size_t at;

    if (p->begun)
        return fs_write_all(STDOUT_FILENO, data, len);
    if (buf_add(&p->head, data, len))
        return -1;
    at = ssh_read_head(p);
    p->begun = at != SIZE_MAX;
    return p->begun ? fs_write_all(STDOUT_FILENO, p->head.data + at, p->head.len - at) : 0;
}

int ssh_run_proxy(struct cli *cli)
{
    struct ssh_proxy p = {.cli = cli};
    struct shell_ask ask = {.write = ssh_write, .ctx = &p};
    struct err e = {0};
    const char *key, *full;
    struct buf public;
    int status;

    buf_init(&p.head, SSH_HEAD_MAX + (1u << 20));
    buf_init(&public, SSH_HEAD_MAX);
    key = cli_connect(cli, &e) ? NULL : ssh_key(cli, &e);
    full = key ? cli_full_name(cli, cli->args.rest[0], &e) : NULL;
    p.hosts = full ? ssh_host_file(cli, full, args_get(&cli->args, "role"), args_get(&cli->args, "index"), &e) : NULL;
    key = p.hosts ? arena_printf(cli->arena, "%s.pub", key) : NULL;
    if (!key || fs_read(key, SSH_HEAD_MAX - 1, &public, &e)) {
        status = cli_fail(cli, NULL, &e);
    } else {
        ask.ssh = arena_strndup(cli->arena, buf_str(&public), strcspn(buf_str(&public), "\n"));
        status = shell_run(cli, &ask);
    }
    buf_fini(&public);
    buf_fini(&p.head);
    return status;
}
