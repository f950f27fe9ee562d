/* SPDX-License-Identifier: MIT
 *
 * Four labels. They are read where a plan is made, which is rare; nodes without labels cost nothing.
 */
#include "inventory/node_topology.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

static const char *get(const cJSON *o, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);
    return cJSON_IsString(v) ? v->valuestring : NULL;
}

/* A number of sockets that divides the GPUs, or 0. */
static int read_sockets(const char *text, int gpus)
{
    char *end = NULL;
    long n = text[0] >= '1' && text[0] <= '9' ? strtol(text, &end, 10) : 0;
    return end && !*end && n <= gpus && gpus % n == 0 ? (int)n : 0;
}

/* Whether GPUs in groups of a size can be pairs. */
static bool has_pairs(int gpus, int sockets)
{
    return gpus / sockets % 2 == 0;
}

/* Where a node stands; "" when it is not told. */
static void copy_word(const cJSON *o, const char *key, char out[NODE_NAME_MAX])
{
    const char *word = o ? get(o, key) : NULL;
    if (word && strlen(word) < NODE_NAME_MAX)
        snprintf(out, NODE_NAME_MAX, "%s", word);
}

static int check_word(const cJSON *o, const char *key, struct err *e)
{
    const char *word = get(o, key);
    if (word && (!word[0] || strlen(word) >= NODE_NAME_MAX))
        return err_set(e, ERR_INVALID_PARAMETERS, "Label %s must have 1 to %d bytes.", key, NODE_NAME_MAX - 1);
    return 0;
}

void node_topology_read(const struct node *n, struct node_topology *out)
{
    *out = (struct node_topology){.sockets = 1};
    cJSON *o = n->labels[0] && n->gpu_count ? json_parse(n->labels, strlen(n->labels), 0, NULL) : NULL;
    const char *sockets = o ? get(o, "sockets") : NULL, *pairs = o ? get(o, "pairs") : NULL;
    int many = sockets ? read_sockets(sockets, n->gpu_count) : 1;
    out->sockets = many ? many : 1;
    out->pairs = pairs && !strcmp(pairs, "yes") && has_pairs(n->gpu_count, out->sockets);
    copy_word(o, "rack", out->rack);
    copy_word(o, "pod", out->pod);
    cJSON_Delete(o);
}

int node_topology_check(const char *labels, int gpus, struct err *e)
{
    cJSON *o = json_parse(labels, strlen(labels), 0, NULL);
    const char *sockets = get(o, "sockets"), *pairs = get(o, "pairs");
    int many = sockets ? read_sockets(sockets, gpus) : 1, rc = 0;
    if (!many)
        rc = err_set(e, ERR_INVALID_PARAMETERS,
                     "Label sockets must be a number that divides the node's %d GPUs into groups of equal size.", gpus);
    else if (pairs && strcmp(pairs, "no") != 0 && (strcmp(pairs, "yes") != 0 || !has_pairs(gpus, many)))
        rc = err_set(e, ERR_INVALID_PARAMETERS,
                     "Label pairs must be \"yes\" or \"no\"; \"yes\" needs an even number of GPUs in each socket.");
    else if (check_word(o, "rack", e) || check_word(o, "pod", e))
        rc = -1;
    cJSON_Delete(o);
    return rc;
}

void node_topology_write(const struct node_topology *t, struct node *n)
{
    struct buf text;
    struct json_out j;
    char sockets[12];
    buf_init(&text, NODE_LABELS_MAX);
    json_out_init(&j, &text);
    json_out_object(&j);
    snprintf(sockets, sizeof sockets, "%d", t->sockets);
    json_out_kstring(&j, "sockets", sockets);
    json_out_kstring(&j, "pairs", t->pairs ? "yes" : "no");
    if (t->rack[0])
        json_out_kstring(&j, "rack", t->rack);
    if (t->pod[0])
        json_out_kstring(&j, "pod", t->pod);
    json_out_object_end(&j);
    snprintf(n->labels, sizeof n->labels, "%s", text.bad ? "" : buf_str(&text));
    buf_fini(&text);
}
