/* SPDX-License-Identifier: MIT
 *
 * Alerts for an Alertmanager of the site's: posted at once when one fires or ends, and every minute while one fires. A
 * receiver that hangs holds up nobody else.
 */
#ifndef DROVER_SERVER_ALERTS_ALERT_POSTER_H
#define DROVER_SERVER_ALERTS_ALERT_POSTER_H

struct alert_poster;
struct alerts;
struct err;
struct remote_settings;

/* Starts the thread. Both borrowed. NULL with the error. */
struct alert_poster *alert_poster_create(struct alerts *alerts, const struct remote_settings *to, struct err *e);
/* Gives up what is under way. Before the alerts go. NULL ok. */
void alert_poster_destroy(struct alert_poster *p);

#endif
