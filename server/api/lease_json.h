/* SPDX-License-Identifier: MIT
 *
 * Debug reservations as JSON: in their list, and in a job's detail.
 */
#ifndef DROVER_SERVER_API_LEASE_JSON_H
#define DROVER_SERVER_API_LEASE_JSON_H

struct err;
struct json_out;
struct lease_store_which;
struct store;

/* Writes the leases that are asked for as a list. 0, or -1 with `e`. */
int lease_json_list(struct json_out *j, struct store *s, const struct lease_store_which *which, struct err *e);

#endif
