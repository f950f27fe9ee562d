/* SPDX-License-Identifier: MIT
 *
 * The daemon's configuration: defaults, then the YAML file, then flags.
 */
#ifndef DROVER_SERVER_CONFIG_H
#define DROVER_SERVER_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"

struct err;

#define CONFIG_TEXT_MAX 256

struct config {
    char listen[CONFIG_TEXT_MAX]; /* "127.0.0.1:7780", "[::1]:7780"; port 0 = the kernel chooses */
    bool image_on_host;           /* unknownImage: host */
    bool insecure_http;           /* insecureHttp: plain HTTP off loopback, with a warning */
    int gpus;                     /* simulated GPUs; -1 = real ones */
    int cpus;                     /* CPUs offered; 0 = all */
    int64_t memory_mb;            /* memory offered; 0 = all */
    char node[CONFIG_TEXT_MAX];   /* this node's name; "" = the host's */
    int port_first, port_last;    /* ports for tasks */
    enum log_level log_level;
    enum log_format log_format;
};

/* Fills in the defaults. */
void config_defaults(struct config *c);
/* Reads a YAML file over what is there. Unknown keys and bad values are errors with line and column. 0 or -1. */
int config_load(struct config *c, const char *path, struct err *e);
/* Splits "address:port" (brackets around IPv6). 0 or -1. */
int config_split_listen(const char *listen, char address[CONFIG_TEXT_MAX], uint16_t *port, struct err *e);
/* Whether a numeric address is loopback. */
bool config_is_loopback(const char *address);

#endif
