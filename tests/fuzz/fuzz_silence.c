/* SPDX-License-Identifier: MIT
 *
 * What admins and Prometheus send about alerts: matchers as text and as JSON, times, labels. What is taken is matched
 * and written, too.
 */
// link: drover_server
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/clock_parse.h"
#include "base/err.h"
#include "base/json.h"
#include "base/pattern.h"
#include "base/utf8.h"
#include "server/alerts/alert_silence.h"
#include "server/alerts/alert_text.h"

/* What was taken can be asked, written, and read again as the same. */
static void use(const struct alert_silence *s, struct pattern_scratch *scratch)
{
    const struct alert_pair labels[] = {{"alertname", "GpuLost"}, {"node_name", "n1"}};
    struct alert_text *t = alert_text_create(labels, 2, NULL, 0);
    struct alert_silence *again = silence_create();
    struct json_out j;
    struct buf b;
    assert(t && again);
    (void)silence_matches(s, scratch, t);
    buf_init(&b, 0);
    json_out_init(&j, &b);
    silence_write_matchers(&j, s);
    cJSON *list = json_parse(buf_str(&b), b.len, 0, NULL);
    assert(list && !silence_add_json(again, list, NULL));
    assert(again->matcher_count == s->matcher_count);
    cJSON_Delete(list);
    buf_fini(&b);
    silence_destroy(again);
    alert_text_put(t);
}

static void read_json(const char *text, size_t len, struct alert_silence *s)
{
    cJSON *o = json_parse(text, len, 0, NULL);
    if (!o)
        return;
    (void)silence_add_json(s, o, NULL);
    struct alert_text *t = alert_text_read(o, NULL, NULL);
    assert(!t || alert_text_label(t, "alertname")[0]);
    alert_text_put(t);
    cJSON_Delete(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pattern_scratch *scratch = pattern_scratch_create();
    struct alert_silence *s = silence_create();
    char *text = malloc(size + 1);
    int64_t ms = 0;
    assert(scratch && s && text);
    memcpy(text, data, size);
    text[size] = '\0';
    assert(clock_parse(text, &ms) || ms >= 0);
    (void)silence_add_text(s, text, NULL);
    read_json(text, size, s);
    if (utf8_valid(text, strlen(text))) /* as whatever comes over HTTP */
        use(s, scratch);
    free(text);
    silence_destroy(s);
    pattern_scratch_destroy(scratch);
    return 0;
}
