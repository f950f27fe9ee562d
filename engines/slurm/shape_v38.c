/* SPDX-License-Identifier: MIT
 *
 * Reading is strict about types and lenient about what else is there. Traps (all seen): `nodes: [2, 2]` means one node,
 * so a plain number is sent; `required_nodes` is a key that is "disabled", `node_list` works; `requeue: false`
 * requeues, `no_requeue` does not; a refused submission may come with status 200, an accepted one with errors.
 */
#include "engines/slurm/shape_v38.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "engines/slurm/states.h"

enum {
    ANSWER_MAX = 16 << 20,
    NAMES_MAX = 256,
    FIRST_OF_SLURMCTLD = 2000, /* ESLURM_*: it was asked, and said no */
    LAST_OF_SLURMCTLD = 4999,
    FIRST_OF_REST = 9000, /* of slurmrestd's own parser */
    HTTP_UNAUTHORIZED = 401,
    IN_STANDBY = 2067,
    NOT_PRIMARY = 2066
};

/* ---- members ---- */

/* A string that fits, or "" where it is absent or null. 0, or -1 for another type or a longer text. */
static int text_of(const cJSON *o, const char *key, char *out, size_t size)
{
    const cJSON *m = cJSON_GetObjectItemCaseSensitive(o, key);
    out[0] = '\0';
    if (!m || cJSON_IsNull(m))
        return 0;
    if (!cJSON_IsString(m) || strlen(m->valuestring) >= size)
        return -1;
    memcpy(out, m->valuestring, strlen(m->valuestring) + 1);
    return 0;
}

/* The same, cut where it is longer: for words that are only shown. */
static int shown_of(const cJSON *o, const char *key, char *out, size_t size)
{
    const cJSON *m = cJSON_GetObjectItemCaseSensitive(o, key);
    out[0] = '\0';
    if (!m || cJSON_IsNull(m))
        return 0;
    if (!cJSON_IsString(m))
        return -1;
    snprintf(out, size, "%s", m->valuestring);
    return 0;
}

static int number_of(const cJSON *o, const char *key, int64_t *out)
{
    const cJSON *m = cJSON_GetObjectItemCaseSensitive(o, key);
    *out = 0;
    return !m || cJSON_IsNull(m) ? 0 : json_get_int(o, key, out, NULL);
}

static const cJSON *list_of(const cJSON *o, const char *key)
{
    const cJSON *m = cJSON_GetObjectItemCaseSensitive(o, key);
    return cJSON_IsArray(m) ? m : NULL;
}

/* ---- replies ---- */

bool shape_v38_offered(const char *text, size_t len)
{
    static const char plain[] = "\"" SHAPE_V38_PATH "/job/submit";
    static const char escaped[] = "\"\\/slurm\\/v0.0.38\\/job\\/submit"; /* as its writer does */
    return memmem(text, len, plain, sizeof plain - 1) || memmem(text, len, escaped, sizeof escaped - 1);
}

/* Its number is error_code at a submission and error_number elsewhere. */
static void read_error(const cJSON *x, struct shape_reply *out)
{
    int64_t number = 0;
    char text[sizeof out->text];
    if (!cJSON_IsObject(x) || number_of(x, "error_number", &number) || (!number && number_of(x, "error_code", &number)))
        return;
    shown_of(x, "description", text, sizeof text);
    if (!text[0])
        shown_of(x, "error", text, sizeof text);
    if (!out->text[0])
        memcpy(out->text, text, sizeof text);
    if (number && (!out->error || out->error == -1) && number >= INT32_MIN && number <= INT32_MAX) {
        out->error = (int)number;
        if (text[0])
            memcpy(out->text, text, sizeof text);
    }
}

void shape_v38_reply(const char *text, size_t len, struct shape_reply *out)
{
    *out = (struct shape_reply){.valid = false};
    cJSON *o = json_parse(text, len, ANSWER_MAX, NULL);
    const cJSON *errors = cJSON_IsObject(o) ? list_of(o, "errors") : NULL, *x;
    if (errors && !number_of(o, "job_id", &out->job_id) && out->job_id >= 0) {
        out->valid = true;
        cJSON_ArrayForEach(x, errors) read_error(x, out);
    }
    cJSON_Delete(o);
}

bool shape_v38_down(int status, const char *text, size_t len)
{
    struct shape_reply r;
    if (status == HTTP_UNAUTHORIZED)
        return true; /* our token: nothing that a job has done */
    shape_v38_reply(text, len, &r);
    if (!r.valid)
        return true; /* not slurmrestd's words: a proxy, or a dying server */
    if (r.error == IN_STANDBY || r.error == NOT_PRIMARY)
        return true;
    return status >= 500 && (r.error < FIRST_OF_SLURMCTLD || (r.error > LAST_OF_SLURMCTLD && r.error < FIRST_OF_REST));
}

/* ---- GPUs ---- */

/* The entry of GPUs in a list parted by commas outside of brackets; NULL when there is none. */
static const char *gpu_entry(const char *s, size_t *len)
{
    while (*s) {
        int depth = 0;
        const char *end = s;
        for (; *end && (*end != ',' || depth > 0); end++)
            depth += *end == '(' ? 1 : *end == ')' ? -1 : 0;
        if (!strncmp(s, "gpu", 3) && (s[3] == ':' || s + 3 == end)) {
            *len = (size_t)(end - s);
            return s;
        }
        s = *end ? end + 1 : end;
    }
    return NULL;
}

int shape_v38_gres(const char *gres, char *model, size_t model_size)
{
    size_t len = 0;
    const char *s = gpu_entry(gres, &len), *end, *bracket;
    model[0] = '\0';
    if (!s)
        return 0;
    bracket = memchr(s, '(', len);
    end = bracket ? bracket : s + len;
    const char *number = end;
    while (number > s && number[-1] >= '0' && number[-1] <= '9')
        number--;
    if (number == end || number[-1] != ':')
        return 1; /* "gpu" and "gpu:a100" are one */
    if (number - s > 5)
        snprintf(model, model_size, "%.*s", (int)(number - s - 5), s + 4);
    const long n = strtol(number, NULL, 10);
    return n > NODE_GPU_MAX ? NODE_GPU_MAX : (int)n;
}

int shape_v38_indices(const char *detail, int *gpus)
{
    size_t len = 0;
    const char *s = gpu_entry(detail, &len), *at = s ? memmem(s, len, "(IDX:", 5) : NULL;
    int count = 0;
    if (!at)
        return -1;
    for (at += 5; *at >= '0' && *at <= '9';) {
        char *end;
        long first = strtol(at, &end, 10), last = *end == '-' ? strtol(end + 1, &end, 10) : first;
        if (first < 0 || last < first || last >= NODE_GPU_MAX || count + (last - first) >= NODE_GPU_MAX)
            return -1;
        for (; first <= last; first++)
            gpus[count++] = (int)first;
        at = *end == ',' ? end + 1 : end;
    }
    return *at == ')' ? count : -1;
}

/* ---- jobs ---- */

/* The indices of its GPUs; what has several nodes is none of ours. */
static int read_gpus(const cJSON *o, struct shape_job *out)
{
    const cJSON *list = list_of(o, "gres_detail"), *x;
    if (!list)
        return 0;
    cJSON_ArrayForEach(x, list)
    {
        if (!cJSON_IsString(x))
            return -1;
        const int n = shape_v38_indices(x->valuestring, out->gpus);
        if (n > 0) {
            out->gpu_count = n;
            return 0;
        }
    }
    return 0;
}

static int read_job(const cJSON *o, struct shape_job *out)
{
    *out = (struct shape_job){.id = 0};
    if (!cJSON_IsObject(o) || number_of(o, "job_id", &out->id) || out->id <= 0 ||
        shown_of(o, "name", out->name, sizeof out->name) || text_of(o, "job_state", out->state, sizeof out->state) ||
        !out->state[0] || shown_of(o, "state_reason", out->reason, sizeof out->reason) ||
        shown_of(o, "user_name", out->user, sizeof out->user) || shown_of(o, "nodes", out->node, sizeof out->node) ||
        shown_of(o, "required_nodes", out->wanted, sizeof out->wanted) ||
        number_of(o, "node_count", &out->node_count) || number_of(o, "exit_code", &out->exit_status) ||
        number_of(o, "restart_cnt", &out->restarts))
        return -1;
    return read_gpus(o, out);
}

int shape_v38_job(const char *text, size_t len, struct shape_job *out)
{
    cJSON *o = json_parse(text, len, ANSWER_MAX, NULL);
    const cJSON *jobs = cJSON_IsObject(o) ? list_of(o, "jobs") : NULL;
    const int rc = jobs && cJSON_GetArraySize(jobs) == 1 ? read_job(cJSON_GetArrayItem(jobs, 0), out) : -1;
    cJSON_Delete(o);
    return rc;
}

int shape_v38_job_object(const char *text, size_t len, struct shape_job *out)
{
    cJSON *o = json_parse(text, len, SHAPE_V38_OBJECT_MAX, NULL);
    const int rc = o ? read_job(o, out) : -1;
    cJSON_Delete(o);
    return rc;
}

static void write_env(struct json_out *j, const char *const *env)
{
    json_out_key(j, "environment");
    json_out_object(j);
    for (; *env; env++) {
        char name[NAMES_MAX];
        const char *eq = strchr(*env, '=');
        if (!eq || eq == *env || eq - *env >= NAMES_MAX)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)(eq - *env), *env);
        json_out_kstring(j, name, eq + 1);
    }
    json_out_object_end(j);
}

int shape_v38_submit(struct buf *out, const struct shape_submit *s)
{
    struct json_out j;
    char gres[32];
    json_out_init(&j, out);
    json_out_object(&j);
    json_out_kstring(&j, "script", s->script);
    json_out_key(&j, "job");
    json_out_object(&j);
    json_out_kstring(&j, "name", s->name);
    json_out_kstring(&j, "comment", s->comment);
    if (s->partition && s->partition[0])
        json_out_kstring(&j, "partition", s->partition);
    json_out_kstring(&j, "node_list", s->node);
    json_out_kint(&j, "nodes", 1);
    json_out_kint(&j, "tasks", 1);
    json_out_kint(&j, "cpus_per_task", s->cpus > 0 ? s->cpus : 1);
    if (s->memory_mb > 0)
        json_out_kint(&j, "memory_per_node", s->memory_mb);
    if (s->gpus > 0) {
        snprintf(gres, sizeof gres, "gpu:%lld", (long long)s->gpus);
        json_out_kstring(&j, "gres", gres);
    }
    json_out_kbool(&j, "no_requeue", true);
    json_out_kstring(&j, "current_working_directory", s->folder);
    json_out_kstring(&j, "standard_input", "/dev/null");
    json_out_kstring(&j, "standard_output", "/dev/null");
    json_out_kstring(&j, "standard_error", "/dev/null");
    write_env(&j, s->env);
    json_out_object_end(&j);
    json_out_object_end(&j);
    return out->bad ? -1 : 0;
}

/* ---- nodes ---- */

static bool has_word(const cJSON *list, const char *word)
{
    const cJSON *x;
    cJSON_ArrayForEach(x, list) if (cJSON_IsString(x) && !strcmp(x->valuestring, word)) return true;
    return false;
}

static void read_node_gpus(const char *gres, struct node *n)
{
    char model[64];
    n->gpu_count = shape_v38_gres(gres, model, sizeof model);
    for (int i = 0; i < n->gpu_count; i++) {
        n->gpus[i].index = i;
        snprintf(n->gpus[i].model, sizeof n->gpus[i].model, "%s", model[0] ? model : "gpu");
    }
}

/* Whether Slurm starts jobs there: by its state, and by each of its flags. 0, or -1 when they cannot be read. */
static int read_up(const cJSON *o, bool *up)
{
    char state[24];
    const cJSON *x;
    if (text_of(o, "state", state, sizeof state))
        return -1;
    *up = states_node_up(state);
    cJSON_ArrayForEach(x, list_of(o, "state_flags")) *up &= cJSON_IsString(x) && states_flag_up(x->valuestring);
    return 0;
}

static int read_amounts(const cJSON *o, struct node *n)
{
    int64_t cpus = 0, boot = 0;
    if (number_of(o, "cpus", &cpus) || number_of(o, "real_memory", &n->memory_mb) || number_of(o, "boot_time", &boot) ||
        cpus < 0 || cpus > 1 << 20 || n->memory_mb < 0)
        return -1;
    n->cpus = (int)cpus;
    snprintf(n->boot_id, sizeof n->boot_id, "%lld", (long long)boot);
    return 0;
}

static int read_held(const cJSON *o, struct resources *held)
{
    char used[512], model[64];
    if (number_of(o, "alloc_cpus", &held->cpus) || number_of(o, "alloc_memory", &held->memory_mb) ||
        text_of(o, "gres_used", used, sizeof used))
        return -1;
    held->gpus = shape_v38_gres(used, model, sizeof model);
    return 0;
}

static int read_node(const cJSON *o, const char *partition, struct shape_node *out)
{
    struct node *n = &out->node;
    char gres[512];
    *out = (struct shape_node){.mine = false};
    if (!cJSON_IsObject(o) || text_of(o, "name", n->name, sizeof n->name) || !n->name[0] ||
        shown_of(o, "address", n->address, sizeof n->address) || text_of(o, "gres", gres, sizeof gres) ||
        shown_of(o, "reason", out->reason, sizeof out->reason) || read_up(o, &n->up) || read_held(o, &out->held) ||
        read_amounts(o, n))
        return -1;
    read_node_gpus(gres, n);
    out->mine = !partition || !partition[0] || has_word(list_of(o, "partitions"), partition);
    return 0;
}

int shape_v38_nodes(const char *text, size_t len, const char *partition, shape_node_fn *each, void *ctx)
{
    cJSON *o = json_parse(text, len, ANSWER_MAX, NULL);
    const cJSON *nodes = cJSON_IsObject(o) ? list_of(o, "nodes") : NULL, *x;
    struct shape_node *n = calloc(1, sizeof *n);
    int unread = nodes && n ? 0 : -1;
    if (!unread)
        cJSON_ArrayForEach(x, nodes)
        {
            if (read_node(x, partition, n))
                unread++;
            else
                each(ctx, n);
        }
    free(n);
    cJSON_Delete(o);
    return unread;
}
