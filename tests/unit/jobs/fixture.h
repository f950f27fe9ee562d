/* SPDX-License-Identifier: MIT
 *
 * What the tests of jobs/ share: a job from a text.
 */
#ifndef DROVER_TESTS_UNIT_JOBS_FIXTURE_H
#define DROVER_TESTS_UNIT_JOBS_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "jobs/job.h"

#define FIXTURE_HEAD "protocolVersion: 2\nname: j\ntype: job\nprerequisites: [{name: i, type: dockerimage, uri: u}]\n"

/* The job of `text`, as user `alice`; ends the test when it is refused. */
static inline struct job *fixture_job(const char *text)
{
    struct arena *a = arena_create(0);
    struct err e = {0};
    struct spec *s = spec_parse(a, text, strlen(text), &e);
    struct job *j;

    if (!s)
        fail_msg("refused: %d:%d %s", e.line, e.column, e.text);
    j = job_create(s, "alice", "01890000-0000-7000-8000-000000000001");
    arena_destroy(a);
    assert_non_null(j);
    return j;
}

#endif
