/* SPDX-License-Identifier: MIT
 *
 * The packets between engine, spawner and shims, the task spec and the record files: what decodes must encode to an
 * equal thing. The first byte chooses.
 */
// link: drover_engines
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "engines/local/proto.h"
#include "engines/local/record.h"
#include "engines/local/taskspec.h"

static void fuzz_packet(const uint8_t *data, size_t size)
{
    static struct proto_msg m, again;
    static uint8_t first[PROTO_MAX], second[PROTO_MAX];
    size_t len;

    if (proto_decode(data, size, &m))
        return;
    len = proto_encode(&m, first);
    assert(len > 0);
    assert(proto_decode(first, len, &again) == 0);
    assert(m.type == again.type && m.pid == again.pid && m.number == again.number && m.text_len == again.text_len);
    assert(strcmp(m.attempt, again.attempt) == 0 && strcmp(m.text, again.text) == 0);
    assert(proto_encode(&again, second) == len && memcmp(first, second, len) == 0);
}

static void fuzz_record(const uint8_t *data, size_t size)
{
    static struct record r, again;
    struct buf b;

    if (record_parse((const char *)data, size, &r))
        return;
    buf_init(&b, 0);
    assert(record_format(&b, &r) == 0);
    assert(record_parse(b.data, b.len, &again) == 0);
    assert(r.pid == again.pid && r.ended == again.ended && r.gpu_count == again.gpu_count);
    assert(!r.ended || (r.code == again.code && r.signal == again.signal && r.bytes[2] == again.bytes[2]));
    buf_fini(&b);
}

static void fuzz_taskspec(const uint8_t *data, size_t size)
{
    struct taskspec t;
    size_t total = 0;

    if (taskspec_decode(data, size, &t, NULL))
        return;
    for (size_t i = 0; i < t.env_count; i++)
        total += strlen(t.env[i]);
    assert(total + strlen(t.script) + strlen(t.shell) <= size);
    assert(!t.env[t.env_count]);
    free(t.env);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const parts[])(const uint8_t *, size_t) = {fuzz_packet, fuzz_record, fuzz_taskspec};

    if (size > 0)
        parts[data[0] % 3](data + 1, size - 1);
    return 0;
}
