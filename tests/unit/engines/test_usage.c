/* SPDX-License-Identifier: MIT
 *
 * How much of the disk a folder takes: what is allocated, each file once, nothing behind a link, nothing without end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "engines/local/usage.h"
#include "tests/unit/base/temp_dir.h"

#define KB 1024

struct place {
    char path[TEMP_PATH];
    int dir;
};

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));

    if (!p || temp_create(p->path))
        return -1;
    p->dir = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = p;
    return p->dir < 0 || mkdirat(p->dir, "work", 0700) ? -1 : 0;
}

static int teardown(void **state)
{
    struct place *p = *state;

    (void)fs_remove_tree(p->dir, "work");
    (void)close(p->dir);
    temp_remove(p->path);
    free(p);
    return 0;
}

/* A file of so many bytes at the end of which `written` are. */
static void put(const struct place *p, const char *name, off_t size, size_t written)
{
    int fd = openat(p->dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    char *data = calloc(1, written + 1);

    assert_true(fd >= 0);
    assert_non_null(data);
    memset(data, 'x', written);
    assert_int_equal(ftruncate(fd, size), 0);
    assert_int_equal(pwrite(fd, data, written, size - (off_t)written), written);
    assert_int_equal(fsync(fd), 0); /* some file systems allocate no sooner */
    free(data);
    (void)close(fd);
}

static int64_t usage(const struct place *p)
{
    int64_t bytes = 0;

    assert_int_equal(usage_add(p->dir, "work", &bytes), 0);
    return bytes;
}

static void what_is_allocated_counts_once(void **state)
{
    const struct place *p = *state;
    int64_t empty = usage(p), one;

    put(p, "work/f", 400 * KB, 400 * KB);
    one = usage(p);
    assert_in_range(one - empty, 400 * KB, 440 * KB);
    assert_int_equal(linkat(p->dir, "work/f", p->dir, "work/again", 0), 0);
    assert_in_range(usage(p) - empty, 400 * KB, 440 * KB);
    put(p, "work/sparse", (off_t)1 << 30, 4 * KB);
    assert_in_range(usage(p) - one, 1, 300 * KB);
}

static void links_lead_nowhere(void **state)
{
    const struct place *p = *state;
    int64_t empty = usage(p);

    put(p, "outside", 400 * KB, 400 * KB);
    assert_int_equal(symlinkat("..", p->dir, "work/up"), 0);
    assert_int_equal(symlinkat("../outside", p->dir, "work/file"), 0);
    assert_in_range(usage(p) - empty, 0, 40 * KB);
    assert_int_equal(symlinkat(".", p->dir, "tmp"), 0);
    assert_int_equal(usage_add(p->dir, "tmp", &empty), -1);
    assert_int_equal(usage_add(p->dir, "none", &empty), -1);
    assert_int_equal(errno, ENOENT);
}

static void what_is_too_deep_is_said_to_be(void **state)
{
    const struct place *p = *state;
    int64_t bytes = 0;
    int dir = openat(p->dir, "work", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    for (int i = 0; i <= USAGE_DEPTH_MAX; i++) {
        int next;

        assert_int_equal(mkdirat(dir, "d", 0700), 0);
        next = openat(dir, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        (void)close(dir);
        dir = next;
    }
    (void)close(dir);
    assert_int_equal(usage_add(p->dir, "work", &bytes), -1);
    assert_int_equal(errno, E2BIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_allocated_counts_once, setup, teardown),
        cmocka_unit_test_setup_teardown(links_lead_nowhere, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_too_deep_is_said_to_be, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
