/* SPDX-License-Identifier: MIT
 *
 * The JSON gate with any bytes; what it lets in, the writer must write so that the gate lets it in again.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_value(struct json_out *j, const cJSON *v)
{
    const cJSON *c;

    if (cJSON_IsObject(v) || cJSON_IsArray(v)) {
        cJSON_IsObject(v) ? json_out_object(j) : json_out_array(j);
        cJSON_ArrayForEach(c, v)
        {
            if (c->string)
                json_out_key(j, c->string);
            write_value(j, c);
        }
        cJSON_IsObject(v) ? json_out_object_end(j) : json_out_array_end(j);
    } else if (cJSON_IsString(v)) {
        json_out_string(j, v->valuestring);
    } else if (cJSON_IsNumber(v)) {
        json_out_double(j, v->valuedouble);
    } else if (cJSON_IsBool(v)) {
        json_out_bool(j, cJSON_IsTrue(v));
    } else {
        json_out_null(j);
    }
}

/* Not cJSON_Compare, which is exponential in the depth. */
static bool same(const cJSON *a, const cJSON *b)
{
    const cJSON *x, *y;

    if (a->type != b->type || (a->string == NULL) != (b->string == NULL))
        return false;
    if (a->string && strcmp(a->string, b->string) != 0)
        return false;
    if (cJSON_IsString(a) && strcmp(a->valuestring, b->valuestring) != 0)
        return false;
    if (cJSON_IsNumber(a) &&
        memcmp(&a->valuedouble, &b->valuedouble, sizeof(a->valuedouble)) != 0) /* NOLINT: bit for bit */
        return false;
    for (x = a->child, y = b->child; x && y; x = x->next, y = y->next) {
        if (!same(x, y))
            return false;
    }
    return !x && !y;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = {0};
    struct json_out j;
    struct buf b;
    cJSON *again;
    cJSON *v = json_parse((const char *)data, size, 0, &e);

    if (!v) {
        if (e.code == ERR_NONE)
            abort();
        return 0;
    }
    buf_init(&b, 0);
    json_out_init(&j, &b);
    write_value(&j, v);
    again = json_parse(buf_str(&b), b.len, b.len + JSON_MAX_BYTES, &e);
    if (!again || !same(v, again))
        abort();
    cJSON_Delete(again);
    cJSON_Delete(v);
    buf_fini(&b);
    return 0;
}
