/* SPDX-License-Identifier: MIT
 *
 * A new data folder. The database is made last and under its final name only when it is complete, so that a failed try
 * can simply be repeated.
 */
#include "server/init.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/auth_store.h"
#include "auth/keys.h"
#include "auth/password.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "store/store.h"

enum { PATH_SIZE = 4096, PASSWORD_FILE_MAX = 1024 };

static const struct store_sql sql_add_vc = {"INSERT INTO virtual_cluster(name, created_ms) VALUES ('default', ?)"};
static const struct store_sql sql_grant_vc = {"INSERT INTO group_vc(grp, vc) VALUES ('default', 'default')"};

static int join(char out[PATH_SIZE], const char *dir, const char *name, struct err *e)
{
    int n = snprintf(out, PATH_SIZE, "%s/%s", dir, name);
    return n < 0 || n >= PATH_SIZE ? err_set(e, ERR_INVALID_PARAMETERS, "The path %s is too long.", dir) : 0;
}

/* The file's first line. */
static int read_password(const char *path, struct buf *out, struct err *e)
{
    if (fs_read(path, PASSWORD_FILE_MAX, out, e))
        return -1;
    size_t n = strcspn(buf_str(out), "\r\n");
    if (!n)
        return err_set(e, ERR_INVALID_PARAMETERS, "%s holds no password in its first line.", path);
    out->data[n] = '\0';
    out->len = n;
    return 0;
}

static int fill(struct store *s, const char *admin, const char *hash, struct err *e)
{
    int64_t now = clock_read().wall;
    struct auth_user user = {.name = admin, .password_hash = hash, .admin = true, .created_ms = now};
    if (store_begin(s, e))
        return -1;
    struct stmt *st = store_stmt(s, &sql_add_vc, e);
    stmt_int(st, 1, now);
    if (stmt_exec(st, e) || stmt_exec(store_stmt(s, &sql_grant_vc, e), e) || auth_store_user_add(s, &user, e) ||
        store_commit(s, e)) {
        store_rollback(s);
        return -1;
    }
    return store_checkpoint(s, STORE_CHECKPOINT_TRUNCATE, e);
}

/* Makes the database beside its final place and renames it there. */
static int make_database(const char *data, const char *admin, const char *hash, struct err *e)
{
    char path[PATH_SIZE], temp[PATH_SIZE], side[PATH_SIZE];
    if (join(path, data, "drover.db", e) || join(temp, data, "drover.db.new", e))
        return -1;
    static const char *const left[] = {"drover.db.new", "drover.db.new-wal", "drover.db.new-shm"};
    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        if (!join(side, data, left[i], e))
            unlink(side);
    struct store *s = store_open(temp, STORE_WRITER, e);
    int rc = s ? fill(s, admin, hash, e) : -1;
    store_close(s);
    for (size_t i = 1; i < sizeof left / sizeof *left; i++)
        if (!rc && !join(side, data, left[i], e))
            unlink(side); /* emptied by the checkpoint */
    if (!rc && rename(temp, path))
        rc = -1;
    return rc;
}

static int run(const struct init_options *o, const char *password, struct err *e)
{
    char path[PATH_SIZE], hash[PASSWORD_HASH_SIZE];
    struct stat st;
    if (auth_store_check_name(o->admin, e) || password_check_rules(password, o->admin, e) ||
        join(path, o->data, "drover.db", e))
        return -1;
    if (!stat(path, &st))
        return err_set(e, ERR_INVALID_PARAMETERS, "%s holds a database already.", o->data);
    if (fs_mkdir(o->data, 0700, e) || join(path, o->data, "run", e) || fs_mkdir(path, 0700, e) ||
        join(path, o->data, "secret.key", e))
        return -1;
    if (stat(path, &st) && keys_create(o->data, e))
        return -1;
    if (password_hash(password, hash, e))
        return -1;
    return make_database(o->data, o->admin, hash, e);
}

int init_run(const struct init_options *o, struct err *e)
{
    struct buf password;
    buf_init(&password, PASSWORD_FILE_MAX);
    int rc = read_password(o->password_file, &password, e);
    if (!rc)
        rc = run(o, buf_str(&password), e);
    if (password.data)
        sodium_memzero(password.data, password.cap);
    buf_fini(&password);
    return rc;
}
