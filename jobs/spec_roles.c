/* SPDX-License-Identifier: MIT
 *
 * From the map of task roles to struct spec_role.
 */
#include "jobs/spec_roles.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/doc.h"
#include "base/err.h"
#include "jobs/spec_build.h"
#include "jobs/spec_command.h"
#include "jobs/spec_place.h"
#include "jobs/spec_refs.h"
#include "jobs/spec_tables.h"

#define SHM_MB 512
#define IMAGE_MAX 4096

static const char *const always_ports[] = {"ssh", "http"};
#define ALWAYS_PORTS (sizeof(always_ports) / sizeof(always_ports[0]))

static int no_memory(struct spec_build *b)
{
    return err_set(b->e, ERR_INTERNAL, "out of memory while reading a job");
}

/* Lower case, only [a-z0-9], as OpenPAI shows role names. NULL on out of memory. */
static const char *wire_name(struct arena *a, const char *name)
{
    char *out = arena_strdup(a, name);
    size_t n = 0;

    if (!out)
        return NULL;
    for (const char *c = name; *c; c++) {
        if (*c >= 'A' && *c <= 'Z')
            out[n++] = (char)(*c - 'A' + 'a');
        else if (*c != '_')
            out[n++] = *c;
    }
    out[n] = '\0';
    return out;
}

static int check_wire_name(struct spec_build *b, const struct spec_role *role, const struct doc *d,
                           const struct spec_place *place)
{
    if (!role->wire_name[0])
        return spec_place_fail_key(place, d, b->e,
                                   "the name of a task role must have at least one letter or digit, not \"%.100s\"",
                                   role->name);
    for (const struct spec_role *r = b->spec->roles; r < role; r++)
        if (!strcmp(r->wire_name, role->wire_name))
            return spec_place_fail_key(place, d, b->e,
                                       "task roles \"%.100s\" and \"%.100s\" have the same name in the job's status "
                                       "(\"%.100s\"): case and \"_\" do not count there",
                                       r->name, role->name, role->wire_name);
    return 0;
}

/* ssh and http first, whether asked for or not, then the others as written. */
static int read_ports(struct spec_build *b, struct spec_role *role, const struct doc *ports,
                      const struct spec_place *resources)
{
    struct spec_place here = {.up = resources, .key = "ports"};
    struct spec_port *out = arena_calloc(b->arena, ALWAYS_PORTS + (ports ? ports->count : 0), sizeof(*out));
    int64_t total = 0;

    if (!out)
        return no_memory(b);
    role->ports = out;
    for (size_t i = 0; i < ALWAYS_PORTS; i++)
        out[role->port_kinds++] =
            (struct spec_port){.label = always_ports[i], .count = (int)spec_schema_int(ports, always_ports[i], 1)};
    for (const struct doc *c = ports ? ports->first : NULL; c; c = c->next)
        if (strcmp(c->key, "ssh") != 0 && strcmp(c->key, "http") != 0)
            out[role->port_kinds++] =
                (struct spec_port){.label = c->key, .count = (int)spec_schema_int(ports, c->key, 1)};
    for (size_t i = 0; i < role->port_kinds; i++)
        total += out[i].count;
    if (total > SPEC_MAX_PORTS)
        return spec_place_fail(
            &here, ports, b->e,
            "a task of role \"%.100s\" asks for %lld ports, ssh and http counted; at most %d are given", role->name,
            (long long)total, SPEC_MAX_PORTS);
    role->port_total = (int)total;
    return 0;
}

static int read_image(struct spec_build *b, struct spec_role *role, const struct doc *d, const struct spec_place *place)
{
    const struct doc *name = spec_schema_get(d, "dockerImage");
    const struct doc *image = spec_refs_find(b->refs, "dockerimage", name->text);
    struct spec_place here = {.up = place, .key = "dockerImage"};
    struct spec_template names = b->names;
    struct buf uri;
    int rc;

    buf_init(&uri, IMAGE_MAX);
    rc = spec_template_fill(&names, spec_schema_string(image, "uri", ""), &uri);
    role->image_uri = rc ? "" : arena_strdup(b->arena, buf_str(&uri));
    buf_fini(&uri);
    if (rc)
        return spec_place_fail(&here, name, b->e, "the uri of image \"%.100s\" is longer than %d bytes", name->text,
                               IMAGE_MAX);
    return role->image_uri ? 0 : no_memory(b);
}

static int read_role(struct spec_build *b, struct spec_role *role, const struct doc *d, const struct spec_place *place)
{
    const struct doc *completion = spec_schema_get(d, "completion");
    const struct doc *resources = spec_schema_get(d, "resourcePerInstance");
    const struct doc *options = spec_schema_get(d, "extraContainerOptions");
    struct spec_place in_resources = {.up = place, .key = "resourcePerInstance"};

    role->name = d->key;
    role->wire_name = wire_name(b->arena, d->key);
    if (!role->wire_name)
        return no_memory(b);
    role->instances = (int)spec_schema_int(d, "instances", 1);
    role->min_failed = (int)spec_schema_int(completion, "minFailedInstances", 1);
    role->min_succeeded = (int)spec_schema_int(completion, "minSucceededInstances", role->instances);
    role->task_retry_count = (int)spec_schema_int(d, "taskRetryCount", 0);
    role->per_task.cpus = spec_schema_int(resources, "cpu", 0);
    role->per_task.memory_mb = spec_schema_int(resources, "memoryMB", 0);
    role->per_task.gpus = spec_schema_int(resources, "gpu", 0);
    role->shm_mb = (int)spec_schema_int(options, "shmMB", SHM_MB);
    role->infiniband = spec_schema_bool(options, "infiniband", false);
    if (check_wire_name(b, role, d, place) || read_ports(b, role, spec_schema_get(resources, "ports"), &in_resources) ||
        read_image(b, role, d, place))
        return -1;
    role->command = spec_command_build(b, d, place);
    return role->command ? 0 : -1;
}

static int add_totals(struct spec_build *b, const struct spec_role *role, const struct doc *d,
                      const struct spec_place *place)
{
    const struct doc *instances = spec_schema_get(d, "instances");
    struct spec_place here = {.up = place, .key = "instances"};
    struct spec *s = b->spec;

    s->total_tasks += role->instances;
    s->total_gpus += role->instances * role->per_task.gpus;
    if (s->total_tasks > SPEC_MAX_TASKS)
        return spec_place_fail(&here, instances ? instances : d, b->e,
                               "the job has more than %d tasks in all its roles", SPEC_MAX_TASKS);
    return 0;
}

int spec_roles_read(struct spec_build *b)
{
    const struct doc *map = doc_get(b->root, "taskRoles");
    struct spec_role *roles = arena_calloc(b->arena, map->count, sizeof(*roles));
    struct spec_place place = {.key = "taskRoles"};

    if (!roles)
        return no_memory(b);
    b->spec->roles = roles;
    for (const struct doc *c = map->first; c; c = c->next) {
        struct spec_place here = spec_place_step(&place, c, 0);
        struct spec_role *role = &roles[b->spec->role_count];

        if (read_role(b, role, c, &here) || add_totals(b, role, c, &here))
            return -1;
        b->spec->role_count++;
    }
    return 0;
}
