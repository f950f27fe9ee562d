/* SPDX-License-Identifier: MIT
 *
 * What a URL says is asked of libcurl, which will use it: two readers of one text may differ. It writes 0x7f.1 and
 * 2130706433 as 127.0.0.1, as it would connect to them.
 *
 * Of IPv6, only what is given out for the public net is public (2000::/3), without the parts that carry an address of
 * IPv4 or lead nowhere. An address of IPv4 in one of IPv6 is judged as that.
 */
#include "server/notice/address.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/doc.h"
#include "base/err.h"

enum { HTTPS_PORT = 443, PORT_MAX = 65535, MAPPED_BITS = 96, BITS_MAX = 128, RANGE_TEXT_MAX = 64 };

static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

/* Not public: RFC 6890 and what came after it. */
static const char *const closed[] = {
    "0.0.0.0/8",       "10.0.0.0/8",    "100.64.0.0/10",   "127.0.0.0/8",     "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24",    "192.0.2.0/24",  "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16",
    "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",  "224.0.0.0/4",    "240.0.0.0/4",
    "2001::/23",       "2001:db8::/32", "2002::/16",       "3fff::/20"};
static const char public_v6[] = "2000::/3";

/* ---- ranges ---- */

static bool is_mapped(const unsigned char a[16])
{
    return !memcmp(a, mapped, sizeof mapped);
}

static bool same_bits(const unsigned char a[16], const unsigned char b[16], int bits)
{
    const int whole = bits / 8, rest = bits % 8;
    const unsigned mask = 0xffu << (8 - rest) & 0xffu;
    return !memcmp(a, b, (size_t)whole) && (!rest || (a[whole] & mask) == (b[whole] & mask));
}

/* A range of IPv6 that is so wide as to hold all of IPv4 does not mean it. */
static bool holds(const struct address_range *r, const unsigned char a[16])
{
    return is_mapped(a) == (r->bits >= MAPPED_BITS && is_mapped(r->bytes)) && same_bits(r->bytes, a, r->bits);
}

static bool read_bits(const char *text, int most, int *out)
{
    int n = 0;
    if (!*text || strlen(text) > 3)
        return false;
    for (const char *p = text; *p; p++) {
        if (*p < '0' || *p > '9')
            return false;
        n = 10 * n + (*p - '0');
    }
    *out = n;
    return n <= most;
}

static bool read_address(const char *text, unsigned char out[16], bool *v4)
{
    memcpy(out, mapped, sizeof mapped);
    *v4 = inet_pton(AF_INET, text, out + sizeof mapped) == 1;
    return *v4 || inet_pton(AF_INET6, text, out) == 1;
}

bool address_range_parse(struct address_range *out, const char *text)
{
    static const unsigned char zeros[16];
    char address[RANGE_TEXT_MAX];
    unsigned char rest[16];
    const size_t len = strcspn(text, "/");
    bool v4;
    if (len >= sizeof address)
        return false;
    memcpy(address, text, len);
    address[len] = '\0';
    if (!read_address(address, out->bytes, &v4))
        return false;
    out->bits = BITS_MAX;
    if (text[len] && !read_bits(text + len + 1, v4 ? BITS_MAX - MAPPED_BITS : BITS_MAX, &out->bits))
        return false;
    if (text[len] && v4)
        out->bits += MAPPED_BITS;
    memcpy(rest, out->bytes, sizeof rest);
    for (int bit = 0; bit < out->bits; bit++)
        rest[bit / 8] &= (unsigned char)~(0x80u >> bit % 8);
    return !memcmp(rest, zeros, sizeof zeros);
}

static bool in(const char *range, const unsigned char a[16])
{
    struct address_range r;
    return address_range_parse(&r, range) && holds(&r, a);
}

static bool is_public(const unsigned char a[16])
{
    if (!is_mapped(a) && !in(public_v6, a))
        return false;
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++)
        if (in(closed[i], a))
            return false;
    return true;
}

static bool is_allowed(const struct address_policy *p, const unsigned char a[16])
{
    for (size_t i = 0; i < p->allow_count; i++)
        if (holds(&p->allow[i], a))
            return true;
    return is_public(a);
}

static bool has_port(const struct address_policy *p, unsigned long port)
{
    for (size_t i = 0; i < p->port_count; i++)
        if (p->ports[i] == port)
            return true;
    return false;
}

bool address_allowed(const struct address_policy *p, const struct sockaddr *address)
{
    unsigned char a[16];
    uint16_t port;
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof v4);
        memcpy(a, mapped, sizeof mapped);
        memcpy(a + sizeof mapped, &v4.sin_addr, 4);
        port = ntohs(v4.sin_port);
    } else if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof v6);
        memcpy(a, &v6.sin6_addr, sizeof a);
        port = ntohs(v6.sin6_port);
    } else {
        return false;
    }
    return has_port(p, port) && is_allowed(p, a);
}

/* ---- URLs ---- */

struct parts {
    char *scheme, *host, *port, *user, *password, *zone;
};

/* An address in brackets loses them. */
static bool literal(const char *host, unsigned char out[16])
{
    char text[RANGE_TEXT_MAX];
    const size_t len = strlen(host);
    bool v4;
    if (len >= sizeof text)
        return false;
    memcpy(text, host, len + 1);
    if (text[0] == '[' && text[len - 1] == ']') {
        text[len - 1] = '\0';
        return read_address(text + 1, out, &v4);
    }
    return read_address(text, out, &v4);
}

/* "localhost" and what is below it are this machine, whatever a resolver says (RFC 6761). */
static bool is_local_name(const char *host)
{
    static const char word[] = "localhost";
    size_t len = strlen(host);
    if (len && host[len - 1] == '.')
        len--;
    if (len < sizeof word - 1 || strncasecmp(host + len - (sizeof word - 1), word, sizeof word - 1) != 0)
        return false;
    return len == sizeof word - 1 || host[len - sizeof word] == '.';
}

/* Whether a host may be: of a name, only what it always means is known here. */
static bool host_allowed(const struct address_policy *p, const char *host)
{
    static const unsigned char loopback[16] = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1};
    unsigned char a[16];
    if (is_local_name(host))
        return is_allowed(p, loopback);
    return !literal(host, a) || is_allowed(p, a);
}

/* What is wrong with a URL, NULL: nothing. */
static const char *fault(const struct parts *x, const struct address_policy *p)
{
    const bool plain = x->scheme && !strcmp(x->scheme, "http");
    if (!x->scheme || !x->host || !x->host[0] || (!plain && strcmp(x->scheme, "https") != 0))
        return "must be an address that begins with https://";
    if (plain && !p->http)
        return "must begin with https://; this site does not allow http";
    if (x->user || x->password)
        return "must be without a user and password";
    if (x->zone)
        return "must be without a zone";
    if (!x->port || !has_port(p, strtoul(x->port, NULL, 10)))
        return "has a port that this site does not allow";
    if (!host_allowed(p, x->host))
        return "is no public address, and this site does not allow it";
    return NULL;
}

static bool has_control(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s <= ' ' || *s == 0x7f || *s == '\\')
            return true;
    return false;
}

int address_check(const char *url, const struct address_policy *p, struct err *e)
{
    const char *what = "must be an address that begins with https://";
    struct parts x = {0};
    CURLU *u = NULL;
    if (strlen(url) > ADDRESS_URL_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "The URL has at most %d bytes.", ADDRESS_URL_MAX);
    if (!has_control(url))
        u = curl_url();
    if (u && !curl_url_set(u, CURLUPART_URL, url, 0)) {
        const struct {
            CURLUPart part;
            unsigned flags;
            char **out;
        } wanted[] = {{CURLUPART_SCHEME, 0, &x.scheme},     {CURLUPART_HOST, 0, &x.host},
                      {CURLUPART_USER, 0, &x.user},         {CURLUPART_PORT, CURLU_DEFAULT_PORT, &x.port},
                      {CURLUPART_PASSWORD, 0, &x.password}, {CURLUPART_ZONEID, 0, &x.zone}};
        for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
            (void)curl_url_get(u, wanted[i].part, wanted[i].out, wanted[i].flags);
        what = fault(&x, p);
        for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
            curl_free(*wanted[i].out);
    }
    curl_url_cleanup(u);
    return what ? err_set(e, ERR_INVALID_PARAMETERS, "The URL %s.", what) : 0;
}

/* ---- the handle ---- */

static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct address_guard *g = ctx;
    if (purpose != CURLSOCKTYPE_IPCXN || !address_allowed(g->policy, &address->addr)) {
        g->blocked = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

void address_guard_set(struct address_guard *g, void *curl)
{
    CURL *c = curl;
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, g->policy->http ? "http,https" : "https");
    curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, g);
}

/* ---- the site's configuration ---- */

void address_policy_defaults(struct address_policy *p)
{
    *p = (struct address_policy){.http = false, .port_count = 1, .ports = {HTTPS_PORT}};
}

static int bad(const struct doc *d, const char *want, struct err *e)
{
    err_set(e, ERR_INVALID_PARAMETERS, "webhooks: %.60s must be %s.", d->key, want);
    return err_at(e, d->line, d->column);
}

static int read_ports(struct address_policy *p, const struct doc *d, struct err *e)
{
    if (d->type != DOC_LIST || !d->count || d->count > ADDRESS_PORTS_MAX)
        return bad(d, "a list of 1 to 16 ports", e);
    p->port_count = 0;
    for (const struct doc *m = d->first; m; m = m->next) {
        if (m->type != DOC_INT || m->integer < 1 || m->integer > PORT_MAX)
            return bad(d, "a list of 1 to 16 ports", e);
        p->ports[p->port_count++] = (uint16_t)m->integer;
    }
    return 0;
}

static int read_allow(struct address_policy *p, const struct doc *d, struct err *e)
{
    static const char want[] = "a list of at most 32 ranges such as 10.1.0.0/16 or fd00::/8";
    if (d->type != DOC_LIST || d->count > ADDRESS_ALLOW_MAX)
        return bad(d, want, e);
    p->allow_count = 0;
    for (const struct doc *m = d->first; m; m = m->next)
        if (m->type != DOC_STRING || !address_range_parse(&p->allow[p->allow_count++], m->text))
            return bad(d, want, e);
    return 0;
}

static int read_one(struct address_policy *p, const struct doc *d, struct err *e)
{
    if (!strcmp(d->key, "ports"))
        return read_ports(p, d, e);
    if (!strcmp(d->key, "allow"))
        return read_allow(p, d, e);
    if (strcmp(d->key, "http") != 0) {
        err_set(e, ERR_INVALID_PARAMETERS, "webhooks has no key \"%.60s\".", d->key);
        return err_at(e, d->key_line, d->key_column);
    }
    if (d->type != DOC_BOOL)
        return bad(d, "true or false", e);
    p->http = d->integer;
    return 0;
}

int address_policy_read(struct address_policy *p, const struct doc *d, struct err *e)
{
    if (d->type != DOC_MAP) {
        err_set(e, ERR_INVALID_PARAMETERS, "webhooks must be a map of http, ports and allow.");
        return err_at(e, d->line, d->column);
    }
    for (const struct doc *m = d->first; m; m = m->next)
        if (read_one(p, m, e))
            return -1;
    return 0;
}
