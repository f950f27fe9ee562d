/* SPDX-License-Identifier: MIT
 *
 * What accepted documents mean: every field of struct spec, defaults and all; odd but valid spellings; refusals of
 * whole documents; and hostile ones in bounded time.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/doc.h"
#include "base/err.h"
#include "jobs/protocol_extras.h"
#include "jobs/spec.h"

#define HEAD "protocolVersion: 2\nname: j\ntype: job\nprerequisites: [{name: i, type: dockerimage, uri: u}]\n"
#define ROLE "{dockerImage: i, resourcePerInstance: {cpu: 1, memoryMB: 2, gpu: 0}, commands: [run]}"
#define ROLES "taskRoles: {r: " ROLE "}\n"

static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = arena_create(64u << 20);
    return arena ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    arena_destroy(arena);
    return 0;
}

/* What a job keeps of the text: a copy, the document and its arena gone. */
static const struct spec *parse(const char *text)
{
    struct err e = {0};
    struct arena *document = arena_create(0);
    const struct spec *s = spec_parse(document, text, strlen(text), &e), *copy;

    if (!s)
        fail_msg("refused: %d:%d %s: %s", e.line, e.column, e.pointer, e.text);
    copy = spec_copy(arena, s);
    arena_destroy(document);
    assert_non_null(copy);
    return copy;
}

static void assert_port(const struct spec_port *p, const char *label, int count)
{
    assert_string_equal(p->label, label);
    assert_int_equal(p->count, count);
}

static void defaults(void **state)
{
    const struct spec *s = parse(HEAD ROLES);
    const struct spec_role *r = &s->roles[0];

    (void)state;
    assert_string_equal(s->name, "j");
    assert_null(s->description);
    assert_string_equal(s->vc, "default");
    assert_null(s->priority_class);
    assert_int_equal(s->priority, 10);
    assert_int_equal(s->job_retry_count, 0);
    assert_true(s->gang);
    assert_int_equal(s->role_count, 1);
    assert_int_equal(s->total_tasks, 1);
    assert_int_equal(s->total_gpus, 0);
    assert_null(s->checkpoint_name);
    assert_int_equal(s->checkpoint_signal, 0);
    assert_int_equal(s->time_limit_ms, 0);
    assert_int_equal(s->stop_grace_s, 10);
    assert_false(s->notify.running || s->notify.succeeded || s->notify.stopped || s->notify.failed ||
                 s->notify.retried);
    assert_int_equal(r->instances, 1);
    assert_int_equal(r->min_failed, 1);
    assert_int_equal(r->min_succeeded, 1);
    assert_int_equal(r->task_retry_count, 0);
    assert_int_equal(r->per_task.cpus, 1);
    assert_int_equal(r->per_task.memory_mb, 2);
    assert_int_equal(r->per_task.gpus, 0);
    assert_int_equal(r->shm_mb, 512);
    assert_false(r->infiniband);
    assert_string_equal(r->image_uri, "u");
    assert_int_equal(r->port_kinds, 2);
    assert_port(&r->ports[0], "ssh", 1);
    assert_port(&r->ports[1], "http", 1);
    assert_int_equal(r->port_total, 2);
    assert_string_equal(r->command, "run");
}

/* A job with the plugin ssh and that userssh. */
#define SSH(userssh)                                                                                                   \
    HEAD "taskRoles: {main: " ROLE "}\nextras:\n  com.microsoft.pai.runtimeplugin:\n"                                  \
         "    - {plugin: ssh, parameters: {jobssh: true, userssh: " userssh "}}\n"
#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBO2kAHrNMvpLQ3heEYobHgzGjlvdePTgMB3sEEECBgb"

static void keys_of_plugin_ssh(void **state)
{
    (void)state;
    assert_string_equal(parse(SSH("{type: custom, value: '" KEY " ana@desk'}"))->ssh_keys, KEY "\n");
    assert_string_equal(parse(SSH("{value: \"\\n" KEY "\\r\\n\\n  " KEY "\"}"))->ssh_keys, KEY "\n" KEY "\n");
    assert_null(parse(SSH("{type: none, value: 'what is it'}"))->ssh_keys);
    assert_null(parse(SSH("{type: custom, value: ' '}"))->ssh_keys);
    assert_null(parse(SSH("{type: custom}"))->ssh_keys);
    assert_null(parse(SSH("{}"))->ssh_keys);
}

static void everything(void **state)
{
    const struct spec *s =
        parse(HEAD "description: d\njobRetryCount: 3\nparameters: {tag: 1.10}\nsecrets: {s: t}\n"
                   "taskRoles:\n"
                   "  Work_er:\n"
                   "    instances: 4\n"
                   "    completion: {minFailedInstances: 2, minSucceededInstances: -1}\n"
                   "    taskRetryCount: 5\n"
                   "    dockerImage: i\n"
                   "    extraContainerOptions: {shmMB: 64, infiniband: true}\n"
                   "    resourcePerInstance: {cpu: 2, memoryMB: 300, gpu: 8,"
                   " ports: {b: 2, http: 3, a: 1}}\n"
                   "    commands: [\"  one\\n \", two]\n"
                   "  ps: " ROLE "\n"
                   "defaults: {virtualCluster: vc1}\n"
                   "extras:\n"
                   "  gangAllocation: false\n"
                   "  hivedScheduler: {jobPriorityClass: crit}\n"
                   "  jobStatusChangeNotification: {running: true, retried: true, failed: false}\n"
                   "  tags: [x, y]\n"
                   "  anything: {else: [is, free]}\n"
                   "  drover: {checkpoint: {name: c.1, signal: USR2, grace: 5}, timeLimit: 60, stopGrace: 0,\n"
                   "    debugReservation: {on: always, hold: sandbox, maxMinutes: 90, mail: false}}\n");
    const struct spec_role *r = &s->roles[0];

    (void)state;
    assert_string_equal(s->description, "d");
    assert_int_equal(s->job_retry_count, 3);
    assert_string_equal(s->vc, "vc1");
    assert_string_equal(s->priority_class, "crit");
    assert_int_equal(s->priority, 120);
    assert_false(s->gang);
    assert_true(s->notify.running && s->notify.retried && !s->notify.failed && !s->notify.succeeded);
    assert_string_equal(s->checkpoint_name, "c.1");
    assert_int_equal(s->checkpoint_signal, SIGUSR2);
    assert_string_equal(protocol_extras_signal(SIGUSR2), "USR2");
    assert_int_equal(s->checkpoint_grace_s, 5);
    assert_int_equal(s->time_limit_ms, 60000);
    assert_int_equal(s->stop_grace_s, 0);
    assert_int_equal(s->debug.on, SPEC_DEBUG_ALWAYS);
    assert_int_equal(s->debug.hold, SPEC_HOLD_SANDBOX);
    assert_int_equal(s->debug.minutes, 90);
    assert_true(s->debug.quiet);
    assert_int_equal(s->role_count, 2);
    assert_int_equal(s->total_tasks, 5);
    assert_int_equal(s->total_gpus, 32);
    assert_string_equal(r->name, "Work_er");
    assert_string_equal(r->wire_name, "worker");
    assert_int_equal(r->instances, 4);
    assert_int_equal(r->min_failed, 2);
    assert_int_equal(r->min_succeeded, -1);
    assert_int_equal(r->task_retry_count, 5);
    assert_int_equal(r->per_task.gpus, 8);
    assert_int_equal(r->shm_mb, 64);
    assert_true(r->infiniband);
    assert_string_equal(r->command, "one\ntwo");
    assert_int_equal(r->port_kinds, 4);
    assert_port(&r->ports[0], "ssh", 1);
    assert_port(&r->ports[1], "http", 3);
    assert_port(&r->ports[2], "b", 2);
    assert_port(&r->ports[3], "a", 1);
    assert_int_equal(r->port_total, 7);
    assert_string_equal(s->roles[1].name, "ps");
}

static void a_debug_reservation_has_defaults(void **state)
{
    (void)state;
    const struct spec *none = parse(HEAD ROLES);
    assert_int_equal(none->debug.on, SPEC_DEBUG_NEVER);
    assert_int_equal(none->debug.hold, SPEC_HOLD_NOTHING);
    const struct spec *s = parse(HEAD ROLES "extras: {drover: {debugReservation: {}}}\n");
    assert_int_equal(s->debug.on, SPEC_DEBUG_USER_FAILURE);
    assert_int_equal(s->debug.hold, SPEC_HOLD_GPUS);
    assert_int_equal(s->debug.minutes, 0);
}

static void priorities(void **state)
{
    static const struct {
        const char *class;
        int value;
    } rows[] = {{"crit", 120}, {"prod", 100}, {"test", 10}, {"oppo", -1}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[512];

        snprintf(text, sizeof(text), HEAD ROLES "extras: {hivedScheduler: {jobPriorityClass: %s}}\n", rows[i].class);
        assert_int_equal(parse(text)->priority, rows[i].value);
        assert_string_equal(parse(text)->priority_class, rows[i].class);
    }
}

/* Spellings that OpenPAI takes, too. */
static void odd_but_valid(void **state)
{
    (void)state;
    (void)parse("protocolVersion: '2'\nname: j\ntype: job\nversion: '1'\n"
                "prerequisites: [{name: i, type: dockerimage, uri: u}]\n" ROLES);
    assert_int_equal(parse(HEAD "jobRetryCount: 2.0\n" ROLES)->job_retry_count, 2);
    /* null is "not given" */
    assert_string_equal(parse(HEAD ROLES "parameters:\nsecrets: ~\nextras:\ndefaults:\n")->vc, "default");
    assert_false(parse(HEAD ROLES "extras: {gangAllocation: 'false'}\n")->gang);
    assert_true(parse(HEAD ROLES "extras: {gangAllocation: 'true'}\n")->gang);
    assert_false(parse(HEAD ROLES "extras: {gangAllocation: False}\n")->gang);
    /* the same name for prerequisites of different types */
    (void)parse("protocolVersion: 2\nname: j\ntype: job\nprerequisites:\n"
                "  - {name: i, type: dockerimage, uri: u}\n  - {name: i, type: data, uri: [u]}\n"
                "  - {name: i, type: output, uri: u, own: key}\n" ROLES);
    /* roles of one affinity group with one SKU type */
    (void)parse(HEAD "taskRoles: {a: " ROLE ", b: " ROLE "}\n"
                     "extras: {hivedScheduler: {taskRoles: {a: {skuType: X, affinityGroupName: g},"
                     " b: {skuType: X, affinityGroupName: g}}}}\n");
}

static void mixed_skus_in_a_group(void **state)
{
    static const char text[] = HEAD "taskRoles: {a: " ROLE ", b: " ROLE "}\n"
                                    "extras: {hivedScheduler: {taskRoles: {a: {skuType: X, affinityGroupName: g},"
                                    " b: {skuType: Y, affinityGroupName: g}}}}\n";
    struct err e = {0};

    (void)state;
    assert_null(spec_parse(arena, text, strlen(text), &e));
    assert_int_equal(e.line, 6);
    assert_string_equal(e.pointer, "/extras/hivedScheduler/taskRoles/a/affinityGroupName");
    assert_string_equal(e.text, "affinity group \"g\" mixes SKU types: \"X\" and \"Y\"");
}

static void json(void **state)
{
    const struct spec *s =
        parse("{\"protocolVersion\":2,\"name\":\"j\",\"type\":\"job\",\n"
              "\t\"prerequisites\":[{\"name\":\"i\",\"type\":\"dockerimage\",\"uri\":\"u\"}],\n"
              "\t\"description\":\"\\ud83d\\ude00 \\\\ud83d \\u00e9 \\/\",\n"
              "\t\"taskRoles\":{\"r\":{\"dockerImage\":\"i\",\"resourcePerInstance\":{\"cpu\":1,\"memoryMB\":2,"
              "\"gpu\":0},\"commands\":[\"echo \\uD83D\\uDE00\\n\\techo 2\"]}}}");

    (void)state;
    assert_string_equal(s->description, "\xf0\x9f\x98\x80 \\ud83d \xc3\xa9 /");
    assert_string_equal(s->roles[0].command, "echo \xf0\x9f\x98\x80\n\techo 2");
}

static void whole_documents_refused(void **state)
{
    static const struct {
        const char *text;
        int line, column;
        const char *says;
    } rows[] = {
        {"[1, 2]", 1, 1, "a job is a map of keys such as \"name\" and \"taskRoles\", not a list"},
        {"5", 1, 1, "a job is a map of keys such as \"name\" and \"taskRoles\", not an integer"},
        {"{\"name\": \"\\ud83d\"}", 1, 13, NULL},
        {"{\"name\": \"a\", \"name\": \"b\"}", 1, 15, NULL},
        {"a: b: c", 1, 5, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err e = {0};

        assert_null(spec_parse(arena, rows[i].text, strlen(rows[i].text), &e));
        assert_int_equal(e.code, ERR_INVALID_PROTOCOL);
        if (e.line != rows[i].line || e.column != rows[i].column)
            fail_msg("%s: %d:%d %s", rows[i].text, e.line, e.column, e.text);
        if (rows[i].says)
            assert_string_equal(e.text, rows[i].says);
    }
}

static void too_many_roles(void **state)
{
    struct err e = {0};
    struct buf b;

    (void)state;
    buf_init(&b, 0);
    buf_adds(&b, HEAD "taskRoles:\n");
    for (int i = 0; i < 256; i++)
        buf_addf(&b, "  r%d: " ROLE "\n", i);
    assert_non_null(spec_parse(arena, buf_str(&b), b.len, &e));
    buf_adds(&b, "  more: " ROLE "\n");
    assert_null(spec_parse(arena, buf_str(&b), b.len, &e));
    assert_string_equal(e.text, "\"taskRoles\" must have at most 256 entries, not 257");
    assert_int_equal(e.code, ERR_INVALID_PROTOCOL);
    buf_fini(&b);
}

static int64_t cpu_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Secrets and tags are parts of the document, and stay with it. */
static void parts_of_the_document(void **state)
{
    static const char text[] = HEAD "secrets: {s: t}\n" ROLES "extras: {tags: [x, y]}\n";
    struct err e = {0};
    const struct spec *s = spec_parse(arena, text, strlen(text), &e), *copy;

    (void)state;
    assert_non_null(s);
    assert_int_equal(s->secrets->count, 1);
    assert_int_equal(s->tags->count, 2);
    copy = spec_copy(arena, s);
    assert_null(copy->secrets);
    assert_null(copy->tags);
    s = spec_parse(arena, HEAD ROLES, strlen(HEAD ROLES), &e);
    assert_null(s->secrets);
    assert_null(s->tags);
}

/* Refused or not, in bounded time. */
static void assert_quick(struct buf *b, bool ok)
{
    struct err e = {0};
    int64_t start = cpu_ms();
    const struct spec *s = spec_parse(arena, buf_str(b), b->len, &e);

    assert_false(b->bad);
    if ((s != NULL) != ok)
        fail_msg("%d:%d %s", e.line, e.column, e.text);
    assert_in_range(cpu_ms() - start, 0, 3000 * TEST_TIME_SCALE); /* some 100 ms, on a busy machine more */
    buf_fini(b);
}

static void hostile_templates(void **state)
{
    struct buf b;

    (void)state;
    /* a parameter of 100 KB used a thousand times */
    buf_init(&b, 0);
    buf_adds(&b, HEAD "parameters: {p: ");
    for (int i = 0; i < 100000; i++)
        buf_addc(&b, 'x');
    buf_adds(&b,
             "}\ntaskRoles: {r: {dockerImage: i, resourcePerInstance: {cpu: 1, memoryMB: 2, gpu: 0}, commands: [\"");
    for (int i = 0; i < 1000; i++)
        buf_adds(&b, "<% $parameters.p %>");
    buf_adds(&b, "\"]}}\n");
    assert_quick(&b, false);
    /* 200 KB of what begins a template and is none */
    buf_init(&b, 0);
    buf_adds(&b,
             HEAD "taskRoles: {r: {dockerImage: i, resourcePerInstance: {cpu: 1, memoryMB: 2, gpu: 0}, commands: [\"");
    for (int i = 0; i < 50000; i++)
        buf_adds(&b, "<% $");
    buf_adds(&b, "\"]}}\n");
    assert_quick(&b, true);
    /* the last of thousands of parameters, thousands of times, and nothing to show for it */
    buf_init(&b, 0);
    buf_adds(&b, HEAD "parameters:\n");
    for (int i = 0; i < 4000; i++)
        buf_addf(&b, "  p%d: ''\n", i);
    buf_adds(&b, "taskRoles: {r: {dockerImage: i, resourcePerInstance: {cpu: 1, memoryMB: 2, gpu: 0}, commands: [\"");
    for (int i = 0; i < 8000; i++)
        buf_adds(&b, "<%$parameters.p3999%>");
    buf_adds(&b, "\"]}}\n");
    assert_quick(&b, false);
    /* the same of secrets, which are filled in at each start of a task: refused here, not paid for there */
    buf_init(&b, 0);
    buf_adds(&b, HEAD "secrets:\n");
    for (int i = 0; i < 4000; i++)
        buf_addf(&b, "  s%d: ''\n", i);
    buf_adds(&b, "taskRoles: {r: {dockerImage: i, resourcePerInstance: {cpu: 1, memoryMB: 2, gpu: 0}, commands: [\"");
    for (int i = 0; i < 2000; i++)
        buf_adds(&b, "<%$secrets.s3999%>");
    buf_adds(&b, "\"]}}\n");
    assert_quick(&b, false);
}

/* A chain of a thousand prerequisites, each requiring the next, for every role. */
static void hostile_requires(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 0);
    buf_adds(&b, "protocolVersion: 2\nname: j\ntype: job\nprerequisites:\n  - {name: i, type: dockerimage, uri: u}\n");
    for (int i = 0; i < 900; i++)
        buf_addf(&b, "  - {name: p%d, type: script, require: [p%d]}\n", i, i + 1);
    buf_adds(&b, "  - {name: p900, type: script}\ntaskRoles:\n");
    for (int i = 0; i < 60; i++)
        buf_addf(&b,
                 "  r%d: {dockerImage: i, prerequisites: [p0], resourcePerInstance: {cpu: 1, memoryMB: 2, gpu: 0},"
                 " commands: [run]}\n",
                 i);
    assert_quick(&b, true);
}

/* Whatever step the memory ends at: our fault, not the author's. */
static void out_of_memory(void **state)
{
    static const char text[] =
        "{protocolVersion: 2, name: j, type: job, description: \"\\ud83d\\ude00\", parameters: {p: 1}, prerequisites: ["
        "{name: i, type: dockerimage, uri: 'u:<% $parameters.p %>'}, {name: d, type: data, uri: [a]},"
        "{name: s, type: script, require: [d], callbacks: [{event: taskStarts, commands: [x]}]}],"
        "taskRoles: {r: {dockerImage: i, data: d, prerequisites: [s], commands: ['<% $data.uri[0] %>'],"
        "resourcePerInstance: {cpu: 1, memoryMB: 2, gpu: 0, ports: {x: 1}}}}}";
    bool ok = false;

    (void)state;
    for (size_t cap = 64; !ok; cap += 64) {
        struct arena *a = arena_create(cap);
        struct err e = {0};

        assert_true(cap < 1024 * 1024);
        ok = spec_parse(a, text, strlen(text), &e) != NULL;
        if (!ok)
            assert_int_equal(e.code, ERR_INTERNAL);
        arena_destroy(a);
    }
}

/* Long commands by way of aliases: refused for what they are, within the memory of one request. */
static void long_commands(void **state)
{
    struct arena *a = arena_create(0);
    struct err e = {0};
    struct buf b;

    (void)state;
    buf_init(&b, 0);
    buf_adds(&b, HEAD "parameters: {x: &x '");
    for (int i = 0; i < 200000; i++)
        buf_addc(&b, 'x');
    buf_adds(&b,
             "'}\ntaskRoles: {r: {dockerImage: i, resourcePerInstance: {cpu: 1, memoryMB: 2, gpu: 0}, commands: [*x");
    for (int i = 0; i < 98; i++)
        buf_adds(&b, ", *x");
    buf_adds(&b, "]}}\n");
    assert_null(spec_parse(a, buf_str(&b), b.len, &e));
    assert_int_equal(e.code, ERR_INVALID_PROTOCOL);
    assert_string_equal(e.pointer, "/taskRoles/r/commands");
    assert_string_equal(e.text, "the commands of the job are too long once templates are filled");
    buf_fini(&b);
    arena_destroy(a);
}

static void a_long_image(void **state)
{
    struct err e = {0};
    struct buf b;

    (void)state;
    buf_init(&b, 0);
    buf_adds(&b, "protocolVersion: 2\nname: j\ntype: job\nparameters: {p: ");
    for (int i = 0; i < 5000; i++)
        buf_addc(&b, 'x');
    buf_adds(&b, "}\nprerequisites: [{name: i, type: dockerimage, uri: '<% $parameters.p %>'}]\n" ROLES);
    assert_null(spec_parse(arena, buf_str(&b), b.len, &e));
    assert_string_equal(e.pointer, "/taskRoles/r/dockerImage");
    assert_int_equal(e.line, 6);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(defaults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(everything, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_of_plugin_ssh, set_up, tear_down),
        cmocka_unit_test_setup_teardown(parts_of_the_document, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_debug_reservation_has_defaults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(priorities, set_up, tear_down),
        cmocka_unit_test_setup_teardown(odd_but_valid, set_up, tear_down),
        cmocka_unit_test_setup_teardown(mixed_skus_in_a_group, set_up, tear_down),
        cmocka_unit_test_setup_teardown(json, set_up, tear_down),
        cmocka_unit_test_setup_teardown(whole_documents_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_many_roles, set_up, tear_down),
        cmocka_unit_test_setup_teardown(out_of_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_commands, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_image, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hostile_templates, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hostile_requires, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
