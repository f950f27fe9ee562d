/* SPDX-License-Identifier: MIT
 *
 * The rig: waiting is on events with a deadline, never for a time.
 */
#include "rig.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/id.h"
#include "engines/local/procs.h"

#define RIG_DEADLINE_S 60

/* Seconds that a wait may take; where all is slower (sanitizers, an emulated processor), so many times as long. */
static long rig_deadline(void)
{
    const char *scale = getenv("DROVER_TIME_SCALE");
    long times = scale ? strtol(scale, NULL, 10) : 1;

    return RIG_DEADLINE_S * (times > 1 ? times : 1);
}

static void rig_sink(void *ctx, const struct engine_event *ev)
{
    struct rig *r = ctx;
    struct rig_event *to;

    (void)pthread_mutex_lock(&r->lock);
    assert_true(r->count < RIG_EVENTS);
    to = &r->events[r->count++];
    *to = (struct rig_event){.kind = ev->kind,
                             .epoch = ev->epoch,
                             .seq = ev->seq,
                             .wall_ms = ev->wall_ms,
                             .code = ev->exit_code,
                             .signal = ev->signal,
                             .gpu_count = ev->gpu_count,
                             .busy_port = ev->busy_port,
                             .never_started = ev->never_started,
                             .on_host = ev->on_host};
    memcpy(to->id, ev->attempt_id, sizeof(to->id));
    memcpy(to->gpus, ev->gpus, sizeof(to->gpus));
    memcpy(to->message, ev->message, sizeof(to->message));
    if (ev->kind == ENGINE_NODE)
        r->node = ev->node;
    (void)pthread_cond_broadcast(&r->changed);
    (void)pthread_mutex_unlock(&r->lock);
}

void rig_engine(struct rig *r)
{
    struct err e = {0};
    struct local_config c = {.data = r->data,
                             .spawner = DROVER_BIN "/drover-spawner",
                             .shim = DROVER_BIN "/drover-shim",
                             .name = "test",
                             .boot_id = r->boot[0] ? r->boot : NULL,
                             .isolation = r->isolation ? r->isolation : getenv("DROVER_TEST_ISOLATION"),
                             .gpus = r->gpus,
                             .stuck_ms = r->stuck_ms ? r->stuck_ms : 60000}; /* a busy machine takes its time to kill */

    r->count = 0;
    r->engine = local_engine_create(&c, &e);
    if (!r->engine)
        fail_msg("%s", e.text);
}

void rig_start(struct rig *r)
{
    struct err e = {0};

    assert_int_equal(r->engine->ops->start(r->engine, rig_sink, r, &e), 0);
}

void rig_stop(struct rig *r)
{
    if (!r->engine)
        return;
    r->engine->ops->stop(r->engine);
    r->engine->ops->destroy(r->engine);
    r->engine = NULL;
}

int rig_setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));
    pthread_condattr_t a;

    assert_non_null(r);
    (void)snprintf(r->data, sizeof(r->data), "/tmp/drover-engine-XXXXXX");
    assert_non_null(mkdtemp(r->data));
    r->gpus = 4;
    r->events = calloc(RIG_EVENTS, sizeof(*r->events));
    (void)pthread_mutex_init(&r->lock, NULL);
    (void)pthread_condattr_init(&a);
    (void)pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&r->changed, &a);
    rig_engine(r);
    rig_start(r);
    *state = r;
    return 0;
}

static int rig_remove(const char *path, const struct stat *st, int flag, struct FTW *f)
{
    (void)st;
    (void)flag;
    (void)f;
    return remove(path);
}

pid_t rig_spawner(const struct rig *r)
{
    char path[128];
    struct buf b;
    pid_t pid;

    (void)snprintf(path, sizeof(path), "%s/spawner.pid", r->data);
    buf_init(&b, 64);
    pid = fs_read(path, 64, &b, NULL) ? 0 : (pid_t)strtol(buf_str(&b), NULL, 10);
    buf_fini(&b);
    return pid;
}

bool rig_lives(const char *id)
{
    char mark[96], path[64];
    const struct dirent *d;
    DIR *proc = opendir("/proc");
    bool found = false;

    (void)snprintf(mark, sizeof(mark), PROCS_MARK "=%s", id);
    while (proc && !found && (d = readdir(proc))) {
        struct buf b;

        buf_init(&b, 4u << 20);
        if (snprintf(path, sizeof(path), "/proc/%.20s/environ", d->d_name) < (int)sizeof(path) &&
            fs_read(path, 4u << 20, &b, NULL) == 0 && b.len > 0)
            found = memmem(b.data, b.len, mark, strlen(mark)) != NULL;
        buf_fini(&b);
    }
    if (proc)
        (void)closedir(proc);
    return found;
}

/* Tasks that a test left running, whatever has become of their shims. */
static void rig_end_tasks(const struct rig *r)
{
    char path[128];
    const struct dirent *d;
    DIR *run;

    (void)snprintf(path, sizeof(path), "%s/run", r->data);
    run = opendir(path);
    while (run && (d = readdir(run)))
        while (id_valid(d->d_name) && procs_kill_marked(d->d_name, NULL) > 0)
            (void)poll(NULL, 0, 5);
    if (run)
        (void)closedir(run);
}

int rig_teardown(void **state)
{
    struct rig *r = *state;

    rig_stop(r);
    rig_end_tasks(r);
    /* A spawner that is just starting adds to the folder while it is removed. */
    while (access(r->data, F_OK) == 0) {
        pid_t spawner = rig_spawner(r);

        if (spawner > 0)
            (void)kill(spawner, SIGTERM);
        (void)nftw(r->data, rig_remove, 16, FTW_DEPTH | FTW_PHYS);
    }
    free(r->events);
    free(r);
    return 0;
}

/* Whether the event is of the kinds in the mask (1u << kind) and about `id` (NULL = any). */
static bool rig_match(const struct rig_event *ev, unsigned kinds, const char *id)
{
    return (kinds & 1u << ev->kind) && (!id || strcmp(ev->id, id) == 0);
}

struct rig_event rig_wait_mask(struct rig *r, unsigned kinds, const char *id, int n)
{
    struct timespec till;
    struct rig_event found = {0};
    bool ok = false;

    (void)clock_gettime(CLOCK_MONOTONIC, &till);
    till.tv_sec += rig_deadline();
    (void)pthread_mutex_lock(&r->lock);
    for (;;) {
        int seen = 0;

        for (size_t i = 0; i < r->count && !ok; i++) {
            if (!rig_match(&r->events[i], kinds, id) || seen++ != n)
                continue;
            found = r->events[i];
            ok = true;
        }
        if (ok || pthread_cond_timedwait(&r->changed, &r->lock, &till))
            break;
    }
    if (!ok)
        for (size_t i = 0; i < r->count; i++)
            print_message("event %d of %s: code %d, %s\n", (int)r->events[i].kind, r->events[i].id, r->events[i].code,
                          r->events[i].message);
    (void)pthread_mutex_unlock(&r->lock);
    if (!ok)
        fail_msg("no event of %#x about %s", kinds, id ? id : "anything");
    return found;
}

struct rig_event rig_wait_nth(struct rig *r, enum engine_event_kind kind, const char *id, int n)
{
    return rig_wait_mask(r, 1u << kind, id, n);
}

struct rig_event rig_wait_end(struct rig *r, const char *id)
{
    return rig_wait_mask(r, 1u << ENGINE_EXITED | 1u << ENGINE_LOST | 1u << ENGINE_REFUSED, id, 0);
}

struct rig_event rig_wait(struct rig *r, enum engine_event_kind kind, const char *id)
{
    return rig_wait_nth(r, kind, id, 0);
}

size_t rig_count(struct rig *r, enum engine_event_kind kind, const char *id)
{
    size_t n = 0;

    (void)pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < r->count; i++)
        n += r->events[i].kind == kind && strcmp(r->events[i].id, id) == 0;
    (void)pthread_mutex_unlock(&r->lock);
    return n;
}

struct engine_order *rig_order(enum engine_order_kind kind, const char *id, const char *script)
{
    struct engine_order *o = engine_order_create(kind, script != NULL);

    assert_non_null(o);
    (void)snprintf(o->attempt_id, sizeof(o->attempt_id), "%s", id);
    (void)snprintf(o->nonce, sizeof(o->nonce), "0123456789abcdef0123456789abcdef");
    o->epoch = 1;
    if (script) {
        static const char *const env[] = {"PAI_USER_NAME=eve", "GREETING=hello", NULL};

        o->launch->full_name = "eve~job";
        o->launch->user = "eve";
        o->launch->job_id = id;
        o->launch->role = "worker";
        o->launch->image_uri = "example/image";
        o->launch->image_on_host = true;
        o->launch->env = env;
        o->launch->script = arena_strdup(o->arena, script);
    }
    return o;
}

void rig_give(struct rig *r, struct engine_order *o)
{
    r->engine->ops->order(r->engine, o);
}

void rig_launch(struct rig *r, char id[ID_SIZE], const char *script)
{
    id_make(clock_read().wall, id);
    rig_give(r, rig_order(ENGINE_LAUNCH, id, script));
}

void rig_order_stop(struct rig *r, const char *id, int grace_ms)
{
    rig_order_stop_by(r, id, grace_ms, 0);
}

void rig_order_stop_by(struct rig *r, const char *id, int grace_ms, int signal)
{
    struct engine_order *o = rig_order(ENGINE_STOP, id, NULL);

    o->grace_ms = grace_ms;
    o->signal = signal;
    rig_give(r, o);
}

char *rig_file(const struct rig *r, const char *id, const char *name, size_t *len)
{
    char path[200];
    struct buf b;
    struct err e = {0};

    (void)snprintf(path, sizeof(path), "%s/run/%s/%s", r->data, id, name);
    buf_init(&b, 0);
    if (fs_read(path, 64u << 20, &b, &e))
        fail_msg("%s", e.text);
    (void)buf_add(&b, "", 0);
    if (!b.data)
        (void)buf_adds(&b, "");
    return buf_take(&b, len);
}

void rig_expect_file(const struct rig *r, const char *id, const char *name, const char *text)
{
    char path[200], *is;

    (void)snprintf(path, sizeof(path), "%s/run/%s/%s", r->data, id, name);
    if (!*text) {
        assert_int_equal(access(path, F_OK), -1); /* no byte, no file */
        return;
    }
    is = rig_file(r, id, name, NULL);
    assert_string_equal(is ? is : "", text);
    free(is);
}

void rig_wait_file(const struct rig *r, const char *id, const char *name, off_t len)
{
    int64_t till = clock_read().mono + 1000 * rig_deadline();
    char path[200];
    struct stat st;

    (void)snprintf(path, sizeof(path), "%s/run/%s/%s", r->data, id, name);
    while (stat(path, &st) || st.st_size < len) {
        if (clock_read().mono > till)
            fail_msg("%s did not get %lld bytes", path, (long long)len);
        (void)nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
}
