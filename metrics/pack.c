/* SPDX-License-Identifier: MIT
 *
 * Numbers are written as steps above the least, in units of what divides all steps (a clock goes by 15 MHz, memory by
 * pages). All arithmetic is modulo 2^64, so that there is nothing that could not be written.
 */
#include "metrics/pack.h"

#include <math.h>
#include <stdbool.h>

#include "base/buf.h"

enum {
    BLOCK = 32,
    PARAMETER_BITS = 6, /* of a block: 0 = all zero, else one more than the Rice parameter */
    PARAMETER_MAX = 62,
    UNARY_MAX = 24, /* so many ones: the number follows as it is */
    ORDERS = 3
};

/* How a row is predicted. */
struct model {
    int order;        /* numbers before that take part */
    uint64_t usual;   /* what the prediction is off by as a rule */
    uint64_t least;   /* of the values */
    uint64_t divisor; /* of what they are above it */
};

static uint64_t fold(uint64_t v)
{
    return v << 1 ^ (UINT64_C(0) - (v >> 63));
}

static uint64_t unfold(uint64_t v)
{
    return v >> 1 ^ (UINT64_C(0) - (v & 1));
}

/* ---- bytes ---- */

void pack_put(struct buf *out, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        buf_addc(out, (char)(v | 0x80));
    buf_addc(out, (char)v);
}

uint64_t pack_get(struct pack_reader *r)
{
    uint64_t v = 0;

    for (unsigned shift = 0; shift < 64 && r->at < r->len; shift += 7) {
        const unsigned char c = r->data[r->at++];

        v |= (uint64_t)(c & 0x7f) << shift;
        if (!(c & 0x80))
            return v;
    }
    r->bad = 1;
    return 0;
}

void pack_put_signed(struct buf *out, int64_t v)
{
    pack_put(out, fold((uint64_t)v));
}

int64_t pack_get_signed(struct pack_reader *r)
{
    return (int64_t)unfold(pack_get(r));
}

/* ---- bits, the highest first ---- */

struct bits_out {
    struct buf *out;
    unsigned byte, used;
};

static void put_bits(struct bits_out *b, uint64_t v, unsigned count)
{
    while (count-- > 0) {
        b->byte = b->byte << 1 | (unsigned)(v >> count & 1);
        if (++b->used == 8) {
            buf_addc(b->out, (char)b->byte);
            b->byte = b->used = 0;
        }
    }
}

struct bits_in {
    struct pack_reader *r;
    unsigned used; /* of the byte that the reader is at */
};

static uint64_t get_bits(struct bits_in *b, unsigned count)
{
    uint64_t v = 0;

    for (; count > 0; count--) {
        if (b->r->at >= b->r->len) {
            b->r->bad = 1;
            return 0;
        }
        v = v << 1 | (b->r->data[b->r->at] >> (7 - b->used) & 1);
        b->used = (b->used + 1) % 8;
        b->r->at += b->used == 0;
    }
    return v;
}

/* ---- Rice codes ---- */

static unsigned code_bits(uint64_t v, unsigned k)
{
    const uint64_t q = v >> k;

    return q >= UNARY_MAX ? UNARY_MAX + 64 : (unsigned)q + 1 + k;
}

static void put_code(struct bits_out *b, uint64_t v, unsigned k)
{
    const uint64_t q = v >> k;

    if (q >= UNARY_MAX) {
        put_bits(b, (1u << UNARY_MAX) - 1, UNARY_MAX);
        put_bits(b, v, 64);
        return;
    }
    put_bits(b, (UINT64_C(1) << (q + 1)) - 2, (unsigned)q + 1);
    put_bits(b, v, k);
}

static uint64_t get_code(struct bits_in *b, unsigned k)
{
    unsigned q = 0;

    while (q < UNARY_MAX && get_bits(b, 1))
        q++;
    if (q == UNARY_MAX)
        return get_bits(b, 64);
    return (uint64_t)q << k | get_bits(b, k);
}

/* Bits of a block, and with which parameter. */
static unsigned block_bits(const uint64_t *v, int count, unsigned *parameter)
{
    uint64_t largest = 0;
    unsigned best = ~0u;

    for (int i = 0; i < count; i++)
        largest |= v[i];
    *parameter = 0;
    if (!largest)
        return PARAMETER_BITS;
    for (unsigned k = 0; k <= PARAMETER_MAX && (k == 0 || largest >> (k - 1)); k++) {
        unsigned bits = PARAMETER_BITS;

        for (int i = 0; i < count; i++)
            bits += code_bits(v[i], k);
        if (bits < best) {
            best = bits;
            *parameter = k + 1;
        }
    }
    return best;
}

/* ---- prediction ---- */

/* A value in units of the divisor above the least. */
static uint64_t step_of(const struct model *m, int64_t value)
{
    return ((uint64_t)value - m->least) / m->divisor;
}

static uint64_t predict(const struct model *m, uint64_t before, uint64_t earlier)
{
    return m->usual + (m->order == 0 ? 0 : m->order == 1 ? before : 2 * before - earlier);
}

/* Takes the next block of what the model leaves. How many they are. */
static int next_block(const struct model *m, const int64_t *values, int at, int count, uint64_t out[BLOCK])
{
    int n = 0;

    for (int i = at; i < count && n < BLOCK; i++) {
        const uint64_t v = step_of(m, values[i]);
        const uint64_t before = i > 0 ? step_of(m, values[i - 1]) : 0;
        const uint64_t earlier = i > 1 ? step_of(m, values[i - 2]) : before;

        out[n++] = fold(v - predict(m, before, earlier));
    }
    return n;
}

static uint64_t row_bits(const struct model *m, const int64_t *values, int count)
{
    uint64_t block[BLOCK], bits = 0;
    unsigned parameter;

    for (int i = 0; i < count; i += BLOCK)
        bits += block_bits(block, next_block(m, values, i, count, block), &parameter);
    return bits;
}

/* The mean of what the order leaves without its first, where it is small enough to be worth it. */
static uint64_t usual_of(struct model m, const int64_t *values, int count)
{
    const double first = (double)step_of(&m, values[0]);
    const double last = (double)step_of(&m, values[count - 1]);
    double sum = 0;

    if (m.order == 1)
        return fabs(last - first) < 1e18 ? (uint64_t)(int64_t)((last - first) / count) : 0;
    for (int i = 0; i < count; i++)
        sum += (double)step_of(&m, values[i]);
    sum /= count;
    return m.order == 0 && sum < 1e18 ? (uint64_t)sum : 0;
}

static void choose(struct model *m, const int64_t *values, int count)
{
    uint64_t best = UINT64_MAX;
    struct model chosen = *m;

    for (int i = 0; i < 2 * ORDERS; i++) {
        struct model tried = *m;

        tried.order = i / 2;
        tried.usual = i % 2 ? usual_of(tried, values, count) : 0;
        if (i % 2 && !tried.usual)
            continue;
        const uint64_t bits = row_bits(&tried, values, count);
        if (bits < best) {
            best = bits;
            chosen = tried;
        }
    }
    *m = chosen;
}

/* ---- rows ---- */

static uint64_t common(uint64_t a, uint64_t b)
{
    while (b) {
        const uint64_t rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

static void look_at(struct pack_sum *s, const int64_t *values, int count)
{
    uint64_t sum = 0;

    *s = (struct pack_sum){0};
    for (int i = 0; i < count; i++) {
        if (i == 0 || values[i] < s->min)
            s->min = values[i];
        if (i == 0 || values[i] > s->max)
            s->max = values[i];
        sum += (uint64_t)values[i];
    }
    s->sum = (int64_t)sum;
}

void pack_write(struct buf *out, const int64_t *values, int count)
{
    struct bits_out b = {.out = out};
    struct model m = {.divisor = 0};
    struct pack_sum s;

    look_at(&s, values, count);
    m.least = (uint64_t)s.min;
    pack_put_signed(out, s.min);
    pack_put(out, (uint64_t)s.max - m.least);
    pack_put_signed(out, s.sum);
    if (s.max == s.min)
        return;
    for (int i = 0; i < count && m.divisor != 1; i++)
        m.divisor = common((uint64_t)values[i] - m.least, m.divisor);
    choose(&m, values, count);
    pack_put(out, m.divisor);
    pack_put(out, (uint64_t)m.order);
    pack_put_signed(out, (int64_t)m.usual);
    for (int i = 0; i < count; i += BLOCK) {
        uint64_t block[BLOCK];
        const int n = next_block(&m, values, i, count, block);
        unsigned parameter;

        block_bits(block, n, &parameter);
        put_bits(&b, parameter, PARAMETER_BITS);
        for (int j = 0; parameter && j < n; j++)
            put_code(&b, block[j], parameter - 1);
    }
    if (b.used)
        put_bits(&b, 0, 8 - b.used);
}

int pack_read_sum(struct pack_reader *r, struct pack_sum *out)
{
    const uint64_t least = (uint64_t)pack_get_signed(r);
    const uint64_t range = pack_get(r);
    const int64_t sum = pack_get_signed(r);

    *out = (struct pack_sum){(int64_t)least, (int64_t)(least + range), sum};
    return r->bad || out->max < out->min ? -1 : 0;
}

static void read_blocks(struct pack_reader *r, const struct model *m, int64_t *values, int count)
{
    struct bits_in b = {.r = r};
    uint64_t before = 0, earlier = 0;
    unsigned parameter = 0;

    for (int i = 0; i < count && !r->bad; i++) {
        if (i % BLOCK == 0)
            parameter = (unsigned)get_bits(&b, PARAMETER_BITS);
        const uint64_t left = parameter ? get_code(&b, parameter - 1) : 0;
        const uint64_t v = unfold(left) + predict(m, before, earlier);

        values[i] = (int64_t)(m->least + v * m->divisor);
        earlier = i ? before : v;
        before = v;
    }
    r->at += b.used > 0;
}

int pack_read(struct pack_reader *r, int64_t *values, int count, struct pack_sum *out)
{
    struct model m = {.least = 0};
    struct pack_sum is;

    if (pack_read_sum(r, out))
        return -1;
    m.least = (uint64_t)out->min;
    for (int i = 0; i < count; i++)
        values[i] = out->min;
    if (out->max != out->min) {
        m.divisor = pack_get(r);
        const uint64_t order = pack_get(r);
        m.usual = (uint64_t)pack_get_signed(r);
        if (r->bad || order >= ORDERS)
            return -1;
        m.order = (int)order;
        read_blocks(r, &m, values, count);
    }
    look_at(&is, values, count);
    return r->bad || is.min != out->min || is.max != out->max || is.sum != out->sum ? -1 : 0;
}
