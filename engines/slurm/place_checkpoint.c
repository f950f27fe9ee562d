/* SPDX-License-Identifier: MIT
 *
 * Where tasks keep their checkpoints from one job to the next. Jobs' users cannot make folders in the shared one, so
 * that each is made for them before the submission, step by step, so that no link in it is followed.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "engines/slurm/place.h"

enum { STEPS = 3, NAME_LONGEST = 200 };

/* One step of a path, visible, in the characters of names. */
static bool is_plain(const char *s)
{
    return s && *s && *s != '.' && !strpbrk(s, "/'\n") && strlen(s) < NAME_LONGEST;
}

/* Of whom: what lies above is droverd's, and others pass through. Where we cannot give it away, all who come so far may
 * write there. */
static int own(int dir, bool last, const struct passwd *user)
{
    if (!last)
        return fchmod(dir, 0711);
    if (user->pw_uid == geteuid())
        return fchmod(dir, 0700);
    return fchown(dir, user->pw_uid, user->pw_gid) ? fchmod(dir, 01777) : fchmod(dir, 0700);
}

int place_checkpoint(const struct places *p, const char *const names[2], const struct passwd *user, char out[PATH_MAX],
                     struct err *e)
{
    const char *const steps[STEPS] = {"checkpoints", names[0], names[1]};
    if (!is_plain(names[0]) || !is_plain(names[1]) ||
        snprintf(out, PATH_MAX, "%s/checkpoints/%s/%s", p->folder, names[0], names[1]) >= PATH_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "the name of the checkpoint cannot be that of a folder");
    int dir = open(p->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = dir < 0 ? -1 : 0;
    for (int i = 0; i < STEPS && !rc; i++) {
        const bool made = !mkdirat(dir, steps[i], 0700);
        const int next =
            made || errno == EEXIST ? openat(dir, steps[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW) : -1;
        rc = next < 0 || (made && own(next, i == STEPS - 1, user)) ? -1 : 0;
        const int saved = errno;
        (void)close(dir);
        errno = saved;
        dir = next;
    }
    rc = rc ? err_errno(e, errno, "the folder for checkpoints") : 0;
    if (dir >= 0)
        (void)close(dir);
    return rc;
}
