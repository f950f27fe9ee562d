/* SPDX-License-Identifier: MIT
 *
 * A POSIX shell runs it on the node. The command's own text goes into a file there, by a here-document whose end is a
 * random word, so that nothing in it is ever read by this shell.
 */
#include "engines/slurm/script.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "engines/engine.h"

/* The link names this very run of the script: a slurmctld that was killed starts a job again under the same id, and
 * with the same count of restarts (seen). A file system that made the link and answers that it was there already, as
 * NFS may, is seen through by reading it. */
static const char head[] = //
    "umask 022\n"
    "read -r U </proc/sys/kernel/random/uuid\n"
    "L=\"$SLURM_JOB_ID.$T.$U\"\n"
    "if ! ln -s \"$L\" \"$D/latch\" 2>/dev/null && [ \"$(readlink \"$D/latch\")\" != \"$L\" ]; then\n"
    "  [ -h \"$D/latch\" ] && exit 75\n"
    "  exit 74\n"
    "fi\n"
    "mkdir -p \"$D/work\" \"$D/tmp\" && cd \"$D/work\" || exit 73\n"
    "PAI_WORK_DIR=\"$D/work\" HOME=\"$D/work\" TMPDIR=\"$D/tmp\"\n"
    "export PAI_WORK_DIR HOME TMPDIR\n"
    "[ -n \"${CUDA_VISIBLE_DEVICES-}\" ] && export NVIDIA_VISIBLE_DEVICES=\"$CUDA_VISIBLE_DEVICES\"\n"
    "S=/bin/sh\n"
    "[ -x /bin/bash ] && S=/bin/bash\n";

/* The signals go to the command, too; this shell outlives it to tell its status. */
static const char tail[] = //
    "trap : TERM INT HUP USR1 USR2\n"
    "\"$S\" \"$D/script\" </dev/null >>\"$D/stdout\" 2>>\"$D/stderr\"\n"
    "c=$?\n"
    "rm -f \"$D/script\"\n"
    "echo $c >\"$D/.exit\" && mv -f \"$D/.exit\" \"$D/exit\"\n"
    "exit $c\n";

int script_write(struct buf *out, const struct script_place *p, const struct engine_launch *launch, struct err *e)
{
    char end[33];
    id_random_hex(end, 16);
    buf_addf(out, "#!/bin/sh\n# Drover, task attempt %s\nD='%s'\nT=%s\n%s", p->attempt, p->folder, p->token, head);
    buf_addf(out, "umask 077\ncat >\"$D/script\" <<'DROVER_%s'\n%s\nDROVER_%s\numask 022\n%s", end, launch->script, end,
             tail);
    if (out->bad || out->len > SCRIPT_MAX)
        return err_set(e, ERR_TOO_LARGE, "the command is too long for a batch script of Slurm");
    return 0;
}

int script_latch_read(const char *text, struct script_latch *out)
{
    char *end;
    *out = (struct script_latch){.job_id = 0};
    if (!strcmp(text, SCRIPT_LATCH_ENGINE))
        return 0;
    if (*text < '1' || *text > '9')
        return -1;
    out->job_id = strtoll(text, &end, 10);
    return *end == '.' && out->job_id < INT64_C(1) << 40 ? 0 : -1;
}

int script_exit_read(const char *text, int *status)
{
    char *end;
    if (*text < '0' || *text > '9')
        return -1;
    const long n = strtol(text, &end, 10);
    if (n > 255 || strcmp(end, "\n") != 0)
        return -1;
    *status = (int)n;
    return 0;
}
