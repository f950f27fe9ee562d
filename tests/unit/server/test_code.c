/* SPDX-License-Identifier: MIT
 *
 * The store of code: an upload is there or not, a job's name of it outlives the upload's, and what nobody uses goes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "server/code.h"
#include "server/readers.h"
#include "store/store.h"
#include "tests/unit/base/temp_dir.h"

#define MB (1 << 20)
#define HOUR_MS (INT64_C(3600) * 1000)
#define JOB "01a20088-41c3-7f81-af99-25cbc40d5f01"

struct place {
    char dir[TEMP_PATH], path[TEMP_PATH + 32];
    struct store *store;
    struct readers *readers;
    struct code *code;
    struct err e;
};

/* An upload of the test's, and that it is done. */
struct sent {
    struct code_upload upload;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
};

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));

    if (!p || temp_create(p->dir))
        return -1;
    (void)snprintf(p->path, sizeof(p->path), "%s/drover.db", p->dir);
    p->store = store_open(p->path, STORE_WRITER, &p->e);
    p->readers = p->store ? readers_create(p->path, 2) : NULL;
    p->code = p->readers ? code_create(p->dir, MB, p->readers, &p->e) : NULL;
    *state = p;
    return p->code ? 0 : -1;
}

static int teardown(void **state)
{
    struct place *p = *state;

    code_destroy(p->code);
    readers_destroy(p->readers);
    store_close(p->store);
    temp_remove(p->dir);
    free(p);
    return 0;
}

static void is_done(struct code_work *w)
{
    struct sent *s = w->ctx;

    pthread_mutex_lock(&s->lock);
    s->done = true;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

/* A tar of one file of so many bytes, with a name; as an unnamed file. */
static int archive(const struct place *p, const char *name, size_t bytes)
{
    char block[512] = {0};
    unsigned sum = 0;
    int fd = open(p->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    (void)snprintf(block, 100, "%s", name);
    (void)snprintf(block + 100, 8, "%07o", 0644u);
    (void)snprintf(block + 124, 12, "%011zo", bytes);
    (void)snprintf(block + 136, 12, "%011o", 0u);
    memset(block + 148, ' ', 8);
    block[156] = '0';
    memcpy(block + 257, "ustar", 6);
    for (size_t i = 0; i < sizeof(block); i++)
        sum += (unsigned char)block[i];
    (void)snprintf(block + 148, 8, "%06o", sum);
    assert_int_equal(fs_write_all(fd, block, sizeof(block)), 0);
    assert_int_equal(ftruncate(fd, (off_t)(512 + (bytes + 511) / 512 * 512 + 1024)), 0);
    return fd;
}

/* Sends it for the user and waits. What became of it is in s->upload. */
static void deliver(const struct place *p, struct sent *s, int fd, const char *user)
{
    struct err e = {0};

    *s = (struct sent){.upload = {.work = {.done = is_done, .ctx = s}, .fd = fd, .user = user},
                       .lock = PTHREAD_MUTEX_INITIALIZER,
                       .changed = PTHREAD_COND_INITIALIZER};
    assert_int_equal(code_store(p->code, &s->upload, &e), 0);
    pthread_mutex_lock(&s->lock);
    while (!s->done)
        pthread_cond_wait(&s->changed, &s->lock);
    pthread_mutex_unlock(&s->lock);
    (void)close(fd);
}

static void what_was_sent_can_be_given_to_jobs(void **state)
{
    struct place *p = *state;
    struct sent s;
    struct stat st;
    int fd;

    deliver(p, &s, archive(p, "x", 10), "ana");
    assert_int_equal(s.upload.work.err.code, ERR_NONE);
    assert_int_equal(s.upload.bytes, 512 + 512 + 1024);
    assert_int_equal(s.upload.found.bytes, 10);
    assert_int_equal(code_attach(p->code, "bo", s.upload.id, JOB, &p->e), -1);
    assert_int_equal(p->e.code, ERR_INVALID_PROTOCOL);
    assert_int_equal(code_open(p->code, JOB, &p->e), -1);
    assert_int_equal(p->e.code, ERR_NO_FILE);
    assert_int_equal(code_attach(p->code, "ana", s.upload.id, JOB, &p->e), 0);
    fd = code_open(p->code, JOB, &p->e);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, s.upload.bytes);
    assert_int_equal(st.st_nlink, 2);
    assert_int_equal(st.st_mode & 0777, 0400);
    (void)close(fd);
    code_detach(p->code, JOB);
    assert_int_equal(code_open(p->code, JOB, &p->e), -1);
}

static void what_cannot_be_kept_is_refused(void **state)
{
    struct place *p = *state;
    struct sent s;

    deliver(p, &s, archive(p, "../x", 10), "ana");
    assert_int_equal(s.upload.work.err.code, ERR_INVALID_PARAMETERS);
    deliver(p, &s, archive(p, "x", CODE_UNPACKED * MB + 1), "ana");
    assert_int_equal(s.upload.work.err.code, ERR_TOO_LARGE);
    /* Uploads without a job: four times the limit a user, each of another content. */
    for (int i = 0; i < 5; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "f%d", i);
        deliver(p, &s, archive(p, name, MB), "ana");
        assert_int_equal(s.upload.work.err.code, i < 3 ? ERR_NONE : ERR_TOO_MANY);
    }
    deliver(p, &s, archive(p, "f0", MB), "bo");
    assert_int_equal(s.upload.work.err.code, ERR_NONE);
    deliver(p, &s, archive(p, "f0", MB), "ana"); /* there already */
    assert_int_equal(s.upload.work.err.code, ERR_NONE);
}

static void what_nobody_uses_goes(void **state)
{
    struct place *p = *state;
    int64_t now = clock_read().wall;
    struct sent s;
    int fd;

    deliver(p, &s, archive(p, "x", 10), "ana");
    assert_int_equal(code_attach(p->code, "ana", s.upload.id, JOB, &p->e), 0);
    assert_int_equal(code_sweep(p->code, now, &p->e), 0);
    fd = code_open(p->code, JOB, &p->e);
    assert_true(fd >= 0); /* its submission may be under way */
    (void)close(fd);
    assert_int_equal(code_sweep(p->code, now + 2 * HOUR_MS, &p->e), 0);
    assert_int_equal(code_open(p->code, JOB, &p->e), -1); /* there is no such job */
    assert_int_equal(code_attach(p->code, "ana", s.upload.id, JOB, &p->e), 0);
    code_detach(p->code, JOB);
    assert_int_equal(code_sweep(p->code, now + 25 * HOUR_MS, &p->e), 0);
    assert_int_equal(code_attach(p->code, "ana", s.upload.id, JOB, &p->e), -1);
    assert_int_equal(p->e.code, ERR_INVALID_PROTOCOL);
}

static void who_comes_after_the_end_is_told(void **state)
{
    struct place *p = *state;
    struct code_upload u = {.work = {.done = is_done}, .fd = -1, .user = "ana"};

    code_close(p->code);
    assert_int_equal(code_store(p->code, &u, &p->e), -1);
    assert_int_equal(p->e.code, ERR_BUSY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_sent_can_be_given_to_jobs, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_kept_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(what_nobody_uses_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(who_comes_after_the_end_is_told, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
