/* SPDX-License-Identifier: MIT
 *
 * Archives of code: what is packed comes back, and nothing that an archive says makes us write outside the folder,
 * too much, or anything but files, folders and links that stay inside.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/tarball.h"
#include "tests/unit/base/temp_dir.h"

#define MB (1 << 20)

struct world {
    char top[TEMP_PATH];
    int out;         /* the folder to unpack into */
    int outside;     /* the folder around it */
    struct buf text; /* an archive under way */
    struct tarball found;
    struct err e;
};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    if (!w || temp_create(w->top))
        return -1;
    w->outside = open(w->top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (w->outside < 0 || mkdirat(w->outside, "in", 0700))
        return -1;
    w->out = openat(w->outside, "in", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    buf_init(&w->text, 8 * MB);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    close(w->out);
    close(w->outside);
    buf_fini(&w->text);
    temp_remove(w->top);
    free(w);
    return 0;
}

/* An entry of a tar. */
struct entry {
    const char *name;
    char type; /* of a tar: '0' file, '1' hard link, '2' link, '3' device, '5' folder, '6' FIFO */
    const char *target;
    const char *data;
    unsigned mode; /* 0 = 0644 */
};

static void put(struct world *w, const struct entry *n)
{
    char block[512] = {0};
    size_t size = n->data ? strlen(n->data) : 0;
    unsigned sum = 0;

    (void)snprintf(block, 100, "%s", n->name);
    (void)snprintf(block + 100, 8, "%07o", n->mode ? n->mode : 0644u);
    (void)snprintf(block + 108, 8, "%07o", 0u);
    (void)snprintf(block + 116, 8, "%07o", 0u);
    (void)snprintf(block + 124, 12, "%011zo", size);
    (void)snprintf(block + 136, 12, "%011o", 1700000000u);
    memset(block + 148, ' ', 8);
    block[156] = n->type;
    (void)snprintf(block + 157, 100, "%s", n->target ? n->target : "");
    memcpy(block + 257,
           "ustar\0"
           "00",
           8);
    for (size_t i = 0; i < sizeof(block); i++)
        sum += (unsigned char)block[i];
    (void)snprintf(block + 148, 8, "%06o", sum);
    (void)buf_add(&w->text, block, sizeof(block));
    memset(block, 0, sizeof(block));
    (void)buf_add(&w->text, n->data, size);
    if (size % 512)
        (void)buf_add(&w->text, block, 512 - size % 512);
}

/* Unpacks what was put, or only looks at it. */
static int take(struct world *w, bool unpack, int64_t max)
{
    static const char end[1024];
    int fd = memfd_create("tar", MFD_CLOEXEC);
    int rc;

    (void)buf_add(&w->text, end, sizeof(end));
    assert_int_equal(fs_write_all(fd, w->text.data, w->text.len), 0);
    w->e = (struct err){0};
    rc = tarball_read(fd, unpack ? w->out : -1, max, &w->found, &w->e);
    close(fd);
    buf_reset(&w->text);
    return rc;
}

static void assert_file(const struct world *w, const char *path, const char *text)
{
    char full[TEMP_PATH + 64];
    struct buf b;
    struct err e = {0};

    (void)snprintf(full, sizeof(full), "%s/in/%s", w->top, path);
    buf_init(&b, 0);
    if (fs_read(full, MB, &b, &e))
        fail_msg("%s", e.text);
    assert_string_equal(buf_str(&b), text);
    buf_fini(&b);
}

static void what_is_allowed_is_unpacked(void **state)
{
    struct world *w = *state;
    struct stat st;
    char target[64];
    ssize_t n;
    static const struct entry good[] = {
        {"./", '5', NULL, NULL, 0755},
        {"./a/b/", '5', NULL, NULL, 0555},
        {"./a/b//./one", '0', NULL, "first", 06755},
        {"a/b/one", '0', NULL, "second", 06755}, /* as tar -r adds it */
        {"no/folder/entry", '0', NULL, "x", 0},
        {"again", '1', "./a/b/one", NULL, 0},
        {"a/up", '2', "../no/folder", NULL, 0777},
        {"a/b/top", '2', "../..", NULL, 0777},
        {"\303\244", '0', NULL, "umlaut", 0},
    };

    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        put(w, &good[i]);
    if (take(w, true, MB))
        fail_msg("%s", w->e.text);
    assert_int_equal(w->found.entries, sizeof(good) / sizeof(*good));
    assert_int_equal(w->found.bytes, 5 + 6 + 1 + 6);
    assert_file(w, "a/b/one", "second");
    assert_file(w, "again", "second");
    assert_file(w, "no/folder/entry", "x");
    assert_file(w, "\303\244", "umlaut");
    assert_int_equal(fstatat(w->out, "a/b/one", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0755);
    assert_int_equal(st.st_mtim.tv_sec, 1700000000);
    assert_int_equal(fstatat(w->out, "a/b", &st, 0), 0);
    assert_int_equal(st.st_mode & 0700, 0700);
    n = readlinkat(w->out, "a/up", target, sizeof(target));
    assert_int_equal(n, 12);
    assert_memory_equal(target, "../no/folder", 12);
}

/* Each alone, and behind what makes way for it. */
static const struct {
    const char *why;
    struct entry first, bad;
    bool only_unpacked; /* seen where it is unpacked, not by looking */
} hostile[] = {
    {"absolute", {0}, {"/etc/x", '0', NULL, "x", 0}, false},
    {"dots", {0}, {"../x", '0', NULL, "x", 0}, false},
    {"dots inside", {0}, {"a/../../x", '0', NULL, "x", 0}, false},
    {"dots at the end", {0}, {"a/..", '5', NULL, NULL, 0}, false},
    {"control", {0}, {"a\nb", '0', NULL, "x", 0}, false},
    {"escape", {0}, {"a\033[2J", '0', NULL, "x", 0}, false},
    {"top as file", {0}, {".", '0', NULL, "x", 0}, false},
    {"link absolute", {0}, {"l", '2', "/etc", NULL, 0}, false},
    {"link out", {0}, {"l", '2', "..", NULL, 0}, false},
    {"link out of a folder", {0}, {"a/l", '2', "../../x", NULL, 0}, false},
    {"link down and out", {0}, {"a/l", '2', "b/../../../x", NULL, 0}, false},
    {"link over a link", {"a/b/l", '2', "../..", NULL, 0}, {"m", '2', "a/b/l/..", NULL, 0}, false},
    {"link to nothing", {0}, {"l", '2', "", NULL, 0}, false},
    {"link with control", {0}, {"l", '2', "a\tb", NULL, 0}, false},
    {"hard out", {0}, {"h", '1', "../secret", NULL, 0}, false},
    {"hard absolute", {0}, {"h", '1', "/etc/passwd", NULL, 0}, false},
    {"hard to nothing", {0}, {"h", '1', "later", NULL, 0}, true},
    {"hard to a link", {"a/b/l", '2', "../../x", NULL, 0}, {"h", '1', "a/b/l", NULL, 0}, true},
    {"device", {0}, {"d", '3', NULL, NULL, 0}, false},
    {"block device", {0}, {"d", '4', NULL, NULL, 0}, false},
    {"fifo", {0}, {"f", '6', NULL, NULL, 0}, false},
    {"through a link", {"l", '2', "a", NULL, 0}, {"l/x", '0', NULL, "x", 0}, true},
    {"through a file", {"f", '0', NULL, "x", 0}, {"f/x", '0', NULL, "x", 0}, true},
    {"file over a folder", {"f/x", '0', NULL, "x", 0}, {"f", '0', NULL, "x", 0}, true},
    {"folder over a link", {"l", '2', "a", NULL, 0}, {"l", '5', NULL, NULL, 0}, true},
};

static void hostile_entries_are_refused_by_name(void **state)
{
    struct world *w = *state;

    for (size_t i = 0; i < 2 * sizeof(hostile) / sizeof(*hostile); i++) {
        const bool unpack = i & 1;

        if (hostile[i / 2].first.name)
            put(w, &hostile[i / 2].first);
        put(w, &hostile[i / 2].bad);
        if (!unpack && hostile[i / 2].only_unpacked)
            buf_reset(&w->text);
        else if (!take(w, unpack, MB))
            fail_msg("%s was accepted", hostile[i / 2].why);
        else if (w->e.code != ERR_INVALID_PARAMETERS || !strstr(w->e.text, "entry \""))
            fail_msg("%s: %s", hostile[i / 2].why, w->e.text);
        assert_int_equal(fs_remove_tree(w->outside, "in"), 0);
        assert_int_equal(mkdirat(w->outside, "in", 0700), 0);
        close(w->out);
        w->out = openat(w->outside, "in", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    assert_int_not_equal(faccessat(w->outside, "x", F_OK, AT_SYMLINK_NOFOLLOW), 0);
}

static void links_that_are_there_are_not_followed(void **state)
{
    struct world *w = *state;

    assert_int_equal(symlinkat("..", w->out, "way"), 0);
    put(w, &(struct entry){"way/x", '0', NULL, "x", 0});
    assert_int_equal(take(w, true, MB), -1);
    assert_int_equal(symlinkat("../x", w->out, "name"), 0);
    put(w, &(struct entry){"name", '0', NULL, "mine", 0});
    assert_int_equal(take(w, true, MB), 0);
    assert_file(w, "name", "mine");
    assert_int_not_equal(faccessat(w->outside, "x", F_OK, AT_SYMLINK_NOFOLLOW), 0);
}

static void everything_is_bounded(void **state)
{
    struct world *w = *state;
    char deep[100];

    for (int i = 0; i < 3; i++)
        put(w, &(struct entry){"f", '0', NULL, "0123456789", 0});
    assert_int_equal(take(w, false, 29), -1);
    assert_int_equal(w->e.code, ERR_TOO_LARGE);
    memset(deep, '/', sizeof(deep));
    for (size_t i = 0; i < sizeof(deep); i += 2)
        deep[i] = 'd';
    deep[99] = '\0';
    put(w, &(struct entry){deep, '5', NULL, NULL, 0});
    assert_int_equal(take(w, true, MB), 0); /* 50 deep */
    put(w, &(struct entry){"", '0', NULL, "x", 0});
    assert_int_equal(take(w, true, MB), -1);
    for (int i = 0; i < 3; i++)
        (void)buf_add(&w->text, "no tar at all ", 14);
    assert_int_equal(take(w, false, MB), -1);
    assert_int_equal(w->e.code, ERR_INVALID_PARAMETERS);
}

static void make(const struct world *w, const char *path, const char *text)
{
    int fd = openat(w->outside, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);

    assert_true(fd >= 0);
    assert_int_equal(fs_write_all(fd, text, strlen(text)), 0);
    close(fd);
}

static void a_folder_comes_back(void **state)
{
    struct world *w = *state;
    char path[TEMP_PATH + 8];
    struct buf first, second;
    int fd[2];

    assert_int_equal(mkdirat(w->outside, "src", 0755), 0);
    assert_int_equal(mkdirat(w->outside, "src/lib", 0755), 0);
    assert_int_equal(mkdirat(w->outside, "src/data", 0755), 0);
    assert_int_equal(mkdirat(w->outside, "src/.git", 0755), 0);
    make(w, "src/train.py", "print()");
    make(w, "src/lib/a.py", "a");
    make(w, "src/lib/a.pyc", "out");
    make(w, "src/data/big", "out");
    make(w, "src/.git/HEAD", "out");
    make(w, "src/.droverignore", "# large\n\n*.pyc\ndata/\n");
    assert_int_equal(symlinkat("../train.py", w->outside, "src/lib/link"), 0);
    (void)snprintf(path, sizeof(path), "%s/src", w->top);
    buf_init(&first, MB);
    buf_init(&second, MB);
    for (int i = 0; i < 2; i++) {
        char chunk[4096];
        ssize_t n;

        fd[i] = memfd_create("tar", MFD_CLOEXEC);
        if (tarball_write(path, fd[i], &w->found, &w->e))
            fail_msg("%s", w->e.text);
        assert_int_equal(lseek(fd[i], 0, SEEK_SET), 0);
        while ((n = read(fd[i], chunk, sizeof(chunk))) > 0)
            (void)buf_add(i ? &second : &first, chunk, (size_t)n);
    }
    assert_int_equal(first.len, second.len);
    assert_memory_equal(first.data, second.data, first.len);
    if (tarball_read(fd[0], w->out, MB, &w->found, &w->e))
        fail_msg("%s", w->e.text);
    assert_int_equal(w->found.entries, 5);
    assert_file(w, "train.py", "print()");
    assert_file(w, "lib/a.py", "a");
    assert_int_not_equal(faccessat(w->out, "lib/a.pyc", F_OK, 0), 0);
    assert_int_not_equal(faccessat(w->out, "data", F_OK, 0), 0);
    assert_int_not_equal(faccessat(w->out, ".git", F_OK, 0), 0);
    assert_int_equal(faccessat(w->out, "lib/link", F_OK, 0), 0);
    close(fd[0]);
    close(fd[1]);
    buf_fini(&first);
    buf_fini(&second);
}

static void what_cannot_be_packed_is_named(void **state)
{
    struct world *w = *state;
    char path[TEMP_PATH + 8];
    int fd = memfd_create("tar", MFD_CLOEXEC);

    assert_int_equal(mkfifoat(w->out, "pipe", 0600), 0);
    (void)snprintf(path, sizeof(path), "%s/in", w->top);
    assert_int_equal(tarball_write(path, fd, &w->found, &w->e), -1);
    assert_non_null(strstr(w->e.text, "\"pipe\""));
    assert_non_null(strstr(w->e.text, ".droverignore"));
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_allowed_is_unpacked, setup, teardown),
        cmocka_unit_test_setup_teardown(hostile_entries_are_refused_by_name, setup, teardown),
        cmocka_unit_test_setup_teardown(links_that_are_there_are_not_followed, setup, teardown),
        cmocka_unit_test_setup_teardown(everything_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(a_folder_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_packed_is_named, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
