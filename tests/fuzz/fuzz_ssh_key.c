/* SPDX-License-Identifier: MIT
 *
 * Public keys of any bytes: what is accepted is one line of two words, and is accepted again as it is.
 */
// link: drover_base
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/ssh_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char key[SSH_KEY_SIZE], again[SSH_KEY_SIZE], print[SSH_KEY_FINGERPRINT_SIZE], *text = malloc(size + 1);
    struct err e = {0};

    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (ssh_key_read(text, key, &e)) {
        if (e.code != ERR_INVALID_PARAMETERS)
            abort();
    } else if (strpbrk(key, "\t\r\n\"'") || !strchr(key, ' ') || strchr(key, ' ') != strrchr(key, ' ') ||
               ssh_key_read(key, again, &e) || strcmp(key, again) != 0) {
        abort();
    } else {
        ssh_key_fingerprint(key, print);
        if (strlen(print) != strlen("SHA256:") + 43)
            abort();
    }
    free(text);
    return 0;
}
