/* SPDX-License-Identifier: MIT
 *
 * A task's processes are those beneath its shim, which adopts the orphans of the tree. What the kernel tells of a
 * process has the times of the children that it has waited for, so that a sum over the tree has all that was computed
 * there, but for children whose end their parent ignores. Reading one process is one call to open and one to read.
 */
#include "engines/local/task_procs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "engines/local/cgroup.h"
#include "engines/local/procs.h"
#include "engines/local/record.h"
#include "engines/local/shim_call.h"
#include "engines/local/task_net.h"

enum { ASK_MAX = 8 };

enum { OWNER_OPEN = -1, OWNER_NONE = -2 }; /* of a process, not known yet; nobody's */

/* An attempt that was looked at before. */
struct known {
    char id[ID_SIZE];
    pid_t shim;
    int64_t ticks; /* its start */
    char *group;   /* of memory; NULL: none, or not known yet */
    int asked;     /* so many processes for it: the first ones may not be in it */
    struct task_net_sum net;
};

struct process {
    pid_t pid;
    int owner; /* index of the attempt, or OWNER_... */
    struct procs_look look;
};

struct task_procs {
    int run_dir;         /* DATA/run */
    struct known *known; /* by id */
    int known_count;
    struct known *next; /* of this look */
    struct process *processes;
    int count, room;
    struct task_procs_tree v1, v2;
    struct task_net *net; /* NULL: traffic is not known */
};

/* ---- where the trees of control groups are ---- */

static void find_trees(struct task_procs *t)
{
    FILE *f = fopen("/proc/self/mountinfo", "re");
    char line[PATH_MAX], copy[PATH_MAX];
    const char *root, *at;

    t->v2.v2 = true;
    while (f && fgets(line, sizeof line, f)) {
        memcpy(copy, line, sizeof copy);
        if (!t->v1.root[0] && !cgroup_mount(copy, "memory", &root, &at)) {
            (void)snprintf(t->v1.above, PATH_MAX, "%s", root);
            (void)snprintf(t->v1.root, PATH_MAX, "%s", at);
        }
        memcpy(copy, line, sizeof copy);
        if (!t->v2.root[0] && !cgroup_mount(copy, "", &root, &at)) {
            (void)snprintf(t->v2.above, PATH_MAX, "%s", root);
            (void)snprintf(t->v2.root, PATH_MAX, "%s", at);
        }
    }
    if (f)
        (void)fclose(f);
}

/* Whether a line's controllers ("4:memory:", "0::") are those of memory. */
static bool is_memory(const char *names, size_t len, bool v2)
{
    static const char word[] = "memory";

    if (v2)
        return len == 0;
    for (size_t i = 0; i + sizeof word - 1 <= len; i++)
        if (!strncmp(names + i, word, sizeof word - 1) && (i == 0 || names[i - 1] == ',') &&
            (i + sizeof word - 1 == len || names[i + sizeof word - 1] == ','))
            return true;
    return false;
}

int task_procs_group(const char *text, const char *attempt, const struct task_procs_tree *tree, char out[PATH_MAX])
{
    const size_t id = strlen(attempt), skip = strlen(tree->above);

    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        const char *end = line + strcspn(line, "\n"), *names = memchr(line, ':', (size_t)(end - line));
        const char *path = names ? memchr(names + 1, ':', (size_t)(end - names - 1)) : NULL;

        if (!path || !is_memory(names + 1, (size_t)(path - names - 1), tree->v2))
            continue;
        path++;
        if (strncmp(path, tree->above, skip))
            continue; /* that part of the tree is not mounted here */
        for (const char *p = path + skip; p + id < end; p++)
            if (*p == '/' && !strncmp(p + 1, attempt, id) && (p + 1 + id == end || p[1 + id] == '/')) {
                const int part = (int)(p + 1 + id - path - (ptrdiff_t)skip);

                return snprintf(out, PATH_MAX, "%s%.*s", tree->root, part, path + skip) < PATH_MAX ? 0 : -1;
            }
    }
    return -1;
}

/* A small file as a text. 0 or -1. */
static int slurp(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

    if (fd >= 0)
        (void)close(fd);
    if (n < 0)
        return -1;
    text[n] = '\0';
    return 0;
}

static void find_group(const struct task_procs *t, struct known *k, pid_t pid)
{
    char path[64], text[8192], group[PATH_MAX];

    k->asked++;
    (void)snprintf(path, sizeof path, "/proc/%d/cgroup", (int)pid);
    if (slurp(path, text, sizeof text))
        return;
    if ((t->v1.root[0] && !task_procs_group(text, k->id, &t->v1, group)) ||
        (t->v2.root[0] && !task_procs_group(text, k->id, &t->v2, group)))
        k->group = strdup(group);
}

/* The number in a file of the group; behind `key` on a line of its own where there is one. -1: none. */
static int64_t group_number(const char *group, const char *file, const char *key)
{
    char path[PATH_MAX], text[8192];
    const char *at = text;

    if (snprintf(path, sizeof path, "%s/%s", group, file) >= (int)sizeof path || slurp(path, text, sizeof text))
        return -1;
    while (key && at && (strncmp(at, key, strlen(key)) || at[strlen(key)] != ' ')) {
        at = strchr(at, '\n');
        at = at ? at + 1 : NULL;
    }
    return at ? strtoll(at + (key ? strlen(key) : 0), NULL, 10) : -1;
}

/* What the group holds and cannot give back at once; -1: not known. */
static int64_t group_memory(const char *group)
{
    int64_t all = group_number(group, "memory.current", NULL), loose;

    if (all >= 0) {
        loose = group_number(group, "memory.stat", "inactive_file");
    } else {
        all = group_number(group, "memory.usage_in_bytes", NULL);
        loose = group_number(group, "memory.stat", "total_inactive_file");
    }
    return all < 0 || loose < 0 ? -1 : loose > all ? 0 : all - loose;
}

/* ---- processes ---- */

static int add_process(struct task_procs *t, pid_t pid)
{
    if (t->count == t->room) {
        const int room = t->room ? 2 * t->room : 1024;
        struct process *more = realloc(t->processes, (size_t)room * sizeof *more);

        if (!more)
            return -1;
        t->processes = more;
        t->room = room;
    }
    struct process *p = &t->processes[t->count];
    *p = (struct process){.pid = pid, .owner = OWNER_OPEN};
    if (!procs_look(pid, &p->look))
        t->count++;
    return 0;
}

static int by_pid(const void *a, const void *b)
{
    const struct process *x = a, *y = b;

    return (x->pid > y->pid) - (x->pid < y->pid);
}

static int read_processes(struct task_procs *t, struct err *e)
{
    DIR *d = opendir("/proc");
    const struct dirent *entry;
    int rc = 0;

    if (!d)
        return err_errno(e, errno, "cannot read /proc");
    t->count = 0;
    while (!rc && t->count < TASK_PROCS_MAX && (entry = readdir(d)))
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
            rc = add_process(t, (pid_t)strtol(entry->d_name, NULL, 10));
    (void)closedir(d);
    if (rc)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    if (t->count) /* it gives them in order, which nobody promises */
        qsort(t->processes, (size_t)t->count, sizeof *t->processes, by_pid);
    return 0;
}

static struct process *find_process(const struct task_procs *t, pid_t pid)
{
    const struct process key = {.pid = pid};

    return t->count ? bsearch(&key, t->processes, (size_t)t->count, sizeof key, by_pid) : NULL;
}

/* Whose it is: the first owner on the way up. What is on that way is settled, too. */
static int find_owner(const struct task_procs *t, struct process *p)
{
    struct process *at = p;
    int owner = OWNER_NONE, steps = 0;

    while (at && at->owner == OWNER_OPEN && steps++ < t->count)
        at = find_process(t, at->look.parent);
    if (at && at->owner >= 0)
        owner = at->owner;
    for (at = p; at && at->owner == OWNER_OPEN; at = find_process(t, at->look.parent))
        at->owner = owner;
    return owner;
}

/* Bytes from and to discs; what another user's process has is not told. */
static void add_io(pid_t pid, struct task_procs_look *out)
{
    char path[40], text[1024];
    const char *got, *put;

    (void)snprintf(path, sizeof path, "/proc/%d/io", (int)pid);
    if (slurp(path, text, sizeof text) || !(got = strstr(text, "\nread_bytes: ")) ||
        !(put = strstr(text, "\nwrite_bytes: ")))
        return;
    out->read_bytes = (out->read_bytes < 0 ? 0 : out->read_bytes) + strtoll(got + 13, NULL, 10);
    out->written_bytes = (out->written_bytes < 0 ? 0 : out->written_bytes) + strtoll(put + 14, NULL, 10);
}

static void add_to_task(const struct task_procs *t, const struct process *p, struct known *k,
                        struct task_procs_look *out)
{
    out->cpu_ms += p->look.children_ms;
    if (p->pid == k->shim)
        return; /* what it does itself is ours */
    out->cpu_ms += p->look.cpu_ms;
    out->memory += p->look.rss_bytes;
    out->waits |= p->look.state == 'D';
    out->processes++;
    add_io(p->pid, out);
    task_net_add(t->net, p->pid, &k->net);
    if (!k->group && k->asked < ASK_MAX)
        find_group(t, k, p->pid);
}

/* ---- attempts ---- */

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct known *)a)->id, ((const struct known *)b)->id);
}

/* What is known of an attempt, from the look before or from its record. Whether its shim lives. */
static bool take_known(struct task_procs *t, const char *id, struct known *out)
{
    struct known key = {0}, *was;
    struct record r;

    (void)snprintf(key.id, sizeof key.id, "%s", id);
    was = t->known_count ? bsearch(&key, t->known, (size_t)t->known_count, sizeof key, by_id) : NULL;
    *out = key;
    if (was && was->shim) {
        *out = *was;
        was->group = NULL; /* taken over */
        out->net.known = out->net.odd = false;
    } else {
        int dir = openat(t->run_dir, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (dir >= 0 && !shim_record(dir, "shim", id, &r)) {
            out->shim = (pid_t)r.pid;
            out->ticks = r.ticks;
        }
        if (dir >= 0)
            (void)close(dir);
    }
    struct process *p = out->shim ? find_process(t, out->shim) : NULL;
    return p && p->look.ticks == out->ticks;
}

static void forget(struct task_procs *t)
{
    for (int i = 0; i < t->known_count; i++)
        free(t->known[i].group);
    t->known_count = 0;
}

int task_procs_look(struct task_procs *t, const char (*attempts)[ID_SIZE], int count, struct task_procs_look *out,
                    struct err *e)
{
    if (count > TASK_PROCS_TASKS_MAX)
        count = TASK_PROCS_TASKS_MAX;
    memset(out, 0, (size_t)count * sizeof *out);
    if (!count) {
        forget(t);
        return 0;
    }
    if (read_processes(t, e))
        return -1;
    task_net_begin(t->net);
    for (int i = 0; i < count; i++) {
        out[i].read_bytes = out[i].written_bytes = out[i].received_bytes = out[i].sent_bytes = -1;
        out[i].found = take_known(t, attempts[i], &t->next[i]);
        if (out[i].found)
            find_process(t, t->next[i].shim)->owner = i;
    }
    for (int i = 0; i < t->count; i++) {
        const int owner = t->processes[i].owner >= 0 ? t->processes[i].owner : find_owner(t, &t->processes[i]);

        if (owner >= 0)
            add_to_task(t, &t->processes[i], &t->next[owner], &out[owner]);
    }
    for (int i = 0; i < count; i++) {
        const int64_t memory = out[i].found && t->next[i].group ? group_memory(t->next[i].group) : -1;

        if (memory >= 0)
            out[i].memory = memory;
        if (t->next[i].net.known && !t->next[i].net.odd) {
            out[i].received_bytes = t->next[i].net.received;
            out[i].sent_bytes = t->next[i].net.sent;
        }
    }
    forget(t);
    struct known *before = t->known;
    t->known = t->next;
    t->next = before;
    t->known_count = count;
    qsort(t->known, (size_t)count, sizeof *t->known, by_id);
    return 0;
}

/* ---- life ---- */

struct task_procs *task_procs_create(const char *data, struct err *e)
{
    struct task_procs *t = calloc(1, sizeof *t);
    char path[PATH_MAX];

    if (t) {
        t->known = calloc(TASK_PROCS_TASKS_MAX, sizeof *t->known);
        t->next = calloc(TASK_PROCS_TASKS_MAX, sizeof *t->next);
        t->run_dir = -1;
    }
    if (!t || !t->known || !t->next) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
    } else {
        (void)snprintf(path, sizeof path, "%s/run", data);
        t->run_dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        find_trees(t);
        if (t->run_dir >= 0) {
            t->net = task_net_create();
            return t;
        }
        err_errno(e, errno, "cannot open %s", path);
    }
    task_procs_destroy(t);
    return NULL;
}

bool task_procs_tells_traffic(const struct task_procs *t)
{
    return t->net;
}

void task_procs_destroy(struct task_procs *t)
{
    if (!t)
        return;
    if (t->known)
        forget(t);
    if (t->run_dir >= 0)
        (void)close(t->run_dir);
    task_net_destroy(t->net);
    free(t->known);
    free(t->next);
    free(t->processes);
    free(t);
}
