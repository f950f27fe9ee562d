/* SPDX-License-Identifier: MIT
 *
 * Loaded into the sshd of a task (enter.sh) before its C library: whoever it asks for is the task's user, with the
 * task's folder and shell. The node's table may not know that user, or lock it out, and that of an image knows nobody
 * of the node. It gives no right: to the kernel all of it is the task's user, before and after.
 *
 * Linked with no library, so that it fits that of any image.
 */
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <shadow.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define USER_NOBODY 65534

/* A root without rights, of a server that knows no other users: sshd would count on them. */
uid_t getuid(void)
{
    const uid_t uid = (uid_t)syscall(SYS_getuid);

    return uid ? uid : USER_NOBODY;
}

uid_t geteuid(void)
{
    return getuid();
}

/* A new one each time: few are asked for, and who asked keeps it. */
static struct passwd *user_make(void)
{
    char *name = getenv("DROVER_SSH_USER"), *dir = getenv("DROVER_SSH_HOME"), *shell = getenv("DROVER_SSH_SHELL");
    struct passwd *p = name && dir && shell ? calloc(1, sizeof(*p) + 2) : NULL;

    if (!p)
        return NULL;
    p->pw_passwd = (char *)(p + 1);
    p->pw_passwd[0] = '*'; /* no password; "!" would be a locked user */
    p->pw_gecos = p->pw_passwd + 1;
    p->pw_name = name;
    p->pw_dir = dir;
    p->pw_shell = shell;
    p->pw_uid = getuid();
    p->pw_gid = getgid();
    return p;
}

struct passwd *getpwnam(const char *name)
{
    (void)name;
    return user_make();
}

struct passwd *getpwuid(uid_t uid)
{
    (void)uid;
    return user_make();
}

struct spwd *getspnam(const char *name)
{
    (void)name;
    return NULL;
}

/* It asks for "tty", to give terminals to. */
struct group *getgrnam(const char *name)
{
    (void)name;
    return NULL;
}

/* A terminal is its user's from the beginning. */
int chown(const char *path, uid_t owner, gid_t group)
{
    if (strncmp(path, "/dev/pts/", sizeof("/dev/pts/") - 1) == 0)
        return 0;
    return (int)syscall(SYS_fchownat, AT_FDCWD, path, owner, group, 0);
}
