/* SPDX-License-Identifier: MIT
 *
 * A batch script of Slurm, read as sbatch reads it, as a job of Drover: #SBATCH lines and the same options from a
 * command line, by command_options_sbatch. What Drover does not have is refused by name and line, never passed over.
 * Pure; for fuzzing too.
 */
#ifndef DROVER_TUI_SBATCH_H
#define DROVER_TUI_SBATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SBATCH_MAX (192u << 10) /* bytes of a script */
#define SBATCH_EXPORTS 64       /* variables of --export */

struct arena;
struct buf;
struct err;

/* What the options say. Strings are in the arena or borrowed from the script. */
struct sbatch {
    struct arena *a;    /* for what it holds */
    const char *script; /* as read, NUL-terminated */
    size_t script_len;
    const char *suffix; /* behind the name of the job, which is its owner's only one; NULL: none */
    const char *name, *partition, *account, *folder, *output, *error, *mail_user, *gpu_model, *signal;
    int name_line, mail_user_line, gpus_line, tasks_line; /* where they were said; 0: on the command line, or not */
    int64_t nodes, tasks, cpus;                           /* 0: not said */
    int64_t time_s;                                       /* 0: no limit */
    int64_t memory_mb;                                    /* of a node; 0: not said */
    int64_t gpus_of_node, gpus;                           /* --gres; --gpus, of the job; -1: not said */
    int64_t signal_s;
    bool mail_begin, mail_end, mail_fail, mail_requeue;
    struct {
        const char *name;
        const char *value; /* NULL: from the environment of whoever submits */
    } exports[SBATCH_EXPORTS];
    size_t export_count;
};

/* How the job runs. */
struct sbatch_run {
    const char *image;
    char *const *argv;                            /* the script's arguments, up to NULL; or NULL */
    const char *(*environment)(const char *name); /* a variable that --export only names; NULL: not set */
};

/* Begins: nothing was said. */
void sbatch_init(struct sbatch *s, struct arena *a);
/* Reads the script's #SBATCH lines, which end at its first command. 0, or -1 with the line and a sentence in `e`. */
int sbatch_read(struct sbatch *s, const char *text, size_t len, struct err *e);
/* One option more, which replaces what the script says: its long name and value (NULL for a switch). `line` 0: of the
 * command line. 0 or -1. */
int sbatch_option(struct sbatch *s, const char *name, const char *value, int line, struct err *e);
/* Whether the server would put a parameter's value somewhere into a command ("<% $"). */
bool sbatch_has_template(const char *text);
/* Appends the job's document as YAML. 0, or -1 with the line of what does not go together. */
int sbatch_write(const struct sbatch *s, const struct sbatch_run *run, struct buf *out, struct err *e);

#endif
