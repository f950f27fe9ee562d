/* SPDX-License-Identifier: MIT
 *
 * One table of checks; each fills in a verdict.
 */
#include "server/doctor.h"

#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "auth/keys.h"
#include "base/clock.h"
#include "base/err.h"
#include "server/audit_store.h"
#include "server/config.h"
#include "server/doctor_say.h"
#include "server/doctor_slurm.h"
#include "server/http/tls.h"
#include "store/store.h"

enum {
    DAY_S = 24 * 3600,
    CERTIFICATE_WARN_S = 21 * DAY_S,
    DISK_WARN_MB = 5 * 1024,
    DISK_FAIL_MB = 256,
    CLOCK_EARLIEST = 1700000000, /* 2023: an earlier clock has lost its battery */
    CLOCK_SLACK_MS = 5000
};

/* What the checks look at, and the one under way. */
struct patient {
    const char *data, *config_file;
    struct config config;
    struct keys keys;
    bool has_keys;
    struct store *store;
    char text[DOCTOR_TEXT_MAX];
};

static enum doctor_verdict check_config(struct patient *p)
{
    struct err e = {0};
    config_defaults(&p->config);
    if (!p->config_file)
        return doctor_say(p->text, DOCTOR_OK, "the defaults");
    if (config_load(&p->config, p->config_file, &e))
        return doctor_say(p->text, DOCTOR_FAIL, e.line ? "%s (line %d)" : "%s", e.text, e.line);
    return doctor_say(p->text, DOCTOR_OK, "%s", p->config_file);
}

static enum doctor_verdict check_folder(struct patient *p)
{
    struct stat st;
    if (stat(p->data, &st) || !S_ISDIR(st.st_mode))
        return doctor_say(p->text, DOCTOR_FAIL, "%s is no folder", p->data);
    if (st.st_uid != geteuid())
        return doctor_say(p->text, DOCTOR_FAIL, "%s belongs to user %u, and this is user %u", p->data, st.st_uid,
                          geteuid());
    if (st.st_mode & 077)
        return doctor_say(p->text, DOCTOR_FAIL, "%s has mode %03o; nobody else may enter (chmod 700)", p->data,
                          st.st_mode & 0777);
    return doctor_say(p->text, DOCTOR_OK, "%s", p->data);
}

static enum doctor_verdict check_keys(struct patient *p)
{
    struct err e = {0};
    if (keys_load(p->data, &p->keys, &e))
        return doctor_say(p->text, DOCTOR_FAIL, "%s", e.text);
    p->has_keys = true;
    return doctor_say(p->text, DOCTOR_OK, "readable by the server's user only");
}

static enum doctor_verdict check_schema(struct patient *p)
{
    struct err e = {0};
    p->store = store_open_folder(p->data, STORE_READER, &e);
    return p->store ? doctor_say(p->text, DOCTOR_OK, "this program's") : doctor_say(p->text, DOCTOR_FAIL, "%s", e.text);
}

static enum doctor_verdict check_integrity(struct patient *p)
{
    struct err e = {0};
    if (!p->store)
        return doctor_say(p->text, DOCTOR_WARN, "not looked at");
    return store_verify(p->store, &e) ? doctor_say(p->text, DOCTOR_FAIL, "%s", e.text)
                                      : doctor_say(p->text, DOCTOR_OK, "pages and references are sound");
}

static enum doctor_verdict check_audit(struct patient *p)
{
    struct err e = {0};
    struct audit_head head;
    if (!p->store || !p->has_keys)
        return doctor_say(p->text, DOCTOR_WARN, "not looked at");
    if (audit_store_verify(p->store, p->keys.audit, NULL, &head, &e))
        return doctor_say(p->text, DOCTOR_FAIL, "%s", e.text);
    return doctor_say(p->text, DOCTOR_OK, "%lld records, the chain is whole", (long long)head.id);
}

static enum doctor_verdict check_disk(struct patient *p)
{
    struct statvfs fs;
    if (statvfs(p->data, &fs))
        return doctor_say(p->text, DOCTOR_FAIL, "%s has no file system", p->data);
    unsigned long long mb = (unsigned long long)fs.f_bavail * fs.f_frsize >> 20;
    enum doctor_verdict v = mb < DISK_FAIL_MB ? DOCTOR_FAIL : mb < DISK_WARN_MB ? DOCTOR_WARN : DOCTOR_OK;
    if (fs.f_files && fs.f_favail < fs.f_files / 100)
        return doctor_say(p->text, DOCTOR_WARN, "fewer than 1%% of the inodes are free");
    return doctor_say(p->text, v, "%llu MiB free", mb);
}

/* The newest record tells what time it was when the server last wrote. */
static enum doctor_verdict check_clock(struct patient *p)
{
    static const struct store_sql sql = {
        "SELECT max(time_ms) FROM (SELECT time_ms FROM event ORDER BY id DESC LIMIT 1)"};
    struct clock_now now = clock_read();
    struct stmt *st = p->store ? store_stmt(p->store, &sql, NULL) : NULL;
    int64_t last = stmt_step(st, NULL) == STMT_ROW ? stmt_col_int(st, 0) : 0;
    stmt_reset(st);
    if (now.wall / 1000 < CLOCK_EARLIEST)
        return doctor_say(p->text, DOCTOR_FAIL, "the clock is in the past");
    if (last > now.wall + CLOCK_SLACK_MS)
        return doctor_say(p->text, DOCTOR_FAIL, "the clock is %lld s behind what the server has written",
                          (long long)(last - now.wall) / 1000);
    return doctor_say(p->text, DOCTOR_OK, "goes on from what the server has written");
}

static enum doctor_verdict check_programs(struct patient *p)
{
    static const char *const names[] = {"drover-spawner", "drover-shim", "drover-keeper", "drover-unpack"};
    char self[PATH_MAX - 32], path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0)
        return doctor_say(p->text, DOCTOR_FAIL, "/proc is not mounted");
    self[n] = '\0';
    const char *dir = dirname(self);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        if (access(path, X_OK))
            return doctor_say(p->text, DOCTOR_FAIL, "%s is missing or cannot be run", path);
    }
    return doctor_say(p->text, DOCTOR_OK, "the programs that start tasks stand beside droverd");
}

static enum doctor_verdict check_certificate(struct patient *p)
{
    struct err e = {0};
    const struct config *c = &p->config;
    char address[CONFIG_TEXT_MAX];
    uint16_t port;
    if (!c->tls_certificate[0] && !c->tls_key[0]) {
        if (config_split_listen(c->listen, address, &port, &e))
            return doctor_say(p->text, DOCTOR_FAIL, "%s", e.text);
        if (config_is_loopback(address))
            return doctor_say(p->text, DOCTOR_OK, "none, and none is needed on %s", address);
        return doctor_say(p->text, c->insecure_http ? DOCTOR_WARN : DOCTOR_FAIL, "none, and %s is not loopback",
                          address);
    }
    struct tls *t = tls_create(c->tls_certificate, c->tls_key, &e);
    if (!t)
        return doctor_say(p->text, DOCTOR_FAIL, "%s", e.text);
    int64_t left = tls_expires(t) - (int64_t)time(NULL);
    tls_destroy(t);
    return doctor_say(p->text, left < CERTIFICATE_WARN_S ? DOCTOR_WARN : DOCTOR_OK, "expires in %lld days",
                      (long long)left / DAY_S);
}

static const struct {
    const char *name;
    enum doctor_verdict (*run)(struct patient *p);
} checks[] = {
    {"configuration", check_config}, {"data folder", check_folder},      {"keys", check_keys}, {"schema", check_schema},
    {"database", check_integrity},   {"audit log", check_audit},         {"disk", check_disk}, {"clock", check_clock},
    {"programs", check_programs},    {"certificate", check_certificate},
};

/* Where a check's line goes. */
struct sheet {
    FILE *out;
    int failures;
};

static void tell(void *ctx, enum doctor_verdict v, const char *name, const char *text)
{
    static const char *const words[] = {[DOCTOR_OK] = "ok", [DOCTOR_WARN] = "warn", [DOCTOR_FAIL] = "FAIL"};
    struct sheet *s = ctx;
    fprintf(s->out, "%-4s  %-13s  %s\n", words[v], name, text);
    s->failures += v == DOCTOR_FAIL;
}

int doctor_run(const char *data, const char *config_file, FILE *out)
{
    struct patient p = {.data = data, .config_file = config_file};
    struct sheet sheet = {.out = out};
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        const enum doctor_verdict v = checks[i].run(&p);
        tell(&sheet, v, checks[i].name, p.text);
    }
    if (p.config.slurm.url[0])
        doctor_slurm(&p.config.slurm, tell, &sheet);
    store_close(p.store);
    keys_wipe(&p.keys);
    return sheet.failures;
}
