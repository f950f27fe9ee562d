/* SPDX-License-Identifier: MIT
 *
 * The JSON of slurmrestd's v0.0.38 (Slurm 22.05) and plain structs. What is written here was tried on a real one: its
 * own description is wrong in places. Foreign bytes: everything goes through the JSON gate, what has another type than
 * expected makes the whole object unreadable. Any thread.
 */
#ifndef DROVER_ENGINES_SLURM_SHAPE_V38_H
#define DROVER_ENGINES_SLURM_SHAPE_V38_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inventory/node.h"

struct buf;

#define SHAPE_V38_PATH "/slurm/v0.0.38"
#define SHAPE_V38_OBJECT_MAX ((size_t)1 << 20) /* of one job in a list */

/* Slurm's error numbers that mean something to us. */
enum { SHAPE_NO_ERROR = 0, SHAPE_NO_JOB = 2017, SHAPE_ALREADY_DONE = 2021 };

/* What an answer says about its request. */
struct shape_reply {
    bool valid;     /* an object of slurmrestd: what follows is true */
    int64_t job_id; /* of a submission; 0 = none: it was refused */
    int error;      /* the first number that is no error of the caller's JSON alone; 0 = none */
    char text[200]; /* its words */
};

/* One job. */
struct shape_job {
    int64_t id;
    char name[64];
    char state[24];
    char reason[48];
    char user[64];
    char node[NODE_NAME_MAX]; /* the first of its nodes; "" = none yet */
    char wanted[NODE_NAME_MAX];
    int64_t node_count;
    int64_t exit_status; /* as of wait(2) */
    int64_t restarts;
    int gpu_count;
    int gpus[NODE_GPU_MAX];
};

/* What a submission asks. Strings are borrowed. */
struct shape_submit {
    const char *name, *comment, *script, *partition, *node, *folder;
    const char *const *env; /* "KEY=value", NULL-terminated */
    int64_t cpus, memory_mb, gpus;
};

/* What one node has. */
struct shape_node {
    struct node node;
    bool mine;             /* of the partition that was asked for */
    struct resources held; /* by all jobs of Slurm there */
    char reason[128];
};

typedef void shape_node_fn(void *ctx, const struct shape_node *n);
typedef void shape_job_fn(void *ctx, const struct shape_job *j);

/* Whether a description (/openapi/v3) offers this version. */
bool shape_v38_offered(const char *text, size_t len);
/* Reads what any answer says of its request. */
void shape_v38_reply(const char *text, size_t len, struct shape_reply *out);
/* Whether an answer of status 4xx or 5xx says that the cluster is at fault, not the request. */
bool shape_v38_down(int status, const char *text, size_t len);
/* The job of an answer to GET job/ID. 0, or -1 when there is none or it cannot be read. */
int shape_v38_job(const char *text, size_t len, struct shape_job *out);
/* One object of a list of jobs. 0 or -1. */
int shape_v38_job_object(const char *text, size_t len, struct shape_job *out);
/* Appends the body of a submission. 0, or -1 when the buffer is bad. */
int shape_v38_submit(struct buf *out, const struct shape_submit *s);
/* Calls `each` for every readable node of an answer to GET nodes; `partition` NULL or "": all are mine. How many could
 * not be read, or -1 when the answer cannot. */
int shape_v38_nodes(const char *text, size_t len, const char *partition, shape_node_fn *each, void *ctx);
/* "gpu:a100:8(S:0-1),shard:2" as the number of GPUs and, where it is named, their model. */
int shape_v38_gres(const char *gres, char *model, size_t model_size);
/* "gpu:a100:3(IDX:0-1,5)" as indices, at most NODE_GPU_MAX. How many; -1 when it names none so. */
int shape_v38_indices(const char *detail, int *gpus);

/* A list of jobs as it comes, of any length, in bounded memory: each object of the array "jobs" is read by itself.
 *
 *   outside ─ "jobs" ─ : ─ [ ─► between ─ { ─► inside ─ } ─► between ─ ] ─► done
 */
struct shape_list {
    shape_job_fn *each;
    void *ctx;
    int depth; /* of brackets in what was read */
    bool in_string, escaped, in_jobs, done, bad;
    char key[8]; /* the string read last, if it is so short */
    size_t key_len;
    char *object; /* SHAPE_V38_OBJECT_MAX bytes */
    size_t len;
    size_t read, unread; /* jobs; those whose object could not be read */
};

/* 0, or -1 on out of memory. */
int shape_list_init(struct shape_list *l, shape_job_fn *each, void *ctx);
void shape_list_fini(struct shape_list *l);
/* Takes the next piece; false when this is no such list, or one with an object that is too long. */
bool shape_list_piece(struct shape_list *l, const char *data, size_t len);
/* Whether the array was there and has ended. */
bool shape_list_whole(const struct shape_list *l);

#endif
