/* SPDX-License-Identifier: MIT
 *
 * Changes of the recording: quotas of virtual clusters, states of nodes.
 */
#include "tui/demo/demo_change.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"

#define CHANGE_VCS "/api/v2/virtual-clusters"
#define CHANGE_NODES "/api/v2/nodes"

static cJSON *get(const cJSON *o, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(o, key);
}

static double number(const cJSON *o, const char *key)
{
    const cJSON *n = get(o, key);

    return cJSON_IsNumber(n) ? n->valuedouble : 0;
}

static void set_number(cJSON *o, const char *key, double value)
{
    cJSON_DeleteItemFromObjectCaseSensitive(o, key);
    (void)cJSON_AddNumberToObject(o, key, value);
}

/* GPUs of a guarantee; a node of the demo has eight. */
static double promised(const cJSON *list)
{
    const cJSON *g;
    double sum = 0;

    cJSON_ArrayForEach(g, list) sum += number(g, "gpus") + 8 * number(g, "nodes");
    return sum;
}

static int check_skus(const cJSON *list, struct err *e)
{
    const cJSON *g;

    cJSON_ArrayForEach(g, list)
    {
        const char *sku = cJSON_GetStringValue(get(g, "sku"));

        if (!sku || strcmp(sku, "a100") != 0)
            return err_set(e, ERR_INVALID_PARAMETERS, "There is no SKU \"%.60s\"; the nodes have: a100.",
                           sku ? sku : "");
    }
    return 0;
}

/* What is left for "default" of the 64 GPUs, when the guarantees at the top are taken off. */
static double left_over(const cJSON *vcs)
{
    const cJSON *vc;
    double left = 64;

    cJSON_ArrayForEach(vc, vcs)
    {
        const char *parent = cJSON_GetStringValue(get(vc, "parent"));

        if (parent && !*parent)
            left -= promised(get(vc, "guarantee"));
    }
    return left;
}

static void count(cJSON *vc, double guaranteed)
{
    cJSON *gpus = get(vc, "gpus");
    double held = number(gpus, "used") + number(gpus, "borrowed");

    set_number(gpus, "guaranteed", guaranteed);
    set_number(gpus, "used", held < guaranteed ? held : guaranteed);
    set_number(gpus, "borrowed", held > guaranteed ? held - guaranteed : 0);
    set_number(gpus, "free", held < guaranteed ? guaranteed - held : 0);
}

static int change_vc(cJSON *vcs, const char *name, const cJSON *body, struct err *e)
{
    cJSON *vc = get(vcs, name);
    const cJSON *list = get(body, "guarantee");
    double more = list && vc ? promised(list) - promised(get(vc, "guarantee")) : 0;
    const char *parent = cJSON_GetStringValue(get(vc, "parent"));

    if (!vc)
        return err_set(e, ERR_NO_VC, "Virtual cluster %.60s is not found.", name);
    if (list && check_skus(list, e))
        return -1;
    if (list && parent && !*parent && more > left_over(vcs))
        return err_set(e, ERR_CONFLICT_VC, "The guarantees need %.0f GPUs more of a100 than the %.0f that are left.",
                       more - left_over(vcs), left_over(vcs));
    for (const cJSON *m = body->child; m; m = m->next) {
        cJSON_DeleteItemFromObjectCaseSensitive(vc, m->string);
        (void)cJSON_AddItemToObject(vc, m->string, cJSON_Duplicate(m, true));
    }
    if (list) {
        count(vc, promised(list));
        count(get(vcs, "default"), left_over(vcs));
    }
    return 0;
}

static void set_state(cJSON *list, const char *name, const char *state)
{
    cJSON *node;

    cJSON_ArrayForEach(node, list)
    {
        if (!strcmp(name, cJSON_GetStringValue(get(node, "name"))))
            (void)cJSON_ReplaceItemInObjectCaseSensitive(node, "state", cJSON_CreateString(state));
    }
}

static int change_node(cJSON *data, const char *name, const cJSON *body, struct err *e)
{
    static const char *const words[][2] = {{"cordon", "cordoned"}, {"drain", "draining"}, {"uncordon", "up"}};
    const char *value = cJSON_GetStringValue(get(body, "value"));

    for (size_t i = 0; value && i < sizeof words / sizeof *words; i++) {
        if (strcmp(value, words[i][0]) != 0)
            continue;
        set_state(get(data, "nodes"), name, words[i][1]);
        set_state(get(get(get(data, "replies"), "GET /api/v2/gpus"), "nodes"), name, words[i][1]);
        return 0;
    }
    return err_set(e, ERR_INVALID_PARAMETERS, "\"value\" must be cordon, drain or uncordon.");
}

int demo_change(cJSON *data, const char *path, const cJSON *body, struct err *e)
{
    const char *end = strrchr(path, '/');
    char name[256] = "";

    if (!strncmp(path, CHANGE_VCS "/", sizeof CHANGE_VCS))
        return change_vc(get(get(data, "replies"), "GET " CHANGE_VCS), path + sizeof CHANGE_VCS, body, e);
    if (!strncmp(path, CHANGE_NODES "/", sizeof CHANGE_NODES) && end && !strcmp(end, "/state") &&
        (size_t)(end - path) < sizeof name + sizeof CHANGE_NODES) {
        snprintf(name, sizeof name, "%.*s", (int)((size_t)(end - path) - sizeof CHANGE_NODES),
                 path + sizeof CHANGE_NODES);
        return change_node(data, name, body, e);
    }
    return err_set(e, ERR_NO_API, "The demo has no recording of this.");
}
