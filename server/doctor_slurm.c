/* SPDX-License-Identifier: MIT
 *
 * One table of checks, in the order in which each needs those before it: without a token nothing is asked, and what
 * cannot be asked is not looked at. slurmrestd passes a token on unread, so a wrong one shows as slurmctld's refusal
 * (500, "Unspecified error"); what may have caused it is said.
 */
#include "server/doctor_slurm.h"

#include <curl/curl.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "engines/slurm/shape_v38.h"
#include "engines/slurm/slurm_config.h"
#include "engines/slurm/states.h"
#include "engines/slurm/token.h"

enum {
    ASK_S = 20,
    REFUSAL_S = 2,         /* a refusal comes at once; slurmrestd tries to reach slurmctld for longer than that */
    ANSWER_MAX = 16 << 20, /* all nodes of a large cluster; the API's description has half of one */
    HEADER_MAX = TOKEN_MAX + 64,
    URL_MAX = 2 * SLURM_TEXT_MAX,
    CLOCK_WARN_S = 5,
    CLOCK_FAIL_S = 60, /* a token signed now would not be valid yet, or not long */
    HTTP_OK = 200,
    HTTP_UNAUTHORIZED = 401,
    HTTP_NOT_FOUND = 404,
    TESTED_MAJOR = 22,
    TESTED_MINOR = 5
};

#define API SHAPE_V38_PATH

struct patient {
    const struct slurm_settings *site;
    char token[TOKEN_MAX + 1]; /* "" = none */
    bool answers;              /* slurmctld does, to this token */
    char text[DOCTOR_TEXT_MAX];
};

/* ---- asking ---- */

/* An answer. `why` says what went wrong where there is none. */
struct answer {
    long status; /* 0: none */
    double took_s;
    cJSON *json; /* NULL: it was none */
    char why[CURL_ERROR_SIZE];
};

static size_t take(char *data, size_t size, size_t n, void *ctx)
{
    return buf_add(ctx, data, size * n) ? 0 : size * n;
}

static struct curl_slist *headers(const struct patient *p, const char *as)
{
    char line[HEADER_MAX];
    snprintf(line, sizeof line, "X-SLURM-USER-NAME: %s", as);
    struct curl_slist *first = curl_slist_append(NULL, line);
    snprintf(line, sizeof line, "X-SLURM-USER-TOKEN: %s", p->token);
    struct curl_slist *both = first ? curl_slist_append(first, line) : NULL;
    explicit_bzero(line, sizeof line);
    if (!both)
        curl_slist_free_all(first);
    return both;
}

/* GETs the path as the user `as`. What it holds is freed with answer_fini. */
static void ask(const struct patient *p, const char *path, const char *as, struct answer *a)
{
    char url[URL_MAX];
    struct buf body;
    struct err e = {0};
    CURL *c = curl_easy_init();
    struct curl_slist *h = c ? headers(p, as) : NULL;
    *a = (struct answer){.why = "out of memory"};
    buf_init(&body, ANSWER_MAX);
    snprintf(url, sizeof url, "%s%s", p->site->url, path);
    if (h && !curl_easy_setopt(c, CURLOPT_URL, url)) {
        a->why[0] = '\0';
        curl_easy_setopt(c, CURLOPT_HTTPHEADER, h);
        curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(c, CURLOPT_PROXY, "");
        curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)ASK_S);
        curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
        curl_easy_setopt(c, CURLOPT_WRITEDATA, &body);
        curl_easy_setopt(c, CURLOPT_ERRORBUFFER, a->why);
        const CURLcode rc = curl_easy_perform(c);
        if (!rc)
            (void)curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &a->status);
        else if (!a->why[0])
            snprintf(a->why, sizeof a->why, "%s", curl_easy_strerror(rc));
        (void)curl_easy_getinfo(c, CURLINFO_TOTAL_TIME, &a->took_s);
        if (!rc && !body.bad)
            a->json = json_parse(buf_str(&body), body.len, ANSWER_MAX, &e);
    }
    curl_slist_free_all(h);
    curl_easy_cleanup(c);
    buf_fini(&body);
}

static void answer_fini(struct answer *a)
{
    cJSON_Delete(a->json);
}

static const cJSON *member(const cJSON *o, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(o, key);
}

/* The member where it is a list; NULL, which has no items, where it is anything else. */
static const cJSON *list(const cJSON *o, const char *key)
{
    const cJSON *m = member(o, key);
    return cJSON_IsArray(m) ? m : NULL;
}

/* The first error that an answer tells, or "". */
static const char *first_error(const struct answer *a)
{
    const cJSON *first = cJSON_GetArrayItem(list(a->json, "errors"), 0);
    const char *text = cJSON_GetStringValue(member(first, "description"));
    return text ? text : "";
}

/* ---- the checks ---- */

static enum doctor_verdict check_token(struct patient *p)
{
    const struct slurm_settings *s = p->site;
    const char *path = s->key_file[0] ? s->key_file : s->token_file;
    struct err e = {0};
    struct stat st;
    if (stat(path, &st))
        return doctor_say(p->text, DOCTOR_FAIL, "%s: %s; it is the %s", path, strerror(errno),
                          s->key_file[0]
                              ? "file of AuthAltParameters=jwt_key= in slurm.conf, or a copy for droverd's user"
                              : "output of `scontrol token username=USER lifespan=SECONDS`");
    if (st.st_mode & 07)
        return doctor_say(p->text, DOCTOR_FAIL, "everybody may open %s, and act as anybody on the cluster (chmod 600)",
                          path);
    if (s->key_file[0] ? token_from_key(path, s->user, (int64_t)time(NULL), p->token, &e)
                       : token_from_file(path, p->token, &e)) {
        p->token[0] = '\0';
        return doctor_say(p->text, DOCTOR_FAIL, "%s", e.text);
    }
    return doctor_say(p->text, DOCTOR_OK, "%s's, from %s", s->user, path);
}

static enum doctor_verdict check_ping(struct patient *p)
{
    struct answer a;
    enum doctor_verdict v;
    if (!p->token[0])
        return doctor_say(p->text, DOCTOR_WARN, "not asked, without a token");
    ask(p, API "/ping", p->site->user, &a);
    const char *ping = cJSON_GetStringValue(member(cJSON_GetArrayItem(list(a.json, "pings"), 0), "ping"));
    if (!a.status)
        v = doctor_say(p->text, DOCTOR_FAIL, "%s: %s (does slurmrestd run, and listen there?)", p->site->url, a.why);
    else if (a.status == HTTP_UNAUTHORIZED)
        v = doctor_say(p->text, DOCTOR_FAIL,
                       "slurmrestd takes no tokens: start it with SLURM_JWT=daemon and -a rest_auth/jwt");
    else if (a.status == HTTP_NOT_FOUND)
        v = doctor_say(p->text, DOCTOR_FAIL, "slurmrestd does not offer %s (see -s, and its version)", API);
    else if (!a.json || !cJSON_IsObject(member(a.json, "meta")))
        v = doctor_say(p->text, DOCTOR_FAIL, "what answers %ld at %s is no slurmrestd", a.status, p->site->url);
    else if (a.status == HTTP_OK && ping && !strcmp(ping, "UP"))
        v = doctor_say(p->text, DOCTOR_OK, "slurmrestd and slurmctld answer at %s", p->site->url);
    else if (a.status == HTTP_OK || a.took_s >= REFUSAL_S)
        v = doctor_say(p->text, DOCTOR_FAIL, "slurmrestd answers, slurmctld does not (systemctl status slurmctld)");
    else
        v = doctor_say(
            p->text, DOCTOR_FAIL,
            "slurmctld refuses the token (\"%.100s\"): AuthAltTypes=auth/jwt and the jwt plugin, the same key here and "
            "there, user %s, and clocks; its log says which",
            first_error(&a), p->site->user);
    p->answers = v == DOCTOR_OK;
    answer_fini(&a);
    return v;
}

static enum doctor_verdict not_asked(struct patient *p)
{
    return doctor_say(p->text, DOCTOR_WARN, "not looked at, as the cluster does not answer");
}

static enum doctor_verdict check_version(struct patient *p)
{
    struct answer a;
    ask(p, API "/ping", p->site->user, &a);
    const cJSON *slurm = member(member(a.json, "meta"), "Slurm"), *version = member(slurm, "version");
    const cJSON *major = member(version, "major"), *minor = member(version, "minor");
    char release[32] = "?";
    if (cJSON_GetStringValue(member(slurm, "release")))
        snprintf(release, sizeof release, "%.30s", cJSON_GetStringValue(member(slurm, "release")));
    const bool tested = cJSON_IsNumber(major) && cJSON_IsNumber(minor) && major->valueint == TESTED_MAJOR &&
                        minor->valueint == TESTED_MINOR;
    answer_fini(&a);
    return tested ? doctor_say(p->text, DOCTOR_OK, "Slurm %s, API v0.0.38", release)
                  : doctor_say(p->text, DOCTOR_WARN, "Slurm %s, API v0.0.38: tried with %d.%02d only", release,
                               TESTED_MAJOR, TESTED_MINOR);
}

static enum doctor_verdict check_clock(struct patient *p)
{
    struct answer a;
    ask(p, API "/diag", p->site->user, &a);
    const cJSON *at = member(member(a.json, "statistics"), "req_time");
    const long long behind = cJSON_IsNumber(at) ? (long long)at->valuedouble - (long long)time(NULL) : LLONG_MAX;
    answer_fini(&a);
    if (behind == LLONG_MAX)
        return doctor_say(p->text, DOCTOR_WARN, "slurmctld does not tell its time");
    if (llabs(behind) <= CLOCK_WARN_S)
        return doctor_say(p->text, DOCTOR_OK, "slurmctld's and ours agree");
    return doctor_say(p->text, llabs(behind) > CLOCK_FAIL_S ? DOCTOR_FAIL : DOCTOR_WARN,
                      "slurmctld's is %lld s %s ours: tokens depend on it (chrony or ntp on both)", llabs(behind),
                      behind > 0 ? "ahead of" : "behind");
}

/* Only root and SlurmUser may submit for others. */
static enum doctor_verdict check_rights(struct patient *p)
{
    struct answer a;
    const char *as = p->site->run_as;
    if (!as[0])
        return doctor_say(p->text, DOCTOR_OK, "jobs run as %s says", p->site->users);
    if (!getpwnam(as))
        return doctor_say(p->text, DOCTOR_FAIL, "runAs: there is no user %s here; it must exist here and on each node",
                          as);
    ask(p, API "/ping", as, &a);
    const long status = a.status;
    answer_fini(&a);
    return status == HTTP_OK
               ? doctor_say(p->text, DOCTOR_OK, "%s's token may act as %s", p->site->user, as)
               : doctor_say(p->text, DOCTOR_FAIL, "%s's token may not act as %s: `user` must be SlurmUser or root",
                            p->site->user, as);
}

static bool usable(const cJSON *node)
{
    const char *state = cJSON_GetStringValue(member(node, "state"));
    const cJSON *f;
    bool up = state && states_node_up(state);
    cJSON_ArrayForEach(f, list(node, "state_flags")) up &= cJSON_IsString(f) && states_flag_up(f->valuestring);
    return up;
}

static bool in_partition(const cJSON *node, const char *partition)
{
    const cJSON *name;
    if (!partition[0])
        return true;
    cJSON_ArrayForEach(name, list(node, "partitions")) if (cJSON_GetStringValue(name) &&
                                                           !strcmp(name->valuestring, partition)) return true;
    return false;
}

static enum doctor_verdict check_nodes(struct patient *p)
{
    const char *partition = p->site->partition, *example = "?";
    int all = 0, good = 0;
    struct answer a;
    const cJSON *n;
    ask(p, API "/nodes", p->site->user, &a);
    cJSON_ArrayForEach(n, list(a.json, "nodes"))
    {
        if (!in_partition(n, partition))
            continue;
        all++;
        if (usable(n))
            good++;
        else if (cJSON_GetStringValue(member(n, "name")))
            example = member(n, "name")->valuestring;
    }
    enum doctor_verdict v;
    if (!all)
        v = partition[0]
                ? doctor_say(p->text, DOCTOR_FAIL, "partition %s has no node; `sinfo` names the partitions", partition)
                : doctor_say(p->text, DOCTOR_FAIL, "the cluster has no node");
    else if (good < all)
        v = doctor_say(p->text, good ? DOCTOR_WARN : DOCTOR_FAIL,
                       "%d of %d can be used; `scontrol show node %.60s` says why not", good, all, example);
    else
        v = doctor_say(p->text, DOCTOR_OK, "%d can be used", all);
    answer_fini(&a);
    return v;
}

/* Whether jobs' users may come as far as `path`; where not, `path` is cut to the folder that stops them. */
static bool open_to_all(char *path)
{
    char copy[SLURM_TEXT_MAX];
    struct stat st;
    snprintf(copy, sizeof copy, "%s", path);
    const char *at = copy;
    while (!stat(at, &st) && (st.st_mode & S_IXOTH)) {
        if (!strcmp(at, "/"))
            return true;
        at = dirname((char *)at);
    }
    memmove(path, at, strlen(at) + 1);
    return false;
}

/* File systems that are of this machine alone (linux/magic.h has no name for some). */
static bool is_local(const char *path)
{
    static const unsigned long local[] = {0xEF53, 0x58465342, 0x9123683E, 0x01021994, 0x794C7630};
    struct statfs fs;
    for (size_t i = 0; !statfs(path, &fs) && i < sizeof local / sizeof *local; i++)
        if ((unsigned long)fs.f_type == local[i])
            return true;
    return false;
}

static enum doctor_verdict check_folder(struct patient *p)
{
    char path[SLURM_TEXT_MAX];
    struct stat st;
    snprintf(path, sizeof path, "%s", p->site->folder);
    if (stat(path, &st) || !S_ISDIR(st.st_mode))
        return doctor_say(p->text, DOCTOR_FAIL,
                          "%s is no folder: make it on a file system that all nodes mount at this path", path);
    if (access(path, W_OK | X_OK))
        return doctor_say(p->text, DOCTOR_FAIL, "user %u may not write into %s (chown it to droverd's user)", geteuid(),
                          path);
    if ((st.st_mode & S_IWOTH) && !(st.st_mode & S_ISVTX))
        return doctor_say(p->text, DOCTOR_FAIL, "everybody may replace what is in %s (chmod 755)", path);
    if (!open_to_all(path))
        return doctor_say(p->text, DOCTOR_FAIL, "jobs' users cannot pass %s on the way to %s (chmod o+x)", path,
                          p->site->folder);
    if (is_local(path))
        return doctor_say(p->text, DOCTOR_WARN,
                          "%s is a disk of this machine; nodes on others must see it at the same path", path);
    return doctor_say(p->text, DOCTOR_OK, "%s", path);
}

static enum doctor_verdict check_scontrol(struct patient *p)
{
    const char *path = p->site->scontrol;
    if (!path[0])
        return doctor_say(p->text, DOCTOR_WARN,
                          "none is configured: what slurmrestd cannot do (requeue, suspend, drain) is refused");
    if (access(path, X_OK))
        return doctor_say(p->text, DOCTOR_FAIL, "%s: %s", path, strerror(errno));
    return doctor_say(p->text, DOCTOR_OK, "%s", path);
}

static const struct {
    const char *name;
    enum doctor_verdict (*run)(struct patient *p);
    bool asks; /* of a cluster that answers */
} checks[] = {
    {"slurm token", check_token, false},   {"slurm", check_ping, false},         {"slurm version", check_version, true},
    {"slurm clock", check_clock, true},    {"slurm rights", check_rights, true}, {"slurm nodes", check_nodes, true},
    {"slurm folder", check_folder, false}, {"scontrol", check_scontrol, false},
};

void doctor_slurm(const struct slurm_settings *site, doctor_tell_fn *tell, void *ctx)
{
    struct patient p = {.site = site};
    if (curl_global_init(CURL_GLOBAL_DEFAULT))
        return tell(ctx, DOCTOR_FAIL, "slurm", "libcurl cannot be used");
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        const enum doctor_verdict v = checks[i].asks && !p.answers ? not_asked(&p) : checks[i].run(&p);
        tell(ctx, v, checks[i].name, p.text);
    }
    explicit_bzero(p.token, sizeof p.token);
    curl_global_cleanup();
}
