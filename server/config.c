/* SPDX-License-Identifier: MIT
 *
 * One table of keys: name, type, place, range. Reading a file is a walk over it.
 */
#include "server/config.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/doc.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/json.h"

enum { FILE_MAX = 64 * 1024, PORT_MAX = 65535, GPU_SEAL_MAX_S = 900 };

typedef int set_fn(struct config *c, const struct doc *d, struct err *e);

static int bad(const struct doc *d, struct err *e, const char *want)
{
    err_set(e, ERR_INVALID_PARAMETERS, "%s must be %s.", d->key, want);
    return err_at(e, d->line, d->column);
}

static int set_text(char out[CONFIG_TEXT_MAX], const struct doc *d, struct err *e)
{
    if (d->type != DOC_STRING || d->text_len >= CONFIG_TEXT_MAX)
        return bad(d, e, "a string of at most 255 bytes");
    memcpy(out, d->text, d->text_len + 1);
    return 0;
}

/* One of two words. */
static int set_word(const struct doc *d, const char *const words[2], bool *second, struct err *e)
{
    if (d->text && !strcmp(d->text, words[0])) {
        *second = false;
        return 0;
    }
    if (d->text && !strcmp(d->text, words[1])) {
        *second = true;
        return 0;
    }
    char want[64];
    snprintf(want, sizeof want, "%s or %s", words[0], words[1]);
    return bad(d, e, want);
}

static int set_int(const struct doc *d, int64_t min, int64_t max, int64_t *out, struct err *e)
{
    if (d->type != DOC_INT || d->integer < min || d->integer > max) {
        char want[80];
        snprintf(want, sizeof want, "a whole number from %lld to %lld", (long long)min, (long long)max);
        return bad(d, e, want);
    }
    *out = d->integer;
    return 0;
}

static int set_listen(struct config *c, const struct doc *d, struct err *e)
{
    char address[CONFIG_TEXT_MAX];
    uint16_t port;
    if (set_text(c->listen, d, e))
        return -1;
    return config_split_listen(c->listen, address, &port, e) ? err_at(e, d->line, d->column) : 0;
}

static int set_unknown_image(struct config *c, const struct doc *d, struct err *e)
{
    return set_word(d, (const char *const[]){"refuse", "host"}, &c->image_on_host, e);
}

static int set_insecure(struct config *c, const struct doc *d, struct err *e)
{
    return set_word(d, (const char *const[]){"false", "true"}, &c->insecure_http, e);
}

static int set_gpus(struct config *c, const struct doc *d, struct err *e)
{
    int64_t n = 0;
    int rc = set_int(d, 0, 64, &n, e);
    c->gpus = (int)n;
    return rc;
}

static int set_cpus(struct config *c, const struct doc *d, struct err *e)
{
    int64_t n = 0;
    int rc = set_int(d, 1, 65536, &n, e);
    c->cpus = (int)n;
    return rc;
}

static int set_memory(struct config *c, const struct doc *d, struct err *e)
{
    return set_int(d, 1, INT64_C(1) << 40, &c->memory_mb, e);
}

static int set_node(struct config *c, const struct doc *d, struct err *e)
{
    return set_text(c->node, d, e);
}

static int set_ports(struct config *c, const struct doc *d, struct err *e)
{
    char *end = NULL;
    long first = d->text ? strtol(d->text, &end, 10) : 0;
    long last = end && *end == '-' ? strtol(end + 1, &end, 10) : 0;
    if (!end || *end || first < 1024 || last < first || last > PORT_MAX)
        return bad(d, e, "a range such as \"15000-32767\", within 1024-65535");
    c->port_first = (int)first;
    c->port_last = (int)last;
    return 0;
}

static int set_isolation(struct config *c, const struct doc *d, struct err *e)
{
    static const char *const names[] = {"rlimits", "cgroups", "namespaces", "full"};
    for (size_t i = 0; d->text && i < sizeof names / sizeof *names; i++)
        if (!strcmp(d->text, names[i]))
            return set_text(c->isolation, d, e);
    return bad(d, e, "rlimits, cgroups, namespaces or full");
}

static int set_spawner(struct config *c, const struct doc *d, struct err *e)
{
    return set_word(d, (const char *const[]){"own", "service"}, &c->spawner_service, e);
}

static int set_gpu_device(struct config *c, const struct doc *d, struct err *e)
{
    if (set_text(c->gpu_device, d, e))
        return -1;
    return c->gpu_device[0] == '/' && strchr(c->gpu_device, '%') ? 0 : bad(d, e, "an absolute path with a %");
}

static int set_public_url(struct config *c, const struct doc *d, struct err *e)
{
    if (set_text(c->public_url, d, e))
        return -1;
    size_t n = strlen(c->public_url);
    if (strncmp(c->public_url, "https://", 8) != 0 && strncmp(c->public_url, "http://", 7) != 0)
        return bad(d, e, "an address that begins with https:// or http://");
    if (c->public_url[n - 1] == '/')
        c->public_url[n - 1] = '\0';
    return 0;
}

static int set_smtp_url(struct config *c, const struct doc *d, struct err *e)
{
    if (set_text(c->smtp_url, d, e))
        return -1;
    if (strncmp(c->smtp_url, "smtp://", 7) != 0 && strncmp(c->smtp_url, "smtps://", 8) != 0)
        return bad(d, e, "an address such as smtp://host:25 or smtps://host");
    return 0;
}

static int set_smtp_from(struct config *c, const struct doc *d, struct err *e)
{
    if (set_text(c->smtp_from, d, e))
        return -1;
    return strchr(c->smtp_from, '@') && !strpbrk(c->smtp_from, " <>\r\n") ? 0 : bad(d, e, "a plain e-mail address");
}

static int set_smtp_user(struct config *c, const struct doc *d, struct err *e)
{
    return set_text(c->smtp_user, d, e);
}

static int set_smtp_password_file(struct config *c, const struct doc *d, struct err *e)
{
    return set_text(c->smtp_password_file, d, e);
}

static int set_days(int *out, const struct doc *d, struct err *e)
{
    int64_t n = 0;
    int rc = set_int(d, 0, 36500, &n, e);
    *out = (int)n;
    return rc;
}

static int set_keep_files(struct config *c, const struct doc *d, struct err *e)
{
    return set_days(&c->keep_files_days, d, e);
}

static int set_keep_logs(struct config *c, const struct doc *d, struct err *e)
{
    return set_days(&c->keep_logs_days, d, e);
}

static int set_log_pack(struct config *c, const struct doc *d, struct err *e)
{
    int64_t n = 0;
    int rc = set_int(d, 0, INT32_MAX, &n, e);
    c->log_pack_s = (int)n;
    return rc;
}

static int set_gpu_sample(struct config *c, const struct doc *d, struct err *e)
{
    int64_t n = 0;
    int rc = set_int(d, 0, 60, &n, e);
    c->gpu_sample_s = (int)n;
    return rc;
}

static int set_gpu_seal(struct config *c, const struct doc *d, struct err *e)
{
    int64_t n = 0;
    int rc = set_int(d, 1, GPU_SEAL_MAX_S, &n, e);
    c->gpu_seal_s = (int)n;
    return rc;
}

static int set_keep_samples(struct config *c, const struct doc *d, struct err *e)
{
    return set_days(&c->keep_series.days[SERIES_SAMPLES], d, e);
}

static int set_keep_minutes(struct config *c, const struct doc *d, struct err *e)
{
    return set_days(&c->keep_series.days[SERIES_MINUTES], d, e);
}

static int set_keep_quarters(struct config *c, const struct doc *d, struct err *e)
{
    return set_days(&c->keep_series.days[SERIES_QUARTERS], d, e);
}

static int set_keep_hours(struct config *c, const struct doc *d, struct err *e)
{
    return set_days(&c->keep_series.days[SERIES_HOURS], d, e);
}

static int set_disk_max(struct config *c, const struct doc *d, struct err *e)
{
    int64_t n = 0;
    int rc = set_int(d, 0, INT32_MAX, &n, e);
    c->disk_max_mb = (int)n;
    return rc;
}

static int set_user_disk(struct config *c, const struct doc *d, struct err *e)
{
    int64_t n = 0;
    int rc = set_int(d, 0, INT32_MAX, &n, e);
    c->user_disk_mb = (int)n;
    return rc;
}

static int set_log_max(struct config *c, const struct doc *d, struct err *e)
{
    int64_t n = 0;
    int rc = set_int(d, 0, 1 << 20, &n, e);
    c->log_max_mb = (int)n;
    return rc;
}

static int set_code_max(struct config *c, const struct doc *d, struct err *e)
{
    int64_t n = 0;
    int rc = set_int(d, 1, 1 << 20, &n, e);
    c->code_max_mb = (int)n;
    return rc;
}

static int set_exit_catalogue(struct config *c, const struct doc *d, struct err *e)
{
    if (set_text(c->exit_catalogue, d, e))
        return -1;
    return c->exit_catalogue[0] == '/' ? 0 : bad(d, e, "an absolute path");
}

/* {left: 1000, apart: 1 ...}: what is not named keeps its weight. */
static int set_placement(struct config *c, const struct doc *d, struct err *e)
{
    if (d->type != DOC_MAP)
        return bad(d, e, "a map of weights");
    for (const struct doc *m = d->first; m; m = m->next) {
        int64_t weight = 0;
        enum score_term t = score_find(m->key);
        if (t == SCORE_TERMS) {
            err_set(e, ERR_INVALID_PARAMETERS, "placement has no term \"%.60s\"", m->key);
            return err_at(e, m->key_line, m->key_column);
        }
        if (set_int(m, 0, SCORE_WEIGHT_MAX, &weight, e))
            return -1;
        c->placement.of[t] = (int)weight;
    }
    return 0;
}

/* {xidReset: cordon, foreign: tell ..., check: 12}: what is not named keeps its action. */
static int set_gpu_health(struct config *c, const struct doc *d, struct err *e)
{
    if (d->type != DOC_MAP)
        return bad(d, e, "a map of causes");
    for (const struct doc *m = d->first; m; m = m->next) {
        const enum gpu_cause cause = gpu_cause_find(m->key);
        const enum gpu_action action = m->text ? gpu_action_find(m->text) : GPU_ACTIONS;
        int64_t check = 0;
        if (!strcmp(m->key, "check")) {
            if (set_int(m, 1, 10000, &check, e))
                return -1;
            c->health.check = (int)check;
        } else if (cause == GPU_CAUSES || cause == GPU_FINE) {
            err_set(e, ERR_INVALID_PARAMETERS, "gpuHealth has no cause \"%.60s\"", m->key);
            return err_at(e, m->key_line, m->key_column);
        } else if (action == GPU_ACTIONS) {
            return bad(m, e, "tell, quarantine or cordon");
        } else {
            c->health.of[cause] = action;
        }
    }
    return 0;
}

/* The same as JSON, for who reads both. */
static void write_json(struct json_out *j, const struct doc *d)
{
    if (d->type == DOC_MAP || d->type == DOC_LIST) {
        (d->type == DOC_MAP ? json_out_object : json_out_array)(j);
        for (const struct doc *m = d->first; m; m = m->next) {
            if (m->key)
                json_out_key(j, m->key);
            write_json(j, m);
        }
        (d->type == DOC_MAP ? json_out_object_end : json_out_array_end)(j);
    } else if (d->type == DOC_STRING) {
        json_out_string(j, d->text);
    } else if (d->type == DOC_NULL) {
        json_out_null(j);
    } else if (d->type == DOC_BOOL) {
        json_out_bool(j, d->integer);
    } else {
        json_out_double(j, d->number);
    }
}

/* As a virtual cluster's (inventory/idle_policy.h). */
static int set_idle(struct config *c, const struct doc *d, struct err *e)
{
    struct buf text;
    struct json_out j;
    buf_init(&text, FILE_MAX);
    json_out_init(&j, &text);
    write_json(&j, d);
    cJSON *o = json_parse(buf_str(&text), text.len, FILE_MAX, e);
    int rc = o ? idle_policy_parse(o, &c->idle, e) : -1;
    cJSON_Delete(o);
    buf_fini(&text);
    return rc ? err_at(e, d->line, d->column) : 0;
}

static int set_remote(struct config *c, const struct doc *d, struct err *e)
{
    return remote_config_read(&c->remote, d, e);
}

static int set_gpu_prometheus(struct config *c, const struct doc *d, struct err *e)
{
    return remote_config_read_source(&c->gpu_prometheus, d, e);
}

static int set_apps(struct config *c, const struct doc *d, struct err *e)
{
    return apps_config_read(&c->apps, d, e);
}

static int set_slurm(struct config *c, const struct doc *d, struct err *e)
{
    return slurm_config_read(&c->slurm, d, e);
}

static int set_webhooks(struct config *c, const struct doc *d, struct err *e)
{
    return address_policy_read(&c->webhooks, d, e);
}

static int set_log_level(struct config *c, const struct doc *d, struct err *e)
{
    static const char *const names[] = {
        [LOG_LEVEL_ERROR] = "error", [LOG_LEVEL_WARN] = "warn", [LOG_LEVEL_INFO] = "info", [LOG_LEVEL_DEBUG] = "debug"};
    for (size_t i = 0; d->text && i < sizeof names / sizeof *names; i++)
        if (!strcmp(d->text, names[i])) {
            c->log_level = (enum log_level)i;
            return 0;
        }
    return bad(d, e, "error, warn, info or debug");
}

static int set_log_format(struct config *c, const struct doc *d, struct err *e)
{
    bool json = false;
    int rc = set_word(d, (const char *const[]){"logfmt", "json"}, &json, e);
    c->log_format = json ? LOG_FORMAT_JSON : LOG_FORMAT_LOGFMT;
    return rc;
}

static int set_count(int *out, const struct doc *d, struct err *e)
{
    int64_t n = 0;
    int rc = set_int(d, 0, 1000000, &n, e);
    *out = (int)n;
    return rc;
}

static int set_user_rate(struct config *c, const struct doc *d, struct err *e)
{
    return set_count(&c->user_rate, d, e);
}

static int set_user_burst(struct config *c, const struct doc *d, struct err *e)
{
    return set_count(&c->user_burst, d, e);
}

static int set_address_rate(struct config *c, const struct doc *d, struct err *e)
{
    return set_count(&c->address_rate, d, e);
}

static int set_address_burst(struct config *c, const struct doc *d, struct err *e)
{
    return set_count(&c->address_burst, d, e);
}

static int set_tls_certificate(struct config *c, const struct doc *d, struct err *e)
{
    return set_text(c->tls_certificate, d, e);
}

static int set_tls_key(struct config *c, const struct doc *d, struct err *e)
{
    return set_text(c->tls_key, d, e);
}

static int set_alerts(struct config *c, const struct doc *d, struct err *e)
{
    return alert_settings_read(&c->alerts, d, e);
}

static int set_alertmanager(struct config *c, const struct doc *d, struct err *e)
{
    return remote_config_read_alertmanager(&c->alertmanager, d, e);
}

static const struct {
    const char *key;
    set_fn *set;
} keys[] = {
    {"listen", set_listen},
    {"unknownImage", set_unknown_image},
    {"insecureHttp", set_insecure},
    {"gpus", set_gpus},
    {"cpus", set_cpus},
    {"memoryMB", set_memory},
    {"node", set_node},
    {"portRange", set_ports},
    {"isolation", set_isolation},
    {"spawner", set_spawner},
    {"gpuDevice", set_gpu_device},
    {"gpuSampleSeconds", set_gpu_sample},
    {"gpuSealSeconds", set_gpu_seal},
    {"keepSamplesDays", set_keep_samples},
    {"keepMinutesDays", set_keep_minutes},
    {"keepQuartersDays", set_keep_quarters},
    {"keepHoursDays", set_keep_hours},
    {"publicUrl", set_public_url},
    {"smtpUrl", set_smtp_url},
    {"smtpFrom", set_smtp_from},
    {"smtpUser", set_smtp_user},
    {"smtpPasswordFile", set_smtp_password_file},
    {"keepFilesDays", set_keep_files},
    {"keepLogsDays", set_keep_logs},
    {"logPackSeconds", set_log_pack},
    {"diskMaxMB", set_disk_max},
    {"userDiskMB", set_user_disk},
    {"logMaxMB", set_log_max},
    {"codeMaxMB", set_code_max},
    {"exitCatalogue", set_exit_catalogue},
    {"userRate", set_user_rate},
    {"userBurst", set_user_burst},
    {"addressRate", set_address_rate},
    {"addressBurst", set_address_burst},
    {"tlsCertificate", set_tls_certificate},
    {"tlsKey", set_tls_key},
    {"gpuHealth", set_gpu_health},
    {"idle", set_idle},
    {"slurm", set_slurm},
    {"placement", set_placement},
    {"remoteWrite", set_remote},
    {"gpuPrometheus", set_gpu_prometheus},
    {"apps", set_apps},
    {"webhooks", set_webhooks},
    {"alerts", set_alerts},
    {"alertmanager", set_alertmanager},
    {"logLevel", set_log_level},
    {"logFormat", set_log_format},
};

void config_defaults(struct config *c)
{
    *c = (struct config){.listen = "127.0.0.1:7780",
                         .gpus = -1,
                         .port_first = 15000,
                         .port_last = 32767, /* below Linux's range for outgoing connections */
                         .gpu_sample_s = 5,
                         .gpu_seal_s = GPU_SEAL_MAX_S,
                         .keep_series = {{7, 30, 365, 0}},
                         .log_pack_s = 600,
                         .log_max_mb = 64,
                         .code_max_mb = 256,
                         .user_rate = 50, /* several open pages of the portal and a script stay below */
                         .user_burst = 500,
                         .address_rate = 200, /* a lab behind one address */
                         .address_burst = 2000,
                         .idle = {.snooze_minutes = IDLE_SNOOZE_MINUTES},
                         .placement = score_defaults,
                         .log_level = LOG_LEVEL_INFO};
    health_rules_default(&c->health);
    remote_config_defaults(&c->remote);
    address_policy_defaults(&c->webhooks);
    alert_settings_defaults(&c->alerts);
}

static int apply(struct config *c, const struct doc *d, struct err *e)
{
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!strcmp(keys[i].key, d->key))
            return keys[i].set(c, d, e);
    err_set(e, ERR_INVALID_PARAMETERS, "Unknown key \"%s\".", d->key);
    return err_at(e, d->key_line, d->key_column);
}

int config_load(struct config *c, const char *path, struct err *e)
{
    int rc = -1;
    struct buf text;
    struct arena *a = arena_create(0);
    const struct doc *root = NULL;
    buf_init(&text, FILE_MAX);
    if (!a) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        goto out;
    }
    if (fs_read(path, FILE_MAX, &text, e))
        goto out;
    root = doc_parse_yaml(a, buf_str(&text), text.len, NULL, e);
    if (!root)
        goto out;
    if (root->type != DOC_MAP) {
        err_set(e, ERR_INVALID_PARAMETERS, "The configuration must be a map of keys.");
        goto out;
    }
    for (const struct doc *d = root->first; d; d = d->next)
        if (apply(c, d, e))
            goto out;
    rc = 0;
out:
    if (rc)
        err_wrap(e, "%s", path);
    arena_destroy(a);
    buf_fini(&text);
    return rc;
}

int config_split_listen(const char *listen, char address[CONFIG_TEXT_MAX], uint16_t *port, struct err *e)
{
    const char *colon = strrchr(listen, ':');
    char *end = NULL;
    bool number = colon && colon[1] >= '0' && colon[1] <= '9'; /* strtol would skip spaces and take a sign */
    long n = number ? strtol(colon + 1, &end, 10) : -1;
    if (!number || *end || n < 0 || n > PORT_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"%s\" is no ADDRESS:PORT.", listen);
    size_t len = (size_t)(colon - listen);
    if (len >= 2 && listen[0] == '[' && listen[len - 1] == ']') {
        listen++;
        len -= 2;
    }
    unsigned char raw[16];
    snprintf(address, CONFIG_TEXT_MAX, "%.*s", (int)len, listen);
    if (inet_pton(AF_INET, address, raw) != 1 && inet_pton(AF_INET6, address, raw) != 1)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"%s\" is no numeric IP address.", address);
    *port = (uint16_t)n;
    return 0;
}

bool config_is_loopback(const char *address)
{
    return !strncmp(address, "127.", 4) || !strcmp(address, "::1");
}
