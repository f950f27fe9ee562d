/* SPDX-License-Identifier: MIT
 *
 * The type stands twice: in letters, and first in what the base64 says. Both must agree, as sshd wants it.
 */
#include "base/ssh_key.h"

#include <sodium.h>
#include <string.h>

#include "base/err.h"

static const char *const ssh_key_types[] = {"ssh-ed25519",
                                            "ecdsa-sha2-nistp256",
                                            "ecdsa-sha2-nistp384",
                                            "ecdsa-sha2-nistp521",
                                            "ssh-rsa",
                                            "sk-ssh-ed25519@openssh.com",
                                            "sk-ecdsa-sha2-nistp256@openssh.com"};

/* The kind that a text begins with, a blank behind it; NULL for none. */
static const char *ssh_key_type(const char *text)
{
    for (size_t i = 0; i < sizeof ssh_key_types / sizeof *ssh_key_types; i++) {
        const size_t len = strlen(ssh_key_types[i]);

        if (strncmp(text, ssh_key_types[i], len) == 0 && text[len] == ' ')
            return ssh_key_types[i];
    }
    return NULL;
}

/* Whether the base64 is a key of that type: its name behind its length, and something more. */
static int ssh_key_agrees(const char *base64, size_t len, const char *type)
{
    unsigned char key[SSH_KEY_SIZE];
    const size_t name = strlen(type);
    size_t size = 0;

    return sodium_base642bin(key, sizeof key, base64, len, NULL, &size, NULL, sodium_base64_VARIANT_ORIGINAL) == 0 &&
           size > name + 4 && !key[0] && !key[1] && !key[2] && key[3] == name && memcmp(key + 4, type, name) == 0;
}

int ssh_key_read(const char *text, char out[SSH_KEY_SIZE], struct err *e)
{
    static const char *const blanks = " \t\r\n";
    const char *type = ssh_key_type(text += strspn(text, blanks));
    const char *base64 = type ? text + strlen(type) + strspn(text + strlen(type), " ") : "";
    const size_t len = strcspn(base64, blanks);

    if (!type || strlen(type) + 1 + len >= SSH_KEY_SIZE || !ssh_key_agrees(base64, len, type))
        return err_set(
            e, ERR_INVALID_PARAMETERS,
            "This is no public key of ssh; one is a line as of a file id_ed25519.pub: \"ssh-ed25519 AAAA...\".");
    memcpy(out, type, strlen(type));
    out[strlen(type)] = ' ';
    memcpy(out + strlen(type) + 1, base64, len);
    out[strlen(type) + 1 + len] = '\0';
    return 0;
}

void ssh_key_fingerprint(const char *key, char out[SSH_KEY_FINGERPRINT_SIZE])
{
    static const char kind[] = "SHA256:";
    unsigned char blob[SSH_KEY_SIZE], hash[crypto_hash_sha256_BYTES];
    const char *base64 = strchr(key, ' ') + 1;
    size_t size = 0;

    (void)sodium_base642bin(blob, sizeof blob, base64, strlen(base64), NULL, &size, NULL,
                            sodium_base64_VARIANT_ORIGINAL);
    (void)crypto_hash_sha256(hash, blob, size);
    memcpy(out, kind, sizeof kind);
    sodium_bin2base64(out + sizeof kind - 1, SSH_KEY_FINGERPRINT_SIZE - (sizeof kind - 1), hash, sizeof hash,
                      sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
}
