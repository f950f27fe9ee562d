/* SPDX-License-Identifier: MIT
 *
 * Which attempt holds which GPU of the node. Of the engine's thread.
 */
#ifndef DROVER_ENGINES_LOCAL_LOCAL_GPU_H
#define DROVER_ENGINES_LOCAL_LOCAL_GPU_H

struct gpu_mark;
struct local;
struct local_attempt;

/* Gives free indices to `a`: of the wishes (NULL: none) what is free, then the lowest, then those of
 * attempts that have ended; -1 when there are too few. */
int local_gpu_take(struct local *l, struct local_attempt *a, const int *wishes, int count);
/* Gives exactly these to `a` (they are in use by a running task). */
void local_gpu_reserve(struct local *l, struct local_attempt *a, const int *gpus, int count);
/* It has ended and keeps those that nobody else has, until it is forgotten. */
void local_gpu_linger(struct local *l, struct local_attempt *a, const int *gpus, int count);
/* What they were found to be; the core is told where that is new. */
void local_gpu_mark(struct local *l, const struct gpu_mark *marks, int count);
/* Takes them back. */
void local_gpu_release(struct local *l, struct local_attempt *a);

#endif
