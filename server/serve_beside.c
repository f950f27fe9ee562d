/* SPDX-License-Identifier: MIT
 *
 * The parts that work beside the core: mail and webhooks, what cleans up, what packs logs, what is imported, what looks
 * on and tells others.
 */
#include "server/serve_impl.h"

#include <limits.h>
#include <sodium.h>
#include <string.h>

#include "auth/keys.h"
#include "auth/mailer.h"
#include "auth/password.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "engines/engine.h"
#include "engines/local/janitor.h"
#include "engines/local/log_packer.h"
#include "metrics/remote_writer.h"
#include "server/alerts/alert_poster.h"
#include "server/alerts/alerts.h"
#include "server/api/api.h"
#include "server/api/gpu_figures.h"
#include "server/api/invitation.h"
#include "server/app_serve.h"
#include "server/code.h"
#include "server/config.h"
#include "server/disk_quota.h"
#include "server/http/hub.h"
#include "server/http/tail.h"
#include "server/image_import.h"
#include "server/loop.h"
#include "server/mailbox.h"
#include "server/notice/notifier.h"
#include "server/reasons.h"
#include "server/report_mail.h"
#include "server/retention.h"
#include "server/scalars.h"

static int make_notifier(struct daemon *d, const struct mailer_config *smtp, struct err *e)
{
    const struct notifier_config c = {.readers = d->readers,
                                      .mailbox = d->mailbox,
                                      .keys = &d->keys,
                                      .webhooks = &d->config->webhooks,
                                      .public_url = d->config->public_url,
                                      .smtp = smtp};
    d->notifier = notifier_create(&c, e);
    return d->notifier ? 0 : -1;
}

/* Mail where it is configured, its password in a file of its own; webhooks always. */
int serve_make_mailer(struct daemon *d, struct err *e)
{
    const struct config *c = d->config;
    struct buf password;
    buf_init(&password, 1024);
    int rc = 0;
    if (!c->smtp_url[0])
        return make_notifier(d, NULL, e);
    if (!c->smtp_from[0])
        return err_set(e, ERR_INVALID_PARAMETERS, "smtpUrl needs smtpFrom, the sender's address.");
    if (c->smtp_password_file[0])
        rc = fs_read(c->smtp_password_file, 1024, &password, e);
    if (password.data)
        password.data[strcspn(password.data, "\r\n")] = '\0';
    struct mailer_config m = {.url = c->smtp_url,
                              .from = c->smtp_from,
                              .user = c->smtp_user,
                              .password = password.data ? password.data : "",
                              .done = api_invitation_sent,
                              .ctx = &d->api};
    d->mailer = rc ? NULL : mailer_create(&m, e);
    rc = d->mailer ? make_notifier(d, &m, e) : -1;
    const struct report_mail_config report = {
        .readers = d->readers, .mailbox = d->mailbox, .public_url = c->public_url, .smtp = &m};
    d->report_mail = rc ? NULL : report_mail_create(&report, e);
    if (password.data)
        sodium_memzero(password.data, password.cap);
    buf_fini(&password);
    return d->report_mail ? 0 : -1;
}

/* Only where the site says how much users may keep. */
static int make_quota(struct daemon *d, struct err *e)
{
    const struct disk_quota_config c = {
        .readers = d->readers, .snapshots = d->snapshots, .code = d->code, .usual_mb = d->config->user_disk_mb};
    if (!c.usual_mb)
        return 0;
    d->quota = disk_quota_create(&c, e);
    return d->quota ? 0 : -1;
}

int serve_make_janitor(struct daemon *d, struct err *e)
{
    if (make_quota(d, e))
        return -1;
    const struct janitor_policy policy = {.files_ms = d->config->keep_files_days * RETENTION_DAY_MS,
                                          .logs_of = retention_logs_ms,
                                          .ctx = &d->retention,
                                          .disk_bytes = (int64_t)d->config->disk_max_mb << 20,
                                          .quota = disk_quota_account(d->quota)};
    d->retention = (struct retention){
        .readers = d->readers, .snapshots = d->snapshots, .usual_ms = d->config->keep_logs_days * RETENTION_DAY_MS};
    d->janitor = janitor_create(d->data, &policy, e);
    return d->janitor ? 0 : -1;
}

int serve_make_packer(struct daemon *d, struct err *e)
{
    if (!d->config->log_pack_s)
        return 0;
    d->packer = log_packer_create(d->data, (int64_t)d->config->log_pack_s * 1000, e);
    return d->packer ? log_packer_start(d->packer, e) : -1;
}

int serve_make_code(struct daemon *d, struct err *e)
{
    d->code = code_create(d->data, (int64_t)d->config->code_max_mb << 20, d->readers, e);
    return d->code ? 0 : -1;
}

int serve_make_images_and_apps(struct daemon *d, struct err *e)
{
    d->apps = app_serve_create(d->config, &d->api);
    if (!d->apps)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    d->images = image_importer_create(d->data, e);
    return d->images ? 0 : -1;
}

int serve_make_reasons(struct daemon *d, struct err *e)
{
    d->reasons = reasons_create(&d->api, e);
    return d->reasons ? 0 : -1;
}

/* remote_look_fn: what /metrics tells, but for samples that have times of their own. */
static int look_for_remote(void *ctx, struct remote *to, int64_t at_ms, int64_t after_ms, struct err *e)
{
    struct daemon *d = ctx;
    struct exposition x = {.remote = to, .at_ms = at_ms, .after_ms = after_ms};
    const struct metrics_look look = {.arena = arena_create(0), .reader = d->config->remote.user};
    if (!look.arena)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    int rc = metrics_expose(&x, &d->api, &look, e);
    arena_destroy(look.arena);
    return rc;
}

/* Where the site sends samples. It looks at the same things as requests do, once those are there. */
int serve_make_remote(struct daemon *d, struct err *e)
{
    const struct remote_writer_config c = {.settings = &d->config->remote, .look = look_for_remote, .ctx = d};
    if (!c.settings->url[0])
        return 0;
    d->remote = remote_writer_create(&c, e);
    return d->remote ? 0 : -1;
}

/* It looks at all that was made before. */
int serve_make_alerts(struct daemon *d, struct err *e)
{
    const struct config *config = d->config;
    const struct alert_sources from = {
        .data_dir = d->data, .loop = d->loop, .watch = d->watch, .remote = d->remote, .tls = d->tls};
    const struct alerts_config c = {.settings = &config->alerts,
                                    .sources = from,
                                    .readers = d->readers,
                                    .snapshots = d->snapshots,
                                    .mailbox = d->mailbox};
    d->alerts = alerts_create(&c, e);
    if (!d->alerts || alerts_start(d->alerts, e))
        return -1;
    if (config->alertmanager.url[0])
        d->alert_poster = alert_poster_create(d->alerts, &config->alertmanager, e);
    return config->alertmanager.url[0] && !d->alert_poster ? -1 : 0;
}
