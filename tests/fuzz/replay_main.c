/* SPDX-License-Identifier: MIT
 *
 * Replays a fuzz target's corpus without libFuzzer: every file of the given folders is one input, in name order.
 * Fails when a folder has no input, when a file cannot be read, or when one input takes longer than the bound, which
 * is generous so that only a parser that is not linear meets it, even under a sanitizer on a busy machine.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BOUND_MS 5000
#define INPUT_LIMIT (16 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int64_t cpu_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The file as malloc'ed memory of exactly its size, so that a sanitizer sees a read past its end. */
static uint8_t *read_input(int dir, const char *name, size_t *size)
{
    struct stat st;
    uint8_t *data = NULL;
    size_t have = 0;
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return NULL;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > INPUT_LIMIT)
        goto out;
    *size = (size_t)st.st_size;
    data = malloc(*size ? *size : 1);
    while (data && have < *size) {
        ssize_t n = read(fd, data + have, *size - have);

        if (n > 0) {
            have += (size_t)n;
        } else if (n == 0 || errno != EINTR) {
            free(data);
            data = NULL;
        }
    }
out:
    close(fd);
    return data;
}

static int replay_file(int dir, const char *folder, const char *name)
{
    size_t size = 0;
    uint8_t *data = read_input(dir, name, &size);
    int64_t start = cpu_ms();
    int64_t took;

    if (!data) {
        fprintf(stderr, "%s/%s: not readable as an input\n", folder, name);
        return -1;
    }
    LLVMFuzzerTestOneInput(data, size);
    took = cpu_ms() - start;
    free(data);
    if (took > BOUND_MS) {
        fprintf(stderr, "%s/%s: %lld ms of CPU for %zu bytes\n", folder, name, (long long)took, size);
        return -1;
    }
    return 0;
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Number of inputs replayed, or -1 when one failed. */
static int replay_folder(const char *folder)
{
    struct dirent **list = NULL;
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int n = dir < 0 ? -1 : scandirat(dir, ".", &list, visible, alphasort);
    int rc = n;

    for (int i = 0; i < n; i++) {
        if (replay_file(dir, folder, list[i]->d_name))
            rc = -1;
        free(list[i]);
    }
    free(list);
    if (dir >= 0)
        close(dir);
    if (n <= 0)
        fprintf(stderr, "%s: no corpus\n", folder);
    return n == 0 ? -1 : rc;
}

int main(int argc, char **argv)
{
    int failed = argc < 2;

    for (int i = 1; i < argc; i++) {
        int n = replay_folder(argv[i]);

        if (n < 0)
            failed = 1;
        else
            printf("%s: %d inputs\n", argv[i], n);
    }
    return failed;
}
