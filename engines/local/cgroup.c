/* SPDX-License-Identifier: MIT
 *
 * Control groups, v1 and v2. Writes to their files are single system calls; a group is found again by its name alone.
 */
#include "engines/local/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/id.h"
#include "engines/local/devices.h"
#include "engines/local/procs.h"

#define CGROUP_PROBE "probe"
#define CGROUP_LEAF "task" /* version 2: its members; beside it runc makes a group, which one with members forbids */

enum { TREE_MEMORY, TREE_PIDS, TREE_CPU, TREE_DEVICES };

static const char *const v1_names[CGROUP_TREES] = {
    [TREE_MEMORY] = "memory", [TREE_PIDS] = "pids", [TREE_CPU] = "cpu", [TREE_DEVICES] = "devices"};

/* ---- small files ---- */

static int cgroup_path(char out[PATH_MAX], const char *base, const char *group, const char *file)
{
    int n = snprintf(out, PATH_MAX, file ? "%s/%s/%s" : "%s/%s", base, group, file);

    return n < 0 || n >= PATH_MAX ? -1 : 0;
}

static int cgroup_write(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return -1;
    n = write(fd, text, strlen(text));
    (void)close(fd);
    return n < 0 ? -1 : 0;
}

static int cgroup_set(const char *base, const char *group, const char *file, const char *text)
{
    char path[PATH_MAX];

    return cgroup_path(path, base, group, file) ? -1 : cgroup_write(path, text);
}

static int cgroup_set_number(const char *base, const char *group, const char *file, int64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%lld", (long long)value);
    return cgroup_set(base, group, file, text);
}

/* ---- where the trees are ---- */

/* Whether a comma-separated list (up to a space or line end) holds the word. */
static bool cgroup_listed(const char *list, const char *word)
{
    size_t len = strlen(word);

    for (;;) {
        size_t n = strcspn(list, ", \n");

        if (n == len && strncmp(list, word, n) == 0)
            return true;
        if (list[n] != ',')
            return false;
        list += n + 1;
    }
}

/* The spawner's own group in the tree of a controller (v1) or of v2 (""), from /proc/self/cgroup. 0 or -1. */
static int cgroup_own(const char *controller, char out[PATH_MAX])
{
    FILE *f = fopen("/proc/self/cgroup", "re");
    char line[PATH_MAX];
    int rc = -1;

    if (!f)
        return -1;
    while (rc && fgets(line, sizeof(line), f)) {
        char *names = strchr(line, ':'), *path = names ? strchr(names + 1, ':') : NULL;

        if (!path)
            continue;
        *path++ = '\0';
        path[strcspn(path, "\n")] = '\0';
        if (!cgroup_listed(names + 1, controller))
            continue;
        (void)snprintf(out, PATH_MAX, "%s", strcmp(path, "/") == 0 ? "" : path);
        rc = 0;
    }
    (void)fclose(f);
    return rc;
}

int cgroup_mount(char *line, const char *controller, const char **root, const char **at)
{
    char *kind = strstr(line, " - "), *field[5];
    const char *options;

    if (!kind)
        return -1;
    options = strrchr(kind, ' ');
    if (*controller ? strncmp(kind + 3, "cgroup ", 7) != 0 || !cgroup_listed(options + 1, controller)
                    : strncmp(kind + 3, "cgroup2 ", 8) != 0)
        return -1;
    for (int i = 0; i < 5; i++) {
        field[i] = line;
        line += strcspn(line, " ");
        if (*line)
            *line++ = '\0';
    }
    *root = strcmp(field[3], "/") == 0 ? "" : field[3];
    *at = field[4];
    return 0;
}

/* The folder of a group in a tree (NULL: our own), writable for us. 0 or -1. */
static int cgroup_tree(const char *controller, const char *group, char out[PATH_MAX])
{
    FILE *f = fopen("/proc/self/mountinfo", "re");
    char line[PATH_MAX], own[PATH_MAX];
    const char *root, *at;
    int rc = -1;

    if (!f)
        return -1;
    while (rc && fgets(line, sizeof(line), f)) {
        size_t skip;

        if (cgroup_mount(line, controller, &root, &at) || (!group && cgroup_own(controller, own)))
            continue;
        if (group)
            (void)snprintf(own, sizeof(own), "%s", group);
        skip = strlen(root);
        if (strncmp(own, root, skip) != 0)
            continue; /* another part of the tree is mounted here */
        /* systemd removes the group of a unit without processes, and takes it back when it is there again. */
        if (snprintf(out, PATH_MAX, "%s%s", at, own + skip) < PATH_MAX &&
            (!group || !mkdir(out, 0755) || errno == EEXIST) && access(out, W_OK) == 0)
            rc = 0;
    }
    (void)fclose(f);
    return rc;
}

/* Whether a v2 group has that controller to give. */
static bool cgroup_offers(const char *own, const char *controller)
{
    char path[PATH_MAX], line[512] = "";
    bool found = false;
    FILE *f;

    if (cgroup_path(path, own, "cgroup.controllers", NULL) || !(f = fopen(path, "re")))
        return false;
    if (fgets(line, sizeof(line), f))
        for (const char *p = line; !found && *p; p += strcspn(p, " \n"), p += *p ? 1 : 0)
            found = cgroup_listed(p, controller);
    (void)fclose(f);
    return found;
}

/* v2 does not allow processes beside groups with controllers: where those are to be below our own, we move into a leaf,
 * then hand the controllers down. */
static int cgroup_find_v2(struct cgroup_site *site, const char *name, const char *above)
{
    static const char wanted[] = "+memory +pids +cpu";
    char own[PATH_MAX];

    if (((!above || cgroup_tree("", above, own)) && cgroup_tree("", NULL, own)) || !cgroup_offers(own, "memory") ||
        !cgroup_offers(own, "pids") || cgroup_path(site->base[0], own, name, NULL))
        return -1;
    if (mkdir(site->base[0], 0755) && errno != EEXIST)
        return -1;
    if (cgroup_set(own, "", "cgroup.subtree_control", wanted)) {
        char leaf[PATH_MAX];

        if (cgroup_path(leaf, own, "drover-spawner", NULL) || (mkdir(leaf, 0755) && errno != EEXIST) ||
            cgroup_set(leaf, "", "cgroup.procs", "0") || cgroup_set(own, "", "cgroup.subtree_control", wanted))
            return -1;
    }
    return cgroup_set(site->base[0], "", "cgroup.subtree_control", wanted);
}

static void cgroup_find_v1(struct cgroup_site *site, const char *name)
{
    char own[PATH_MAX];

    for (int i = 0; i < CGROUP_TREES; i++)
        if (cgroup_tree(v1_names[i], NULL, own) || cgroup_path(site->base[i], own, name, NULL) ||
            (mkdir(site->base[i], 0755) && errno != EEXIST))
            site->base[i][0] = '\0';
}

/* Whether a group with limits can really be made and joined. The group of the probe stays as long as the spawner:
 * beside it the last task to end does not take the groups' folder away (cgroup_remove). */
static bool cgroup_works(const struct cgroup_site *site)
{
    static const struct cgroup_limits probe = {.memory_bytes = 64 << 20, .pids = 16, .cpus = 1};
    int join[CGROUP_TREES];
    size_t count;

    if (cgroup_create(site, CGROUP_PROBE, &probe, join, &count))
        return false;
    while (count > 0)
        (void)close(join[--count]);
    return true;
}

static void cgroup_try(struct cgroup_site *site, const char *name, const char *above)
{
    memset(site, 0, sizeof(*site));
    if (cgroup_find_v2(site, name, above) == 0)
        site->version = 2;
    /* With devices, where we may say something about them. */
    site->devices = site->version == 2;
    if (site->version == 2 && (cgroup_works(site) || (site->devices = false, cgroup_works(site))))
        return;
    if (site->base[0][0])
        (void)rmdir(site->base[0]);
    memset(site, 0, sizeof(*site));
    cgroup_find_v1(site, name);
    site->version = site->base[TREE_MEMORY][0] && site->base[TREE_PIDS][0] ? 1 : 0;
    site->devices = site->version == 1 && site->base[TREE_DEVICES][0];
    if (!cgroup_works(site))
        site->version = site->devices = 0;
}

void cgroup_find(struct cgroup_site *site, const char *name, const char *above)
{
    cgroup_try(site, name, above);
    if (site->version == 0)
        cgroup_try(site, name, above); /* a task of an earlier spawner may have taken the folder away at this moment */
}

void cgroup_leave(const struct cgroup_site *site)
{
    (void)cgroup_remove(site, CGROUP_PROBE);
}

/* ---- one group ---- */

/* Version 2 has no files for devices. */
static int cgroup_attach_devices(const char *base, const char *group, const struct cgroup_limits *l)
{
    struct devices_rule rules[DEVICES_RULES_MAX];
    int count = devices_rules(l->device, l->device_count, rules), rc = -1, dir;
    char path[PATH_MAX];

    if (count < 0 || cgroup_path(path, base, group, NULL))
        return -1;
    dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0) {
        rc = devices_attach(dir, rules, (size_t)count);
        (void)close(dir);
    }
    return rc;
}

static int cgroup_limit_v2(bool devices, const char *base, const char *group, const struct cgroup_limits *l)
{
    if (l->memory_bytes && (cgroup_set_number(base, group, "memory.max", l->memory_bytes) ||
                            (cgroup_set(base, group, "memory.swap.max", "0") && errno != ENOENT)))
        return -1;
    if (l->pids && cgroup_set_number(base, group, "pids.max", l->pids))
        return -1;
    if (devices && cgroup_attach_devices(base, group, l))
        return -1;
    return l->cpus ? cgroup_set_number(base, group, "cpu.weight", l->cpus > 100 ? 10000 : 100 * l->cpus) : 0;
}

static int cgroup_limit_devices(const char *base, const char *group, const struct cgroup_limits *l)
{
    struct devices_rule rules[DEVICES_RULES_MAX];
    int count = devices_rules(l->device, l->device_count, rules);

    if (count < 0 || cgroup_set(base, group, "devices.deny", "a"))
        return -1;
    for (int i = 0; i < count; i++) {
        char text[DEVICES_TEXT_MAX];

        devices_text(&rules[i], text);
        if (cgroup_set(base, group, "devices.allow", text))
            return -1;
    }
    return 0;
}

static int cgroup_limit_v1(int tree, const char *base, const char *group, const struct cgroup_limits *l)
{
    switch (tree) {
    case TREE_MEMORY:
        if (!l->memory_bytes)
            return 0;
        /* Memory and swap together, where swap is counted: otherwise a task over its limit would swap. */
        return cgroup_set_number(base, group, "memory.limit_in_bytes", l->memory_bytes) ||
                       (cgroup_set_number(base, group, "memory.memsw.limit_in_bytes", l->memory_bytes) &&
                        errno != ENOENT)
                   ? -1
                   : 0;
    case TREE_PIDS:
        return l->pids ? cgroup_set_number(base, group, "pids.max", l->pids) : 0;
    case TREE_CPU:
        return l->cpus ? cgroup_set_number(base, group, "cpu.shares", l->cpus > 256 ? 262144 : 1024 * l->cpus) : 0;
    default:
        return cgroup_limit_devices(base, group, l);
    }
}

const char *cgroup_procs(const struct cgroup_site *site, bool join)
{
    return site->version == 2 ? CGROUP_LEAF "/cgroup.procs" : join ? "tasks" : "cgroup.procs";
}

/* The leaf, where there is one. 0 or -1. */
static int cgroup_make_leaf(const struct cgroup_site *site, const char *attempt)
{
    char path[PATH_MAX];

    if (site->version != 2)
        return 0;
    return cgroup_path(path, site->base[0], attempt, CGROUP_LEAF) || (mkdir(path, 0755) && errno != EEXIST) ? -1 : 0;
}

int cgroup_create(const struct cgroup_site *site, const char *attempt, const struct cgroup_limits *limits,
                  int join[CGROUP_TREES], size_t *count)
{
    *count = 0;
    for (int i = 0; site->version > 0 && i < CGROUP_TREES; i++) {
        char path[PATH_MAX];
        int rc = 0;

        if (!site->base[i][0])
            continue;
        if (cgroup_path(path, site->base[i], attempt, NULL) || (mkdir(path, 0755) && errno != EEXIST))
            goto failed;
        rc = site->version == 2 ? cgroup_limit_v2(site->devices, site->base[i], attempt, limits)
                                : cgroup_limit_v1(i, site->base[i], attempt, limits);
        if (rc || cgroup_make_leaf(site, attempt) ||
            cgroup_path(path, site->base[i], attempt, cgroup_procs(site, true)))
            goto failed;
        join[*count] = open(path, O_WRONLY | O_CLOEXEC);
        if (join[*count] < 0)
            goto failed;
        ++*count;
    }
    return 0;
failed:
    while (*count > 0)
        (void)close(join[--*count]);
    int saved = errno;
    (void)cgroup_remove(site, attempt);
    errno = saved;
    return -1;
}

/* The number behind `key` (""= the first) in a file of the group's first tree (memory); 0 when there is none. */
static int64_t cgroup_memory(const struct cgroup_site *site, const char *attempt, const char *file, const char *key)
{
    char path[PATH_MAX], line[128];
    long long n = 0;
    FILE *f;

    if (site->version == 0 || cgroup_path(path, site->base[TREE_MEMORY], attempt, file) || !(f = fopen(path, "re")))
        return 0;
    while (fgets(line, sizeof(line), f))
        if (strncmp(line, key, strlen(key)) == 0)
            n = strtoll(line + strlen(key), NULL, 10);
    (void)fclose(f);
    return n;
}

int64_t cgroup_oom_kills(const struct cgroup_site *site, const char *attempt)
{
    return cgroup_memory(site, attempt, site->version == 2 ? "memory.events" : "memory.oom_control", "oom_kill ");
}

bool cgroup_was_full(const struct cgroup_site *site, const char *attempt)
{
    int64_t limit = site->version == 1 ? cgroup_memory(site, attempt, "memory.limit_in_bytes", "") : 0;

    return limit > 0 && cgroup_memory(site, attempt, "memory.max_usage_in_bytes", "") >= limit;
}

/* Whether a process is in that group, by its own word. */
static bool cgroup_member(pid_t pid, const char *attempt)
{
    char path[40], line[PATH_MAX];
    bool found = false;
    FILE *f;

    (void)snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
    f = fopen(path, "re");
    if (!f)
        return false;
    while (!found && fgets(line, sizeof(line), f))
        found = strstr(line, attempt) != NULL;
    (void)fclose(f);
    return found;
}

/* A group of version 2 with all below it, where the kernel can (5.14). Whether there was somebody; -1: it cannot. */
static int cgroup_kill_v2(const struct cgroup_site *site, const char *attempt)
{
    if (site->version != 2 || cgroup_set(site->base[0], attempt, "cgroup.kill", "1"))
        return -1;
    return cgroup_memory(site, attempt, "cgroup.events", "populated ") > 0;
}

int cgroup_kill(const struct cgroup_site *site, const char *attempt)
{
    char path[PATH_MAX], line[32];
    int count = cgroup_kill_v2(site, attempt);
    FILE *f;

    if (count >= 0)
        return count;
    count = 0;
    if (site->version == 0 || cgroup_path(path, site->base[TREE_PIDS][0] ? site->base[TREE_PIDS] : site->base[0],
                                          attempt, cgroup_procs(site, false)))
        return 0;
    f = fopen(path, "re");
    if (!f)
        return 0;
    while (fgets(line, sizeof(line), f)) {
        pid_t pid = (pid_t)strtol(line, NULL, 10);
        int64_t ticks = pid > 0 ? procs_start_ticks(pid, NULL) : -1;

        /* The number may be a stranger's by now: it is that process only if it is (still) in the group. */
        if (ticks >= 0 && cgroup_member(pid, attempt) && procs_signal(pid, ticks, SIGKILL))
            count++;
    }
    (void)fclose(f);
    return count;
}

bool cgroup_remove(const struct cgroup_site *site, const char *attempt)
{
    bool gone = true;

    for (int i = 0; i < CGROUP_TREES; i++) {
        char path[PATH_MAX], inner[PATH_MAX];

        if (!site->base[i][0] || cgroup_path(path, site->base[i], attempt, NULL))
            continue;
        if (cgroup_path(inner, path, attempt, NULL) == 0)
            (void)rmdir(inner); /* runc's own, where it was killed */
        if (cgroup_path(inner, path, CGROUP_LEAF, NULL) == 0)
            (void)rmdir(inner);
        gone = (rmdir(path) == 0 || errno == ENOENT) && gone;
        (void)rmdir(site->base[i]); /* where no spawner and no other task is left */
    }
    return gone;
}

void cgroup_sweep(const struct cgroup_site *site, bool (*dead)(void *ctx, const char *attempt), void *ctx)
{
    const struct dirent *d;
    DIR *dir = site->version > 0 ? opendir(site->base[0]) : NULL;

    if (!dir)
        return;
    while ((d = readdir(dir))) {
        if (!id_valid(d->d_name) || !dead(ctx, d->d_name))
            continue;
        (void)cgroup_kill(site, d->d_name);
        (void)cgroup_remove(site, d->d_name);
    }
    (void)closedir(dir);
}
