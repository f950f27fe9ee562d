/* SPDX-License-Identifier: MIT
 *
 * The daemon's parts in the order of their dependence; taken apart in the reverse order, whatever of them was made:
 *
 *   lock, keys ─► store, readers ─► mailbox, snapshots, hub, tail ─► engine, loop ─► http
 *
 * Shutdown: no new requests, streams end, the core answers what it holds, HTTP stops, the engine lets go of its tasks
 * (which run on).
 */
#include "server/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "auth/identity_cache.h"
#include "auth/jwt_cache.h"
#include "auth/keys.h"
#include "auth/mailer.h"
#include "auth/password.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/log.h"
#include "engines/engine.h"
#include "engines/local/janitor.h"
#include "engines/local/local.h"
#include "engines/local/log_packer.h"
#include "engines/local/log_shelf.h"
#include "engines/slurm/slurm.h"
#include "jobs/job.h"
#include "metrics/remote_writer.h"
#include "metrics/tally.h"
#include "server/alerts/alert_poster.h"
#include "server/alerts/alerts.h"
#include "server/api/api.h"
#include "server/api/authenticate.h"
#include "server/api/openapi.h"
#include "server/app_serve.h"
#include "server/audit.h"
#include "server/code.h"
#include "server/config.h"
#include "server/diagnoser.h"
#include "server/disk_quota.h"
#include "server/gpu_watch.h"
#include "server/http/http.h"
#include "server/http/hub.h"
#include "server/http/rate.h"
#include "server/http/static_files.h"
#include "server/http/tail.h"
#include "server/http/tls.h"
#include "server/image_import.h"
#include "server/loop.h"
#include "server/mailbox.h"
#include "server/notice/notifier.h"
#include "server/notify.h"
#include "server/publish.h"
#include "server/readers.h"
#include "server/reasons.h"
#include "server/report_mail.h"
#include "server/scalars.h"
#include "server/serve_impl.h"
#include "server/serve_wait.h"
#include "server/shell.h"
#include "server/snapshot.h"
#include "server/task_watch.h"
#include "store/store.h"

enum {
    MAILBOX_MAX = 4096,
    READERS_MAX = 8,
    HASH_THREADS = 2,
    HASH_QUEUE = 64,
    JOB_ARENAS_READY = 8, /* one for each HTTP thread, and room */
    DRAIN_MS = 4000,
    EXIT_FSYNC = 74
};

static int path_in(char out[PATH_MAX], const char *dir, const char *name, struct err *e)
{
    int n = snprintf(out, PATH_MAX, "%s/%s", dir, name);
    return n < 0 || n >= PATH_MAX ? err_set(e, ERR_INVALID_PARAMETERS, "The path %s is too long.", dir) : 0;
}

/* One daemon a data folder. */
static int take_lock(struct daemon *d, struct err *e)
{
    char path[PATH_MAX];
    if (path_in(path, d->data, "lock", e))
        return -1;
    d->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (d->lock_fd < 0)
        return err_errno(e, errno, "%s", path);
    if (flock(d->lock_fd, LOCK_EX | LOCK_NB))
        return err_set(e, ERR_BUSY, "Another droverd serves %s.", d->data);
    return 0;
}

static int open_store(struct daemon *d, struct err *e)
{
    char path[PATH_MAX];
    if (path_in(path, d->data, "drover.db", e))
        return -1;
    d->store = store_open_folder(d->data, STORE_WRITER, e);
    d->readers = d->store ? readers_create(path, READERS_MAX) : NULL;
    return d->readers ? 0 : -1;
}

static void session_used(void *api, const struct identity *who)
{
    api_touch(api, who);
}

static int make_parts(struct daemon *d, struct err *e)
{
    d->shelf = log_shelf_create(d->data, e);
    if (!d->shelf)
        return -1;
    d->mailbox = mailbox_create(MAILBOX_MAX);
    d->snapshots = snapshots_create();
    d->tally = tally_create();
    d->throttle = api_throttle_create();
    d->tokens = jwt_cache_create(&d->keys, 0);
    d->identities = identity_cache_create(0);
    d->audit = audit_create(&d->keys);
    const struct shells_config shells = {.data = d->data,
                                         .audit = d->audit,
                                         .stands = publish_stands,
                                         .ctx = &d->sources,
                                         .used = session_used,
                                         .used_ctx = &d->api};
    d->shells = d->audit ? shells_create(&shells) : NULL;
    d->user_rate = rate_create(d->config->user_rate, d->config->user_burst);
    d->address_rate = rate_create(d->config->address_rate, d->config->address_burst);
    if (!d->user_rate || !d->address_rate)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    if (!d->mailbox || !d->snapshots || !d->tally || !d->throttle || !d->tokens || !d->identities || !d->shells)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    d->sources = (struct publish_sources){.readers = d->readers, .snapshots = d->snapshots};
    struct hub_config hub = {.replay = publish_replay, .allowed = publish_allowed, .ctx = &d->sources};
    d->hub = hub_create(&hub, e);
    d->tail = d->hub ? tail_create(0, 0, e) : NULL;
    d->passwords = d->tail ? password_gate_create(HASH_THREADS, HASH_QUEUE, e) : NULL;
    return d->passwords ? 0 : -1;
}

/* Those that the driver tells of; the engine gives out the same. A driver that hangs now is no reason to serve this
 * machine as one without GPUs: tasks may run on them. */
static int make_gpus(struct daemon *d, struct err *e)
{
    if (d->config->gpus >= 0)
        return 0; /* simulated ones instead */
    const struct gpu_watch_config c = {.period_s = d->config->gpu_sample_s,
                                       .seal_s = d->config->gpu_seal_s,
                                       .keep = d->config->keep_series,
                                       .prometheus = &d->config->gpu_prometheus,
                                       .node = d->config->node,
                                       .rules = &d->config->health,
                                       .idle = &d->config->idle,
                                       .readers = d->readers,
                                       .snapshots = d->snapshots,
                                       .mailbox = d->mailbox};
    d->watch = gpu_watch_create(&c, e);
    return d->watch ? 0 : -1;
}

/* Where nothing is to be sampled, neither are tasks. */
static int make_tasks(struct daemon *d, struct err *e)
{
    const struct task_watch_config c = {.data = d->data,
                                        .period_s = d->config->gpu_sample_s,
                                        .flush_ms = 30000,
                                        .readers = d->readers,
                                        .mailbox = d->mailbox,
                                        .tally = d->tally};
    d->tasks = c.period_s ? task_watch_create(&c, e) : NULL;
    return d->tasks || !c.period_s ? 0 : -1;
}

/* Its nodes have GPUs and tasks that nobody here can look at. */
static int make_slurm(struct daemon *d, struct err *e)
{
    const struct config *c = d->config;
    const struct slurm_config slurm = {.site = &c->slurm,
                                       .data = d->data,
                                       .log_max_mb = c->log_max_mb,
                                       .port_first = c->port_first,
                                       .port_last = c->port_last};
    d->engine = slurm_engine_create(&slurm, e);
    return d->engine ? 0 : -1;
}

/* Spawner and shim stand beside this program. */
static int make_local(struct daemon *d, struct err *e)
{
    char self[PATH_MAX - 32], spawner[PATH_MAX], shim[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0)
        return err_errno(e, errno, "/proc/self/exe");
    self[n] = '\0';
    const char *dir = dirname(self);
    if (path_in(spawner, dir, "drover-spawner", e) || path_in(shim, dir, "drover-shim", e) || make_gpus(d, e))
        return -1;
    const struct config *c = d->config;
    int found_count = 0;
    const struct gpu *found = d->watch ? gpu_watch_gpus(d->watch, &found_count) : NULL;
    struct local_config local = {.data = d->data,
                                 .spawner = spawner,
                                 .shim = shim,
                                 .name = c->node[0] ? c->node : NULL,
                                 .cpus = c->cpus,
                                 .memory_mb = c->memory_mb,
                                 .gpus = c->gpus,
                                 .found = found,
                                 .found_count = found_count,
                                 .isolation = c->isolation[0] ? c->isolation : NULL,
                                 .spawner_service = c->spawner_service,
                                 .gpu_device = c->gpu_device[0] ? c->gpu_device : NULL,
                                 .log_max_mb = c->log_max_mb,
                                 .port_first = c->port_first,
                                 .port_last = c->port_last};
    d->engine = local_engine_create(&local, e);
    return d->engine ? make_tasks(d, e) : -1;
}

static int make_engine(struct daemon *d, struct err *e)
{
    return d->config->slurm.url[0] ? make_slurm(d, e) : make_local(d, e);
}

static void on_ready(void *ctx)
{
    struct daemon *d = ctx;
    log_info("ready", "every running task was found again; serving %s", d->data);
    notify_send("READY=1");
}

/* DESIGN 1.2: after a failed fsync nobody knows what is on disk; only a new start reads what is. */
static void on_fsync_failed(void *ctx, const struct err *e)
{
    (void)ctx;
    log_error("fsync_failed", "%s; the process ends, nothing of the last batch was confirmed", e->text);
    _exit(EXIT_FSYNC);
}

static int make_loop(struct daemon *d, struct err *e)
{
    static const char purpose[] = "drover core seed";
    const struct diagnoser_config diagnoser = {.shelf = d->shelf, .catalogue = d->config->exit_catalogue};
    d->diagnoser = diagnoser_create(&diagnoser, e);
    if (!d->diagnoser)
        return -1;
    struct loop_config c = {.store = d->store,
                            .engine = d->engine,
                            .mailbox = d->mailbox,
                            .snapshots = d->snapshots,
                            .hub = d->hub,
                            .tally = d->tally,
                            .identities = d->identities,
                            .audit = d->audit,
                            .diagnoser = d->diagnoser,
                            .keys = &d->keys,
                            .image_on_host = d->config->image_on_host,
                            .placement = &d->config->placement,
                            .ready = on_ready,
                            .fsync_failed = on_fsync_failed,
                            .ctx = d};
    crypto_generichash(c.seed, sizeof c.seed, (const unsigned char *)purpose, sizeof purpose - 1, d->keys.seal,
                       sizeof d->keys.seal);
    d->loop = loop_create(&c, e);
    if (!d->loop || (d->watch && gpu_watch_start(d->watch, d->engine, e)))
        return -1;
    return !d->tasks || !task_watch_start(d->tasks, e) ? 0 : -1;
}

/* With a certificate; without one, for loopback alone unless the site says otherwise. */
static int make_tls(struct daemon *d, const char *address, struct err *e)
{
    const struct config *c = d->config;
    if (c->tls_certificate[0] || c->tls_key[0]) {
        d->tls = tls_create(c->tls_certificate, c->tls_key, e);
        return d->tls ? 0 : err_wrap(e, "tlsCertificate, tlsKey");
    }
    if (config_is_loopback(address))
        return 0;
    if (!c->insecure_http)
        return err_set(e, ERR_INVALID_PARAMETERS,
                       "Plain HTTP is served on loopback only; %s is not (insecureHttp: true allows it).", address);
    log_warn("insecure_http", "passwords and tokens travel unencrypted on %s", address);
    return 0;
}

static int make_http(struct daemon *d, struct err *e)
{
    char address[CONFIG_TEXT_MAX];
    uint16_t port;
    if (config_split_listen(d->config->listen, address, &port, e) || make_tls(d, address, e))
        return -1;
    d->job_arenas = arena_pool_create(JOB_ARENA_BYTES, JOB_ARENAS_READY);
    d->scalars = scalars_create(d->data);
    if (!d->job_arenas || !d->scalars)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    if (serve_make_remote(d, e) || serve_make_alerts(d, e))
        return -1;
    d->api = (struct api){.readers = d->readers,
                          .notifier = d->notifier,
                          .mailbox = d->mailbox,
                          .snapshots = d->snapshots,
                          .hub = d->hub,
                          .tail = d->tail,
                          .loop = d->loop,
                          .passwords = d->passwords,
                          .throttle = d->throttle,
                          .tokens = d->tokens,
                          .identities = d->identities,
                          .job_arenas = d->job_arenas,
                          .audit = d->audit,
                          .user_rate = d->user_rate,
                          .address_rate = d->address_rate,
                          .secure = d->tls != NULL,
                          .keys = &d->keys,
                          .data_dir = d->data,
                          .shelf = d->shelf,
                          .code = d->code,
                          .disk_max_mb = d->config->disk_max_mb,
                          .quota = d->quota,
                          .mailer = d->mailer,
                          .images = d->images,
                          .watch = d->watch,
                          .tally = d->tally,
                          .shells = d->shells,
                          .apps = app_serve_apps(d->apps),
                          .scalars = d->scalars,
                          .alerts = d->alerts,
                          .remote = d->remote,
                          .public_url = d->config->public_url};
    struct http_config c = {.address = address,
                            .port = port,
                            .authenticate = api_authenticate,
                            .limit = api_limit,
                            .observe = api_observe,
                            .spool_dir = d->data,
                            .spool_limit = (uint64_t)d->config->code_max_mb << 20,
                            .context = &d->api};
    c.tls = d->tls;
    c.secure = d->tls != NULL;
    c.routes = api_routes(&c.route_count);
    d->openapi = openapi_create(c.routes, c.route_count, e);
    if (!d->openapi)
        return -1;
    d->api.openapi = d->openapi;
    c.files = static_files(&c.file_count);
    if (app_serve_start(d->apps, &c, e))
        return -1;
    d->http = http_server_create(&c, e);
    if (!d->http || (d->remote && remote_writer_start(d->remote, e)))
        return -1;
    return http_server_start(d->http, e);
}

/* Tells where it listens: on standard output, and in DATA/listen for scripts. */
static int announce(struct daemon *d, struct err *e)
{
    char path[PATH_MAX], address[CONFIG_TEXT_MAX], text[CONFIG_TEXT_MAX + 32];
    uint16_t port;
    if (config_split_listen(d->config->listen, address, &port, e) || path_in(path, d->data, "listen", e))
        return -1;
    bool v6 = strchr(address, ':') != NULL;
    int n = snprintf(text, sizeof text, "%s://%s%s%s:%u\n", d->tls ? "https" : "http", v6 ? "[" : "", address,
                     v6 ? "]" : "", (unsigned)http_server_port(d->http));
    if (fs_write_atomic(path, text, (size_t)n, 0600, e))
        return -1;
    printf("listening on %s", text);
    fflush(stdout);
    n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    return path_in(path, d->data, "droverd.pid", e) ? -1 : fs_write_atomic(path, text, (size_t)n, 0600, e);
}

static void take_apart(struct daemon *d)
{
    if (d->http)
        http_server_quiesce(d->http);
    if (d->hub)
        hub_close(d->hub);
    if (d->tail)
        tail_close(d->tail);
    shells_close(d->shells); /* their requests last as long as they do, and their ends go into the audit log */
    app_serve_close(d->apps);
    code_close(d->code);
    reasons_destroy(d->reasons);
    remote_writer_stop(d->remote);
    notifier_destroy(d->notifier); /* its last note reaches the core */
    alert_poster_destroy(d->alert_poster);
    alerts_stop(d->alerts); /* its last batch reaches the core */
    report_mail_destroy(d->report_mail);
    password_gate_close(d->passwords); /* its last logins reach the core */
    janitor_destroy(d->janitor);
    log_packer_destroy(d->packer);
    gpu_watch_stop(d->watch);
    task_watch_stop(d->tasks);
    loop_stop(d->loop); /* answers what waits, then lets go of the engine */
    app_serve_stop(d->apps, DRAIN_MS);
    http_server_destroy(d->http, DRAIN_MS);
    image_importer_destroy(d->images);
    alerts_destroy(d->alerts);        /* requests, and the core's replies to them, asked it */
    remote_writer_destroy(d->remote); /* requests asked it, too */
    mailer_destroy(d->mailer);        /* the core's last replies queued mails */
    /* Only now: a request that was under way may have come to its handler late. */
    password_gate_destroy(d->passwords);
    arena_pool_destroy(d->job_arenas);
    disk_quota_destroy(d->quota);
    code_destroy(d->code);
    loop_destroy(d->loop);
    diagnoser_destroy(d->diagnoser);
    log_shelf_destroy(d->shelf);
    scalars_destroy(d->scalars);
    tail_destroy(d->tail);
    hub_destroy(d->hub);
    if (d->engine)
        d->engine->ops->destroy(d->engine);
    gpu_watch_destroy(d->watch);
    task_watch_destroy(d->tasks);
    api_throttle_destroy(d->throttle);
    jwt_cache_destroy(d->tokens);
    identity_cache_destroy(d->identities);
    openapi_destroy(d->openapi);
    shells_destroy(d->shells);
    app_serve_destroy(d->apps);
    audit_destroy(d->audit);
    rate_destroy(d->user_rate);
    rate_destroy(d->address_rate);
    tls_destroy(d->tls);
    snapshots_destroy(d->snapshots);
    tally_destroy(d->tally);
    mailbox_destroy(d->mailbox);
    readers_destroy(d->readers);
    if (d->store)
        store_checkpoint(d->store, STORE_CHECKPOINT_TRUNCATE, NULL);
    store_close(d->store);
    keys_wipe(&d->keys);
    if (d->lock_fd >= 0)
        close(d->lock_fd);
}

int serve_run(const char *data, const struct config *config, struct err *e)
{
    struct daemon d = {.data = data, .config = config, .lock_fd = -1};
    sigset_t set;
    int rc = -1;
    serve_block_signals(&set);
    if (take_lock(&d, e) || keys_load(data, &d.keys, e) || open_store(&d, e) || make_parts(&d, e) ||
        make_engine(&d, e) || make_loop(&d, e) || serve_make_code(&d, e) || serve_make_janitor(&d, e) ||
        serve_make_packer(&d, e) || serve_make_mailer(&d, e) || serve_make_images_and_apps(&d, e) || make_http(&d, e) ||
        serve_make_reasons(&d, e) || announce(&d, e))
        goto out;
    rc = 0;
    int sig = serve_wait(d.tls, &set);
    log_info("stopping", "signal %d", sig);
    notify_send("STOPPING=1");
out:
    take_apart(&d);
    return rc;
}
