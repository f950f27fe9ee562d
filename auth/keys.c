/* SPDX-License-Identifier: MIT
 *
 * The key file: made once, checked at each start. Derived keys are BLAKE2b sub-keys with a context each, so that a leak
 * of one says nothing about the others.
 */
#include "auth/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fs.h"

#define FILE_NAME "secret.key"
#define HEX_LEN (2 * KEYS_SIZE)

_Static_assert(KEYS_SIZE == crypto_kdf_KEYBYTES, "master key");

/* Opens the data folder. */
static int open_folder(const char *data_dir, struct err *e)
{
    int fd = open(data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 ? err_errno(e, errno, "%s", data_dir) : fd;
}

int keys_create(const char *data_dir, struct err *e)
{
    unsigned char key[KEYS_SIZE];
    char hex[HEX_LEN + 2];
    int rc = -1;
    int fd = -1;
    int dir = open_folder(data_dir, e);

    if (dir < 0)
        return -1;
    if (sodium_init() < 0) {
        err_set(e, ERR_INTERNAL, "libsodium does not start");
        goto out;
    }
    fd = openat(dir, FILE_NAME, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        err_errno(e, errno, "%s/%s", data_dir, FILE_NAME);
        goto out;
    }
    randombytes_buf(key, sizeof(key));
    sodium_bin2hex(hex, sizeof(hex), key, sizeof(key));
    hex[HEX_LEN] = '\n';
    if (fs_write_all(fd, hex, HEX_LEN + 1) || fsync(fd) || fsync(dir)) {
        err_errno(e, errno, "%s/%s", data_dir, FILE_NAME);
        unlinkat(dir, FILE_NAME, 0); /* half a key is none */
        goto out;
    }
    rc = 0;
out:
    sodium_memzero(key, sizeof(key));
    sodium_memzero(hex, sizeof(hex));
    if (fd >= 0)
        close(fd);
    close(dir);
    return rc;
}

/* The file's 64 digits into `hex`. */
static int read_file(int dir, char hex[HEX_LEN + 1], struct err *e)
{
    struct stat st;
    char more[2];
    ssize_t extra;
    int rc = -1;
    int fd = openat(dir, FILE_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0)
        return err_errno(e, errno, "%s", FILE_NAME);
    if (fstat(fd, &st)) {
        err_errno(e, errno, "%s", FILE_NAME);
    } else if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077)) {
        err_set(e, ERR_INTERNAL, "%s must be a regular file of the server's user with mode 0600", FILE_NAME);
    } else if (read(fd, hex, HEX_LEN) != HEX_LEN || (extra = read(fd, more, sizeof(more))) < 0 || extra > 1 ||
               (extra == 1 && more[0] != '\n')) {
        err_set(e, ERR_INTERNAL, "%s must hold 64 hex digits", FILE_NAME);
    } else {
        rc = 0;
    }
    hex[HEX_LEN] = '\0';
    close(fd);
    return rc;
}

int keys_load(const char *data_dir, struct keys *out, struct err *e)
{
    unsigned char key[KEYS_SIZE];
    char hex[HEX_LEN + 1];
    size_t len = 0;
    int rc = -1;
    int dir = open_folder(data_dir, e);

    if (dir < 0)
        return -1;
    if (read_file(dir, hex, e))
        goto out;
    if (sodium_init() < 0 || sodium_hex2bin(key, sizeof(key), hex, HEX_LEN, NULL, &len, NULL) || len != sizeof(key)) {
        err_set(e, ERR_INTERNAL, "%s must hold 64 hex digits", FILE_NAME);
        goto out;
    }
    crypto_kdf_derive_from_key(out->jwt, sizeof(out->jwt), 1, "drvr-jwt", key);
    crypto_kdf_derive_from_key(out->seal, sizeof(out->seal), 2, "drvrseal", key);
    crypto_kdf_derive_from_key(out->audit, sizeof(out->audit), 3, "drvraudt", key);
    rc = 0;
out:
    if (rc)
        err_wrap(e, "%s", data_dir);
    sodium_memzero(key, sizeof(key));
    sodium_memzero(hex, sizeof(hex));
    close(dir);
    return rc;
}

void keys_wipe(struct keys *k)
{
    sodium_memzero(k, sizeof(*k));
}
