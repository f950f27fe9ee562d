/* SPDX-License-Identifier: MIT
 *
 * The key file, sealed values, session ids and cookies, access levels.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/keys.h"
#include "auth/seal.h"
#include "auth/session.h"
#include "base/buf.h"
#include "base/err.h"

struct folder {
    char path[64];
    char key[96];
};

static void make_folder(struct folder *f)
{
    snprintf(f->path, sizeof(f->path), "/tmp/drover-test-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    snprintf(f->key, sizeof(f->key), "%s/secret.key", f->path);
}

static void remove_folder(const struct folder *f)
{
    unlink(f->key);
    rmdir(f->path);
}

static void write_key(const struct folder *f, const char *text, mode_t mode)
{
    int fd;

    unlink(f->key);
    fd = open(f->key, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

#define HEX64 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static void test_keys(void **state)
{
    struct folder f;
    struct keys a;
    struct keys b;
    struct stat st;
    struct err e = {0};

    (void)state;
    make_folder(&f);
    assert_int_equal(keys_load(f.path, &a, &e), -1);
    assert_int_equal(keys_create(f.path, &e), 0);
    assert_int_equal(stat(f.key, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_size, 65);
    assert_int_equal(keys_load(f.path, &a, &e), 0);
    assert_int_equal(keys_load(f.path, &b, &e), 0);
    assert_memory_equal(&a, &b, sizeof(a));
    assert_memory_not_equal(a.jwt, a.seal, KEYS_SIZE);
    assert_int_equal(keys_create(f.path, &e), -1); /* never overwrites */
    assert_int_equal(keys_load(f.path, &b, &e), 0);
    assert_memory_equal(&a, &b, sizeof(a));
    keys_wipe(&a);
    assert_int_equal(a.jwt[0] | a.jwt[31] | a.seal[0], 0);
    remove_folder(&f);
}

static void test_bad_key_files(void **state)
{
    static const struct {
        const char *text;
        mode_t mode;
    } files[] = {
        {HEX64 "\n", 0640},   {HEX64 "\n", 0604},
        {HEX64 "\n", 0660},   {"", 0600},
        {"00ff\n", 0600},     {HEX64 "00", 0600},
        {HEX64 "\n\n", 0600}, {"zz0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", 0600},
    };
    struct folder f;
    struct keys k;
    struct err e = {0};

    (void)state;
    make_folder(&f);
    write_key(&f, HEX64, 0600);
    assert_int_equal(keys_load(f.path, &k, &e), 0);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        write_key(&f, files[i].text, files[i].mode);
        if (keys_load(f.path, &k, &e) == 0)
            fail_msg("accepted file %zu", i);
    }
    unlink(f.key);
    assert_int_equal(symlink("/etc/passwd", f.key), 0);
    assert_int_equal(keys_load(f.path, &k, &e), -1);
    remove_folder(&f);
}

static int reopen(const struct keys *k, const char *context, const char *sealed, size_t len, struct buf *out)
{
    struct err e = {0};

    buf_reset(out);
    return seal_open(k, context, (struct seal_bytes){sealed, len}, out, &e);
}

static void test_seal(void **state)
{
    const struct keys k = {.seal = {7}};
    const struct keys other = {.seal = {8}};
    struct buf sealed;
    struct buf twice;
    struct buf plain;
    struct err e = {0};

    (void)state;
    buf_init(&sealed, 0);
    buf_init(&twice, 0);
    buf_init(&plain, 0);
    assert_int_equal(seal_make(&k, "job-1", (struct seal_bytes){"top secret", 10}, &sealed, &e), 0);
    assert_int_equal(sealed.len, 10 + SEAL_OVERHEAD);
    assert_null(memmem(sealed.data, sealed.len, "secret", 6));
    assert_int_equal(seal_make(&k, "job-1", (struct seal_bytes){"top secret", 10}, &twice, &e), 0);
    assert_memory_not_equal(sealed.data, twice.data, sealed.len);
    assert_int_equal(reopen(&k, "job-1", sealed.data, sealed.len, &plain), 0);
    assert_int_equal(plain.len, 10);
    assert_string_equal(buf_str(&plain), "top secret");
    assert_int_equal(reopen(&k, "job-2", sealed.data, sealed.len, &plain), -1);
    assert_int_equal(reopen(&other, "job-1", sealed.data, sealed.len, &plain), -1);
    for (size_t i = 0; i < sealed.len; i++) {
        sealed.data[i] ^= 1;
        assert_int_equal(reopen(&k, "job-1", sealed.data, sealed.len, &plain), -1);
        sealed.data[i] ^= 1;
        assert_int_equal(reopen(&k, "job-1", sealed.data, i, &plain), -1);
    }
    sealed.data[0] = 2; /* a version to come */
    assert_int_equal(reopen(&k, "job-1", sealed.data, sealed.len, &plain), -1);
    assert_int_equal(seal_make(&k, "", (struct seal_bytes){NULL, SEAL_MAX + 1}, &sealed, &e), -1);
    assert_int_equal(e.code, ERR_INVALID_PARAMETERS);
    buf_reset(&sealed);
    assert_int_equal(seal_make(&k, "", (struct seal_bytes){"", 0}, &sealed, &e), 0);
    assert_int_equal(reopen(&k, "", sealed.data, sealed.len, &plain), 0);
    assert_int_equal(plain.len, 0);
    buf_fini(&sealed);
    buf_fini(&twice);
    buf_fini(&plain);
}

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_cookies(void **state)
{
    static const struct {
        const char *header;
        bool secure;
        bool ok;
    } cases[] = {
        {"drover=" ID, false, true},
        {"a=b; drover=" ID "; c=d", false, true},
        {"__Host-drover=" ID, true, true},
        {"drover=" ID, true, false},
        {"__Host-drover=" ID, false, false},
        {"xdrover=" ID, false, false},
        {"drover=" ID "; drover=" ID, false, false},
        {"drover=" ID "0", false, false},
        {"drover=0123", false, false},
        {"drover=0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", false, false},
        {"drover=", false, false},
        {"drover", false, false},
        {"", false, false},
        {NULL, false, false},
    };
    char id[SESSION_ID_SIZE];
    char other[SESSION_ID_SIZE];
    char cookie[SESSION_COOKIE_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (session_parse_cookie(cases[i].header, cases[i].secure, id) != cases[i].ok)
            fail_msg("case %zu: %s", i, cases[i].header);
        if (cases[i].ok)
            assert_string_equal(id, ID);
    }
    session_make_id(id);
    session_make_id(other);
    assert_int_equal(strlen(id), 64);
    assert_string_not_equal(id, other);
    session_cookie(ID, true, cookie);
    assert_string_equal(cookie, "__Host-drover=" ID "; Path=/; HttpOnly; SameSite=Strict; Secure");
    session_cookie(NULL, false, cookie);
    assert_string_equal(cookie, "drover=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
}

static void test_session_age(void **state)
{
    (void)state;
    assert_true(session_alive(0, 0, SESSION_IDLE_MS - 1));
    assert_false(session_alive(0, 0, SESSION_IDLE_MS));
    assert_true(session_alive(0, SESSION_MAX_MS - 10, SESSION_MAX_MS - 1));
    assert_false(session_alive(0, SESSION_MAX_MS - 10, SESSION_MAX_MS));
}

static void test_session_hash(void **state)
{
    char hash[IDENTITY_HASH_SIZE];

    (void)state;
    session_hash("abc", 3, hash);
    assert_string_equal(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),    cmocka_unit_test(test_bad_key_files), cmocka_unit_test(test_seal),
        cmocka_unit_test(test_cookies), cmocka_unit_test(test_session_age),   cmocka_unit_test(test_session_hash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
