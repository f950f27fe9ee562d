/* SPDX-License-Identifier: MIT
 *
 * Options by table. getopt_long does the walking (abbreviations, bundles, `--x=y`); the words of an error are ours.
 */
#include "tui/args.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define ARGS_TABLE 48 /* options of one command with the global ones */
#define ARGS_BASE 1000

struct args_tables {
    const struct command_option *all[ARGS_TABLE];
    struct option longs[ARGS_TABLE + 1];
    char shorts[2 * ARGS_TABLE + 3];
    size_t count;
};

/* Whether an option of this name or letter is there: the verb's own hides the one of every command. */
static bool args_hidden(const struct args_tables *t, const struct command_option *option)
{
    for (size_t i = 0; i < t->count; i++) {
        if (!strcmp(t->all[i]->name, option->name) || (option->letter && t->all[i]->letter == option->letter))
            return true;
    }
    return false;
}

static void args_collect(struct args_tables *t, const struct command_option *options)
{
    for (; options && options->name && t->count < ARGS_TABLE; options++) {
        size_t len = strlen(t->shorts);

        if (args_hidden(t, options))
            continue;

        t->longs[t->count] = (struct option){options->name, options->arg ? required_argument : no_argument, NULL,
                                             ARGS_BASE + (int)t->count};
        t->all[t->count++] = options;
        if (options->letter) {
            t->shorts[len++] = options->letter;
            if (options->arg)
                t->shorts[len++] = ':';
            t->shorts[len] = '\0';
        }
    }
}

static const struct command_option *args_option(const struct args_tables *t, int found)
{
    if (found >= ARGS_BASE)
        return t->all[found - ARGS_BASE];
    for (size_t i = 0; i < t->count; i++) {
        if (t->all[i]->letter == found)
            return t->all[i];
    }
    return NULL;
}

/* Whether `value` is one of the blank-separated words. */
static bool args_in(const char *words, const char *value)
{
    size_t len = strlen(value);

    for (const char *w = words; w && *w;) {
        size_t n = strcspn(w, " ");

        if (n == len && !strncmp(w, value, n))
            return true;
        w += n + (w[n] == ' ');
    }
    return false;
}

static int args_add(struct args *out, const struct command_option *option, const char *value, struct err *e)
{
    if (out->count == ARGS_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "Too many options.");
    if (option->values && !args_in(option->values, value))
        return err_set(e, ERR_INVALID_PARAMETERS, "--%s cannot be \"%s\"; it is one of: %s.", option->name, value,
                       option->values);
    out->given[out->count].option = option;
    out->given[out->count++].value = value;
    return 0;
}

/* What getopt complained about, in a sentence. */
static int args_complain(const struct args_tables *t, int found, char *const *argv, struct err *e)
{
    const char *word = optind > 0 ? argv[optind - 1] : "";
    const struct command_option *option = args_option(t, optopt);

    if (found == ':' && option)
        return err_set(e, ERR_INVALID_PARAMETERS, "--%s needs a value: %s.", option->name, option->arg);
    if (optopt >= ARGS_BASE && option)
        return err_set(e, ERR_INVALID_PARAMETERS, "--%s takes no value.", option->name);
    if (optopt)
        return err_set(e, ERR_INVALID_PARAMETERS, "There is no option -%c here.", optopt);
    return err_set(e, ERR_INVALID_PARAMETERS, "There is no option %s here.", word);
}

int args_parse(struct args *out, const struct command_option *own, char **argv, bool stop_early, struct err *e)
{
    struct args_tables t = {.count = 0};
    int argc = 0;
    int found;

    while (argv[argc])
        argc++;
    memcpy(t.shorts, stop_early ? "+:" : ":", stop_early ? 3 : 2);
    args_collect(&t, own);
    args_collect(&t, commands_global());
    opterr = 0;
    optind = 0; /* glibc: start afresh */
    while ((found = getopt_long(argc, argv, t.shorts, t.longs, NULL)) != -1) {
        const struct command_option *option = found == '?' || found == ':' ? NULL : args_option(&t, found);

        if (!option)
            return args_complain(&t, found, argv, e);
        if (args_add(out, option, optarg, e))
            return -1;
    }
    out->rest = argv + optind;
    out->rest_count = argc - optind;
    return 0;
}

const char *args_get(const struct args *a, const char *name)
{
    const char *value = NULL;

    for (size_t i = 0; i < a->count; i++) {
        if (!strcmp(a->given[i].option->name, name))
            value = a->given[i].value;
    }
    return value;
}

bool args_has(const struct args *a, const char *name)
{
    for (size_t i = 0; i < a->count; i++) {
        if (!strcmp(a->given[i].option->name, name))
            return true;
    }
    return false;
}

const char *args_each(const struct args *a, const char *name, size_t *pos)
{
    while (*pos < a->count) {
        size_t i = (*pos)++;

        if (!strcmp(a->given[i].option->name, name))
            return a->given[i].value;
    }
    return NULL;
}

int args_int(const struct args *a, const char *name, int64_t range[2], int64_t *value, struct err *e)
{
    const char *text = args_get(a, name);
    char *end = NULL;
    long long n;

    if (!text)
        return 0;
    errno = 0;
    n = strtoll(text, &end, 10);
    if (errno || end == text || *end || n < range[0] || n > range[1])
        return err_set(e, ERR_INVALID_PARAMETERS, "--%s must be a number from %lld to %lld, not \"%s\".", name,
                       (long long)range[0], (long long)range[1], text);
    *value = n;
    return 0;
}
