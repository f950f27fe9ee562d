/* SPDX-License-Identifier: MIT
 *
 * What is done about GPUs that are not used, as an admin may send it, and what was counted of one, as a damaged
 * database may hold it: what is read without an error and written again is read as the same.
 */
// link: drover_metrics
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "metrics/idle.h"
#include "metrics/source.h"

static const struct idle_rule rule = {
    .kind = IDLE_LOW_MEAN, .utilization = 20, .window_s = 600, .warn_count = 1, .after_s = 60};

static void read_policy(const char *text, size_t size)
{
    static struct idle_policy p, again;
    struct err e = {0};
    cJSON *o = json_parse(text, size, 0, &e);
    struct json_out j;
    struct buf b;

    if (o && !idle_policy_parse(o, &p, &e)) {
        buf_init(&b, 0);
        json_out_init(&j, &b);
        idle_policy_write(&j, &p);
        cJSON *written = json_parse(buf_str(&b), b.len, 0, &e);
        assert(written && !idle_policy_parse(written, &again, &e));
        assert(p.rule_count == again.rule_count && p.exempt_count == again.exempt_count);
        for (int i = 0; i < p.rule_count; i++)
            assert(idle_rule_print(&p.rules[i]) == idle_rule_print(&again.rules[i]));
        cJSON_Delete(written);
        buf_fini(&b);
    }
    cJSON_Delete(o);
}

/* The first eight bytes are the rule's: no input would guess them. */
static void read_counted(const uint8_t *data, size_t size)
{
    static struct idle_gpu g;
    unsigned char blob[IDLE_GPU_BLOB + 64], out[IDLE_GPU_BLOB];
    struct source_sample s = {0};

    idle_gpu_encode(&(struct idle_gpu){0}, &rule, out);
    memcpy(blob, out, 8);
    if (size > sizeof blob - 8)
        size = sizeof blob - 8;
    memcpy(blob + 8, data, size);
    if (idle_gpu_decode(&g, &rule, blob, size + 8))
        return;
    assert(idle_gpu_encode(&g, &rule, out) == size + 8 && !memcmp(out, blob, size + 8));
    source_set(&s, SOURCE_BUSY, 50);
    for (int i = 0; i < 200; i++)
        idle_gpu_add(&g, &rule, &s, 5000);
    assert(g.count > 0 && g.count < IDLE_PARTS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_policy((const char *)data, size);
    read_counted(data, size);
    return 0;
}
