/* SPDX-License-Identifier: MIT
 *
 * Maintenance windows and the history of nodes, in the API.
 */
#ifndef DROVER_SERVER_API_MAINTENANCE_H
#define DROVER_SERVER_API_MAINTENANCE_H

struct err;
struct request;

/* Handlers of the route table: the windows; to make, change and remove one. */
int api_maintenance_list(struct request *r, void *context, struct err *e);
int api_maintenance_add(struct request *r, void *context, struct err *e);
int api_maintenance_put(struct request *r, void *context, struct err *e);
int api_maintenance_remove(struct request *r, void *context, struct err *e);
/* What happened to a node. */
int api_node_events(struct request *r, void *context, struct err *e);

#endif
