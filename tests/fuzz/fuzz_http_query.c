/* SPDX-License-Identifier: MIT
 *
 * Fuzzes the way of a query: it is cut into fields, and GET /audit makes its filter of them. A field is decoded, valid
 * UTF-8 without control characters, and found by its name once or not at all; a filter that is taken is within its
 * bounds, and one that is refused says which field.
 */
// link: drover_server
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/utf8.h"
#include "metrics/report.h"
#include "server/api/audit.h"
#include "server/http/request_impl.h"

static void check_text(const char *text)
{
    assert(utf8_valid(text, strlen(text)));
    for (; *text; text++)
        assert((unsigned char)*text >= 0x20 && *text != 0x7f);
}

/* How often a field of that name was sent; the value of the last. */
static size_t sent(const struct request *r, const char *name, const char **value)
{
    size_t n = 0;

    *value = NULL;
    for (size_t i = 0; i < r->query.count; i++) {
        if (strcmp(r->query.items[i].name, name) != 0)
            continue;
        *value = r->query.items[i].value;
        n++;
    }
    return n;
}

/* What was taken is what was sent: nothing is lost, and nothing comes from elsewhere. */
static void check_taken(const struct request *r, const struct api_audit_query *q)
{
    const struct {
        const char *name, *text;
    } texts[] = {{"actor", q->filter.actor},
                 {"ip", q->filter.ip},
                 {"method", q->filter.method},
                 {"route", q->filter.route},
                 {"code", q->filter.code}};
    const struct {
        const char *name;
        int64_t number, unset;
    } numbers[] = {{"status", q->filter.status, 0},
                   {"since", q->since, 0},
                   {"until", q->until, 0},
                   {"limit", q->limit, 100},
                   {"cursor", q->filter.before_id, 0}};
    const char *value;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert(sent(r, texts[i].name, &value) <= 1);
        assert(texts[i].text == value);
    }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        assert(sent(r, numbers[i].name, &value) <= 1);
        assert(value ? strtoll(value, NULL, 10) == numbers[i].number : numbers[i].number == numbers[i].unset);
        assert(numbers[i].number >= 0);
    }
    assert(q->limit >= 1 && q->limit <= API_AUDIT_LIMIT_MAX);
    assert(!q->filter.lowest_id);
}

static void check_audit(const struct request *r)
{
    struct api_audit_query q = {.limit = 100};
    struct err e = {0};

    if (!api_audit_read_query(r, &q, &e)) {
        check_taken(r, &q);
        return;
    }
    assert(e.code == ERR_INVALID_PARAMETERS && e.text[0] == '"');
}

/* What a report is grouped by: any text may be asked. */
static void check_keys(const char *list)
{
    unsigned by = 0;
    struct err e = {0};

    if (!report_keys_parse(list, &by, &e))
        assert(by < 1u << REPORT_KEYS);
    else
        assert(e.code == ERR_INVALID_PARAMETERS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct request r = {.arena = arena_create(0), .spool = -1};
    char *text = r.arena ? arena_strndup(r.arena, (const char *)data, size) : NULL;
    struct err e = {0};

    if (text && !request_impl_parse_fields(&r, text, &r.query, &e)) {
        for (size_t i = 0; i < r.query.count; i++) {
            check_text(r.query.items[i].name);
            check_text(r.query.items[i].value);
            check_keys(r.query.items[i].value);
        }
        check_audit(&r);
    } else if (text) {
        assert(e.code == ERR_BAD_REQUEST && e.text[0]);
    }
    arena_destroy(r.arena);
    return 0;
}
