/* SPDX-License-Identifier: MIT
 *
 * Users are rows, not state: the core only decides on what the loop has looked up (is there such a user, an admin?) and
 * puts the change in order with everything else.
 */
#include <string.h>

#include "core/internal.h"

/* 0, or why not. */
static int allowed(const struct command *cmd, struct err *e)
{
    const struct command_user *u = &cmd->user;
    bool self = cmd->actor.user && !strcmp(cmd->actor.user, u->name);
    if (u->op == COMMAND_USER_ADD)
        return u->exists ? err_set(e, ERR_CONFLICT_USER, "User name %s already exists.", u->name) : 0;
    if (!u->exists)
        return err_set(e, ERR_NO_USER, "User %s is not found.", u->name);
    if (u->op == COMMAND_USER_REMOVE && u->is_admin)
        return err_set(e, ERR_REMOVE_ADMIN, "Admin %s cannot be removed; take the admin right away first.", u->name);
    /* Nobody locks the last admin out by accident: another admin must do it. */
    if (u->op == COMMAND_USER_CHANGE && self && u->is_admin && u->admin == COMMAND_USER_NO)
        return err_set(e, ERR_FORBIDDEN, "You cannot take the admin right from yourself; another admin can.");
    return 0;
}

void core_user(struct step *s, const struct command *cmd)
{
    struct err e = {0};
    if (!allowed(cmd, &e))
        effects_add(s->fx, &(struct effect){.kind = EFFECT_USER_ROW, .user = &cmd->user});
    effects_reply(s->fx, cmd->reply_to, &e, NULL);
}
