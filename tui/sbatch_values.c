/* SPDX-License-Identifier: MIT
 *
 * The values of sbatch's options, in the forms of its manual (22.05). A row an option.
 */
#include "tui/sbatch_values.h"

#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/err.h"
#include "tui/sbatch.h"

#define NODES_MAX 1024
#define COUNT_MAX 100000
#define DEFAULT_SIGNAL_S 60
#define NAME_MAX_LEN 64

struct given {
    struct arena *a;
    const char *name, *value;
    int line;
    struct err *e;
};

static int bad(const struct given *g, const char *form)
{
    return err_set(g->e, ERR_INVALID_PROTOCOL, "--%s=%.80s: it is written %s.", g->name, g->value, form);
}

/* A number of at most 9 digits; *at moves behind it. -1: none. */
static int64_t digits(const char **at)
{
    int64_t n = 0;
    const char *p = *at;

    while (*p >= '0' && *p <= '9' && p - *at < 9)
        n = n * 10 + (*p++ - '0');
    if (p == *at || (*p >= '0' && *p <= '9'))
        return -1;
    *at = p;
    return n;
}

/* A whole number from `least` to `most`. -1 with the sentence. */
static int64_t count(const struct given *g, const char *text, int64_t least, int64_t most)
{
    const char *at = text;
    int64_t n = digits(&at);

    if (n >= least && n <= most && !*at)
        return n;
    (void)err_set(g->e, ERR_INVALID_PROTOCOL, "--%s=%.80s: it is a number from %lld to %lld here.", g->name, g->value,
                  (long long)least, (long long)most);
    return -1;
}

static int set_text(const struct given *g, const char **out)
{
    if (!*g->value)
        return err_set(g->e, ERR_INVALID_PROTOCOL, "--%s is empty.", g->name);
    *out = arena_strdup(g->a, g->value);
    return *out ? 0 : err_set(g->e, ERR_INTERNAL, "Out of memory.");
}

static int set_name(const struct given *g, struct sbatch *s)
{
    if (strspn(g->value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != strlen(g->value) ||
        strlen(g->value) > NAME_MAX_LEN)
        return err_set(g->e, ERR_INVALID_PROTOCOL,
                       "--job-name=%.80s: a job's name is of letters, digits, \"-\" and \"_\", at most 64.", g->value);
    s->name_line = g->line;
    return set_text(g, &s->name);
}

static int set_partition(const struct given *g, struct sbatch *s)
{
    if (strchr(g->value, ','))
        return err_set(g->e, ERR_INVALID_PROTOCOL, "--partition=%.80s: a job has one virtual cluster, not several.",
                       g->value);
    return set_text(g, &s->partition);
}

static int set_account(const struct given *g, struct sbatch *s)
{
    return set_text(g, &s->account);
}

static int set_nodes(const struct given *g, struct sbatch *s)
{
    s->nodes = count(g, g->value, 1, NODES_MAX);
    return s->nodes < 0 ? -1 : 0;
}

static int set_tasks(const struct given *g, struct sbatch *s)
{
    s->tasks_line = g->line;
    s->tasks = count(g, g->value, 1, COUNT_MAX);
    return s->tasks < 0 ? -1 : 0;
}

static int set_cpus(const struct given *g, struct sbatch *s)
{
    s->cpus = count(g, g->value, 1, COUNT_MAX);
    return s->cpus < 0 ? -1 : 0;
}

/* Up to three numbers with colons between. How many, or -1. */
static int read_clock(const char *at, int64_t part[3])
{
    for (int n = 0; n < 3; at++) {
        part[n] = digits(&at);
        if (part[n++] < 0 || (*at && *at != ':'))
            return -1;
        if (!*at)
            return n;
    }
    return -1;
}

/* M, M:S, H:M:S, D-H, D-H:M, D-H:M:S. */
static int set_time(const struct given *g, struct sbatch *s)
{
    const char *at = g->value, *dash = strchr(at, '-');
    int64_t part[3] = {0}, days = 0;
    int n;

    s->time_s = 0;
    if (!strcasecmp(g->value, "UNLIMITED") || !strcasecmp(g->value, "INFINITE"))
        return 0;
    if (dash)
        days = digits(&at);
    n = days < 0 || days > 3650 || (dash && at != dash) ? -1 : read_clock(dash ? dash + 1 : at, part);
    if (n < 0)
        return bad(g, "MINUTES, HOURS:MINUTES:SECONDS or DAYS-HOURS");
    if (dash || n == 3) /* from the left: hours, minutes, seconds */
        s->time_s = days * 86400 + part[0] * 3600 + part[1] * 60 + part[2];
    else
        s->time_s = part[0] * 60 + part[1];
    return s->time_s <= 315360000 ? 0 : bad(g, "as a time of at most ten years");
}

static int set_mem(const struct given *g, struct sbatch *s)
{
    const char *at = g->value, *unit;
    static const char units[] = "KMGT";
    int64_t n = digits(&at);

    unit = *at ? strchr(units, *at >= 'a' ? *at - 'a' + 'A' : *at) : units + 1;
    if (n < 0 || !unit || (*at && at[1]))
        return bad(g, "as a number with K, M, G or T behind it, of a node");
    if (!n)
        return err_set(g->e, ERR_INVALID_PROTOCOL, "--mem=0: all memory of a node is not to be had; name an amount.");
    s->memory_mb = *unit == 'K' ? (n + 1023) / 1024 : *unit == 'M' ? n : *unit == 'G' ? n << 10 : n << 20;
    return s->memory_mb <= 1 << 30 ? 0 : bad(g, "as at most 1024T");
}

/* [MODEL:]COUNT, or a model alone where `alone`. */
static int set_gpus_of(const struct given *g, const char *text, bool alone, struct sbatch *s, int64_t *out)
{
    const char *colon = strrchr(text, ':'), *number = colon ? colon + 1 : text;

    if (colon == text || (colon && !colon[1]))
        return bad(g, alone ? "gpu[:MODEL][:COUNT]" : "[MODEL:]COUNT");
    if (!colon && alone && (*text < '0' || *text > '9')) { /* gpu:MODEL */
        colon = text + strlen(text);
        number = "1";
    }
    if (colon && memchr(text, ':', (size_t)(colon - text)))
        return bad(g, alone ? "gpu[:MODEL][:COUNT]" : "[MODEL:]COUNT");
    s->gpu_model = colon ? arena_strndup(g->a, text, (size_t)(colon - text)) : s->gpu_model;
    s->gpus_line = g->line;
    *out = count(g, number, 0, COUNT_MAX);
    return *out < 0 ? -1 : 0;
}

static int set_gres(const struct given *g, struct sbatch *s)
{
    if (!strcmp(g->value, "gpu") || !strcmp(g->value, "none")) {
        s->gpus_of_node = !strcmp(g->value, "gpu");
        return 0;
    }
    if (strncmp(g->value, "gpu:", 4) != 0 || strchr(g->value, ','))
        return err_set(g->e, ERR_INVALID_PROTOCOL, "--gres=%.80s: of generic resources, Drover has gpu alone.",
                       g->value);
    return set_gpus_of(g, g->value + 4, true, s, &s->gpus_of_node);
}

static int set_gpus(const struct given *g, struct sbatch *s)
{
    return set_gpus_of(g, g->value, false, s, &s->gpus);
}

/* A pattern with %x, %j, %A, %u, %N, %n, %t, %% only. */
static int set_file(const struct given *g, const char **out)
{
    for (const char *p = g->value; (p = strchr(p, '%')); p += 2)
        if (!p[1] || !strchr("xjAuNnt%", p[1]))
            return err_set(g->e, ERR_INVALID_PROTOCOL,
                           "--%s=%.80s: of its patterns, %%x, %%j, %%A, %%u, %%N, %%n, %%t and %%%% are known.",
                           g->name, g->value);
    return set_text(g, out);
}

static int set_output(const struct given *g, struct sbatch *s)
{
    return set_file(g, &s->output);
}

static int set_error(const struct given *g, struct sbatch *s)
{
    return set_file(g, &s->error);
}

static int set_folder(const struct given *g, struct sbatch *s)
{
    return set_text(g, &s->folder);
}

/* One word of --mail-type. */
static int set_mail_word(const struct given *g, struct sbatch *s, const char *word, size_t len)
{
    static const struct {
        const char *word;
        bool begin, end, fail, requeue;
    } types[] = {
        {"NONE", false, false, false, false}, {"BEGIN", true, false, false, false},   {"END", false, true, true, false},
        {"FAIL", false, false, true, false},  {"REQUEUE", false, false, false, true}, {"ALL", true, true, true, true},
    };

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strlen(types[i].word) != len || strncasecmp(types[i].word, word, len) != 0)
            continue;
        if (i == 0)
            s->mail_begin = s->mail_end = s->mail_fail = s->mail_requeue = false;
        s->mail_begin |= types[i].begin;
        s->mail_end |= types[i].end;
        s->mail_fail |= types[i].fail;
        s->mail_requeue |= types[i].requeue;
        return 0;
    }
    return err_set(
        g->e, ERR_INVALID_PROTOCOL,
        "--mail-type=%.*s: Drover mails at NONE, BEGIN, END, FAIL, REQUEUE and ALL; of time limits and more, "
        "see drover notify set.",
        (int)(len < 60 ? len : 60), word);
}

static int set_mail_type(const struct given *g, struct sbatch *s)
{
    s->mail_begin = s->mail_end = s->mail_fail = s->mail_requeue = false;
    for (const char *at = g->value;; at++) {
        size_t len = strcspn(at, ",");

        if (set_mail_word(g, s, at, len))
            return -1;
        at += len;
        if (!*at)
            return 0;
    }
}

static int set_mail_user(const struct given *g, struct sbatch *s)
{
    s->mail_user_line = g->line;
    return set_text(g, &s->mail_user);
}

static bool is_variable(const char *name, size_t len)
{
    static const char legal[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";

    return len && strspn(name, legal) >= len && !(*name >= '0' && *name <= '9');
}

/* NAME or NAME=VALUE. */
static int set_export_one(const struct given *g, struct sbatch *s, const char *text)
{
    size_t len = strcspn(text, "=");

    if (!strcasecmp(text, "ALL"))
        return err_set(g->e, ERR_INVALID_PROTOCOL,
                       "--export=ALL: the whole environment does not travel with a job of Drover; name the variables.");
    if (!is_variable(text, len))
        return bad(g, "NONE, or NAME or NAME=VALUE with commas between");
    if (s->export_count == SBATCH_EXPORTS)
        return err_set(g->e, ERR_INVALID_PROTOCOL, "--export: at most %d variables.", SBATCH_EXPORTS);
    s->exports[s->export_count].name = arena_strndup(g->a, text, len);
    s->exports[s->export_count++].value = text[len] ? text + len + 1 : NULL;
    return 0;
}

static int set_export(const struct given *g, struct sbatch *s)
{
    const char *at = g->value;

    s->export_count = 0;
    if (!strcasecmp(at, "NONE") || !strcasecmp(at, "NIL"))
        return 0;
    for (;; at++) {
        size_t len = strcspn(at, ",");
        const char *one = arena_strndup(g->a, at, len);

        if (!one || set_export_one(g, s, one))
            return one ? -1 : err_set(g->e, ERR_INTERNAL, "Out of memory.");
        at += len;
        if (!*at)
            return 0;
    }
}

/* Drover requeues what was preempted or lost anyway. */
static int set_requeue(const struct given *g, struct sbatch *s)
{
    (void)g;
    (void)s;
    return 0;
}

/* [B:]SIGNAL[@SECONDS] */
static int set_signal(const struct given *g, struct sbatch *s)
{
    static const struct {
        const char *word, *number;
    } signals[] = {{"TERM", "15"}, {"INT", "2"}, {"HUP", "1"}, {"USR1", "10"}, {"USR2", "12"}};
    const char *text = g->value + (strncmp(g->value, "B:", 2) ? 0 : 2);
    size_t len = strcspn(text, "@");
    const char *word = arena_strndup(g->a, text, len), *name = word && !strncmp(word, "SIG", 3) ? word + 3 : word;

    s->signal_s = text[len] ? count(g, text + len + 1, 0, 3600) : DEFAULT_SIGNAL_S;
    if (s->signal_s < 0)
        return -1;
    for (size_t i = 0; name && i < sizeof signals / sizeof *signals; i++) {
        if (strcmp(name, signals[i].word) != 0 && strcmp(name, signals[i].number) != 0)
            continue;
        s->signal = signals[i].word;
        return 0;
    }
    return bad(g, "[B:]SIGNAL[@SECONDS], SIGNAL one of TERM, INT, HUP, USR1 and USR2");
}

/* By option: what takes it, or nothing: not yet. */
static const struct {
    const char *name;
    int (*set)(const struct given *g, struct sbatch *s);
} rows[] = {
    {"job-name", set_name},
    {"partition", set_partition},
    {"account", set_account},
    {"nodes", set_nodes},
    {"ntasks", set_tasks},
    {"cpus-per-task", set_cpus},
    {"time", set_time},
    {"mem", set_mem},
    {"gres", set_gres},
    {"gpus", set_gpus},
    {"output", set_output},
    {"error", set_error},
    {"mail-type", set_mail_type},
    {"mail-user", set_mail_user},
    {"export", set_export},
    {"chdir", set_folder},
    {"requeue", set_requeue},
    {"signal", set_signal},
    {"array", NULL},
    {"dependency", NULL},
    {"begin", NULL},
};

static int find(const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!strcmp(rows[i].name, name))
            return (int)i;
    return -1;
}

bool sbatch_values_known(const char *name)
{
    return find(name) >= 0;
}

int sbatch_values_set(struct sbatch *s, const char *name, const char *value, int line, struct err *e)
{
    const struct given g = {s->a, name, value ? value : "", line, e};
    int i = find(name);

    if (i < 0)
        return err_set(e, ERR_INVALID_PROTOCOL, "--%s: this option is of the command line alone.", name);
    if (!rows[i].set)
        return err_set(e, ERR_INVALID_PROTOCOL, "--%s is not yet supported by Drover.", name);
    return rows[i].set(&g, s);
}
