/* SPDX-License-Identifier: MIT
 *
 * Reading what a shim wrote down. Lists are as long as the header says and no longer, whatever the file holds.
 */
#include "engines/local/collected.h"

#include <errno.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "engines/local/logs.h"

/* A member that must be there and be a string. In the arena; NULL with the error. */
static const char *text_of(struct arena *a, const cJSON *o, const char *key, struct err *e)
{
    const char *text = NULL, *copy;

    if (json_get_string(o, key, &text, e))
        return NULL;
    copy = arena_strdup(a, text);
    if (!copy)
        err_set(e, ERR_INTERNAL, text ? "out of memory" : "member \"%s\" is missing", key);
    return copy;
}

/* The list of that name and how many of it are taken; NULL: it is none. */
static const cJSON *list_of(const cJSON *o, const char *key, size_t most, size_t *count, struct err *e)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(o, key), *item;

    *count = 0;
    if (!cJSON_IsArray(list)) {
        err_set(e, ERR_INVALID_PARAMETERS, "member \"%s\" is no list", key);
        return NULL;
    }
    cJSON_ArrayForEach(item, list)
    {
        if (!cJSON_IsObject(item)) {
            err_set(e, ERR_INVALID_PARAMETERS, "an entry of \"%s\" is no object", key);
            return NULL;
        }
        *count += *count < most;
    }
    return list;
}

static int read_variables(struct arena *a, const cJSON *o, struct collected *out, struct err *e)
{
    const cJSON *list = list_of(o, "environment", COLLECTED_VARIABLES, &out->variable_count, e);
    const cJSON *item = list ? list->child : NULL;
    const char *value;

    if (!list || json_get_int(o, "environmentLeftOut", &out->variables_left, e))
        return -1;
    out->variables = arena_calloc(a, out->variable_count + 1, sizeof(*out->variables));
    if (!out->variables)
        return err_set(e, ERR_INTERNAL, "out of memory");
    for (size_t i = 0; i < out->variable_count; i++, item = item->next) {
        struct collected_variable *v = &out->variables[i];

        v->name = text_of(a, item, "name", e);
        value = NULL;
        if (!v->name || json_get_bool(item, "cut", &v->cut, e) || json_get_string(item, "value", &value, e))
            return -1;
        v->value = arena_strdup(a, value);
        if (value && !v->value)
            return err_set(e, ERR_INTERNAL, "out of memory");
    }
    return 0;
}

static int read_processes(struct arena *a, const cJSON *o, struct collected *out, struct err *e)
{
    const cJSON *list = list_of(o, "processes", COLLECTED_PROCESSES, &out->process_count, e);
    const cJSON *item = list ? list->child : NULL;

    if (!list || json_get_int(o, "processesLeftOut", &out->processes_left, e))
        return -1;
    out->processes = arena_calloc(a, out->process_count + 1, sizeof(*out->processes));
    if (!out->processes)
        return err_set(e, ERR_INTERNAL, "out of memory");
    for (size_t i = 0; i < out->process_count; i++, item = item->next) {
        struct collected_process *p = &out->processes[i];
        const struct {
            const char *key;
            int64_t *value;
        } numbers[] = {{"pid", &p->pid},      {"ppid", &p->parent},   {"uid", &p->uid},
                       {"cpuMs", &p->cpu_ms}, {"rss", &p->rss_bytes}, {"start", &p->start_ms}};

        for (size_t n = 0; n < sizeof(numbers) / sizeof(numbers[0]); n++)
            if (json_get_int(item, numbers[n].key, numbers[n].value, e))
                return -1;
        p->state = text_of(a, item, "state", e);
        p->command = p->state ? text_of(a, item, "command", e) : NULL;
        if (!p->command || json_get_bool(item, "cut", &p->cut, e))
            return -1;
    }
    return 0;
}

static int read_cores(struct arena *a, const cJSON *o, struct collected *out, struct err *e)
{
    const cJSON *list = list_of(o, "cores", COLLECTED_CORES, &out->core_count, e);
    const cJSON *item = list ? list->child : NULL;

    out->core_pattern = list ? text_of(a, o, "corePattern", e) : NULL;
    if (!out->core_pattern)
        return -1;
    for (size_t i = 0; i < out->core_count; i++, item = item->next) {
        struct collected_core *c = &out->cores[i];

        c->name = text_of(a, item, "name", e);
        if (!c->name || json_get_int(item, "size", &c->bytes, e) || json_get_int(item, "time", &c->time_ms, e))
            return -1;
    }
    return 0;
}

int collected_parse(struct arena *a, const char *text, size_t len, struct collected *out, struct err *e)
{
    cJSON *o = json_parse(text, len, COLLECTED_MAX, e);
    int rc = -1;

    *out = (struct collected){0};
    if (o && !cJSON_IsObject(o))
        err_set(e, ERR_INVALID_PARAMETERS, "it is no object");
    else if (o && json_get_int(o, "time", &out->time_ms, e) == 0 && read_variables(a, o, out, e) == 0 &&
             read_processes(a, o, out, e) == 0)
        rc = read_cores(a, o, out, e);
    cJSON_Delete(o);
    return rc;
}

static int read_whole(int fd, struct buf *out, struct err *e)
{
    char chunk[16384];
    ssize_t n;

    while ((n = read(fd, chunk, sizeof(chunk))) > 0)
        if (buf_add(out, chunk, (size_t)n))
            return err_set(e, ERR_TOO_LARGE, "it is too large");
    return n < 0 ? err_errno(e, errno, "cannot read it") : 0;
}

int collected_read(struct arena *a, const char *data, const char *attempt, struct collected *out, struct err *e)
{
    int dir = logs_folder(data, attempt), fd = dir < 0 ? -1 : logs_open_file(dir, COLLECTED_FILE);
    int rc = errno == ENOENT ? 0 : -1;
    struct buf text;

    buf_init(&text, COLLECTED_MAX);
    if (fd >= 0)
        rc = read_whole(fd, &text, e) || collected_parse(a, buf_str(&text), text.len, out, e) ? -1 : 1;
    else if (rc)
        err_errno(e, errno, "cannot open it");
    if (rc < 0)
        err_wrap(e, "what was collected of attempt %s", attempt);
    buf_fini(&text);
    if (fd >= 0)
        (void)close(fd);
    if (dir >= 0)
        (void)close(dir);
    return rc;
}
