/* SPDX-License-Identifier: MIT
 *
 * submit_floor DB: what this machine can do at best for `./dev bench submit`.
 *
 * A bare libmicrohttpd reads the body of each POST; a writer thread takes all that wait (at most 256), inserts for each
 * the rows that the product inserted for its newest job (job, event and audit record, read from DB, which is a copy of
 * the product's, with its indexes), commits with synchronous=FULL, and lets the waiting go with a reply of the
 * product's size. Nothing is parsed, checked, scheduled or logged.
 */
// link: PkgConfig::MHD PkgConfig::SQLITE Threads::Threads
#include "floor_http.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define BATCH 256
#define COLUMNS_MAX 64

/* A POST under way. */
struct post {
    struct MHD_Connection *connection;
    size_t body;
    bool parked;
    struct post *next;
};

/* One table: the statement, and the row that is inserted again and again. */
struct copy {
    sqlite3_stmt *insert;
    sqlite3_value *row[COLUMNS_MAX];
    int columns;
    int number_at, id_at, name_at; /* columns that are new each time, -1 = none */
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct post *waiting;
    sqlite3 *db;
    struct copy job, event, audit;
    int64_t number;
} g = {.lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER};

static void load_copy(struct copy *c, const char *select, const char *insert)
{
    sqlite3_stmt *st = floor_prepare(g.db, select);
    char sql[256];
    size_t n;

    if (sqlite3_step(st) != SQLITE_ROW)
        floor_die(select, "the database holds no job: submit one to the product first");
    c->number_at = c->id_at = c->name_at = -1;
    c->columns = sqlite3_column_count(st);
    for (int i = 0; i < c->columns && i < COLUMNS_MAX; i++) {
        const char *name = sqlite3_column_name(st, i);
        bool text = sqlite3_column_type(st, i) == SQLITE_TEXT;

        c->row[i] = sqlite3_value_dup(sqlite3_column_value(st, i));
        if (!strcmp(name, "seq") || (!strcmp(name, "id") && !text))
            c->number_at = i;
        else if (!strcmp(name, "id") || !strcmp(name, "job_id"))
            c->id_at = i;
        else if (!strcmp(name, "name"))
            c->name_at = i;
    }
    sqlite3_finalize(st);
    /* As many places as the table has columns, whatever the schema's version. */
    n = (size_t)snprintf(sql, sizeof(sql), "%s", insert);
    for (int i = 1; i < c->columns && n + 4 < sizeof(sql); i++)
        n += (size_t)snprintf(sql + n, sizeof(sql) - n, ",?");
    (void)snprintf(sql + n, sizeof(sql) - n, ")");
    c->insert = floor_prepare(g.db, sql);
}

static void insert_copy(struct copy *c, const char *id, const char *name)
{
    for (int i = 0; i < c->columns; i++) {
        if (i == c->number_at)
            sqlite3_bind_int64(c->insert, i + 1, g.number);
        else if (i == c->id_at)
            sqlite3_bind_text(c->insert, i + 1, id, -1, SQLITE_STATIC);
        else if (i == c->name_at)
            sqlite3_bind_text(c->insert, i + 1, name, -1, SQLITE_STATIC);
        else
            sqlite3_bind_value(c->insert, i + 1, c->row[i]);
    }
    if (sqlite3_step(c->insert) != SQLITE_DONE)
        floor_die("insert", sqlite3_errmsg(g.db));
    sqlite3_reset(c->insert);
}

static void insert_one(void)
{
    char id[64];
    char name[64];

    g.number++;
    /* Of the length and order of the product's: time first, then what differs. */
    (void)snprintf(id, sizeof(id), "01a20099-7f1a-7636-89ee-%012llx", (unsigned long long)g.number);
    (void)snprintf(name, sizeof(name), "floor-%lld", (long long)g.number);
    insert_copy(&g.job, id, name);
    insert_copy(&g.event, id, name);
    insert_copy(&g.audit, id, name);
}

static void *write_batches(void *arg)
{
    (void)arg;
    for (;;) {
        struct post *list;
        struct post *last;
        size_t n = 1;

        pthread_mutex_lock(&g.lock);
        while (!g.waiting)
            pthread_cond_wait(&g.work, &g.lock);
        list = last = g.waiting;
        while (last->next && n < BATCH) {
            last = last->next;
            n++;
        }
        g.waiting = last->next;
        last->next = NULL;
        pthread_mutex_unlock(&g.lock);
        floor_sql(g.db, "BEGIN IMMEDIATE");
        for (size_t i = 0; i < n; i++)
            insert_one();
        floor_sql(g.db, "COMMIT");
        for (struct post *p = list, *next; p; p = next) {
            next = p->next;
            MHD_resume_connection(p->connection);
        }
    }
    return NULL;
}

static enum MHD_Result answer(struct MHD_Connection *c)
{
    static const char body[] = "{\"status\":202,\"message\":\"Update job admin~bench-000000 successfully.\","
                               "\"name\":\"admin~bench-000000\",\"jobId\":\"01a20099-7f1a-7636-89ee-003615ccac8a\"}";
    struct MHD_Response *r =
        MHD_create_response_from_buffer(sizeof(body) - 1, (void *)(uintptr_t)body, MHD_RESPMEM_PERSISTENT);
    enum MHD_Result rc;

    MHD_add_response_header(r, "Content-Type", "application/json");
    rc = MHD_queue_response(c, 202, r);
    MHD_destroy_response(r);
    return rc;
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *c, const char *url, const char *method,
                                 const char *version, const char *data, size_t *len, void **state)
{
    struct post *p = *state;

    (void)cls;
    (void)method;
    (void)version;
    (void)data;
    if (!p) {
        *state = p = calloc(1, sizeof(*p));
        if (!p)
            return MHD_NO;
        p->connection = c;
        return MHD_YES;
    }
    if (*len) {
        p->body += *len;
        *len = 0;
        return MHD_YES;
    }
    if (!strcmp(url, "/bare"))
        return floor_bare(c);
    if (p->parked)
        return answer(c);
    p->parked = true;
    MHD_suspend_connection(c);
    pthread_mutex_lock(&g.lock);
    p->next = g.waiting;
    g.waiting = p;
    pthread_cond_signal(&g.work);
    pthread_mutex_unlock(&g.lock);
    return MHD_YES;
}

static void on_completed(void *cls, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode why)
{
    (void)cls;
    (void)c;
    (void)why;
    free(*state);
    *state = NULL;
}

int main(int argc, char **argv)
{
    pthread_t writer;

    if (argc != 2)
        floor_die("usage", "submit_floor DB");
    g.db = floor_open(argv[1], SQLITE_OPEN_READWRITE);
    floor_sql(g.db, "PRAGMA journal_mode=WAL");
    floor_sql(g.db, "PRAGMA synchronous=FULL");
    floor_sql(g.db, "PRAGMA wal_autocheckpoint=2000");
    g.number = 1000000;
    load_copy(&g.job, "SELECT * FROM job ORDER BY seq DESC LIMIT 1", "INSERT INTO job VALUES (?");
    load_copy(&g.event, "SELECT * FROM event WHERE type = 'job.waiting' ORDER BY id DESC LIMIT 1",
              "INSERT INTO event VALUES (?");
    load_copy(&g.audit, "SELECT * FROM audit WHERE method = 'POST' AND route LIKE '%/jobs' ORDER BY id DESC LIMIT 1",
              "INSERT INTO audit VALUES (?");
    if (pthread_create(&writer, NULL, write_batches, NULL))
        floor_die("thread", "does not start");
    floor_serve(on_access, on_completed);
}
