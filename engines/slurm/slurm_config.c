/* SPDX-License-Identifier: MIT
 *
 * One table of members.
 */
#include "engines/slurm/slurm_config.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/doc.h"
#include "base/err.h"

static const struct {
    const char *key;
    size_t at;
    bool path; /* absolute */
    bool must;
} members[] = {
    {"url", offsetof(struct slurm_settings, url), false, true},
    {"keyFile", offsetof(struct slurm_settings, key_file), true, false},
    {"tokenFile", offsetof(struct slurm_settings, token_file), true, false},
    {"user", offsetof(struct slurm_settings, user), false, true},
    {"runAs", offsetof(struct slurm_settings, run_as), false, false},
    {"users", offsetof(struct slurm_settings, users), true, false},
    {"partition", offsetof(struct slurm_settings, partition), false, false},
    {"folder", offsetof(struct slurm_settings, folder), true, true},
    {"scontrol", offsetof(struct slurm_settings, scontrol), true, false},
};

enum { MEMBERS = sizeof members / sizeof *members };

static int bad(const struct doc *d, struct err *e, const char *key, const char *want)
{
    err_set(e, ERR_INVALID_PARAMETERS, "%s of slurm must be %s.", key, want);
    return err_at(e, d->line, d->column);
}

static char *place(struct slurm_settings *s, size_t i)
{
    return (char *)s + members[i].at;
}

static int read_member(struct slurm_settings *out, const struct doc *m, struct err *e)
{
    size_t i = 0;
    while (i < MEMBERS && strcmp(members[i].key, m->key) != 0)
        i++;
    if (i == MEMBERS) {
        err_set(e, ERR_INVALID_PARAMETERS, "slurm has no key \"%.60s\".", m->key);
        return err_at(e, m->key_line, m->key_column);
    }
    if (m->type != DOC_STRING || !m->text_len || m->text_len >= SLURM_TEXT_MAX || strpbrk(m->text, "\r\n'\"\\"))
        return bad(m, e, m->key, "a string of at most 255 bytes, without quotes");
    if (members[i].path && m->text[0] != '/')
        return bad(m, e, m->key, "an absolute path");
    memcpy(place(out, i), m->text, m->text_len + 1);
    return 0;
}

/* What no single member tells. */
static int check(struct slurm_settings *s, const struct doc *d, struct err *e)
{
    const size_t n = strlen(s->url);
    for (size_t i = 0; i < MEMBERS; i++)
        if (members[i].must && !place(s, i)[0])
            return bad(d, e, members[i].key, "given");
    if (strncmp(s->url, "http://", 7) != 0 && strncmp(s->url, "https://", 8) != 0)
        return bad(d, e, "url", "an address that begins with http:// or https://");
    if (s->url[n - 1] == '/')
        s->url[n - 1] = '\0';
    if (!s->key_file[0] == !s->token_file[0])
        return bad(d, e, "keyFile", "given, or tokenFile, and not both");
    if (!s->run_as[0] && !s->users[0])
        return bad(d, e, "runAs", "given, or users: somebody must run the jobs");
    if (!strcmp(s->run_as, "root") || (s->key_file[0] && !strcmp(s->run_as, s->user)))
        return bad(d, e, "runAs", "neither root nor the user whose token rules the cluster");
    return 0;
}

int slurm_config_read(struct slurm_settings *out, const struct doc *d, struct err *e)
{
    memset(out, 0, sizeof *out);
    if (d->type != DOC_MAP)
        return bad(d, e, "the value", "a map");
    for (const struct doc *m = d->first; m; m = m->next)
        if (read_member(out, m, e))
            return -1;
    return check(out, d, e);
}
