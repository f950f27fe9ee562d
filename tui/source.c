/* SPDX-License-Identifier: MIT
 *
 * Dispatch to the kind of source.
 */
#include "tui/source.h"

#include <stdlib.h>

uint64_t source_ask(struct source *s, const struct source_request *r)
{
    return s->ops->ask(s, r);
}

void source_cancel(struct source *s, uint64_t id)
{
    if (id)
        s->ops->cancel(s, id);
}

bool source_take(struct source *s, struct source_result *out)
{
    return s->ops->take(s, out);
}

int source_fd(const struct source *s)
{
    return s->ops->fd(s);
}

void source_destroy(struct source *s)
{
    if (s)
        s->ops->destroy(s);
}

void source_result_fini(struct source_result *r)
{
    free(r->data);
    r->data = NULL;
    r->len = 0;
}
