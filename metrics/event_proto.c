/* SPDX-License-Identifier: MIT */
/* Of protobuf's wire format only what these messages need: a field is a number and one of four shapes. The field
 * numbers are those of TensorFlow's event.proto, summary.proto and tensor.proto. */
#include "metrics/event_proto.h"

#include <endian.h>
#include <string.h>

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };
enum { EVENT_WALL_TIME = 1, EVENT_STEP = 2, EVENT_SUMMARY = 5, EVENT_SESSION_LOG = 7 };
enum { SESSION_STATUS = 1, SESSION_START = 1 };
enum { SUMMARY_VALUE = 1 };
enum { VALUE_TAG = 1, VALUE_SIMPLE = 2, VALUE_TENSOR = 8, VALUE_METADATA = 9 };
enum { METADATA_PLUGIN = 1, METADATA_CLASS = 4, CLASS_SCALAR = 1, PLUGIN_NAME = 1 };
enum { TENSOR_TYPE = 1, TENSOR_SHAPE = 2, TENSOR_CONTENT = 4, TENSOR_FLOATS = 5, TENSOR_DOUBLES = 6 };
enum { SHAPE_DIMENSION = 2, SHAPE_UNKNOWN = 3 };
enum { TYPE_FLOAT = 1, TYPE_DOUBLE = 2 };

struct field {
    uint32_t number;
    int wire;
    uint64_t bits; /* WIRE_VARINT, WIRE_64, WIRE_32 */
    const unsigned char *data;
    size_t len; /* WIRE_BYTES */
};

/* What is still to be read of a message. */
struct cursor {
    const unsigned char *at;
    size_t left;
};

static struct cursor inside(const struct field *f)
{
    return (struct cursor){.at = f->data, .left = f->len};
}

/* 0 or -1. */
static int read_varint(struct cursor *c, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 70 && c->left; shift += 7) {
        const unsigned char byte = *c->at++;

        c->left--;
        if (shift < 64)
            *out |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return 0;
    }
    return -1;
}

static uint64_t little_end(const unsigned char *p, size_t size)
{
    uint64_t v = 0;

    memcpy(&v, p, size);
    return le64toh(v);
}

/* Takes `size` bytes; NULL when there are not so many. */
static const unsigned char *take(struct cursor *c, uint64_t size)
{
    const unsigned char *p = c->at;

    if (size > c->left)
        return NULL;
    c->at += size;
    c->left -= size;
    return p;
}

/* The next field; 0 at the end, -1 for what is no field. */
static int next_field(struct cursor *c, struct field *f)
{
    uint64_t key, len = 0;

    *f = (struct field){0};
    if (!c->left)
        return 0;
    if (read_varint(c, &key) || key >> 3 == 0 || key >> 3 > 0x1fffffff)
        return -1;
    f->number = (uint32_t)(key >> 3);
    f->wire = (int)(key & 7);
    switch (f->wire) {
    case WIRE_VARINT:
        return read_varint(c, &f->bits) ? -1 : 1;
    case WIRE_BYTES:
        if (read_varint(c, &len))
            return -1;
        break;
    case WIRE_64:
        len = 8;
        break;
    case WIRE_32:
        len = 4;
        break;
    default:
        return -1;
    }
    f->data = take(c, len);
    if (!f->data)
        return -1;
    f->len = (size_t)len;
    if (f->wire != WIRE_BYTES)
        f->bits = little_end(f->data, f->len);
    return 1;
}

static bool is(const struct field *f, uint32_t number, int wire)
{
    return f->number == number && f->wire == wire;
}

static double as_float(uint64_t bits)
{
    float v;
    const uint32_t low = (uint32_t)bits;

    memcpy(&v, &low, sizeof(v));
    return (double)v;
}

static double as_double(uint64_t bits)
{
    double v;

    memcpy(&v, &bits, sizeof(v));
    return v;
}

/* ---- a value ---- */

/* Whether the shape is that of one number. -1 for what is no shape. */
static int read_shape(struct cursor c, bool *scalar)
{
    struct field f;
    int rc;

    *scalar = true;
    while ((rc = next_field(&c, &f)) > 0)
        if (f.number == SHAPE_DIMENSION || (is(&f, SHAPE_UNKNOWN, WIRE_VARINT) && f.bits))
            *scalar = false;
    return rc;
}

/* Adds what a field of numbers holds: packed, alone, or raw. */
static void add_numbers(const struct field *f, size_t size, size_t *count, uint64_t *bits)
{
    if (f->len < size)
        return;
    *count += f->len / size;
    *bits = little_end(f->data, size);
}

/* What a tensor's message says. */
struct tensor {
    uint64_t type, bits[2]; /* of the last float, the last double */
    size_t count[2];        /* floats, doubles */
    struct field content;
    bool scalar;
};

/* 0 or -1. */
static int read_tensor_field(const struct field *f, struct tensor *t)
{
    if (f->number == TENSOR_SHAPE && f->wire == WIRE_BYTES)
        return read_shape(inside(f), &t->scalar);
    if (is(f, TENSOR_TYPE, WIRE_VARINT))
        t->type = f->bits;
    else if (is(f, TENSOR_CONTENT, WIRE_BYTES))
        t->content = *f;
    else if (f->number == TENSOR_FLOATS && f->wire != WIRE_VARINT)
        add_numbers(f, 4, &t->count[0], &t->bits[0]);
    else if (f->number == TENSOR_DOUBLES && f->wire != WIRE_VARINT)
        add_numbers(f, 8, &t->count[1], &t->bits[1]);
    return 0;
}

static int read_tensor(struct cursor c, struct event_proto_value *v)
{
    struct tensor t = {.scalar = true};
    struct field f;
    int rc;

    while ((rc = next_field(&c, &f)) > 0)
        if (read_tensor_field(&f, &t))
            return -1;
    if (rc || !t.scalar || (t.type != TYPE_FLOAT && t.type != TYPE_DOUBLE))
        return rc;
    const int which = t.type == TYPE_DOUBLE;
    const size_t size = which ? 8 : 4;

    if (t.content.len)
        add_numbers(&t.content, size, &t.count[which], &t.bits[which]);
    if (t.count[which] != 1 || (t.content.len && t.content.len != size))
        return 0;
    v->has_tensor = true;
    v->single = !which;
    v->value = which ? as_double(t.bits[1]) : as_float(t.bits[0]);
    return 0;
}

static int read_metadata(struct cursor c, struct event_proto_value *v)
{
    struct field f, g;
    int rc;

    while ((rc = next_field(&c, &f)) > 0) {
        if (is(&f, METADATA_CLASS, WIRE_VARINT) && v->kind == EVENT_KIND_UNKNOWN && f.bits)
            v->kind = f.bits == CLASS_SCALAR ? EVENT_KIND_SCALAR : EVENT_KIND_OTHER;
        if (!is(&f, METADATA_PLUGIN, WIRE_BYTES))
            continue;
        struct cursor plugin = inside(&f);

        while ((rc = next_field(&plugin, &g)) > 0)
            if (is(&g, PLUGIN_NAME, WIRE_BYTES) && g.len)
                v->kind = g.len == 7 && memcmp(g.data, "scalars", 7) == 0 ? EVENT_KIND_SCALAR : EVENT_KIND_OTHER;
        if (rc)
            return -1;
    }
    return rc;
}

static int read_value(struct cursor c, struct event_proto_value *v)
{
    struct field f;
    int rc;

    *v = (struct event_proto_value){0};
    while ((rc = next_field(&c, &f)) > 0) {
        if (is(&f, VALUE_TAG, WIRE_BYTES)) {
            v->tag = (const char *)f.data;
            v->tag_len = f.len;
        } else if (is(&f, VALUE_SIMPLE, WIRE_32)) {
            v->has_simple = v->single = true;
            v->value = as_float(f.bits);
        } else if (is(&f, VALUE_TENSOR, WIRE_BYTES) && read_tensor(inside(&f), v)) {
            return -1;
        } else if (is(&f, VALUE_METADATA, WIRE_BYTES) && read_metadata(inside(&f), v)) {
            return -1;
        }
    }
    return rc;
}

/* ---- an event ---- */

static int read_summary(struct cursor c, const struct event_proto *event, event_proto_fn *fn, void *ctx)
{
    struct event_proto_value v;
    struct field f;
    int rc;

    while ((rc = next_field(&c, &f)) > 0) {
        if (!is(&f, SUMMARY_VALUE, WIRE_BYTES))
            continue;
        if (read_value(inside(&f), &v))
            return -1;
        rc = v.tag_len ? fn(ctx, event, &v) : 0;
        if (rc)
            return rc;
    }
    return rc;
}

static int read_session(struct cursor c, bool *started)
{
    struct field f;
    int rc;

    while ((rc = next_field(&c, &f)) > 0)
        if (is(&f, SESSION_STATUS, WIRE_VARINT))
            *started = f.bits == SESSION_START;
    return rc;
}

int event_proto_read(const void *data, size_t len, event_proto_fn *fn, void *ctx)
{
    struct event_proto event = {0};
    struct cursor c = {.at = data, .left = len};
    struct field f;
    int rc;

    /* Once for what applies to the values, which may stand behind them. */
    while ((rc = next_field(&c, &f)) > 0) {
        if (is(&f, EVENT_WALL_TIME, WIRE_64))
            event.wall_time = as_double(f.bits);
        else if (is(&f, EVENT_STEP, WIRE_VARINT))
            event.step = (int64_t)f.bits;
        else if (is(&f, EVENT_SESSION_LOG, WIRE_BYTES) && read_session(inside(&f), &event.restarted))
            return -1;
    }
    if (rc)
        return rc;
    if (event.restarted) {
        rc = fn(ctx, &event, NULL);
        if (rc)
            return rc;
    }
    c = (struct cursor){.at = data, .left = len};
    while (next_field(&c, &f) > 0) {
        if (!is(&f, EVENT_SUMMARY, WIRE_BYTES))
            continue;
        rc = read_summary(inside(&f), &event, fn, ctx);
        if (rc)
            return rc;
    }
    return 0;
}
