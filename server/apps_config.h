/* SPDX-License-Identifier: MIT
 *
 * Where apps of jobs are served: the key `apps` of the configuration.
 */
#ifndef DROVER_SERVER_APPS_CONFIG_H
#define DROVER_SERVER_APPS_CONFIG_H

struct doc;
struct err;

#define APPS_TEXT_MAX 256

struct apps_settings {
    char listen[APPS_TEXT_MAX];     /* ADDRESS:PORT of their own; "" = the portal's port, sandboxed */
    char public_url[APPS_TEXT_MAX]; /* how browsers reach that, without a slash at its end; "*.HOST" as the host gives
                                       each app a host of its own; "" = where it listens */
};

/* Reads the value of the key. 0, or -1 with its place. */
int apps_config_read(struct apps_settings *out, const struct doc *d, struct err *e);

#endif
