/* SPDX-License-Identifier: MIT
 *
 * A restore ends with the database under its final name, so that a failed one can simply be repeated.
 */
#include "server/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/keys.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "server/audit_store.h"
#include "store/store.h"

static const struct store_sql sql_jobs = {"SELECT count(*) FROM job"};
static const struct store_sql sql_users = {"SELECT count(*) FROM user"};

/* A path made of two parts. */
struct path {
    char text[PATH_MAX];
};

static int path_make(struct path *p, const char *first, const char *second, struct err *e)
{
    int n = snprintf(p->text, sizeof p->text, "%s%s", first, second);
    return n < 0 || n >= PATH_MAX ? err_set(e, ERR_INVALID_PARAMETERS, "The path %s is too long.", first) : 0;
}

/* All bytes of one descriptor to another, and to the disk. 0, or -1 with errno. */
static int copy_bytes(int in, int out)
{
    static const size_t block = 1 << 20;
    char *buffer = malloc(block);
    ssize_t n = -1;
    while (buffer && (n = read(in, buffer, block)) > 0)
        if (fs_write_all(out, buffer, (size_t)n)) {
            n = -1;
            break;
        }
    free(buffer);
    return n == 0 ? fsync(out) : -1;
}

/* Copies a file to a new one of mode 0600, durably. 0 or -1. */
static int copy_file(const char *from, const char *to, struct err *e)
{
    int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (in < 0)
        return err_errno(e, errno, "%s", from);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (out < 0) {
        err_errno(e, errno, "%s", to);
        close(in);
        return -1;
    }
    int rc = copy_bytes(in, out) ? err_errno(e, errno, "%s", to) : 0;
    close(in);
    if (close(out) && !rc)
        rc = err_errno(e, errno, "%s", to);
    if (rc)
        unlink(to);
    return rc;
}

int backup_make(const char *data, const char *file, bool with_keys, struct err *e)
{
    struct path from, to, part;
    int rc = -1;
    if (path_make(&from, data, "/secret.key", e) || path_make(&to, file, ".key", e) ||
        path_make(&part, file, ".part", e))
        return -1;
    if (!access(file, F_OK) || (with_keys && !access(to.text, F_OK)))
        return err_set(e, ERR_INVALID_PARAMETERS, "%s is there already; a backup overwrites nothing.", file);
    int fd = open(part.text, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_errno(e, errno, "%s", part.text);
    close(fd);
    struct store *s = store_open_folder(data, STORE_READER, e);
    if (!s || store_copy(s, part.text, e) || (with_keys && copy_file(from.text, to.text, e)))
        goto out;
    if (rename(part.text, file)) {
        err_errno(e, errno, "%s", file);
        if (with_keys)
            unlink(to.text);
        goto out;
    }
    rc = 0;
out:
    store_close(s);
    unlink(part.text);
    return rc;
}

static int count(struct store *s, const struct store_sql *sql, int64_t *out, struct err *e)
{
    struct stmt *st = store_stmt(s, sql, e);
    if (stmt_step(st, e) != STMT_ROW)
        return -1;
    *out = stmt_col_int(st, 0);
    stmt_reset(st);
    return 0;
}

/* Opens a copied database, which migrates it, and checks all that can be checked. */
static int check_database(const char *db, const unsigned char *audit_key, struct backup_report *report, struct err *e)
{
    struct audit_head head;
    struct store *s = store_open(db, STORE_WRITER, e);
    int rc = !s || store_verify(s, e) || count(s, &sql_jobs, &report->jobs, e) ||
                     count(s, &sql_users, &report->users, e) || audit_store_head(s, &head, e)
                 ? -1
                 : 0;
    if (!rc && audit_key)
        rc = audit_store_verify(s, audit_key, NULL, &head, e);
    report->records = rc ? 0 : head.id;
    if (!rc)
        rc = store_checkpoint(s, STORE_CHECKPOINT_TRUNCATE, e);
    store_close(s);
    return rc;
}

static void remove_database(const char *db)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    struct path p;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (!path_make(&p, db, ends[i], NULL))
            unlink(p.text);
}

/* The files of a restore. */
struct restore {
    struct path db, new_db, key, kept_key;
    bool copied_key;
};

static int restore_paths(struct restore *r, const char *file, const char *data, struct err *e)
{
    return path_make(&r->db, data, "/drover.db", e) || path_make(&r->new_db, data, "/drover.db.new", e) ||
                   path_make(&r->key, data, "/secret.key", e) || path_make(&r->kept_key, file, ".key", e)
               ? -1
               : 0;
}

/* The folder, empty or not there yet, and its key; `needs_keys`: without one it would not serve. */
static int restore_folder(struct restore *r, const char *data, bool needs_keys, struct err *e)
{
    if (!access(r->db.text, F_OK))
        return err_set(e, ERR_INVALID_PARAMETERS, "%s holds a database already.", data);
    if (mkdir(data, 0700) && errno != EEXIST)
        return err_errno(e, errno, "%s", data);
    bool has_key = !access(r->key.text, F_OK);
    if (!has_key && !access(r->kept_key.text, F_OK)) {
        if (copy_file(r->kept_key.text, r->key.text, e))
            return -1;
        r->copied_key = has_key = true;
    }
    if (needs_keys && !has_key)
        return err_set(e, ERR_INVALID_PARAMETERS, "There is no key: neither %s nor %s.", r->kept_key.text, r->key.text);
    return has_key;
}

/* The database itself, under its final name once it was checked. */
static int restore_database(const struct restore *r, const char *file, const unsigned char *audit_key,
                            struct backup_report *report, struct err *e)
{
    remove_database(r->new_db.text);
    int rc = copy_file(file, r->new_db.text, e) || check_database(r->new_db.text, audit_key, report, e) ? -1 : 0;
    if (!rc && rename(r->new_db.text, r->db.text))
        rc = err_errno(e, errno, "%s", r->db.text);
    remove_database(r->new_db.text);
    return rc;
}

static int restore(const char *file, const char *data, bool needs_keys, struct backup_report *report, struct err *e)
{
    struct restore r = {.copied_key = false};
    struct keys keys = {0};
    struct clock_now begin = clock_read();
    *report = (struct backup_report){0};
    if (restore_paths(&r, file, data, e))
        return -1;
    int has_key = restore_folder(&r, data, needs_keys, e);
    if (has_key < 0)
        return -1;
    report->with_keys = has_key;
    int rc = has_key ? keys_load(data, &keys, e) : 0;
    if (!rc)
        rc = restore_database(&r, file, has_key ? keys.audit : NULL, report, e);
    keys_wipe(&keys);
    if (rc && r.copied_key)
        unlink(r.key.text);
    report->ms = clock_read().mono - begin.mono;
    return rc;
}

int backup_restore(const char *file, const char *data, struct backup_report *report, struct err *e)
{
    return restore(file, data, true, report, e);
}

int backup_check(const char *file, struct backup_report *report, struct err *e)
{
    struct path folder, db, key;
    if (path_make(&folder, file, ".XXXXXX", e))
        return -1;
    if (!mkdtemp(folder.text))
        return err_errno(e, errno, "%s", folder.text);
    int rc = restore(file, folder.text, false, report, e);
    if (!path_make(&db, folder.text, "/drover.db", NULL))
        remove_database(db.text);
    if (!path_make(&key, folder.text, "/secret.key", NULL))
        unlink(key.text);
    rmdir(folder.text);
    return rc;
}
