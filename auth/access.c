/* SPDX-License-Identifier: MIT
 *
 * The table of rights, and the decision by it. OpenPAI's clients compare its sentences word for word.
 */
#include "auth/access.h"

#include <string.h>

#include "base/err.h"

#define NO ACCESS_NO
#define YES ACCESS_YES
#define POLICY ACCESS_BY_POLICY

/* clang-format off */
static const struct {
    const char *name, *help;
    enum access_cell cells[ACCESS_ROLE_COUNT];
} levels[ACCESS_COUNT] = {
    /*                                                                none owner other  VC adm admin application */
    [ACCESS_UNSET] = {"unset", "nobody",                              {NO,  NO,  NO,     NO,    NO,   NO}},
    [ACCESS_ANON] = {"anonymous", "everyone",                         {YES, YES, YES,    YES,   YES,  YES}},
    [ACCESS_USER] = {"user", "any user",                              {NO,  YES, YES,    YES,   YES,  YES}},
    [ACCESS_NOT_APPLICATION] = {"not-application",
        "any user, not with an application token",                    {NO,  YES, YES,    YES,   YES,  NO}},
    [ACCESS_ADMIN] = {"admin", "admins",                              {NO,  NO,  NO,     NO,    YES,  NO}},
    [ACCESS_SELF] = {"self", "the user named, or an admin",           {NO,  YES, NO,     NO,    YES,  NO}},
    [ACCESS_OWN] = {"own", "one's own and nobody else's",             {NO,  YES, NO,     NO,    NO,   NO}},
    [ACCESS_JOB_READ] = {"job-read",
        "by the read policy of the job's virtual cluster",            {NO,  YES, POLICY, YES,   YES,  YES}},
    [ACCESS_JOB_CHANGE] = {"job-change", "the job's owner, or an admin",
                                                                      {NO,  YES, NO,     NO,    YES,  YES}},
    [ACCESS_JOB_STOP] = {"job-stop",
        "the job's owner, a VC admin of its virtual cluster, or an admin",
                                                                      {NO,  YES, NO,     YES,   YES,  YES}},
    [ACCESS_VC_MANAGE] = {"vc-manage",
        "a VC admin of the virtual cluster, or an admin",             {NO,  NO,  NO,     YES,   YES,  NO}},
};
/* clang-format on */

enum access_cell access_cell(enum access need, enum access_role role)
{
    return (unsigned)need < ACCESS_COUNT && (unsigned)role < ACCESS_ROLE_COUNT ? levels[need].cells[role] : ACCESS_NO;
}

int access_check(enum access need, const struct identity *who, struct err *e)
{
    bool somebody = false;

    if (who->kind == IDENTITY_NONE) {
        if (access_cell(need, ACCESS_ROLE_NONE) == ACCESS_YES)
            return 0;
        return err_set(e, ERR_UNAUTHORIZED, "Guest is not allowed to do this operation.");
    }
    if (who->application && access_cell(need, ACCESS_ROLE_APPLICATION) == ACCESS_NO)
        return err_set(e, ERR_FORBIDDEN, "Applications are not allowed to do this operation.");
    for (int role = ACCESS_ROLE_OWNER; role <= ACCESS_ROLE_VC_ADMIN; role++)
        somebody = somebody || access_cell(need, (enum access_role)role) != ACCESS_NO;
    if (somebody || (who->admin && access_cell(need, ACCESS_ROLE_ADMIN) == ACCESS_YES))
        return 0;
    return err_set(e, ERR_FORBIDDEN, "Non-admin is not allow to do this operation.");
}

int access_check_object(enum access need, const struct identity *who, const struct access_object *o, struct err *e)
{
    bool owner = who->user[0] && o->owner && !strcmp(who->user, o->owner);
    enum access_cell cell = ACCESS_NO;

    if (access_check(need, who, e))
        return -1;
    /* Somebody may be several of these at once: the best one counts. */
    if (who->admin)
        cell = access_cell(need, ACCESS_ROLE_ADMIN);
    if (cell != ACCESS_YES && owner)
        cell = access_cell(need, ACCESS_ROLE_OWNER);
    if (cell != ACCESS_YES && o->managed)
        cell = access_cell(need, ACCESS_ROLE_VC_ADMIN);
    if (cell != ACCESS_YES)
        cell = access_cell(need, ACCESS_ROLE_OTHER);
    if (cell == ACCESS_YES || (cell == ACCESS_BY_POLICY && o->open))
        return 0;
    if (need == ACCESS_SELF)
        return err_set(e, ERR_FORBIDDEN, "Non-admin is not allow to do this operation.");
    return err_set(e, ERR_FORBIDDEN, "User %s is not allowed to do this with %s.", who->user, o->what);
}

const char *access_name(enum access need)
{
    return (unsigned)need < ACCESS_COUNT ? levels[need].name : levels[ACCESS_UNSET].name;
}

const char *access_help(enum access need)
{
    return (unsigned)need < ACCESS_COUNT ? levels[need].help : levels[ACCESS_UNSET].help;
}
