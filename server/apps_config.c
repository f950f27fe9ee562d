/* SPDX-License-Identifier: MIT
 *
 * Two texts, checked.
 */
#include "server/apps_config.h"

#include <string.h>

#include "base/doc.h"
#include "base/err.h"
#include "server/config.h"

static int bad(const struct doc *d, struct err *e, const char *want)
{
    err_set(e, ERR_INVALID_PARAMETERS, "%s of apps must be %s.", d->key, want);
    return err_at(e, d->line, d->column);
}

/* "https://apps.example", a "*." in front of the host too: scheme and host, nothing behind. */
static bool is_origin(const char *url)
{
    const char *host = !strncmp(url, "https://", 8) ? url + 8 : !strncmp(url, "http://", 7) ? url + 7 : NULL;

    if (host && !strncmp(host, "*.", 2))
        host += 2;
    return host && *host &&
           strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]") == strlen(host);
}

static int read_member(struct apps_settings *out, const struct doc *m, struct err *e)
{
    char address[CONFIG_TEXT_MAX], *to = !strcmp(m->key, "listen")      ? out->listen
                                         : !strcmp(m->key, "publicUrl") ? out->public_url
                                                                        : NULL;
    uint16_t port;

    if (!to) {
        err_set(e, ERR_INVALID_PARAMETERS, "apps has no key \"%.60s\"; it has listen and publicUrl.", m->key);
        return err_at(e, m->key_line, m->key_column);
    }
    if (m->type != DOC_STRING || m->text_len >= APPS_TEXT_MAX)
        return bad(m, e, "a string of at most 255 bytes");
    memcpy(to, m->text, m->text_len + 1);
    if (to == out->listen)
        return config_split_listen(to, address, &port, e) ? err_at(e, m->line, m->column) : 0;
    if (m->text_len && to[m->text_len - 1] == '/')
        to[m->text_len - 1] = '\0';
    return is_origin(to) ? 0 : bad(m, e, "an origin such as https://*.apps.example or https://apps.example:7781");
}

int apps_config_read(struct apps_settings *out, const struct doc *d, struct err *e)
{
    if (d->type != DOC_MAP)
        return bad(d, e, "a map of listen and publicUrl");
    for (const struct doc *m = d->first; m; m = m->next)
        if (read_member(out, m, e))
            return -1;
    if (!out->listen[0] && out->public_url[0])
        return bad(d, e, "with listen where it has a publicUrl");
    return 0;
}
