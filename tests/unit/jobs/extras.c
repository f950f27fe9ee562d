/* SPDX-License-Identifier: MIT */
/* The arena is of one test at a time. */
#include "tests/unit/jobs/extras.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "jobs/spec.h"

struct arena *extras_arena;

int extras_set_up(void **state)
{
    (void)state;
    extras_arena = arena_create(0);
    return extras_arena ? 0 : -1;
}

int extras_tear_down(void **state)
{
    (void)state;
    arena_destroy(extras_arena);
    return 0;
}

struct spec *extras_parse(const char *extras, struct err *e)
{
    static char text[4096];
    int n = snprintf(text, sizeof text,
                     "protocolVersion: 2\nname: x\ntype: job\n"
                     "prerequisites: [{type: dockerimage, name: image, uri: none}]\n"
                     "taskRoles:\n"
                     "  main: {dockerImage: image, commands: [x], instances: 2,\n"
                     "    resourcePerInstance: {cpu: 1, memoryMB: 1, gpu: 0, ports: {lab: 1}}}\n"
                     "  other: {dockerImage: image, commands: [y],\n"
                     "    resourcePerInstance: {cpu: 1, memoryMB: 1, gpu: 0}}\nextras: %s\n",
                     extras);
    return spec_parse(extras_arena, text, (size_t)n, e);
}
