/* SPDX-License-Identifier: MIT
 *
 * Files: bounds, kinds, atomic replacement; and log lines, which foreign text cannot forge.
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
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "tests/unit/base/temp_dir.h"

struct files {
    char dir[TEMP_PATH];
    char path[TEMP_PATH + 16];
    struct buf b;
    struct err e;
};

static int files_setup(void **state)
{
    struct files *f = calloc(1, sizeof(*f));

    if (!f || temp_create(f->dir))
        return -1;
    (void)snprintf(f->path, sizeof(f->path), "%s/file", f->dir);
    buf_init(&f->b, 0);
    *state = f;
    return 0;
}

static int files_teardown(void **state)
{
    struct files *f = *state;

    buf_fini(&f->b);
    temp_remove(f->dir);
    free(f);
    return 0;
}

static void read_within_bounds(void **state)
{
    struct files *f = *state;

    assert_int_equal(fs_read(f->path, 10, &f->b, &f->e), -1);
    assert_non_null(strstr(f->e.text, "No such file"));
    assert_int_equal(fs_write_atomic(f->path, "0123456789", 10, 0600, &f->e), 0);
    assert_int_equal(fs_read(f->path, 10, &f->b, &f->e), 0);
    assert_string_equal(buf_str(&f->b), "0123456789");
    assert_int_equal(fs_read(f->path, 9, &f->b, &f->e), -1);
    assert_int_equal(f->e.code, ERR_TOO_LARGE);
    buf_reset(&f->b);
    assert_int_equal(fs_read("/proc/self/stat", 4, &f->b, &f->e), -1);
    assert_int_equal(f->e.code, ERR_TOO_LARGE);
}

static void read_refuses_other_kinds(void **state)
{
    struct files *f = *state;
    char link_path[TEMP_PATH + 32];

    assert_int_equal(mkfifo(f->path, 0600), 0);
    assert_int_equal(fs_read(f->path, 10, &f->b, &f->e), -1);
    assert_non_null(strstr(f->e.text, "not a regular file"));
    assert_int_equal(fs_read(f->dir, 10, &f->b, &f->e), -1);
    (void)snprintf(link_path, sizeof(link_path), "%s/link", f->dir);
    assert_int_equal(symlink("/etc/passwd", link_path), 0);
    assert_int_equal(fs_read(link_path, 100000, &f->b, &f->e), -1);
    assert_int_equal(f->b.len, 0);
}

static void replace_is_whole_and_leaves_nothing(void **state)
{
    struct files *f = *state;
    int dirfd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat st;

    assert_int_equal(fs_write_atomic(f->path, "old", 3, 0644, &f->e), 0);
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644);
    assert_int_equal(fs_write_atomic_at(dirfd, "file", "new one", 7, &f->e), 0);
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(fs_read(f->path, 10, &f->b, &f->e), 0);
    assert_string_equal(buf_str(&f->b), "new one");
    assert_int_equal(fs_write_atomic_at(dirfd, "a/b", "x", 1, &f->e), -1);
    close(dirfd);
    /* Nothing but the file is there: rmdir works once it is gone. */
    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(rmdir(f->dir), 0);
    assert_int_equal(fs_write_atomic(f->path, "x", 1, 0600, &f->e), -1);
    assert_int_equal(mkdir(f->dir, 0700), 0);
    /* A folder in the way is an error, and the temporary is gone. */
    assert_int_equal(mkdir(f->path, 0700), 0);
    assert_int_equal(fs_write_atomic(f->path, "x", 1, 0600, &f->e), -1);
    assert_int_equal(rmdir(f->path), 0);
    assert_int_equal(rmdir(f->dir), 0);
    assert_int_equal(mkdir(f->dir, 0700), 0);
}

static void mkdir_accepts_what_is_there(void **state)
{
    struct files *f = *state;

    assert_int_equal(fs_mkdir(f->path, 0700, &f->e), 0);
    assert_int_equal(fs_mkdir(f->path, 0700, &f->e), 0);
    assert_int_equal(rmdir(f->path), 0);
    assert_int_equal(fs_write_atomic(f->path, "", 0, 0600, &f->e), 0);
    assert_int_equal(fs_mkdir(f->path, 0700, &f->e), -1);
    assert_int_equal(fs_mkdir("/proc/none/x", 0700, &f->e), -1);
}

/* Runs log_write with standard error in a file; the text is in f->b. */
static void capture(struct files *f, enum log_format format, enum log_level level, const char *text)
{
    int saved = dup(STDERR_FILENO);
    int fd = open(f->path, O_RDWR | O_CREAT | O_TRUNC, 0600);

    assert_true(saved >= 0 && fd >= 0);
    assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
    log_setup("test", LOG_LEVEL_INFO, format);
    log_write(level, "an_event", "%s", text);
    assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
    close(fd);
    close(saved);
    buf_reset(&f->b);
    assert_int_equal(fs_read(f->path, 1 << 20, &f->b, &f->e), 0);
}

static void log_lines_cannot_be_forged(void **state)
{
    struct files *f = *state;

    unsetenv("JOURNAL_STREAM");
    capture(f, LOG_FORMAT_LOGFMT, LOG_LEVEL_WARN, "a \"quote\"\nlevel=error \x1b[2J \xff");
    assert_non_null(
        strstr(buf_str(&f->b),
               " level=warn program=test event=an_event msg=\"a \\\"quote\\\"\\nlevel=error \\x1b[2J \\xff\"\n"));
    assert_int_equal(strcspn(buf_str(&f->b), "\n"), f->b.len - 1);
    assert_memory_equal(buf_str(&f->b), "time=2", 6);
    capture(f, LOG_FORMAT_LOGFMT, LOG_LEVEL_DEBUG, "hidden");
    assert_int_equal(f->b.len, 0);
}

static void log_json_is_json(void **state)
{
    struct files *f = *state;
    const char *msg = NULL;
    cJSON *o;

    setenv("JOURNAL_STREAM", "1:2", 1);
    capture(f, LOG_FORMAT_JSON, LOG_LEVEL_ERROR, "a \"quote\"\n\x1b");
    unsetenv("JOURNAL_STREAM");
    assert_memory_equal(buf_str(&f->b), "<3>{", 4);
    o = json_parse(buf_str(&f->b) + 3, f->b.len - 3, 0, &f->e);
    assert_non_null(o);
    assert_int_equal(json_get_string(o, "msg", &msg, &f->e), 0);
    assert_string_equal(msg, "a \"quote\"\n\x1b");
    cJSON_Delete(o);
}

static void log_survives_long_messages(void **state)
{
    struct files *f = *state;
    char *text = malloc(100001);

    assert_non_null(text);
    memset(text, 0x01, 100000);
    text[100000] = '\0';
    capture(f, LOG_FORMAT_LOGFMT, LOG_LEVEL_ERROR, text);
    assert_non_null(strstr(buf_str(&f->b), "message too long"));
    text[16000] = '\0';
    capture(f, LOG_FORMAT_JSON, LOG_LEVEL_ERROR, text);
    assert_true(f->b.len > 16000 * 6);
    free(text);
}

static int beneath(int dir, const char *path)
{
    int fd = fs_open_beneath(dir, path, O_RDONLY);

    if (fd >= 0)
        (void)close(fd);
    return fd < 0 ? -1 : 0;
}

static void test_beneath_a_folder_no_path_leads_out(void **state)
{
    static const char *const good[] = {"", "in", "in/file", "in/deep/x"};
    static const char *const bad[] = {"..",    "../file",  "in/..",     "in/../in/file", "/etc/passwd", "/",
                                      "in/",   "in//file", "./in",      "in/./file",     "link",        "in/up/file",
                                      "up/in", "missing",  "in/file/x", "root/etc"};
    struct files *f = *state;
    int dir = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_true(dir >= 0);
    assert_int_equal(mkdirat(dir, "in", 0700) || mkdirat(dir, "in/deep", 0700), 0);
    (void)snprintf(f->path, sizeof(f->path), "%s/in/file", f->dir);
    assert_int_equal(fs_write_atomic(f->path, "x", 1, 0600, &f->e), 0);
    (void)snprintf(f->path, sizeof(f->path), "%s/in/deep/x", f->dir);
    assert_int_equal(mkfifo(f->path, 0600), 0); /* must not make us wait */
    assert_int_equal(symlinkat("in/file", dir, "link") || symlinkat("..", dir, "in/up") || symlinkat("..", dir, "up") ||
                         symlinkat("/", dir, "root"),
                     0);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_int_equal(beneath(dir, good[i]), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(beneath(dir, bad[i]), -1);
    (void)close(dir);
}

static void test_a_tree_goes_however_deep_and_leaves_what_links_point_to(void **state)
{
    struct files *f = *state;
    int dir = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), at;

    assert_int_equal(mkdirat(dir, "kept", 0700) || mkdirat(dir, "tree", 0700), 0);
    (void)snprintf(f->path, sizeof(f->path), "%s/kept/file", f->dir);
    assert_int_equal(fs_write_atomic(f->path, "x", 1, 0600, &f->e), 0);
    at = openat(dir, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(symlinkat("../kept", at, "link") || mkfifoat(at, "fifo", 0600) || mkdirat(at, "shut", 0), 0);
    for (int i = 0; i < 1000; i++) { /* deeper than descriptors reach */
        int next;

        assert_int_equal(mkdirat(at, "a", 0700) || symlinkat("/", at, "root"), 0);
        next = openat(at, "a", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(next >= 0);
        (void)close(at);
        at = next;
    }
    (void)close(at);
    assert_int_equal(fs_remove_tree(dir, "tree"), 0);
    assert_int_equal(faccessat(dir, "tree", F_OK, 0), -1);
    assert_int_equal(faccessat(dir, "kept/file", F_OK, 0), 0);
    assert_int_equal(fs_remove_tree(dir, "tree"), -1);
    assert_int_equal(symlinkat("kept", dir, "link"), 0);
    assert_int_equal(fs_remove_tree(dir, "link"), -1);
    assert_int_equal(faccessat(dir, "kept/file", F_OK, 0), 0);
    (void)close(dir);
}

/* The digests of FIPS 180-4 for "abc" and for nothing, wherever the file stands. */
static void test_digest(void **state)
{
    char hex[DIGEST_SIZE];
    int64_t bytes = -1;
    int fd = memfd_create("digest", MFD_CLOEXEC);

    (void)state;
    assert_int_equal(digest_file(fd, hex, &bytes), 0);
    assert_int_equal(bytes, 0);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_int_equal(write(fd, "abc", 3), 3);
    assert_int_equal(digest_file(fd, hex, &bytes), 0);
    assert_int_equal(bytes, 3);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 3);
    assert_int_equal(close(fd), 0);
    assert_int_equal(digest_file(fd, hex, NULL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_tree_goes_however_deep_and_leaves_what_links_point_to, files_setup,
                                        files_teardown),
        cmocka_unit_test_setup_teardown(test_beneath_a_folder_no_path_leads_out, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(read_within_bounds, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(read_refuses_other_kinds, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(replace_is_whole_and_leaves_nothing, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(mkdir_accepts_what_is_there, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(log_lines_cannot_be_forged, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(log_json_is_json, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(log_survives_long_messages, files_setup, files_teardown),
        cmocka_unit_test(test_digest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
