/* SPDX-License-Identifier: MIT
 *
 * What a server says of its cluster (tui/model_cluster.h), and what a person types as a quota. The first byte chooses
 * which of them the rest is.
 */
// link: drover_tui
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "tui/bars.h"
#include "tui/canvas.h"
#include "tui/model_cluster.h"
#include "tui/quota.h"

static void check(int ok)
{
    if (!ok)
        abort();
}

/* What is written for any text is JSON, as far as it is taken. */
static void check_quota(const char *text)
{
    struct json_out j;
    struct buf b;
    cJSON *list;

    buf_init(&b, 0);
    json_out_init(&j, &b);
    if (!quota_write(text, &j, NULL)) {
        list = json_parse(buf_str(&b), b.len, 0, NULL);
        check(cJSON_IsArray(list));
        cJSON_Delete(list);
    }
    buf_fini(&b);
}

static void check_fleet(const struct model_fleet *f)
{
    struct model_sum sums[8];
    size_t n = model_sums(f, sums, 8);

    for (size_t i = 0; i < f->count; i++) {
        const struct model_tile *t = &f->tiles[i];

        for (size_t k = 0; k < t->count; k++)
            check(t->cells[k].holder < 0 || (size_t)t->cells[k].holder < f->holder_count);
    }
    for (size_t i = 0; i < n; i++)
        check(sums[i].busy + sums[i].idle + sums[i].free_ + sums[i].out == sums[i].total);
}

static void check_devices(const struct model_devices *list)
{
    struct canvas c = {.rows = 0};

    check(canvas_resize(&c, 8, 40) == 0);
    for (size_t i = 0; i < list->count; i++) {
        const struct model_device *d = &list->items[i];

        for (size_t s = 0; s < MODEL_SERIES; s++)
            check(d->busy[s] >= -1 && d->busy[s] <= 100 && d->memory[s] >= -1 && d->memory[s] <= 100);
        bars_plot(&c, (struct bars_area){0, 0, 8, 40}, (struct bars_curve){d->busy, MODEL_SERIES},
                  (struct bars_curve){d->memory, MODEL_SERIES});
    }
    canvas_fini(&c);
}

static void check_reply(uint8_t which, const cJSON *json)
{
    struct arena *a = arena_create(64u << 20);
    struct model_vcs vcs;
    struct model_alerts alerts;
    struct model_fleet fleet;
    struct model_devices devices;

    check(a != NULL);
    if (which % 4 == 0 && !model_read_vcs(a, json, &vcs)) {
        for (size_t i = 0; i < vcs.count; i++)
            check(vcs.items[i].depth >= 0 && vcs.items[i].depth < 16);
    } else if (which % 4 == 1 && !model_read_alerts(a, json, &alerts)) {
        check(alerts.firing <= alerts.count);
    } else if (which % 4 == 2 && !model_read_fleet(a, json, &fleet)) {
        check_fleet(&fleet);
    } else if (which % 4 == 3 && !model_read_devices(a, json, &devices)) {
        check_devices(&devices);
    }
    arena_destroy(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = size ? calloc(1, size) : NULL;
    cJSON *json;

    if (!text)
        return 0;
    memcpy(text, data + 1, size - 1);
    check_quota(text);
    json = json_parse(text, size - 1, 0, NULL);
    if (json)
        check_reply(data[0], json);
    cJSON_Delete(json);
    free(text);
    return 0;
}
