/* SPDX-License-Identifier: MIT
 *
 * drover-unpack < ARCHIVE: unpacks the code that was sent with a job into the current folder. Started by the keeper of
 * a task as the task's user, in its namespaces and within its limits, before the task's command. The archive was
 * checked when it came; here only what that cannot know can fail, as a full disk.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/err.h"
#include "base/tarball.h"

int main(void)
{
    struct tarball found;
    struct err e = {0};
    int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (dir >= 0 && tarball_read(STDIN_FILENO, dir, INT64_MAX / 2, &found, &e) == 0)
        return 0;
    (void)fprintf(stderr, "drover: the job's code cannot be unpacked: %s\n", dir < 0 ? "no folder" : e.text);
    return 1;
}
