/* SPDX-License-Identifier: MIT
 *
 * Public keys of ssh, as people paste them. What sshd is told to trust is one of these and nothing else: a line of
 * authorized_keys could say more, as which command runs or which host may come.
 */
#ifndef DROVER_BASE_SSH_KEY_H
#define DROVER_BASE_SSH_KEY_H

#include <stddef.h>

struct err;

#define SSH_KEY_SIZE 2048 /* with its NUL: RSA of 8192 bits has 1,400 */

/* Reads "TYPE BASE64 [COMMENT]", with blanks around it; `out` gets the type and the base64, one blank between. 0, or
 * -1 with ERR_INVALID_PARAMETERS. Any thread. */
int ssh_key_read(const char *text, char out[SSH_KEY_SIZE], struct err *e);
#define SSH_KEY_FINGERPRINT_SIZE 64
/* What ssh-keygen -l says of a key that was read: "SHA256:...". Any thread. */
void ssh_key_fingerprint(const char *key, char out[SSH_KEY_FINGERPRINT_SIZE]);

#endif
