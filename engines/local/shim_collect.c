/* SPDX-License-Identifier: MIT
 *
 * The shim's look at a sandbox whose command has failed (collected.h), before its holder is told that it stays: with
 * GPUs to give back, what still runs in it is gone a moment later. All that is read is a task's, and may be as long, as
 * deep and as many as it likes: there is a bound for each, and one for the time.
 */
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/json.h"
#include "engines/local/collected.h"
#include "engines/local/procs.h"
#include "engines/local/shim.h"

#define COLLECT_MS 1000     /* for the processes; its logs wait meanwhile */
#define COLLECT_FILES 10000 /* that are looked at for core dumps */
#define COLLECT_PATTERN 160
#define COLLECT_SLACK_MS 20 /* files are dated by a clock that ticks, behind the one that we read */

/* One entry after another, each whole or not at all. */
struct collect_list {
    struct json_out *out;
    size_t used, count, most;
    int64_t left; /* entries that were not written */
};

static void list_begin(struct collect_list *l, const char *key)
{
    json_out_key(l->out, key);
    json_out_array(l->out);
}

static void list_add(struct collect_list *l, const struct buf *entry)
{
    if (entry->bad || l->count >= l->most || l->used + entry->len > COLLECTED_SECTION) {
        l->left++;
        return;
    }
    json_out_raw(l->out, buf_str(entry));
    l->used += entry->len;
    l->count++;
}

/* Bytes of `text` that are whole characters, at most `most`. */
static size_t whole(const char *text, size_t len, size_t most)
{
    if (len <= most)
        return len;
    while (most > 0 && (text[most] & 0xC0) == 0x80)
        most--;
    return most;
}

/* ---- variables ---- */

static void write_variable(struct json_out *j, const char *text, const char *equals)
{
    size_t len = strlen(equals + 1), shown = whole(equals + 1, len, COLLECTED_VALUE);
    char name[256];

    (void)snprintf(name, sizeof(name), "%.*s", (int)(equals - text), text);
    json_out_object(j);
    json_out_kstring(j, "name", name);
    if (!collected_hides(name)) {
        json_out_key(j, "value");
        json_out_string_n(j, equals + 1, shown);
        json_out_kbool(j, "cut", shown < len);
    }
    json_out_object_end(j);
}

/* The last ones first: what is the task's own stands behind what is of the whole job. */
static void write_variables(struct json_out *j, const struct taskspec *spec)
{
    struct collect_list l = {.out = j, .most = COLLECTED_VARIABLES};
    struct json_out one;
    struct buf entry;

    buf_init(&entry, COLLECTED_SECTION);
    list_begin(&l, "environment");
    for (size_t i = spec->env_count; i > 0; i--) {
        const char *equals = strchr(spec->env[i - 1], '=');

        if (!equals)
            continue;
        buf_reset(&entry);
        json_out_init(&one, &entry);
        write_variable(&one, spec->env[i - 1], equals);
        list_add(&l, &entry);
    }
    json_out_array_end(j);
    json_out_kint(j, "environmentLeftOut", l.left);
    buf_fini(&entry);
}

/* ---- processes ---- */

/* What /proc/PID/status says beside its stat. */
struct collect_status {
    int64_t uid;
    int64_t inside; /* its number in the innermost namespace; 0 = not known */
    int levels;
};

/* The numbers behind "KEY:" in the text, up to the end of the line: the last; `nth` counts from 0, -1 = the last. */
static int64_t status_number(const char *text, const char *key, int nth, int *count)
{
    const char *p = strstr(text, key);
    int64_t value = 0;
    char *end;

    *count = 0;
    for (p = p ? p + strlen(key) : NULL; p && *p != '\n'; p = end) {
        int64_t v = strtoll(p, &end, 10);

        if (end == p)
            break;
        if (nth < 0 || *count <= nth)
            value = v;
        (*count)++;
        while (*end == '\t' || *end == ' ')
            end++;
    }
    return value;
}

/* Reads at most size - 1 bytes of a file below /proc/PID; their number. */
static size_t read_proc(pid_t pid, const char *name, char *out, size_t size)
{
    char path[64];
    size_t len = 0;
    ssize_t n;
    int fd;

    (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && len < size - 1 && (n = read(fd, out + len, size - 1 - len)) > 0)
        len += (size_t)n;
    if (fd >= 0)
        (void)close(fd);
    out[len] = '\0';
    return len;
}

static struct collect_status status_of(pid_t pid)
{
    struct collect_status s = {0};
    char text[4096];
    int count;

    /* The name of the program comes first and is anybody's word, but has no newline. */
    if (pid > 0 && read_proc(pid, "status", text, sizeof(text)) > 0) {
        s.uid = status_number(text, "\nUid:", 1, &count);
        s.inside = status_number(text, "\nNSpid:", -1, &s.levels);
    }
    return s;
}

static void write_command(struct json_out *j, pid_t pid, const struct procs_look *p)
{
    char text[COLLECTED_COMMAND + 2];
    size_t len = read_proc(pid, "cmdline", text, sizeof(text)), shown;

    while (len > 0 && text[len - 1] == '\0')
        len--;
    for (size_t i = 0; i < len; i++)
        if (text[i] == '\0')
            text[i] = ' ';
    shown = whole(text, len, COLLECTED_COMMAND);
    if (len == 0)
        len = shown = (size_t)snprintf(text, sizeof(text), "[%s]", p->name);
    json_out_key(j, "command");
    json_out_string_n(j, text, shown);
    json_out_kbool(j, "cut", shown < len);
}

/* Wall time of a start, in ms since 1970. */
static int64_t start_of(const struct procs_look *p)
{
    struct timespec boot;

    (void)clock_gettime(CLOCK_BOOTTIME, &boot);
    return clock_read().wall - (boot.tv_sec * 1000 + boot.tv_nsec / 1000000) + p->ticks * 1000 / sysconf(_SC_CLK_TCK);
}

static void write_process(struct json_out *j, pid_t pid, const struct procs_look *p)
{
    const struct collect_status own = status_of(pid), above = status_of(p->parent);
    const char state[2] = {p->state, '\0'};

    json_out_object(j);
    json_out_kint(j, "pid", own.inside ? own.inside : pid);
    json_out_kint(j, "ppid", above.levels == own.levels ? above.inside : 0);
    json_out_kstring(j, "state", state);
    json_out_kint(j, "uid", own.uid);
    json_out_kint(j, "cpuMs", p->cpu_ms);
    json_out_kint(j, "rss", p->rss_bytes);
    json_out_kint(j, "start", start_of(p));
    write_command(j, pid, p);
    json_out_object_end(j);
}

static void write_processes(struct json_out *j, const struct shim_hold *h)
{
    const int64_t till = clock_read().mono + COLLECT_MS;
    struct collect_list l = {.out = j, .most = COLLECTED_PROCESSES};
    DIR *proc = opendir("/proc");
    struct json_out one;
    struct buf entry;

    buf_init(&entry, COLLECTED_SECTION);
    list_begin(&l, "processes");
    for (const struct dirent *d = proc ? readdir(proc) : NULL; d; d = readdir(proc)) {
        const pid_t pid = (pid_t)strtol(d->d_name, NULL, 10);
        struct procs_look p;

        if (clock_read().mono >= till) {
            l.left++; /* who knows how many */
            break;
        }
        if (pid <= 0 || !shim_hold_other(h, pid) || procs_look(pid, &p))
            continue;
        buf_reset(&entry);
        json_out_init(&one, &entry);
        write_process(&one, pid, &p);
        list_add(&l, &entry);
    }
    if (proc)
        (void)closedir(proc);
    json_out_array_end(j);
    json_out_kint(j, "processesLeftOut", l.left);
    buf_fini(&entry);
}

/* ---- core dumps ---- */

static bool is_core(int fd)
{
    Elf64_Ehdr head; /* what counts here stands at the same place for 32 bits */

    return pread(fd, &head, sizeof(head), 0) == (ssize_t)sizeof(head) && memcmp(head.e_ident, ELFMAG, SELFMAG) == 0 &&
           head.e_type == ET_CORE;
}

/* A core dump of that name that is not older than the start: whether it is one. */
static bool core_at(int dir, const char *name, int64_t started_ms, struct stat *st)
{
    int fd = fs_open_beneath(dir, name, O_RDONLY);
    bool is = fd >= 0 && fstat(fd, st) == 0 && S_ISREG(st->st_mode) &&
              (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000 >= started_ms - COLLECT_SLACK_MS &&
              is_core(fd);

    if (fd >= 0)
        (void)close(fd);
    return is;
}

/* The beginning of the names that the pattern makes: of its last step, up to what the kernel fills in. */
static void name_of(const char *pattern, char out[COLLECT_PATTERN])
{
    const char *slash = strrchr(pattern, '/');

    (void)snprintf(out, COLLECT_PATTERN, "%s", slash ? slash + 1 : pattern);
    out[strcspn(out, "%")] = '\0';
}

static void write_cores(struct json_out *j, int folder, int64_t started_ms)
{
    char pattern[COLLECT_PATTERN] = "", begin[COLLECT_PATTERN];
    int fd = open("/proc/sys/kernel/core_pattern", O_RDONLY | O_CLOEXEC), seen = 0;
    ssize_t n = fd < 0 ? 0 : read(fd, pattern, sizeof(pattern) - 1);
    int work = fs_open_beneath(folder, "work", O_RDONLY | O_DIRECTORY);
    DIR *dir = work < 0 ? NULL : fdopendir(work);
    struct stat st;
    size_t found = 0;

    if (fd >= 0)
        (void)close(fd);
    pattern[n > 0 ? n : 0] = '\0';
    pattern[strcspn(pattern, "\n")] = '\0';
    name_of(pattern, begin);
    json_out_kstring(j, "corePattern", pattern);
    json_out_key(j, "cores");
    json_out_array(j);
    for (const struct dirent *d = dir ? readdir(dir) : NULL; d && seen < COLLECT_FILES && found < COLLECTED_CORES;
         d = readdir(dir), seen++) {
        if ((strncmp(d->d_name, "core", 4) != 0 && (!begin[0] || strncmp(d->d_name, begin, strlen(begin)) != 0)) ||
            !core_at(dirfd(dir), d->d_name, started_ms, &st))
            continue;
        json_out_object(j);
        json_out_kstring(j, "name", d->d_name);
        json_out_kint(j, "size", st.st_size);
        json_out_kint(j, "time", (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000);
        json_out_object_end(j);
        found++;
    }
    json_out_array_end(j);
    if (dir)
        (void)closedir(dir);
    else if (work >= 0)
        (void)close(work);
}

void shim_collect(const struct shim_hold *h, const struct taskspec *spec, int dir, int64_t started_ms)
{
    struct json_out j;
    struct buf text;

    buf_init(&text, COLLECTED_MAX);
    json_out_init(&j, &text);
    json_out_object(&j);
    json_out_kint(&j, "time", clock_read().wall);
    write_processes(&j, h);
    write_cores(&j, dir, started_ms);
    write_variables(&j, spec);
    json_out_object_end(&j);
    if (!text.bad)
        (void)fs_write_atomic_at(dir, COLLECTED_FILE, text.data, text.len, NULL);
    buf_fini(&text);
}
