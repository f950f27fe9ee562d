/* SPDX-License-Identifier: MIT
 *
 * Handlers that change users, for the route table.
 */
#ifndef DROVER_SERVER_API_USER_CHANGE_H
#define DROVER_SERVER_API_USER_CHANGE_H

#include "server/http/route.h"

/* What each does is in its row of routes.c. */
route_handler_fn api_user_add, api_user_put, api_user_put_me, api_user_remove, api_user_put_password;
route_handler_fn api_user_put_email, api_user_put_admin, api_user_put_extension;
route_handler_fn api_user_put_vcs, api_user_put_groups, api_user_group;

#endif
