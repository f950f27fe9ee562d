/* SPDX-License-Identifier: MIT
 *
 * The script that a task role becomes: its text where that matters, and what a shell makes of it.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/err.h"
#include "jobs/spec.h"

#define HEAD "protocolVersion: 2\nname: j\ntype: job\n"
#define IMAGE "  - {name: i, type: dockerimage, uri: u}\n"
#define NEEDS "dockerImage: i, resourcePerInstance: {cpu: 1, memoryMB: 2, gpu: 0}"

extern char **environ;

/* The script of the first role of `text`. */
static const char *script_of(struct arena *a, const char *text)
{
    struct err e = {0};
    const struct spec *s = spec_parse(a, text, strlen(text), &e);

    if (!s)
        fail_msg("refused: %d:%d %s", e.line, e.column, e.text);
    return s ? s->roles[0].command : "";
}

/* Runs a script with sh; its standard output in `out`, lines joined by spaces; the exit status. */
static int run(const char *script, char *out, size_t size)
{
    char *const argv[] = {(char[]){"sh"}, (char[]){"-c"}, strdup(script), NULL};
    posix_spawn_file_actions_t actions;
    size_t len = 0;
    ssize_t n;
    int fds[2], status = 0;
    pid_t pid = 0;

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
    assert_int_equal(posix_spawn(&pid, "/bin/sh", &actions, NULL, argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(fds[1]);
    while (len + 1 < size && (n = read(fds[0], out + len, size - len - 1)) > 0)
        len += (size_t)n;
    close(fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    free(argv[2]);
    while (len > 0 && out[len - 1] == '\n')
        len--;
    out[len] = '\0';
    for (char *c = out; *c; c++)
        if (*c == '\n')
            *c = ' ';
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void assert_runs(const char *text, int status, const char *output)
{
    struct arena *a = arena_create(0);
    char out[512];
    int have = run(script_of(a, text), out, sizeof(out));

    assert_string_equal(out, output);
    assert_int_equal(have, status);
    arena_destroy(a);
}

static void assert_script(const char *text, const char *script)
{
    struct arena *a = arena_create(0);

    assert_string_equal(script_of(a, text), script);
    arena_destroy(a);
}

static void plain(void **state)
{
    (void)state;
    assert_script(HEAD "prerequisites:\n" IMAGE "taskRoles: {r: {" NEEDS ", commands: ['  a  ', \"b\\n\\n\", c]}}\n",
                  "a\nb\nc");
    assert_runs(HEAD "prerequisites:\n" IMAGE "taskRoles: {r: {" NEEDS ", commands: [cd /, pwd, exit 3]}}\n", 3, "/");
}

#define DEPLOYED(chosen)                                                                                               \
    HEAD "prerequisites:\n" IMAGE "taskRoles: {r: {" NEEDS ", commands: [echo run $X]}}\n"                             \
         "deployments:\n  - {name: a, taskRoles: {r: {preCommands: [X=1, echo pre], postCommands: [echo post]}}}\n"    \
         "  - {name: b, taskRoles: {r: {postCommands: [echo b]}}}\n" chosen

static void deployments_wrap(void **state)
{
    (void)state;
    assert_script(DEPLOYED("defaults: {deployment: a}\n"), "X=1\necho pre\necho run $X\necho post");
    assert_script(DEPLOYED("defaults: {deployment: b}\n"), "echo run $X\necho b");
    assert_script(DEPLOYED(""), "echo run $X");
}

/* p needs q; both say what they do at the start and after success. */
#define WITH_CALLBACKS(q_policy, q_start, commands)                                                                    \
    HEAD "prerequisites:\n" IMAGE                                                                                      \
         "  - {name: p, type: script, require: [q], callbacks: [{event: taskStarts, commands: [echo p1]},"             \
         " {event: taskSucceeds, commands: [echo p2]}]}\n"                                                             \
         "  - {name: q, type: data, failurePolicy: " q_policy ", callbacks: [{event: taskStarts, commands: ['" q_start \
         "']}, {event: taskSucceeds, commands: [echo q2]}]}\n"                                                         \
         "taskRoles: {r: {" NEEDS ", prerequisites: [p, q], commands: [" commands "]}}\n"

static void callbacks_in_order_and_back(void **state)
{
    (void)state;
    assert_runs(WITH_CALLBACKS("fail", "echo q1", "echo run"), 0, "q1 p1 run p2 q2");
    /* exit and exec in the commands skip nothing */
    assert_runs(WITH_CALLBACKS("fail", "echo q1", "echo run, exit 0, echo no"), 0, "q1 p1 run p2 q2");
    assert_runs(WITH_CALLBACKS("fail", "echo q1", "exec echo run"), 0, "q1 p1 run p2 q2");
    /* a failed run: no taskSucceeds, its own status */
    assert_runs(WITH_CALLBACKS("fail", "echo q1", "echo run, exit 7"), 7, "q1 p1 run");
    /* variables of a callback are there for the commands */
    assert_runs(WITH_CALLBACKS("fail", "Q=5", "echo $Q"), 0, "p1 5 p2 q2");
}

static void failing_callbacks(void **state)
{
    (void)state;
    assert_runs(WITH_CALLBACKS("fail", "(exit 9)", "echo run"), 9, "");
    assert_runs(WITH_CALLBACKS("ignore", "(exit 9)", "echo run"), 0, "p1 run p2 q2");
}

#define WITH_PLUGIN(policy, pre, post, commands)                                                                       \
    HEAD "prerequisites:\n" IMAGE "taskRoles: {r: {" NEEDS ", commands: [" commands "]}}\n"                            \
         "extras:\n  com.microsoft.pai.runtimeplugin:\n    - plugin: cmd\n      failurePolicy: " policy "\n"           \
         "      parameters: {preCommands: [" pre "], postCommands: [" post "]}\n"

static void cmd_plugin(void **state)
{
    (void)state;
    assert_runs(WITH_PLUGIN("fail", "X=1, echo pre", "echo post", "echo run $X"), 0, "pre run 1 post");
    /* postCommands run however the commands ended, and do not hide it */
    assert_runs(WITH_PLUGIN("fail", "echo pre", "echo post", "exit 6"), 6, "pre post");
    assert_runs(WITH_PLUGIN("fail", "echo pre", "(exit 2)", "exit 6"), 6, "pre");
    assert_runs(WITH_PLUGIN("fail", "echo pre", "(exit 2)", "echo run"), 1, "pre run");
    assert_runs(WITH_PLUGIN("ignore", "echo pre", "(exit 2)", "echo run"), 0, "pre run");
    assert_runs(WITH_PLUGIN("fail", "(exit 4)", "echo post", "echo run"), 4, "");
    assert_runs(WITH_PLUGIN("ignore", "(exit 4)", "echo post", "echo run"), 0, "run post");
    assert_script(WITH_PLUGIN("fail", "", "", "echo run"), "echo run");
    /* comments and here-documents do not swallow what comes behind */
    assert_runs(WITH_PLUGIN("fail", "'# nothing'", "'echo post # x'", "\"cat <<X\\nin\\nX\", 'echo run # y'"), 0,
                "in run post");
}

static void templates_in_all_of_it(void **state)
{
    (void)state;
    assert_script(HEAD "parameters: {n: 1.50, l: [a, b]}\nsecrets: {s: t}\nprerequisites:\n" IMAGE
                       "  - {name: c, type: script, uri: 'git', callbacks: [{event: taskStarts,"
                       " commands: ['get <% $script.uri %>']}]}\n"
                       "  - {name: d, type: data, uri: [x, y]}\n"
                       "taskRoles: {r: {" NEEDS ", script: c, data: d, prerequisites: [c], commands: ["
                       "'echo <% $parameters.n %> <%$parameters.l[1]%> <% $data.uri[0] %> <% $data.name %>',"
                       "'<% $output.uri %> <% $secrets.s %> <% $parameters.q %>']}}\n"
                       "deployments: [{name: z, taskRoles: {r: {preCommands: ['pre <% $parameters.l %>']}}}]\n"
                       "defaults: {deployment: z}\n",
                  "{ :\nget git\n} || exit $?\npre a,b\necho 1.50 b x d\n"
                  "<% $output.uri %> <% $secrets.s %> <% $parameters.q %>");
}

static void image_uris_are_filled(void **state)
{
    static const char text[] = HEAD "parameters: {tag: 1.10}\n"
                                    "prerequisites: [{name: i, type: dockerimage, uri: 'img:<% $parameters.tag %>'}]\n"
                                    "taskRoles: {r: {" NEEDS ", commands: [x]}}\n";
    struct arena *a = arena_create(0);
    struct err e = {0};

    (void)state;
    assert_string_equal(spec_parse(a, text, strlen(text), &e)->roles[0].image_uri, "img:1.10");
    arena_destroy(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain),
        cmocka_unit_test(deployments_wrap),
        cmocka_unit_test(callbacks_in_order_and_back),
        cmocka_unit_test(failing_callbacks),
        cmocka_unit_test(cmd_plugin),
        cmocka_unit_test(templates_in_all_of_it),
        cmocka_unit_test(image_uris_are_filled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
