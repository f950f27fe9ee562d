/* SPDX-License-Identifier: MIT
 *
 * GPUs of a node as a Prometheus knows them that scrapes NVIDIA's DCGM exporter there: a source for machines whose
 * driver droverd cannot ask itself.
 */
#ifndef DROVER_METRICS_PROMETHEUS_H
#define DROVER_METRICS_PROMETHEUS_H

struct err;
struct remote_source;
struct source;

/* A source; nothing is asked before its `find`. `node`: its name where the settings name none. The settings are
 * borrowed. NULL with the error. */
struct source *prometheus_create(const struct remote_source *c, const char *node, struct err *e);

#endif
