/* SPDX-License-Identifier: MIT
 *
 * One look: each rule's figure is taken from what the server has, and what the rule says of it goes into the book.
 */
#ifndef DROVER_SERVER_ALERTS_ALERT_LOOK_H
#define DROVER_SERVER_ALERTS_ALERT_LOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "server/alerts/alert_rule.h"
#include "server/self.h"

struct alert_book;
struct alert_sources;
struct arena;
struct gpu_watch;
struct loop;
struct remote_writer;
struct snapshot;
struct store;
struct tls;

/* What figures come from. All borrowed; NULL: there is none. */
struct alert_sources {
    const char *data_dir;
    struct loop *loop;
    const struct gpu_watch *watch;
    struct remote_writer *remote;
    struct tls *tls;
};

/* Figures of the server and its machine, which only one thread reads, for they may last. Zeroed before the first. */
struct alert_machine {
    bool known[ALERT_FIGURES];
    int64_t value[ALERT_FIGURES];
    struct self_cpu cpu;
    uint64_t failures; /* of commits, so far */
    int64_t failed_ms; /* when there were more */
};
void alert_machine_read(struct alert_machine *m, const struct alert_sources *s, int64_t now_ms);

/* How much is looked at; the rest stays as it is. */
enum alert_depth { ALERT_LOOK_SNAPSHOT, ALERT_LOOK_MACHINE, ALERT_LOOK_JOBS };

struct alert_look {
    struct alert_book *book;
    const struct alert_settings *settings;
    const struct alert_sources *sources;
    const struct alert_machine *machine;
    const struct snapshot *snap; /* NULL: the core has not said anything yet, nor found its tasks */
    struct store *store;         /* a reader; NULL: what is in rows stays as it is */
    struct arena *arena;
    enum alert_depth depth;
    int64_t now_ms;
};
void alert_look(const struct alert_look *l);

#endif
