/* SPDX-License-Identifier: MIT
 *
 * The allow-map: which Unix user a Drover user's tasks run as. Lines of `DROVER-USER: UNIX-USER`, the first match
 * holds; `*` matches everybody; on the right, `=` is the Unix user of the same name and `UID:GID` one by numbers.
 *
 *   alice: alice
 *   *: drover-jobs
 *
 * It is root's file, because whoever writes it chooses as whom root starts programs.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "engines/local/spawner.h"

int spawner_user_check(const char *map, struct err *e)
{
    struct stat st;

    if (lstat(map, &st))
        return err_errno(e, errno, "%s", map);
    if (!S_ISREG(st.st_mode) || st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)))
        return err_set(e, ERR_INVALID_PARAMETERS, "%s must be a file that only root can change", map);
    return 0;
}

/* Cuts `#` comments and blanks off both ends. */
static char *spawner_user_trim(char *s)
{
    size_t len;

    s[strcspn(s, "#\n")] = '\0';
    s += strspn(s, " \t");
    for (len = strlen(s); len > 0 && strchr(" \t", s[len - 1]); len--)
        s[len - 1] = '\0';
    return s;
}

/* What the map says about `name`. 0, or -1 with errno. */
static int spawner_user_mapped(const char *map, const char *name, char *out, size_t size)
{
    FILE *f = fopen(map, "re");
    char line[512];
    int rc = -1;

    if (!f)
        return -1;
    while (rc && fgets(line, sizeof(line), f)) {
        char *right = strchr(line, ':'), *left = line;

        if (!right)
            continue;
        *right++ = '\0';
        left = spawner_user_trim(left);
        right = spawner_user_trim(right);
        if (strcmp(left, name) != 0 && strcmp(left, "*") != 0)
            continue;
        if (snprintf(out, size, "%s", strcmp(right, "=") == 0 ? name : right) >= (int)size)
            break;
        rc = 0;
    }
    (void)fclose(f);
    if (rc)
        errno = EACCES;
    return rc;
}

/* `UID:GID`. 0 or -1. */
static int spawner_user_numbers(const char *text, struct keeper_user *out)
{
    char *end;
    long uid = strtol(text, &end, 10), gid;

    if (end == text || *end != ':' || uid < 0 || uid > INT_MAX)
        return -1;
    text = end + 1;
    gid = strtol(text, &end, 10);
    if (end == text || *end || gid < 0 || gid > INT_MAX)
        return -1;
    *out = (struct keeper_user){.uid = (uid_t)uid, .gid = (gid_t)gid, .group_count = 1, .groups = {(gid_t)gid}};
    return 0;
}

static int spawner_user_named(const char *name, struct keeper_user *out)
{
    const struct passwd *p;

    errno = 0;
    p = getpwnam(name);
    if (!p) {
        errno = ENOENT;
        return -1;
    }
    out->uid = p->pw_uid;
    out->gid = p->pw_gid;
    out->group_count = KEEPER_GROUPS;
    if (getgrouplist(name, p->pw_gid, out->groups, &out->group_count) < 0) {
        errno = E2BIG;
        return -1;
    }
    return 0;
}

int spawner_user_find(const char *map, const char *name, struct keeper_user *out)
{
    char unix_name[256];

    memset(out, 0, sizeof(*out));
    if (!name || spawner_user_check(map, NULL)) {
        errno = EACCES;
        return -1;
    }
    if (spawner_user_mapped(map, name, unix_name, sizeof(unix_name)))
        return -1;
    if (spawner_user_numbers(unix_name, out) && spawner_user_named(unix_name, out))
        return -1;
    for (int i = 0; i < out->group_count; i++)
        if (out->groups[i] == 0)
            out->uid = 0; /* root's group opens too much: refused below */
    if (out->uid < SPAWNER_UID_MIN || out->gid == 0) {
        errno = EACCES;
        return -1;
    }
    return 0;
}
