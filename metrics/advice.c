/* SPDX-License-Identifier: MIT */
/* One table by bottleneck. A sentence takes the figure that its rule is about. */
#include "metrics/advice.h"

#include <math.h>
#include <stdio.h>

/* The sentence is `before`, the figure in whole percent or minutes, `after`. */
static const struct advice {
    const char *before, *after;
    enum profile_figure figure;
    double unit; /* of the figure in what is told */
    const char *tries[ADVICE_TRIES + 1];
} table[PROFILE_BOTTLENECKS] = {
    [PROFILE_NONE] = {"The GPUs are the limit: they are busy", " % of the time.", PROFILE_F_BUSY, 1, {NULL}},
    [PROFILE_INPUT] = {"The GPUs wait for data: they are busy only",
                       " % of the time.",
                       PROFILE_F_BUSY,
                       1,
                       {"Load data with more workers, ahead of the training (num_workers, prefetch_factor).",
                        "Read from a local disk, and few large files instead of many small ones.", NULL}},
    [PROFILE_CPU_BOUND] = {"The cores are the limit: they are busy",
                           " % of the time, and the GPUs wait for them.",
                           PROFILE_F_CPU,
                           1,
                           {"Ask for more CPUs for each GPU.",
                            "Decode and augment data once, before the training, or on the GPU.", NULL}},
    [PROFILE_MEMORY_BOUND] = {"The GPUs' memory is the limit: it is read or written",
                              " % of the time.",
                              PROFILE_F_MEMORY_BUSY,
                              1,
                              {"Compute in half precision (bfloat16), which moves half as much.",
                               "Join small operations (torch.compile, fused optimizers, fused attention).", NULL}},
    [PROFILE_SMALL_KERNELS] = {"The GPUs are busy with very small pieces of work: they draw",
                               " % of the power that such use would need.",
                               PROFILE_F_INTENSITY,
                               1,
                               {"Try a larger batch.", "Join small operations (torch.compile, CUDA graphs).",
                                "Ask for a smaller GPU, or share one.", NULL}},
    [PROFILE_IMBALANCE] = {"The GPUs do not share the work: one does",
                           " % of what the busiest does, and others wait.",
                           PROFILE_F_BALANCE,
                           1,
                           {"Look whether the program uses all GPUs that it has; ask for fewer if it does not.",
                            "Give each rank as much data, by length and not by number.", NULL}},
    [PROFILE_HANG] = {"Nothing has been computed for",
                      " minutes: it looks hung.",
                      PROFILE_F_STILL,
                      60,
                      {"Look at the end of its log, and at where its processes wait.",
                       "Set a time limit for collectives (TORCH_NCCL_ASYNC_ERROR_HANDLING, timeout).",
                       "Stop it, and go on from the last checkpoint.", NULL}},
};

void advice_sentence(const struct profile *p, char out[ADVICE_SENTENCE])
{
    const struct advice *a = &table[p->bottleneck];
    const double value = p->figures[a->figure] / a->unit;

    out[0] = '\0';
    if (p->kind == PROFILE_IDLE)
        (void)snprintf(out, ADVICE_SENTENCE, "Its GPUs are not used.");
    else if ((p->kind == PROFILE_TRAINING || p->kind == PROFILE_DENSE || p->kind == PROFILE_HUNG) && !isnan(value))
        (void)snprintf(out, ADVICE_SENTENCE, "%s %.0f%s", a->before, value, a->after);
}

const char *const *advice_tries(const struct profile *p)
{
    return table[p->bottleneck].tries;
}
