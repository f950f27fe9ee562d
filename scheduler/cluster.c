/* SPDX-License-Identifier: MIT
 *
 * The account of free resources. Invariants (cluster_check):
 *   C1 a usable node hangs in bucket min(free GPUs, NODE_GPU_MAX), an unusable one in none;
 *   C2 `total` and `used` of the cluster are the sums over usable nodes;
 *   C3 port_free is the number of clear bits of port_used, and what is blocked is used.
 */
#include "scheduler/cluster.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

enum { BUCKETS = NODE_GPU_MAX + 1, WORD_BITS = 64 };

struct cluster {
    struct cluster_node **nodes; /* by index; each allocated on its own so that names can be hash keys */
    size_t count, cap;
    struct hash *by_name; /* values are index + 1 as pointers */
    int first[BUCKETS];
    struct resources total, used; /* of usable nodes */
    size_t closing;
    uint64_t release_version;
};

struct cluster *cluster_create(void)
{
    struct cluster *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->by_name = hash_create();
    if (!c->by_name) {
        free(c);
        return NULL;
    }
    for (int b = 0; b < BUCKETS; b++)
        c->first[b] = -1;
    return c;
}

void cluster_destroy(struct cluster *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->count; i++) {
        free(c->nodes[i]->port_used);
        free(c->nodes[i]->port_blocked);
        free(c->nodes[i]);
    }
    free(c->nodes);
    hash_destroy(c->by_name);
    free(c);
}

static int clamp_bucket(int64_t free_gpus)
{
    if (free_gpus < 0)
        return 0;
    return free_gpus > NODE_GPU_MAX ? NODE_GPU_MAX : (int)free_gpus;
}

static void add(struct resources *sum, const struct resources *r, int sign)
{
    sum->cpus += sign * r->cpus;
    sum->memory_mb += sign * r->memory_mb;
    sum->gpus += sign * r->gpus;
}

static void unlink_node(struct cluster *c, int index)
{
    struct cluster_node *n = c->nodes[index];
    if (n->bucket < 0)
        return;
    if (n->prev >= 0)
        c->nodes[n->prev]->next = n->next;
    else
        c->first[n->bucket] = n->next;
    if (n->next >= 0)
        c->nodes[n->next]->prev = n->prev;
    n->bucket = -1;
    n->next = n->prev = -1;
    add(&c->total, &n->total, -1);
    add(&c->used, &n->used, -1);
}

/* Hangs the node into its bucket, lowest index first among the nodes that are looked at, so that plans are
 * deterministic. */
static void link_node(struct cluster *c, int index)
{
    struct cluster_node *n = c->nodes[index];
    if (!cluster_usable(&n->info))
        return;
    int b = clamp_bucket(n->total.gpus - n->used.gpus);
    n->bucket = b;
    n->prev = -1;
    n->next = c->first[b];
    if (n->next >= 0)
        c->nodes[n->next]->prev = index;
    c->first[b] = index;
    add(&c->total, &n->total, 1);
    add(&c->used, &n->used, 1);
}

static int port_span(const struct node *info)
{
    return info->port_last >= info->port_first ? info->port_last - info->port_first + 1 : 0;
}

static struct cluster_node *new_node(struct cluster *c, const struct node *info)
{
    if (c->count == c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 16;
        struct cluster_node **grown = realloc(c->nodes, cap * sizeof(struct cluster_node *));
        if (!grown)
            return NULL;
        c->nodes = grown;
        c->cap = cap;
    }
    struct cluster_node *n = calloc(1, sizeof *n);
    if (!n)
        return NULL;
    n->info = *info;
    n->bucket = n->next = n->prev = -1;
    if (hash_put(c->by_name, n->info.name, (void *)(uintptr_t)(c->count + 1))) {
        free(n);
        return NULL;
    }
    c->nodes[c->count++] = n;
    return n;
}

/* Healthy GPUs only. */
static struct resources totals(const struct node *info)
{
    struct resources r = {.cpus = info->cpus, .memory_mb = info->memory_mb};
    for (int i = 0; i < info->gpu_count; i++)
        r.gpus += gpu_given(&info->gpus[i]);
    return r;
}

int cluster_find(const struct cluster *c, const char *name)
{
    return (int)(uintptr_t)hash_get(c->by_name, name) - 1;
}

size_t cluster_count(const struct cluster *c)
{
    return c->count;
}

const struct cluster_node *cluster_at(const struct cluster *c, int index)
{
    assert(index >= 0 && (size_t)index < c->count);
    return c->nodes[index];
}

/* GPUs may be taken twice for a while, by who leaves and who comes: that is nothing to who asks for none. */
static bool has_room(const struct cluster_node *n, const struct resources *want, int ports)
{
    return n->total.cpus - n->used.cpus >= want->cpus && n->total.memory_mb - n->used.memory_mb >= want->memory_mb &&
           (!want->gpus || n->total.gpus - n->used.gpus >= want->gpus) && n->port_free >= ports;
}

void cluster_close(struct cluster *c, int index, int64_t closes_ms, int64_t opens_ms)
{
    struct cluster_node *n = c->nodes[index];
    c->closing += (size_t)(closes_ms != 0);
    c->closing -= (size_t)(n->closes_ms != 0);
    n->closes_ms = closes_ms;
    n->opens_ms = opens_ms;
}

size_t cluster_closing(const struct cluster *c)
{
    return c->closing;
}

bool cluster_closes(const struct cluster *c, int index, int64_t until_ms)
{
    int64_t at = c->nodes[index]->closes_ms;
    return at && at < until_ms;
}

static bool allows(const struct cluster *c, const struct cluster_wish *wish, int index)
{
    return !wish || ((!wish->only || wish->only[index]) && !cluster_closes(c, index, wish->until_ms));
}

int cluster_best(const struct cluster *c, const struct resources *want, int ports, const struct cluster_wish *wish)
{
    for (int b = clamp_bucket(want->gpus); b < BUCKETS; b++)
        for (int i = c->first[b]; i >= 0; i = c->nodes[i]->next)
            if (allows(c, wish, i) && has_room(c->nodes[i], want, ports))
                return i;
    return -1;
}

bool cluster_room(const struct cluster *c, int index, const struct resources *want, int ports)
{
    return c->nodes[index]->bucket >= 0 && has_room(c->nodes[index], want, ports);
}

static bool bit_get(const uint64_t *map, int offset)
{
    return map[offset / WORD_BITS] >> (offset % WORD_BITS) & 1;
}

static void bit_flip(uint64_t *map, int offset)
{
    map[offset / WORD_BITS] ^= UINT64_C(1) << (offset % WORD_BITS);
}

static bool port_get(const struct cluster_node *n, int offset)
{
    return bit_get(n->port_used, offset);
}

static size_t port_words(const struct node *info)
{
    size_t words = ((size_t)port_span(info) + WORD_BITS - 1) / WORD_BITS;
    return words ? words : 1;
}

/* Sets or clears one port's bit; out-of-range ports (of an older range) are ignored. Returns whether it changed. */
static bool port_set(struct cluster_node *n, int port, bool used)
{
    int offset = port - n->info.port_first;
    if (offset < 0 || offset >= port_span(&n->info) || port_get(n, offset) == used)
        return false;
    bit_flip(n->port_used, offset);
    n->port_free += used ? -1 : 1;
    return true;
}

/* A port map for the node's new range. Ports of both ranges stay as they were: what runs goes on using them. 0 or -1.
 */
static int reset_ports(struct cluster_node *n, const struct node *info)
{
    struct cluster_node fresh = {.info = *info, .port_free = port_span(info)};
    if (n->port_used && n->info.port_first == info->port_first && n->info.port_last == info->port_last)
        return 0;
    fresh.port_used = calloc(port_words(info), sizeof *fresh.port_used);
    fresh.port_blocked = calloc(port_words(info), sizeof *fresh.port_blocked);
    if (!fresh.port_used || !fresh.port_blocked) {
        free(fresh.port_used);
        free(fresh.port_blocked);
        return -1;
    }
    for (int p = 0; n->port_used && p < port_span(&n->info); p++)
        if (port_get(n, p) && port_set(&fresh, n->info.port_first + p, true) && bit_get(n->port_blocked, p))
            bit_flip(fresh.port_blocked, n->info.port_first + p - info->port_first);
    free(n->port_used);
    free(n->port_blocked);
    n->port_used = fresh.port_used;
    n->port_blocked = fresh.port_blocked;
    n->port_free = fresh.port_free;
    n->port_hint = 0;
    return 0;
}

int cluster_put_node(struct cluster *c, const struct node *info)
{
    int index = cluster_find(c, info->name);
    struct cluster_node *n = index < 0 ? new_node(c, info) : c->nodes[index];
    if (!n || reset_ports(n, info))
        return -1;
    if (index < 0)
        index = (int)c->count - 1;
    unlink_node(c, index);
    n->info = *info;
    node_topology_read(info, &n->lies);
    n->total = totals(info);
    link_node(c, index);
    c->release_version++;
    return index;
}

static int pick_port(struct cluster_node *n)
{
    int span = port_span(&n->info);

    assert(span > 0 && n->port_free > 0); /* the caller has counted */
    while (port_get(n, n->port_hint))
        n->port_hint = (n->port_hint + 1) % span;
    int port = n->info.port_first + n->port_hint;
    port_set(n, port, true);
    n->port_hint = (n->port_hint + 1) % span;
    return port;
}

/* Changes a node's use and moves it to its new bucket. */
static void change_used(struct cluster *c, int index, const struct resources *want, int sign)
{
    unlink_node(c, index);
    add(&c->nodes[index]->used, want, sign);
    link_node(c, index);
}

struct cluster *cluster_clone(const struct cluster *c)
{
    struct cluster *copy = cluster_create();
    for (size_t i = 0; copy && i < c->count; i++) {
        const struct cluster_node *n = c->nodes[i];
        int index = cluster_put_node(copy, &n->info);
        if (index < 0) {
            cluster_destroy(copy);
            return NULL;
        }
        copy->nodes[index]->port_free = n->port_free;
        size_t size = port_words(&n->info) * sizeof *n->port_used;
        memcpy(copy->nodes[index]->port_used, n->port_used, size);
        memcpy(copy->nodes[index]->port_blocked, n->port_blocked, size);
        change_used(copy, index, &n->used, 1);
        cluster_close(copy, index, n->closes_ms, n->opens_ms);
    }
    return copy;
}

void cluster_take(struct cluster *c, int index, const struct resources *want, int *ports, int port_count)
{
    assert(has_room(c->nodes[index], want, port_count));
    cluster_reserve(c, index, want, ports, port_count);
}

void cluster_reserve(struct cluster *c, int index, const struct resources *want, int *ports, int port_count)
{
    for (int i = 0; i < port_count; i++)
        ports[i] = pick_port(c->nodes[index]);
    change_used(c, index, want, 1);
}

bool cluster_retake(struct cluster *c, int index, const struct resources *want, const int *ports, int port_count)
{
    struct cluster_node *n = c->nodes[index];
    bool fits = has_room(n, want, port_count);
    for (int i = 0; i < port_count; i++)
        fits = port_set(n, ports[i], true) && fits;
    change_used(c, index, want, 1);
    return fits;
}

void cluster_give(struct cluster *c, int index, const struct resources *want, const int *ports, int port_count)
{
    for (int i = 0; i < port_count; i++)
        port_set(c->nodes[index], ports[i], false);
    change_used(c, index, want, -1);
    c->release_version++;
}

bool cluster_block_port(struct cluster *c, int index, int port)
{
    struct cluster_node *n = c->nodes[index];
    if (!port_set(n, port, true))
        return false;
    bit_flip(n->port_blocked, port - n->info.port_first);
    return true;
}

bool cluster_unblock_port(struct cluster *c, int index, int port)
{
    struct cluster_node *n = c->nodes[index];
    int offset = port - n->info.port_first;
    if (offset < 0 || offset >= port_span(&n->info) || !bit_get(n->port_blocked, offset))
        return false;
    bit_flip(n->port_blocked, offset);
    port_set(n, port, false);
    c->release_version++;
    return true;
}

struct resources cluster_total(const struct cluster *c)
{
    return c->total;
}

struct resources cluster_free(const struct cluster *c)
{
    struct resources r = c->total;
    add(&r, &c->used, -1);
    return r;
}

uint64_t cluster_release_version(const struct cluster *c)
{
    return c->release_version;
}

static bool check_node(const struct cluster *c, int index)
{
    const struct cluster_node *n = c->nodes[index];
    bool usable = cluster_usable(&n->info);
    int clear = 0;
    for (int p = 0; p < port_span(&n->info); p++) {
        if (bit_get(n->port_blocked, p) && !port_get(n, p))
            return false;
        clear += !port_get(n, p);
    }
    if (clear != n->port_free || usable != (n->bucket >= 0))
        return false;
    if (!usable)
        return true;
    if (n->bucket != clamp_bucket(n->total.gpus - n->used.gpus))
        return false;
    for (int i = c->first[n->bucket]; i >= 0; i = c->nodes[i]->next)
        if (i == index)
            return true;
    return false;
}

bool cluster_check(const struct cluster *c)
{
    struct resources total = {0}, used = {0};
    for (size_t i = 0; i < c->count; i++) {
        if (!check_node(c, (int)i))
            return false;
        if (c->nodes[i]->bucket >= 0) {
            add(&total, &c->nodes[i]->total, 1);
            add(&used, &c->nodes[i]->used, 1);
        }
    }
    return !memcmp(&total, &c->total, sizeof total) && !memcmp(&used, &c->used, sizeof used);
}
