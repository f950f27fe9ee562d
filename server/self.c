/* SPDX-License-Identifier: MIT */
/* Out of /proc and the file system. */
#include "server/self.h"

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

int64_t self_file_bytes(const char *data_dir, const char *name)
{
    char path[PATH_MAX];
    struct stat st;
    int n = snprintf(path, sizeof path, "%s/%s", data_dir, name);
    return n >= (int)sizeof path || stat(path, &st) ? 0 : (int64_t)st.st_size;
}

int64_t self_resident_bytes(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f)
        return 0;
    if (fscanf(f, "%*d %ld", &pages) != 1)
        pages = 0;
    fclose(f);
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

int self_descriptors(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n > 3 ? n - 3 : 0; /* less ".", ".." and that of the list itself */
}

int64_t self_descriptors_max(void)
{
    struct rlimit r = {0};
    return getrlimit(RLIMIT_NOFILE, &r) ? 0 : (int64_t)r.rlim_cur;
}

int self_disk_free(const char *dir)
{
    struct statvfs fs;
    if (statvfs(dir, &fs) || !fs.f_blocks)
        return -1;
    const uint64_t used = fs.f_blocks - fs.f_bfree, room = used + fs.f_bavail;
    return room ? (int)(fs.f_bavail * 100 / room) : 0;
}

/* The number behind a word of a line of /proc/meminfo, into *kib if it is that line. */
static void take_kib(const char *line, const char *word, int64_t *kib)
{
    if (!strncmp(line, word, strlen(word)))
        *kib = strtoll(line + strlen(word), NULL, 10);
}

int self_memory_used(void)
{
    int64_t total = 0, available = -1;
    char line[128];
    FILE *f = fopen("/proc/meminfo", "re");
    while (f && fgets(line, sizeof line, f)) {
        take_kib(line, "MemTotal:", &total);
        take_kib(line, "MemAvailable:", &available);
    }
    if (f)
        fclose(f);
    return total > 0 && available >= 0 ? (int)(100 - available * 100 / total) : -1;
}

int self_cpu_used(struct self_cpu *c)
{
    uint64_t t[8] = {0}, all = 0;
    FILE *f = fopen("/proc/stat", "re");
    const int n =
        f ? fscanf(f,
                   "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
                   &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7])
          : 0;
    if (f)
        fclose(f);
    if (n < 4)
        return -1;
    for (int i = 0; i < 8; i++)
        all += t[i];
    const struct self_cpu now = {.all = all, .idle = t[3] + t[4]}, before = *c;
    *c = now;
    if (!before.all || now.all <= before.all || now.idle < before.idle)
        return -1;
    return (int)(100 - (now.idle - before.idle) * 100 / (now.all - before.all));
}
