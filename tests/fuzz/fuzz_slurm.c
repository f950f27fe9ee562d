/* SPDX-License-Identifier: MIT
 *
 * Whatever slurmrestd, or who pretends to be it, answers: as a reply, a job, a list of nodes and a list of jobs in
 * pieces of several sizes, which must all tell the same; and the notes on the shared folder.
 */
// link: drover_engines
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engines/slurm/script.h"
#include "engines/slurm/shape_v38.h"

static void on_node(void *ctx, const struct shape_node *n)
{
    (void)ctx;
    assert(n->node.name[0] && n->node.gpu_count >= 0 && n->node.gpu_count <= NODE_GPU_MAX);
}

static void on_job(void *ctx, const struct shape_job *j)
{
    int64_t *sum = ctx;
    assert(j->id > 0 && j->gpu_count >= 0 && j->gpu_count <= NODE_GPU_MAX);
    for (int i = 0; i < j->gpu_count; i++)
        assert(j->gpus[i] >= 0 && j->gpus[i] < NODE_GPU_MAX);
    *sum += j->id;
}

/* Whether it was a whole list; what it told. */
static bool read_list(const char *text, size_t size, size_t piece, int64_t *sum)
{
    struct shape_list l;
    bool ok = true;
    *sum = 0;
    if (shape_list_init(&l, on_job, sum))
        abort();
    for (size_t at = 0; at < size && ok; at += piece)
        ok = shape_list_piece(&l, text + at, size - at < piece ? size - at : piece);
    ok = ok && shape_list_whole(&l);
    shape_list_fini(&l);
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), model[16];
    int gpus[NODE_GPU_MAX], status;
    int64_t once = 0, again = 0;
    struct shape_reply r;
    struct shape_job j;
    struct script_latch latch;
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    shape_v38_reply(text, size, &r);
    assert(!r.valid || r.job_id >= 0);
    (void)shape_v38_down(500, text, size);
    if (!shape_v38_job(text, size, &j))
        on_job(&once, &j);
    (void)shape_v38_nodes(text, size, "drover", on_node, NULL);
    const bool whole = read_list(text, size, size + 1, &once);
    assert(read_list(text, size, 7, &again) == whole && (!whole || once == again));
    (void)shape_v38_gres(text, model, sizeof model);
    (void)shape_v38_indices(text, gpus);
    (void)script_latch_read(text, &latch);
    assert(script_exit_read(text, &status) || (status >= 0 && status <= 255));
    free(text);
    return 0;
}
