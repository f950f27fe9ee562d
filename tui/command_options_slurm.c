/* SPDX-License-Identifier: MIT
 *
 * Options of Slurm's programs that are verbs here. Those of sbatch may stand in #SBATCH lines, too (sbatch.c).
 */
#include "tui/command_options.h"

const struct command_option command_options_sbatch[] = {
    {'J', "job-name", "NAME", NULL, "The job's name, to which four characters are added (the script's)."},
    {'p', "partition", "VC", NULL, "The virtual cluster."},
    {'A', "account", "NAME", NULL, "The virtual cluster, where --partition does not say it; SLURM_JOB_ACCOUNT."},
    {'N', "nodes", "N", NULL, "So many tasks; the script runs in each of them (1)."},
    {'n', "ntasks", "N", NULL, "So many times --cpus-per-task CPUs, over all nodes."},
    {'c', "cpus-per-task", "N", NULL, "CPUs of each of these (1)."},
    {'t', "time", "TIME", NULL, "How long it may run: MINUTES, HOURS:MINUTES:SECONDS, DAYS-HOURS; 0: any."},
    {0, "mem", "SIZE", NULL, "Memory of a node, in MiB or with K, M, G, T (2 GiB a CPU)."},
    {0, "gres", "gpu[:MODEL]:N", NULL, "GPUs of a node."},
    {'G', "gpus", "[MODEL:]N", NULL, "GPUs of the job, evenly over its nodes."},
    {'o', "output", "FILE", NULL, "Where the output goes instead of the log; %x %j %u %N %n %t are known."},
    {'e', "error", "FILE", NULL, "Where the errors go instead of there."},
    {'D', "chdir", "FOLDER", NULL, "Where the script runs, on the node (the task's folder)."},
    {0, "export", "LIST", NULL,
     "NONE, or variables with commas between: NAME or NAME=VALUE (NONE). No secrets: values stand in the job's file."},
    {0, "mail-type", "LIST", NULL, "When you get a mail: NONE, BEGIN, END, FAIL, REQUEUE, ALL."},
    {0, "mail-user", "ADDRESS", NULL, "Your own address as the server has it; no other."},
    {0, "signal", "[B:]SIGNAL[@SECONDS]", NULL, "Sent so long before the time limit, and at a preemption."},
    {0, "requeue", NULL, NULL, "It is, whenever it is preempted or its node is lost; --no-requeue is not known."},
    {'a', "array", "INDEXES", NULL, "Not yet supported: refused."},
    {'d', "dependency", "LIST", NULL, "Not yet supported: refused."},
    {'b', "begin", "TIME", NULL, "Not yet supported: refused."},
    /* of the command line alone */
    {0, "image", "IMAGE", NULL, "The image that it runs in (DROVER_IMAGE, else debian:12-slim)."},
    {0, "parsable", NULL, NULL, "Print the job's name alone."},
    {'W', "wait", NULL, NULL, "Wait for the job's end and exit with its exit code."},
    {0, "print-job", NULL, NULL, "Print the job's file instead of submitting it."},
    {0, NULL, NULL, NULL, NULL},
};

#define CHOICE                                                                                                         \
    {'u', "user", "NAMES", NULL, "Of these users, separated by commas."}, {0, "me", NULL, NULL, "Of your own."},       \
        {'p', "partition", "VCS", NULL, "In these virtual clusters."},                                                 \
        {'n', "name", "NAMES", NULL, "Of these names."},                                                               \
        {'t', "states", "STATES", NULL, "In these states: PD R CG CD F CA, or all (PD,R,CG)."},

const struct command_option command_options_squeue[] = {
    CHOICE{'j', "jobs", "NAMES", NULL, "Of these ids, as sbatch told them."},
    {0, "noheader", NULL, NULL, "Without the first line."},
    {0, NULL, NULL, NULL, NULL},
};

const struct command_option command_options_scancel[] = {
    CHOICE{0, NULL, NULL, NULL, NULL},
};
