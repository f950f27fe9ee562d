// link: drover_jobs
/* SPDX-License-Identifier: MIT
 *
 * A submission of any bytes. What is accepted must keep the bounds of the protocol; its masked text must load as the
 * same job, and hold none of its secrets; its secrets must fill its scripts.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/doc.h"
#include "base/err.h"
#include "jobs/job.h"
#include "jobs/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool what)
{
    if (!what)
        abort();
}

static void check_role(const struct spec_role *r)
{
    int ports = 0;

    must(r->name[0] && r->wire_name[0] && r->image_uri && r->command);
    must(r->instances >= 1 && r->task_retry_count >= 0 && r->shm_mb >= 1);
    must(r->min_failed == -1 || r->min_failed >= 1);
    must(r->min_succeeded == -1 || r->min_succeeded >= 1);
    must(r->per_task.cpus >= 1 && r->per_task.memory_mb >= 1);
    must(r->per_task.gpus >= 0 && r->per_task.gpus <= NODE_GPU_MAX);
    for (size_t i = 0; i < r->port_kinds; i++) {
        must(r->ports[i].count >= 1);
        ports += r->ports[i].count;
    }
    must(ports == r->port_total && ports >= 2 && ports <= 128);
}

static void check_spec(const struct spec *s)
{
    int64_t tasks = 0, gpus = 0;

    must(s->name[0] && strlen(s->name) <= JOB_NAME_MAX && s->vc[0]);
    must(s->job_retry_count >= 0 && s->time_limit_ms >= 0 && s->stop_grace_s >= 0);
    must(s->role_count >= 1 && s->role_count <= 256);
    for (size_t i = 0; i < s->role_count; i++) {
        check_role(&s->roles[i]);
        tasks += s->roles[i].instances;
        gpus += s->roles[i].instances * s->roles[i].per_task.gpus;
    }
    must(tasks == s->total_tasks && gpus == s->total_gpus && tasks <= 10000);
}

/* A job fits, and needs nothing of the document. */
static void check_job(const struct spec *s)
{
    struct job *j = job_create(s, "u", "01890000-0000-7000-8000-000000000001");

    must(j && !strcmp(j->full_name + 2, s->name));
    for (size_t i = 0; i < s->role_count; i++)
        check_role(&j->spec->roles[i]);
    job_destroy(j);
}

/* The masked text is a job again, with the same scripts. */
static void check_masked(const struct spec *s, const char *text, size_t size)
{
    struct arena *a = arena_create(0);
    struct err e = {.code = ERR_NONE};
    struct buf out;
    const struct spec *again;

    buf_init(&out, 0);
    must(a && spec_masked_config(text, size, &out, &e) == 0);
    again = spec_load(a, buf_str(&out), out.len, &e);
    must(again && again->role_count == s->role_count && again->total_tasks == s->total_tasks);
    for (size_t i = 0; i < s->role_count; i++)
        must(!strcmp(again->roles[i].command, s->roles[i].command));
    buf_fini(&out);
    arena_destroy(a);
}

static void check_secrets(const struct spec *s, const char *text, size_t size)
{
    struct err e = {.code = ERR_NONE};
    struct buf secrets, script;

    buf_init(&secrets, 0);
    must(spec_secrets(text, size, &secrets, &e) == 0);
    must((secrets.len > 0) == (s->secrets && s->secrets->count > 0));
    for (size_t i = 0; i < s->role_count && i < 4; i++) {
        buf_init(&script, 0);
        must(spec_fill_secrets(s->roles[i].command, buf_str(&secrets), secrets.len, &script, &e) == 0);
        buf_fini(&script);
    }
    buf_fini(&secrets);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_create(0);
    struct err e = {.code = ERR_NONE};
    const char *text = (const char *)data;
    struct spec *s = spec_parse(a, text, size, &e);

    must(s || e.code == ERR_INVALID_PROTOCOL || e.code == ERR_INTERNAL);
    if (s) {
        check_spec(s);
        check_masked(s, text, size);
        check_secrets(s, text, size);
        check_job(s);
    } else {
        must(e.text[0]);
    }
    arena_destroy(a);
    return 0;
}
