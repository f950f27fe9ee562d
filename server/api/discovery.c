/* SPDX-License-Identifier: MIT
 *
 * GET /discovery/nodes: the nodes as Prometheus's HTTP service discovery wants them, for exporters that run on each.
 * Nodes that are down are told of, too: whoever watches them is to see that. What starts with __meta_ is for
 * relabelling and kept out of series by Prometheus itself.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "scheduler/cluster.h"
#include "server/api/api.h"
#include "server/snapshot.h"

enum { PORT_USUAL = 9100 /* node_exporter's */, PORT_MAX = 65535, LABEL_SIZE = 96 };

/* The name of a label for a label of ours, whose names may have more characters. */
static void label_name(const char *of, char out[LABEL_SIZE])
{
    snprintf(out, LABEL_SIZE, "__meta_drover_node_label_%s", of);
    for (char *p = out; *p; p++)
        if (!isalnum((unsigned char)*p))
            *p = '_';
}

/* Whether one before it becomes the same name: then the first counts. */
static bool is_second(const cJSON *labels, const cJSON *label)
{
    char name[LABEL_SIZE], other[LABEL_SIZE];
    label_name(label->string, name);
    for (const cJSON *l = labels->child; l != label; l = l->next) {
        label_name(l->string, other);
        if (!strcmp(name, other))
            return true;
    }
    return false;
}

static void write_labels(struct json_out *j, const struct node *n)
{
    cJSON *labels = n->labels[0] ? json_parse(n->labels, strlen(n->labels), 0, NULL) : NULL;
    for (const cJSON *l = labels ? labels->child : NULL; l; l = l->next) {
        char name[LABEL_SIZE];
        label_name(l->string, name);
        if (cJSON_IsString(l) && !is_second(labels, l))
            json_out_kstring(j, name, l->valuestring);
    }
    cJSON_Delete(labels);
}

static void write_node(struct json_out *j, const struct node *n, int64_t port)
{
    const bool v6 = strchr(n->address, ':') != NULL;
    char text[NODE_NAME_MAX + sizeof n->address + 16];
    snprintf(text, sizeof text, "%s%s%s:%lld", v6 ? "[" : "", n->address[0] ? n->address : n->name, v6 ? "]" : "",
             (long long)port);
    json_out_object(j);
    json_out_key(j, "targets");
    json_out_array(j);
    json_out_string(j, text);
    json_out_array_end(j);
    json_out_key(j, "labels");
    json_out_object(j);
    json_out_kstring(j, "node", n->name);
    json_out_kstring(j, "__meta_drover_node_state", node_word(n));
    json_out_kstring(j, "__meta_drover_node_gpu_model", n->gpu_count ? n->gpus[0].model : "");
    snprintf(text, sizeof text, "%d", n->gpu_count);
    json_out_kstring(j, "__meta_drover_node_gpus", text);
    write_labels(j, n);
    json_out_object_end(j);
    json_out_object_end(j);
}

int api_discovery(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    int64_t range[2] = {1, PORT_MAX}, port = PORT_USUAL;
    if (request_query_int(r, "port", range, &port, e))
        return -1;
    struct snapshot *s = api_snapshot(a, e);
    if (!s)
        return -1;
    struct api_json out;
    struct json_out *j = api_json_begin(&out);
    json_out_array(j);
    for (size_t i = 0; i < cluster_count(s->cluster); i++)
        write_node(j, &cluster_at(s->cluster, (int)i)->info, port);
    json_out_array_end(j);
    snapshots_put(a->snapshots, s);
    api_json_send(&out, r, 200);
    return 0;
}
