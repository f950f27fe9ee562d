/* SPDX-License-Identifier: MIT
 *
 * `droverd serve`: puts the daemon together, serves until SIGTERM or SIGINT, takes it apart.
 */
#ifndef DROVER_SERVER_SERVE_H
#define DROVER_SERVER_SERVE_H

struct config;
struct err;

/* Serves the data folder. 0 after an orderly stop, -1 when it could not start. Blocks; the process's main thread. */
int serve_run(const char *data, const struct config *config, struct err *e);

#endif
