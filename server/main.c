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

#include "base/err.h"
#include "base/log.h"
#include "server/config.h"
#include "server/init.h"
#include "server/serve.h"

enum { EXIT_USAGE = 2 };

static const char usage[] = "droverd init  --data DIR --admin NAME --password-file F\n"
                            "droverd serve --data DIR [--config F] [--listen ADDR:PORT]\n";

/* The options of both verbs; NULL when not given. */
struct options {
    const char *data, *admin, *password_file, *config, *listen;
};

static int parse(int argc, char **argv, struct options *o)
{
    static const struct option names[] = {{"data", required_argument, NULL, 'd'},
                                          {"admin", required_argument, NULL, 'a'},
                                          {"password-file", required_argument, NULL, 'p'},
                                          {"config", required_argument, NULL, 'c'},
                                          {"listen", required_argument, NULL, 'l'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int c;
    while ((c = getopt_long(argc, argv, "d:a:p:c:l:h", names, NULL)) != -1) {
        const char **to = c == 'd'   ? &o->data
                          : c == 'a' ? &o->admin
                          : c == 'p' ? &o->password_file
                          : c == 'c' ? &o->config
                          : c == 'l' ? &o->listen
                                     : NULL;
        if (!to)
            return -1;
        *to = optarg;
    }
    return optind == argc && o->data ? 0 : -1;
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
        fputs(usage, stderr);
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

int main(int argc, char **argv)
{
    struct options o = {0};
    umask(077);
    /* The YAML and JSON libraries allocate and free 64 KiB at a time; without this the heap is given back to the kernel
     * and faulted in again with every request. */
    mallopt(M_MMAP_THRESHOLD, 4 << 20);
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
    prctl(PR_SET_DUMPABLE, 0); /* keys and secrets are in memory */
    if (sodium_init() < 0) {
        fputs("droverd: libsodium does not start\n", stderr);
        return EXIT_FAILURE;
    }
    const char *verb = argc > 1 ? argv[1] : "";
    bool init = !strcmp(verb, "init");
    if ((!init && strcmp(verb, "serve") != 0) || parse(argc - 1, argv + 1, &o)) {
        fputs(usage, !strcmp(verb, "--help") || !strcmp(verb, "help") ? stdout : stderr);
        return !strcmp(verb, "--help") || !strcmp(verb, "help") ? EXIT_SUCCESS : EXIT_USAGE;
    }
    return init ? verb_init(&o) : verb_serve(&o);
}
