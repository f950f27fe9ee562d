/* SPDX-License-Identifier: MIT
 *
 * From storages to folders: who may mount what, asked anew each time; defaults; a user's own folder.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "auth/auth_store.h"
#include "auth/group_store.h"
#include "auth/member_store.h"
#include "base/arena.h"
#include "base/err.h"
#include "inventory/storage_store.h"
#include "jobs/spec.h"
#include "server/mounts.h"
#include "tests/unit/store/fixture.h"

static const struct clock_now now = {.wall = 1700000000000};
static struct arena *arena;
static struct store *db;

static void must(int rc, const struct err *e)
{
    if (rc)
        fail_msg("%s", e->text);
}

static void add_storage(const char *name, const char *host_path, bool share, bool read_only)
{
    struct err e = {0};
    struct storage x = {.name = name, .kind = STORAGE_NFS, .data = "{}", .host_path = host_path, .share = share};
    x.read_only = read_only;
    must(storage_store_put(db, &x, now, &e), &e);
}

/* ann is in a group that grants team, own and far; bob in none; root is an admin. */
static int setup(void **state)
{
    static const char *const granted[] = {"team", "own", "far", NULL}, *const second[] = {"ro", NULL};
    static const char *const users[] = {"ann", "bob", "root"};
    struct err e = {0};
    if (fixture_setup(state))
        return -1;
    db = ((struct fixture *)*state)->writer;
    arena = arena_create(0);
    add_storage("team", "/srv/team", true, false);
    add_storage("own", "/srv/own", false, false);
    add_storage("ro", "/srv/ro", true, true);
    add_storage("far", "", true, false);
    for (size_t i = 0; i < 3; i++)
        must(auth_store_user_add(db, &(struct auth_user){.name = users[i], .password_hash = "x", .admin = i == 2}, &e),
             &e);
    must(group_store_add(db, &(struct group){.name = "g", .acls = &(struct group_acls){.storages = granted}}, &e), &e);
    must(group_store_add(db, &(struct group){.name = "h", .acls = &(struct group_acls){.storages = second}}, &e), &e);
    must(member_store_join(db, "ann", "g", &e), &e);
    must(member_store_join(db, "ann", "h", &e), &e);
    return 0;
}

static int teardown(void **state)
{
    arena_destroy(arena);
    return fixture_teardown(state);
}

/* The error of a job that names one storage; its mount is the only one in `out`. */
static enum err_code ask(const char *user, const char *storage, struct mounts *out)
{
    const struct spec_storage one = {.name = storage, .mount_path = "/data"};
    const struct spec spec = {.storages = &one, .storage_count = 1};
    struct err e = {0};
    *out = (struct mounts){.arena = arena};
    int rc = mounts_of(db, &spec, user, out, &e);
    assert_int_equal(rc, e.code ? -1 : 0);
    return e.code;
}

static void a_group_grants_and_takes(void **state)
{
    struct mounts m;
    struct err e = {0};
    (void)state;
    assert_int_equal(ask("ann", "team", &m), ERR_NONE);
    assert_int_equal(m.count, 1);
    assert_string_equal(m.list[0].source, "/srv/team");
    assert_string_equal(m.list[0].target, "/data");
    assert_false(m.list[0].read_only);
    assert_int_equal(ask("bob", "team", &m), ERR_FORBIDDEN);
    assert_int_equal(ask("root", "team", &m), ERR_NONE);
    assert_int_equal(ask("ann", "none", &m), ERR_NO_STORAGE);
    must(member_store_leave(db, "ann", "g", &e), &e); /* while the job waits */
    assert_int_equal(ask("ann", "team", &m), ERR_FORBIDDEN);
}

static void who_may_not_use_it_does_not_hear_that_it_is_unmounted(void **state)
{
    struct mounts m;
    (void)state;
    assert_int_equal(ask("ann", "far", &m), ERR_INVALID_PARAMETERS);
    assert_int_equal(ask("bob", "far", &m), ERR_FORBIDDEN);
}

static void a_storage_that_is_not_shared_has_a_folder_for_each_user(void **state)
{
    struct mounts m;
    (void)state;
    assert_int_equal(ask("ann", "own", &m), ERR_NONE);
    assert_string_equal(m.list[0].source, "/srv/own/ann");
}

/* The first of each group, at the usual paths; those that cannot be mounted are left out. */
static void an_empty_list_mounts_the_defaults(void **state)
{
    const struct spec spec = {.default_storages = true}, none = {.name = "x"};
    struct mounts m = {.arena = arena}, nothing = {.arena = arena};
    struct err e = {0};
    (void)state;
    must(mounts_of(db, &spec, "ann", &m, &e), &e);
    assert_int_equal(m.count, 2);
    assert_string_equal(m.list[0].target, "/mnt/ro");
    assert_true(m.list[0].read_only);
    assert_string_equal(m.list[1].target, "/mnt/team");
    add_storage("team", "", true, false);
    m = (struct mounts){.arena = arena};
    must(mounts_of(db, &spec, "ann", &m, &e), &e);
    assert_int_equal(m.count, 1);
    m = (struct mounts){.arena = arena};
    must(mounts_of(db, &spec, "bob", &m, &e), &e);
    assert_int_equal(m.count, 0);
    must(mounts_of(db, &none, "ann", &nothing, &e), &e);
    assert_int_equal(nothing.count, 0);
}

static void a_storage_that_goes_takes_its_grants_along(void **state)
{
    struct mounts m;
    struct err e = {0};
    char name[] = "team";
    (void)state;
    must(storage_store_remove(db, name, now, &e), &e);
    assert_int_equal(storage_store_remove(db, name, now, &e), -1);
    assert_int_equal(e.code, ERR_NO_STORAGE);
    add_storage("team", "/srv/other", true, false); /* of the same name: nobody's yet */
    assert_int_equal(ask("ann", "team", &m), ERR_FORBIDDEN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_group_grants_and_takes),
        TEST(who_may_not_use_it_does_not_hear_that_it_is_unmounted),
        TEST(a_storage_that_is_not_shared_has_a_folder_for_each_user),
        TEST(an_empty_list_mounts_the_defaults),
        TEST(a_storage_that_goes_takes_its_grants_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
