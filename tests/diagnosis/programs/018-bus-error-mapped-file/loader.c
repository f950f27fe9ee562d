/* SPDX-License-Identifier: MIT */
/* Maps a file as if it were longer than it is. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>

int main(int argc, char **argv)
{
    const size_t size = 1 << 20;
    int fd = argc > 1 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
    const volatile char *map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    long sum = 0;
    if (map == MAP_FAILED)
        return 1;
    printf("mapped shard, 256 pages\n");
    fflush(stdout);
    for (size_t at = 0; at < size; at += 4096)
        sum += map[at];
    printf("sum %ld\n", sum);
    return 0;
}
