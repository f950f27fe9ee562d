/* SPDX-License-Identifier: MIT
 *
 * How much each user may keep on the node, and keeps (engines/local/quota.h): what the database knows of attempts and
 * users, the virtual clusters' limits, the code that users have sent, and the words of a refusal.
 */
#ifndef DROVER_SERVER_DISK_QUOTA_H
#define DROVER_SERVER_DISK_QUOTA_H

#include <stdint.h>

struct code;
struct disk_quota;
struct err;
struct json_out;
struct quota;
struct readers;
struct snapshots;

struct disk_quota_config {
    struct readers *readers;
    struct snapshots *snapshots;
    const struct code *code;
    int usual_mb; /* the site's limit; a virtual cluster may have another for its jobs, a user one before both */
};

/* What it is given is borrowed. NULL on error. */
struct disk_quota *disk_quota_create(const struct disk_quota_config *c, struct err *e);
/* After the janitor and the last request. NULL ok. */
void disk_quota_destroy(struct disk_quota *q);
/* The account, for the janitor. NULL ok: NULL. */
struct quota *disk_quota_account(struct disk_quota *q);

/* The rest: any thread, and with q NULL there is no limit and nothing is said. */

/* Whether the user may leave more, for a job of that virtual cluster. 0, or -1 with ERR_TOO_MANY, which says how to
 * free space. */
int disk_quota_check(struct disk_quota *q, const char *user, const char *vc, struct err *e);
/* Writes the member "disk" of a user: what is kept, and the limit of that user (`own_mb`) or the site, in MB. */
void disk_quota_write(struct json_out *j, struct disk_quota *q, const char *user, int own_mb);
/* The user has deleted a job: what it left goes soon. */
void disk_quota_deleted(struct disk_quota *q, const char *user);

#endif
