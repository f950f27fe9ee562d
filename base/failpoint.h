/* SPDX-License-Identifier: MIT
 *
 * Named places where a test makes a program die, fail or dawdle. Compiled out of release builds.
 *
 * The environment's DROVER_FAILPOINTS names a folder. A file there that is called as a point arms it, for the first
 * process that comes by, once:
 *
 *   abort          the process is killed, as by kill -9
 *   error [ERRNO]  the place fails (EIO); nothing where the table says that it cannot
 *   delay [MS]     it takes so long (100)
 *
 * A file `no-GUARD` there switches a guard against hostile tasks off as long as it is there, for a test that proves
 * that without the guard somebody gets through: "descriptors" (a task gets 0, 1 and 2; one more is left open), "tree"
 * (a task has ended when none of its processes is left), "kill" (a SIGKILL ends; without, its target seems to hang in
 * the kernel).
 *
 * Files with a number: `clock` sets the wall clock of all of them (milliseconds that clock_read adds), `wal-mb` what
 * the log of a database may grow to that is opened from then on.
 *
 * What was hit is appended to the folder's file `fired`, a line `POINT ACTION PID` each. Nothing is kept in the
 * process, so every program, each thread and the child of a vfork may pass a point.
 */
#ifndef DROVER_BASE_FAILPOINT_H
#define DROVER_BASE_FAILPOINT_H

#include <stdbool.h>
#include <stdint.h>

/* Every point: its constant, its name, who passes it (before-exec: the child that is going to be
 * that), and whether it can fail. tests/system/failpoints.py reads this table. */
#define FAILPOINT_TABLE(POINT)                                                                                         \
    POINT(STORE_BEFORE_COMMIT, "store.before-commit", "droverd", 1)                                                    \
    POINT(STORE_AFTER_COMMIT, "store.after-commit", "droverd", 1)                                                      \
    POINT(STORE_BEFORE_CHECKPOINT, "store.before-checkpoint", "droverd", 1)                                            \
    POINT(STORE_AFTER_CHECKPOINT, "store.after-checkpoint", "droverd", 0)                                              \
    POINT(STORE_MIGRATION, "store.migration", "droverd", 1)                                                            \
    POINT(LOOP_AFTER_LOAD, "loop.after-load", "droverd", 1)                                                            \
    POINT(LOOP_BEFORE_ORDERS, "loop.before-orders", "droverd", 0)                                                      \
    POINT(LOOP_BEFORE_ANSWERS, "loop.before-answers", "droverd", 0)                                                    \
    POINT(ENGINE_BEFORE_START, "engine.before-start", "droverd", 1)                                                    \
    POINT(ENGINE_AFTER_START, "engine.after-start", "droverd", 0)                                                      \
    POINT(ENGINE_BEFORE_STOP, "engine.before-stop", "droverd", 1)                                                      \
    POINT(ENGINE_BEFORE_END, "engine.before-end", "droverd", 0)                                                        \
    POINT(IMAGE_IN_PLACE, "image.in-place", "droverd", 0)                                                              \
    POINT(PACK_BEFORE_SYNC, "pack.before-sync", "droverd", 1)                                                          \
    POINT(PACK_BEFORE_RENAME, "pack.before-rename", "droverd", 1)                                                      \
    POINT(PACK_AFTER_RENAME, "pack.after-rename", "droverd", 1)                                                        \
    POINT(PACK_AFTER_REMOVE, "pack.after-remove", "droverd", 0)                                                        \
    POINT(SPAWNER_BEFORE_LATCH, "spawner.before-latch", "spawner", 1)                                                  \
    POINT(SPAWNER_AFTER_LATCH, "spawner.after-latch", "spawner", 1)                                                    \
    POINT(SPAWNER_BEFORE_FORK, "spawner.before-fork", "spawner", 1)                                                    \
    POINT(SPAWNER_BEFORE_EXEC, "spawner.before-exec", "shim", 1)                                                       \
    POINT(SPAWNER_AFTER_FORK, "spawner.after-fork", "spawner", 0)                                                      \
    POINT(SHIM_BEFORE_RECORD, "shim.before-record", "shim", 1)                                                         \
    POINT(SHIM_AFTER_RECORD, "shim.after-record", "shim", 1)                                                           \
    POINT(SHIM_BEFORE_EXEC, "shim.before-exec", "task", 1)                                                             \
    POINT(SHIM_AFTER_FORK, "shim.after-fork", "shim", 0)                                                               \
    POINT(SHIM_BEFORE_EXIT, "shim.before-exit", "shim", 1)                                                             \
    POINT(SHIM_AFTER_EXIT, "shim.after-exit", "shim", 0)

enum failpoint {
#define FAILPOINT_CONSTANT(constant, name, who, can_fail) FAILPOINT_##constant,
    FAILPOINT_TABLE(FAILPOINT_CONSTANT)
#undef FAILPOINT_CONSTANT
        FAILPOINT_COUNT
};

#ifdef DROVER_FAILPOINTS

/* Passes a point: 0, or -1 with errno where it is to fail (errno is kept otherwise). Async-signal-safe; any thread. */
int failpoint_pass(enum failpoint p);
/* Whether that guard is switched off. Async-signal-safe; any thread. */
bool failpoint_guard_off(const char *guard);
/* The number in the file `name`, 0 without. Any thread. */
int64_t failpoint_value(const char *name);
/* "DROVER_FAILPOINTS=DIR" for the environment of a program that is started, or NULL. Borrowed. */
char *failpoint_environment(void);

#define FAILPOINT(constant) failpoint_pass(FAILPOINT_##constant)
#define FAILPOINT_GUARD_OFF(guard) failpoint_guard_off(guard)
#define FAILPOINT_ENVIRONMENT failpoint_environment()
#define FAILPOINT_VALUE(name) failpoint_value(name)

#else

#define FAILPOINT(constant) 0
#define FAILPOINT_GUARD_OFF(guard) false
#define FAILPOINT_ENVIRONMENT NULL
#define FAILPOINT_VALUE(name) 0

#endif
#endif
