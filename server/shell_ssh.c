/* SPDX-License-Identifier: MIT
 *
 * The script's text, with the sizes of what comes on its standard input before it.
 */
#include "server/shell_ssh.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "server/http/static_files.h"

/* Made by cmake/embed_files.py: enter.sh and user.so. */
const struct static_file *ssh_files(size_t *count);

static const struct static_file *find(const char *path)
{
    size_t count;
    const struct static_file *files = ssh_files(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(files[i].path, path) == 0)
            return &files[i];
    return NULL;
}

int shell_ssh_order(const char *keys, struct buf *command, struct buf *first, struct err *e)
{
    const struct static_file *script = find("/enter.sh"), *library = find("/user.so");
    if (!script || !library)
        return err_set(e, ERR_INTERNAL, "this server was built without what ssh needs");
    (void)buf_addf(command, "keys=%zu library=%zu\n", strlen(keys) + 1, library->len);
    (void)buf_add(command, script->data, script->len);
    (void)buf_addf(first, "%s\n", keys);
    (void)buf_add(first, library->data, library->len);
    return command->bad || first->bad ? err_set(e, ERR_INTERNAL, "out of memory") : 0;
}
