/* SPDX-License-Identifier: MIT
 *
 * Session ids and the cookie that carries them.
 */
#include "auth/session.h"

#include <nettle/sha2.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/id.h"

#define HEX "0123456789abcdef"

static const char *cookie_name(bool secure)
{
    return secure ? "__Host-drover" : "drover"; /* browsers drop __Host- cookies over plain HTTP */
}

void session_make_id(char out[SESSION_ID_SIZE])
{
    id_random_hex(out, (SESSION_ID_SIZE - 1) / 2);
}

void session_hash(const char *secret, size_t len, char out[IDENTITY_HASH_SIZE])
{
    struct sha256_ctx c;
    uint8_t hash[SHA256_DIGEST_SIZE];

    /* Each request with a token comes by here: nettle uses the processor's SHA instructions, sodium does not. */
    sha256_init(&c);
    sha256_update(&c, len, (const uint8_t *)secret);
    sha256_digest(&c, sizeof(hash), hash);
    sodium_bin2hex(out, IDENTITY_HASH_SIZE, hash, sizeof(hash));
}

void session_cookie(const char *id, bool secure, char out[SESSION_COOKIE_SIZE])
{
    snprintf(out, SESSION_COOKIE_SIZE, "%s=%s; Path=/; HttpOnly; SameSite=Strict%s%s", cookie_name(secure),
             id ? id : "", secure ? "; Secure" : "", id ? "" : "; Max-Age=0");
}

bool session_parse_cookie(const char *header, bool secure, char out[SESSION_ID_SIZE])
{
    const char *name = cookie_name(secure);
    size_t name_len = strlen(name);
    unsigned found = 0;

    for (const char *s = header ? header : ""; *s;) {
        size_t n;

        s += strspn(s, " \t;");
        n = strcspn(s, ";");
        if (n > name_len && !strncmp(s, name, name_len) && s[name_len] == '=') {
            const char *value = s + name_len + 1;
            size_t len = strspn(value, HEX);

            /* A second cookie of the name may have been planted (another path, another subdomain): trust neither. */
            if (++found > 1 || len != SESSION_ID_SIZE - 1 || len != n - name_len - 1)
                return false;
            memcpy(out, value, len);
            out[len] = '\0';
        }
        s += n;
    }
    return found == 1;
}

bool session_alive(int64_t created_ms, int64_t used_ms, int64_t now_ms)
{
    return now_ms - created_ms < SESSION_MAX_MS && now_ms - used_ms < SESSION_IDLE_MS;
}
