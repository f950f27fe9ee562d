/* SPDX-License-Identifier: MIT
 *
 * What the tests of extras share: a job that has them.
 */
#ifndef DROVER_TESTS_UNIT_JOBS_EXTRAS_H
#define DROVER_TESTS_UNIT_JOBS_EXTRAS_H

struct arena;
struct err;

/* Of every test of its own; set_up and tear_down are for cmocka. */
extern struct arena *extras_arena;
int extras_set_up(void **state);
int extras_tear_down(void **state);
/* A job with these extras and the roles `main`, of two tasks with a port `lab`, and `other`; NULL when it is refused,
 * with the error. */
struct spec *extras_parse(const char *extras, struct err *e);

#endif
