/* SPDX-License-Identifier: MIT
 *
 * Handlers of alerts and silences, and what they share.
 */
#ifndef DROVER_SERVER_API_ALERTS_H
#define DROVER_SERVER_API_ALERTS_H

#include <stdbool.h>

#include "server/http/route.h"

struct alert;
struct identity;

/* Whether somebody may see an alert: admins all of them, others those about their jobs. */
bool api_alert_seen_by(const struct alert *a, const struct identity *who);

route_handler_fn api_alerts, api_alert_history;                                                   /* alert.c */
route_handler_fn api_silences, api_silence, api_silence_put, api_silence_expire;                  /* silence.c */
route_handler_fn api_manager_status, api_manager_receivers, api_manager_alerts, api_manager_post; /* alertmanager.c */

#endif
