/* SPDX-License-Identifier: MIT
 *
 * droverd: the daemon's command line.
 */
#include <getopt.h>
#include <malloc.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "auth/keys.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "server/api/api.h"
#include "server/api/openapi.h"
#include "server/api/rights.h"
#include "server/audit_store.h"
#include "server/backup.h"
#include "server/config.h"
#include "server/doctor.h"
#include "server/init.h"
#include "server/serve.h"
#include "store/store.h"

enum { EXIT_USAGE = 2 };

/* The options of all verbs; NULL when not given. */
struct options {
    const char *data, *admin, *password_file, *config, *listen, *head, *to, *from;
    bool with_keys, check;
};

enum { NEEDS_NOTHING = 0, NEEDS_DATA = 1 };

typedef int verb_fn(const struct options *o);

static int verb_init(const struct options *o);
static int verb_serve(const struct options *o);
static int verb_openapi(const struct options *o);
static int verb_audit_verify(const struct options *o);
static int verb_rights(const struct options *o);
static int verb_backup(const struct options *o);
static int verb_restore(const struct options *o);
static int verb_doctor(const struct options *o);

static const struct verb {
    const char *name;
    verb_fn *run;
    unsigned needs;
    const char *usage;
} verbs[] = {
    {"init", verb_init, NEEDS_DATA, "--data DIR --admin NAME --password-file F"},
    {"serve", verb_serve, NEEDS_DATA, "--data DIR [--config F] [--listen ADDR:PORT]"},
    {"backup", verb_backup, NEEDS_DATA, "--data DIR --to FILE [--with-keys]     the server may run"},
    {"restore", verb_restore, NEEDS_NOTHING, "--from FILE (--data DIR | --check)"},
    {"doctor", verb_doctor, NEEDS_DATA, "--data DIR [--config F]"},
    {"audit verify", verb_audit_verify, NEEDS_DATA, "--data DIR [--head ID:HASH]"},
    {"openapi", verb_openapi, NEEDS_NOTHING, "    print the API's description (OpenAPI 3.1)"},
    {"rights", verb_rights, NEEDS_NOTHING, "     print who may call what (docs/RIGHTS.md)"},
};

static void print_usage(FILE *to)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        fprintf(to, "droverd %-12s %s\n", verbs[i].name, verbs[i].usage);
}

/* A value for each option that takes one, in the order of `names`. */
static int parse(int argc, char **argv, struct options *o)
{
    static const struct option names[] = {{"data", required_argument, NULL, 0},
                                          {"admin", required_argument, NULL, 1},
                                          {"password-file", required_argument, NULL, 2},
                                          {"config", required_argument, NULL, 3},
                                          {"listen", required_argument, NULL, 4},
                                          {"head", required_argument, NULL, 5},
                                          {"to", required_argument, NULL, 6},
                                          {"from", required_argument, NULL, 7},
                                          {"with-keys", no_argument, NULL, 8},
                                          {"check", no_argument, NULL, 9},
                                          {NULL, 0, NULL, 0}};
    const char **values[] = {&o->data, &o->admin, &o->password_file, &o->config, &o->listen,
                             &o->head, &o->to,    &o->from};
    bool *flags[] = {&o->with_keys, &o->check};
    size_t n = sizeof values / sizeof *values;
    int c;
    while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (c < 0 || c == '?')
            return -1;
        if ((size_t)c < n)
            *values[c] = optarg;
        else
            *flags[(size_t)c - n] = true;
    }
    return optind == argc ? 0 : -1;
}

static int report(const struct err *e)
{
    if (e->line)
        fprintf(stderr, "droverd: %s (line %d, column %d)\n", e->text, e->line, e->column);
    else
        fprintf(stderr, "droverd: %s\n", e->text);
    return EXIT_FAILURE;
}

static int verb_init(const struct options *o)
{
    struct err e = {0};
    struct init_options init = {.data = o->data, .admin = o->admin, .password_file = o->password_file};
    if (!o->admin || !o->password_file) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    return init_run(&init, &e) ? report(&e) : EXIT_SUCCESS;
}

static int verb_serve(const struct options *o)
{
    struct err e = {0};
    struct config c;
    config_defaults(&c);
    if (o->config && config_load(&c, o->config, &e))
        return report(&e);
    if (o->listen)
        snprintf(c.listen, sizeof c.listen, "%s", o->listen);
    log_setup("droverd", c.log_level, c.log_format);
    return serve_run(o->data, &c, &e) ? report(&e) : EXIT_SUCCESS;
}

static int verb_rights(const struct options *o)
{
    struct err e = {0};
    struct buf page;
    (void)o;
    buf_init(&page, 0);
    int rc = rights_page(&page, &e) ? report(&e) : EXIT_SUCCESS;
    if (!rc && fputs(buf_str(&page), stdout) < 0)
        rc = EXIT_FAILURE;
    buf_fini(&page);
    return rc;
}

static int verb_openapi(const struct options *o)
{
    struct err e = {0};
    size_t count, len;
    const struct route *rows = api_routes(&count);
    struct openapi *doc = openapi_create(rows, count, &e);
    (void)o;
    if (!doc)
        return report(&e);
    const char *text = openapi_text(doc, &len);
    bool written = fwrite(text, 1, len, stdout) == len && putchar('\n') != EOF && !fflush(stdout);
    openapi_destroy(doc);
    return written ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int verb_backup(const struct options *o)
{
    struct err e = {0};
    if (!o->to) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    return backup_make(o->data, o->to, o->with_keys, &e) ? report(&e) : EXIT_SUCCESS;
}

static int verb_restore(const struct options *o)
{
    struct err e = {0};
    struct backup_report r;
    if (!o->from || o->check == (o->data != NULL)) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    if (o->check ? backup_check(o->from, &r, &e) : backup_restore(o->from, o->data, &r, &e))
        return report(&e);
    printf("%s in %lld ms: %lld jobs, %lld users, %lld audit records%s\n",
           o->check ? "The backup restores" : "Restored", (long long)r.ms, (long long)r.jobs, (long long)r.users,
           (long long)r.records, r.with_keys ? "" : " (without keys: their chain was not checked)");
    return EXIT_SUCCESS;
}

static int verb_doctor(const struct options *o)
{
    return doctor_run(o->data, o->config, stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* The log may be checked while the server runs: it is read in one snapshot. */
static int verb_audit_verify(const struct options *o)
{
    struct err e = {0};
    struct keys keys;
    struct audit_head head, noted;
    char text[AUDIT_HEAD_TEXT];
    if (o->head && audit_store_parse_head(o->head, &noted, &e))
        return report(&e);
    if (keys_load(o->data, &keys, &e))
        return report(&e);
    struct store *s = store_open_folder(o->data, STORE_READER, &e);
    int rc = s ? audit_store_verify(s, keys.audit, o->head ? &noted : NULL, &head, &e) : -1;
    store_close(s);
    keys_wipe(&keys);
    if (rc)
        return report(&e);
    audit_store_format_head(&head, text);
    printf("The audit log is whole: %lld records. Its head, to be noted elsewhere:\n%s\n", (long long)head.id, text);
    return EXIT_SUCCESS;
}

/* A verb is one word or two; `words` becomes their number. */
static const struct verb *find_verb(int argc, char **argv, int *words)
{
    char two[64] = "";
    if (argc > 2)
        snprintf(two, sizeof two, "%s %s", argv[1], argv[2]);
    for (size_t i = 0; argc > 1 && i < sizeof verbs / sizeof *verbs; i++) {
        *words = strchr(verbs[i].name, ' ') ? 2 : 1;
        if (!strcmp(verbs[i].name, *words == 2 ? two : argv[1]))
            return &verbs[i];
    }
    return NULL;
}

/* "droverd help", or --help anywhere. */
static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
            return true;
    return argc > 1 && !strcmp(argv[1], "help");
}

int main(int argc, char **argv)
{
    struct options o = {0};
    umask(077);
    /* The YAML and JSON libraries allocate and free 64 KiB at a time; without this the heap is given back to the kernel
     * and faulted in again, and all small free chunks are merged and split again, with every request. */
    mallopt(M_MMAP_THRESHOLD, 4 << 20);
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
    mallopt(M_MXFAST, 0);
    prctl(PR_SET_DUMPABLE, 0); /* keys and secrets are in memory */
    if (sodium_init() < 0) {
        fputs("droverd: libsodium does not start\n", stderr);
        return EXIT_FAILURE;
    }
    if (asks_for_help(argc, argv)) {
        print_usage(stdout);
        return EXIT_SUCCESS;
    }
    int words = 1;
    const struct verb *verb = find_verb(argc, argv, &words);
    if (!verb || parse(argc - words, argv + words, &o) || ((verb->needs & NEEDS_DATA) && !o.data)) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    return verb->run(&o);
}
