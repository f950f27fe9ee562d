/* SPDX-License-Identifier: MIT
 *
 * Where the server may send to by order of a user: https, a few ports, and no address of this machine or its networks
 * unless the site allows it. A URL is checked when it is given, and what its name resolves to once more at the moment
 * of connecting, on the very address that is connected to: a name that says something else by then gains nothing.
 */
#ifndef DROVER_SERVER_NOTICE_ADDRESS_H
#define DROVER_SERVER_NOTICE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct doc;
struct err;
struct sockaddr;

#define ADDRESS_URL_MAX 2048

enum { ADDRESS_PORTS_MAX = 16, ADDRESS_ALLOW_MAX = 32 };

/* Addresses that share their first `bits`. Those of IPv4 as IPv6 has them, ::ffff:a.b.c.d. */
struct address_range {
    unsigned char bytes[16];
    int bits;
};

struct address_policy {
    bool http; /* without TLS, too */
    size_t port_count;
    uint16_t ports[ADDRESS_PORTS_MAX];
    size_t allow_count;
    struct address_range allow[ADDRESS_ALLOW_MAX]; /* although they are not public */
};

/* https to port 443 of public addresses. */
void address_policy_defaults(struct address_policy *p);
/* Reads the site's {http, ports, allow} over what is there. 0, or -1 with line and column. */
int address_policy_read(struct address_policy *p, const struct doc *d, struct err *e);
/* "10.1.0.0/16", "fd00::/8", "192.0.2.7". Bits behind the range must be 0. Whether it is one. */
bool address_range_parse(struct address_range *out, const char *text);

/* Whether a URL may be kept: scheme, port, no user or password, and no literal address that is not allowed. 0, or -1
 * with ERR_INVALID_PARAMETERS. Reads no DNS. Any thread. */
int address_check(const char *url, const struct address_policy *p, struct err *e);
/* Whether that may be connected to: address and port. Any thread. */
bool address_allowed(const struct address_policy *p, const struct sockaddr *address);

/* What a libcurl handle connects to is checked by the policy, redirects are not followed, proxies of the environment
 * not used. */
struct address_guard {
    const struct address_policy *policy;
    bool blocked; /* set where an address was not allowed; the caller clears it */
};
/* `curl` is a CURL *; the guard lives as long. */
void address_guard_set(struct address_guard *g, void *curl);

#endif
