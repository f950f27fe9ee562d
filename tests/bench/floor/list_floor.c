/* SPDX-License-Identifier: MIT
 *
 * list_floor DB BYTES: what this machine can do at best for `./dev bench list`.
 *
 * A bare libmicrohttpd; each GET reads the 50 newest rows of one user in one state, by the same indexes and with the
 * same columns as the product, copies their text into a body, and sends it filled up to BYTES, the product's size.
 * Nobody is asked who they are, nothing is escaped, and the user changes with each request.
 */
// link: PkgConfig::MHD PkgConfig::SQLITE Threads::Threads
#include "floor_http.h"

#include <stdatomic.h>
#include <stdint.h>

#define USERS 100
#define STATE_SUCCEEDED 32 /* jobs/state.h */

static struct {
    const char *path;
    size_t bytes;
    atomic_uint requests;
} g;

/* One connection and statement a thread, as the product's readers. */
static _Thread_local sqlite3_stmt *list;

static const char list_sql[] =
    "SELECT j.seq, j.id, j.user, j.name, j.vc, j.priority, j.priority_class, j.state, j.execution_type,"
    " j.submitted_ms, j.created_ms, j.launched_ms, j.completed_ms, j.attempt, j.retries_user, j.retries_platform,"
    " j.retries_resource, j.total_gpus, j.total_tasks, j.total_roles, j.exit_code, j.exit_phrase, j.wait_reason, j.tags"
    " FROM job j WHERE j.seq IN (SELECT j.seq FROM job j WHERE j.archived = 0 AND j.user = ? AND +j.state IN (?)"
    " ORDER BY j.submitted_ms DESC, j.seq DESC LIMIT 50) ORDER BY j.submitted_ms DESC, j.seq DESC";

static void open_list(void)
{
    sqlite3 *db = floor_open(g.path, SQLITE_OPEN_READONLY);

    list = floor_prepare(db, list_sql);
}

/* Copies the rows of one page; returns the bytes used. */
static size_t read_page(char *body)
{
    char user[16];
    size_t have = 0;

    (void)snprintf(user, sizeof(user), "u%u", atomic_fetch_add(&g.requests, 1) % USERS);
    sqlite3_bind_text(list, 1, user, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int(list, 2, STATE_SUCCEEDED);
    while (sqlite3_step(list) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(list); i++) {
            const unsigned char *s = sqlite3_column_text(list, i);
            size_t n = (size_t)sqlite3_column_bytes(list, i);

            if (s && have + n < g.bytes) {
                memcpy(body + have, s, n);
                have += n;
            }
        }
    }
    sqlite3_reset(list);
    return have;
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *c, const char *url, const char *method,
                                 const char *version, const char *data, size_t *len, void **state)
{
    struct MHD_Response *r;
    enum MHD_Result rc;
    size_t have;
    char *body;

    (void)cls;
    (void)method;
    (void)version;
    (void)data;
    (void)len;
    if (!*state) {
        *state = &g;
        return MHD_YES;
    }
    if (!strcmp(url, "/bare"))
        return floor_bare(c);
    if (!list)
        open_list();
    body = malloc(g.bytes);
    if (!body)
        return MHD_NO;
    have = read_page(body);
    memset(body + have, ' ', g.bytes - have);
    r = MHD_create_response_from_buffer(g.bytes, body, MHD_RESPMEM_MUST_FREE);
    MHD_add_response_header(r, "Content-Type", "application/json");
    rc = MHD_queue_response(c, 200, r);
    MHD_destroy_response(r);
    return rc;
}

static void on_completed(void *cls, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode why)
{
    (void)cls;
    (void)c;
    (void)why;
    *state = NULL;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        floor_die("usage", "list_floor DB BYTES");
    g.path = argv[1];
    g.bytes = (size_t)strtoull(argv[2], NULL, 10);
    if (g.bytes < 1000 || g.bytes > 10000000)
        floor_die("usage", "BYTES must be from 1000 to 10000000");
    floor_serve(on_access, on_completed);
}
