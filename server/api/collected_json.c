/* SPDX-License-Identifier: MIT
 *
 * Composed when it is asked for, out of four places. All texts that a task may have written go through the mask of its
 * job's secrets; where those cannot be opened, the mask takes out everything.
 */
#include "server/api/collected_json.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "auth/seal.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "engines/local/collected.h"
#include "engines/local/logs.h"
#include "jobs/lease.h"
#include "jobs/secret_mask.h"
#include "scheduler/cluster.h"
#include "server/api/api.h"
#include "server/api/gpu_figures.h"
#include "server/snapshot.h"

enum { LOG_LINES = 50, LOG_BYTES = 16384, MASK_ARENA = 64 << 20 };

/* A reply in the making. */
struct composing {
    struct json_out *j;
    struct api *api;
    const struct collected_of *of;
    struct secret_mask *mask;
    struct buf text; /* for what is masked */
};

/* ---- secrets ---- */

static struct secret_mask *open_mask(struct arena *a, const struct api *api, const struct collected_of *of,
                                     struct err *e)
{
    const struct seal_bytes sealed = {of->sealed, of->sealed_len};
    struct secret_mask *m = NULL;
    struct err why = {0};
    struct buf plain;
    buf_init(&plain, SEAL_MAX);
    if (!of->sealed || !seal_open(api->keys, of->lease->job_id, sealed, &plain, &why))
        m = secret_mask_create(a, buf_str(&plain), plain.len, &why);
    if (!m) {
        log_warn("secrets_unreadable", "job %s: %s; what was collected is shown without texts", of->lease->job_id,
                 why.text);
        m = secret_mask_all(a);
    }
    if (plain.data)
        sodium_memzero(plain.data, plain.len);
    buf_fini(&plain);
    if (!m)
        err_set(e, ERR_INTERNAL, "Out of memory.");
    return m;
}

static void write_masked(struct composing *c, const char *text, bool cut)
{
    buf_reset(&c->text);
    if (secret_mask_add(c->mask, text, strlen(text), cut, &c->text))
        c->j->out->bad = true;
    json_out_string(c->j, buf_str(&c->text));
}

static void write_secrets(struct composing *c)
{
    size_t count;
    const char *const *names = secret_mask_names(c->mask, &count);
    json_out_key(c->j, "secrets");
    json_out_array(c->j);
    for (size_t i = 0; i < count; i++)
        json_out_string(c->j, names[i]);
    json_out_array_end(c->j);
}

/* ---- what the row knows ---- */

static void write_end(struct composing *c)
{
    cJSON *o = json_parse(c->of->lease->collected, strlen(c->of->lease->collected), 0, NULL);
    for (const cJSON *m = o ? o->child : NULL; m; m = m->next) {
        json_out_key(c->j, m->string);
        if (cJSON_IsNumber(m))
            json_out_int(c->j, (int64_t)m->valuedouble);
        else
            write_masked(c, cJSON_IsString(m) ? m->valuestring : "", false);
    }
    cJSON_Delete(o);
}

/* ---- what the shim wrote down ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct collected_variable *)a)->name, ((const struct collected_variable *)b)->name);
}

static void write_environment(struct composing *c, const struct collected *found)
{
    struct json_out *j = c->j;
    if (found->variable_count > 1)
        qsort(found->variables, found->variable_count, sizeof *found->variables, by_name);
    json_out_key(j, "environment");
    json_out_array(j);
    for (size_t i = 0; i < found->variable_count; i++) {
        const struct collected_variable *v = &found->variables[i];
        json_out_object(j);
        json_out_kstring(j, "name", v->name);
        json_out_key(j, "value");
        if (v->value && !collected_hides(v->name))
            write_masked(c, v->value, v->cut);
        else
            json_out_null(j);
        json_out_kbool(j, "cut", v->cut);
        json_out_object_end(j);
    }
    json_out_array_end(j);
    json_out_kint(j, "environmentLeftOut", found->variables_left);
}

static void write_processes(struct composing *c, const struct collected *found)
{
    struct json_out *j = c->j;
    json_out_key(j, "processes");
    json_out_array(j);
    for (size_t i = 0; i < found->process_count; i++) {
        const struct collected_process *p = &found->processes[i];
        json_out_object(j);
        json_out_kint(j, "pid", p->pid);
        json_out_kint(j, "ppid", p->parent);
        json_out_kstring(j, "state", p->state);
        json_out_kint(j, "uid", p->uid);
        json_out_kint(j, "cpuMs", p->cpu_ms);
        json_out_kint(j, "rssBytes", p->rss_bytes);
        json_out_ktime(j, "startTime", p->start_ms);
        json_out_key(j, "command");
        write_masked(c, p->command, p->cut);
        json_out_kbool(j, "cut", p->cut);
        json_out_object_end(j);
    }
    json_out_array_end(j);
    json_out_kint(j, "processesLeftOut", found->processes_left);
}

static void write_core(struct composing *c, const struct collected *found)
{
    struct json_out *j = c->j;
    const char *pattern = found->core_pattern ? found->core_pattern : "";
    json_out_key(j, "core");
    if (!found->time_ms) {
        json_out_null(j);
        return;
    }
    json_out_object(j);
    json_out_kstring(j, "pattern", pattern);
    json_out_kstring(j, "handedTo", pattern[0] == '|' ? pattern + 1 : NULL);
    json_out_key(j, "files");
    json_out_array(j);
    for (size_t i = 0; i < found->core_count; i++) {
        json_out_object(j);
        json_out_key(j, "name");
        write_masked(c, found->cores[i].name, false);
        json_out_kint(j, "size", found->cores[i].bytes);
        json_out_ktime(j, "time", found->cores[i].time_ms);
        json_out_object_end(j);
    }
    json_out_array_end(j);
    json_out_object_end(j);
}

/* A file that cannot be read, or is no such file, is as none: the rest is worth showing. */
static void write_found(struct composing *c)
{
    struct collected found = {0};
    struct err e = {0};
    if (collected_read(c->of->arena, c->api->data_dir, c->of->lease->id, &found, &e) < 0) {
        log_warn("collected_unreadable", "%s", e.text);
        found = (struct collected){0};
    }
    json_out_ktime(c->j, "time", found.time_ms);
    write_secrets(c);
    write_environment(c, &found);
    write_processes(c, &found);
    write_core(c, &found);
}

/* ---- the log ---- */

/* The end of the log, which begins at *at; NULL: there is none. Freed by the caller. */
static char *read_end(struct logs *f, size_t window, int64_t *at, size_t *len)
{
    int64_t size = 0, got;
    bool complete;
    char *raw = malloc(window);
    if (!raw || logs_size(f, &size, &complete, NULL)) {
        free(raw);
        return NULL;
    }
    *at = size > (int64_t)window ? size - (int64_t)window : 0;
    *len = 0;
    while (*len < window && (got = logs_read(f, *at + (int64_t)*len, raw + *len, window - *len, NULL)) > 0)
        *len += (size_t)got;
    return raw;
}

/* Where the last lines begin: so many, in so many bytes. */
static size_t last_lines(const char *text, size_t len)
{
    size_t from = len;
    for (int lines = 0; from > 0 && len - from < LOG_BYTES; from--)
        if (text[from - 1] == '\n' && from < len && ++lines == LOG_LINES)
            break;
    return from;
}

static void write_lines(struct json_out *j, const char *text, size_t len)
{
    json_out_key(j, "lines");
    json_out_array(j);
    while (len > 0) {
        const char *newline = memchr(text, '\n', len);
        size_t n = newline ? (size_t)(newline - text) : len;
        json_out_string_n(j, text, n);
        n += newline != NULL;
        text += n;
        len -= n;
    }
    json_out_array_end(j);
}

/* A value that began before what is shown is masked as a whole: so far back is read. */
static void write_log(struct composing *c)
{
    size_t len = 0, window = LOG_BYTES + 2 * secret_mask_longest(c->mask);
    struct json_out *j = c->j;
    struct logs f;
    int64_t at = 0;
    char *raw = NULL;
    json_out_key(j, "log");
    if (!logs_open(&f, c->api->shelf, c->of->lease->id, "all", NULL)) {
        raw = read_end(&f, window, &at, &len);
        logs_close(&f);
    }
    if (!raw) {
        json_out_null(j);
        return;
    }
    buf_reset(&c->text);
    if (secret_mask_add(c->mask, raw, len, false, &c->text))
        j->out->bad = true;
    free(raw);
    size_t from = last_lines(buf_str(&c->text), c->text.len);
    json_out_object(j);
    json_out_kstring(j, "stream", "all");
    json_out_kbool(j, "cut", at > 0 || from > 0);
    write_lines(j, buf_str(&c->text) + from, c->text.len - from);
    json_out_object_end(j);
}

/* ---- GPUs ---- */

static void write_gpus(struct composing *c)
{
    const struct lease *l = c->of->lease;
    struct snapshot *s = snapshots_get(c->api->snapshots);
    int index = s ? cluster_find(s->cluster, l->node) : -1;
    const struct node *n = index < 0 ? NULL : &cluster_at(s->cluster, index)->info;
    json_out_key(c->j, "gpus");
    json_out_array(c->j);
    for (int64_t i = 0; n && i < l->amount.gpus; i++)
        for (int k = 0; k < n->gpu_count; k++) {
            if (n->gpus[k].index != l->gpus[i])
                continue;
            json_out_object(c->j);
            gpu_figures_members(c->j, c->api->watch, &n->gpus[k]);
            json_out_object_end(c->j);
        }
    json_out_array_end(c->j);
    snapshots_put(c->api->snapshots, s);
}

int collected_json(struct json_out *j, struct api *a, const struct collected_of *of, struct err *e)
{
    struct composing c = {.j = j, .api = a, .of = of};
    struct arena *own = arena_create(MASK_ARENA);
    int rc = -1;
    buf_init(&c.text, 0);
    c.mask = own ? open_mask(own, a, of, e) : NULL;
    if (!own)
        err_set(e, ERR_INTERNAL, "Out of memory.");
    if (c.mask) {
        json_out_object(j);
        write_end(&c);
        write_found(&c);
        write_log(&c);
        write_gpus(&c);
        json_out_object_end(j);
        rc = 0;
    }
    secret_mask_wipe(c.mask);
    if (c.text.data)
        sodium_memzero(c.text.data, c.text.len);
    buf_fini(&c.text);
    arena_destroy(own);
    return rc;
}
