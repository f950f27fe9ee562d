/* SPDX-License-Identifier: MIT
 *
 * Handlers of notifications and webhooks, for the route table.
 */
#ifndef DROVER_SERVER_API_NOTICE_H
#define DROVER_SERVER_API_NOTICE_H

#include "server/http/route.h"

struct api;
struct out_row;

/* One's own settings. */
route_handler_fn api_notice_rules, api_notice_rules_put, api_notice_test;
/* Webhooks: one's own below /users/me, else the site's. */
route_handler_fn api_webhooks, api_webhook_put, api_webhook_remove, api_webhook_test, api_webhook_log;

/* Queues a test for that mail or webhook (its `user` or `webhook`) and answers 202. 0 or -1. */
int api_notice_queue_test(struct request *r, struct api *a, const struct out_row *to, struct err *e);

#endif
