/* SPDX-License-Identifier: MIT
 *
 * As whom a job runs: the site's allow-map, as the local engine's spawner reads it, else runAs. Never root.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "engines/local/spawner.h"
#include "engines/slurm/slurm_impl.h"

static int name_of(uid_t uid, char *name, size_t size)
{
    struct passwd p, *found = NULL;
    char text[4096];
    if (getpwuid_r(uid, &p, text, sizeof text, &found) || !found)
        return -1;
    return snprintf(name, size, "%s", found->pw_name) < (int)size ? 0 : -1;
}

int slurm_user_find(const struct slurm *s, const char *drover_user, char *name, size_t size, struct err *e)
{
    struct keeper_user u;
    if (s->site->users[0] && !spawner_user_find(s->site->users, drover_user, &u) && !name_of(u.uid, name, size))
        return 0;
    if (!s->site->run_as[0])
        return err_set(e, ERR_FORBIDDEN, "no Unix user is known for %.60s (users, runAs of slurm)", drover_user);
    return snprintf(name, size, "%s", s->site->run_as) < (int)size ? 0 : -1;
}
