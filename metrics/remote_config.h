/* SPDX-License-Identifier: MIT
 *
 * The configuration's `remoteWrite`: to whom samples are sent, and how; and others that are spoken to likewise.
 * docs/METRICS.md lists the keys.
 */
#ifndef DROVER_METRICS_REMOTE_CONFIG_H
#define DROVER_METRICS_REMOTE_CONFIG_H

#include <stdbool.h>

struct doc;
struct err;

enum { REMOTE_TEXT_MAX = 256, REMOTE_OWN_LABELS = 8 };

/* Plain data. A text that was not told is "". */
struct remote_settings {
    char url[REMOTE_TEXT_MAX];               /* http:// or https://; "" = samples are sent nowhere */
    char bearer_token_file[REMOTE_TEXT_MAX]; /* its first line is sent; read anew for each request, as the next */
    char username[REMOTE_TEXT_MAX];          /* for basic authentication, instead */
    char password_file[REMOTE_TEXT_MAX];
    char ca_file[REMOTE_TEXT_MAX]; /* PEM: whom to trust, instead of the system's list */
    char user[REMOTE_TEXT_MAX];    /* of Drover: whose jobs are told of are those that it may read; "" = nobody's */
    int interval_s;                /* between looks */
    int queue_mb;                  /* what waits while the receiver does not take it */
    int label_count;
    struct {
        char name[REMOTE_TEXT_MAX], value[REMOTE_TEXT_MAX];
    } labels[REMOTE_OWN_LABELS]; /* of every series */
};

/* Nothing is sent; what a map that names a url need not tell. */
void remote_config_defaults(struct remote_settings *c);
/* Reads the map. 0, or -1 with ERR_INVALID_PARAMETERS and the place. */
int remote_config_read(struct remote_settings *c, const struct doc *d, struct err *e);
/* The configuration's `alertmanager`: whom alerts are posted to; url, bearerTokenFile, caFile. The url becomes that of
 * its alerts. 0, or -1 with ERR_INVALID_PARAMETERS and the place. */
int remote_config_read_alertmanager(struct remote_settings *c, const struct doc *d, struct err *e);

/* The configuration's `gpuPrometheus`: whom figures of this machine's GPUs are asked of, instead of the driver. */
struct remote_source {
    struct remote_settings to; /* url (of its queries), secrets, caFile; labels that series must have */
    char node_label[REMOTE_TEXT_MAX], gpu_label[REMOTE_TEXT_MAX];
    char node[REMOTE_TEXT_MAX]; /* the value of the first; "" = this node's name */
};
/* Reads the map. 0, or -1 with ERR_INVALID_PARAMETERS and the place. */
int remote_config_read_source(struct remote_source *c, const struct doc *d, struct err *e);

#endif
