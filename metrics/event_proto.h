/* SPDX-License-Identifier: MIT
 *
 * What one record of a TensorBoard event file says: a protobuf message "Event" with scalars in it, as PyTorch and TF 1
 * (simple_value) and TF 2 and Keras (a tensor) write them. Fields that are not known are skipped. Pure.
 */
#ifndef DROVER_METRICS_EVENT_PROTO_H
#define DROVER_METRICS_EVENT_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_proto {
    int64_t step;
    double wall_time; /* seconds since 1970; any double */
    bool restarted;   /* a program begins to write here, and what was written of this step and later is void */
};

/* What the metadata of a value says its tag holds. Programs send it with a tag's first value only. */
enum event_kind { EVENT_KIND_UNKNOWN, EVENT_KIND_SCALAR, EVENT_KIND_OTHER };

/* One value of a summary. */
struct event_proto_value {
    const char *tag; /* `tag_len` bytes of anything; borrowed from the record */
    size_t tag_len;
    enum event_kind kind;
    bool has_simple, has_tensor; /* a tensor that is one number */
    bool single;                 /* `value` is of a float */
    double value;
};
typedef int event_proto_fn(void *ctx, const struct event_proto *event, const struct event_proto_value *value);

/* Reads one record; `fn` gets each value of it that has a tag, and before these, where the event is a restart, NULL.
 * What `fn` returned where that is not 0; -1 when the
 * record is no such message, and `fn` has got what comes before the flaw. */
int event_proto_read(const void *data, size_t len, event_proto_fn *fn, void *ctx);

#endif
