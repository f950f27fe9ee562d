/* SPDX-License-Identifier: MIT
 *
 * The access decision: one table. Its sentences are compared word for word by OpenPAI's clients.
 */
#include "auth/access.h"

#include <string.h>

#include "base/err.h"

static const struct {
    const char *name;
    bool login;  /* a valid token or session */
    bool no_app; /* not with an application token */
    bool admin;  /* only admins */
} levels[ACCESS_COUNT] = {
    [ACCESS_ADMIN] = {"admin", true, true, true},
    [ACCESS_NOT_APPLICATION] = {"not-application", true, true, false},
    [ACCESS_USER] = {"user", true, false, false},
    [ACCESS_ANON] = {"anonymous", false, false, false},
};

int access_check(enum access need, const struct identity *who, struct err *e)
{
    if ((unsigned)need >= ACCESS_COUNT)
        need = ACCESS_ADMIN;
    if (levels[need].login && who->kind == IDENTITY_NONE)
        return err_set(e, ERR_UNAUTHORIZED, "Guest is not allowed to do this operation.");
    if (levels[need].no_app && who->application)
        return err_set(e, ERR_FORBIDDEN, "Applications are not allowed to do this operation.");
    if (levels[need].admin && !who->admin)
        return err_set(e, ERR_FORBIDDEN, "Non-admin is not allow to do this operation.");
    return 0;
}

int access_check_owner(const struct identity *who, const char *owner, const char *what, struct err *e)
{
    if (who->kind != IDENTITY_NONE && (who->admin || (who->user[0] && !strcmp(who->user, owner))))
        return 0;
    return err_set(e, ERR_FORBIDDEN, "User %s is not allowed to change %s.", who->user, what);
}

const char *access_name(enum access need)
{
    return (unsigned)need < ACCESS_COUNT ? levels[need].name : "admin";
}
