/* SPDX-License-Identifier: MIT
 *
 * The cluster that tasks run on: the key `slurm` of the configuration.
 */
#ifndef DROVER_ENGINES_SLURM_SLURM_CONFIG_H
#define DROVER_ENGINES_SLURM_SLURM_CONFIG_H

struct doc;
struct err;

#define SLURM_TEXT_MAX 256

struct slurm_settings {
    char url[SLURM_TEXT_MAX];        /* of slurmrestd, without a slash at its end; "" = there is no Slurm */
    char key_file[SLURM_TEXT_MAX];   /* keyFile: the cluster's key for tokens (HS256), or */
    char token_file[SLURM_TEXT_MAX]; /* tokenFile: a token that the site gives, read again every minute */
    char user[SLURM_TEXT_MAX];       /* whose token it is: SlurmUser or root, so that jobs run as others */
    char run_as[SLURM_TEXT_MAX];     /* runAs: Unix user of jobs whose Drover user has no other */
    char users[SLURM_TEXT_MAX];      /* users: the allow-map from Drover's users to Unix users, as the spawner's */
    char partition[SLURM_TEXT_MAX];  /* whose nodes are ours; "" = all nodes, and Slurm's default partition */
    char folder[SLURM_TEXT_MAX];     /* on a file system that droverd and all nodes see at this path */
    char scontrol[SLURM_TEXT_MAX];   /* for what slurmrestd cannot do; "" = that is not done */
};

/* Reads the value of the key. 0, or -1 with its place. */
int slurm_config_read(struct slurm_settings *out, const struct doc *d, struct err *e);

#endif
