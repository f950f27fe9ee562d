/* SPDX-License-Identifier: MIT
 *
 * Images (ours): what jobs may run in on the local engine's node, and for admins putting them in and out.
 */
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "server/api/api.h"
#include "server/image_import.h"

/* The {image} of the path as a URI: it may be written as its folder is, with "+" for "/" and "=" for ":". NULL on out
 * of memory. */
static const char *image_param(struct request *r)
{
    char *uri = arena_strdup(request_arena(r), request_param(r, "image"));
    for (char *c = uri; c && *c; c++)
        *c = *c == '+' ? '/' : *c == '=' ? ':' : *c;
    return uri;
}

/* ---- reading ---- */

static void write_image(struct json_out *j, const struct image *i)
{
    json_out_object(j);
    json_out_kstring(j, "uri", i->uri);
    json_out_kstring(j, "state", "ready");
    json_out_kint(j, "bytes", i->bytes);
    json_out_kint(j, "entries", i->entries);
    json_out_ktime(j, "createdTime", i->created_ms);
    json_out_kstring(j, "problem", NULL);
    json_out_object_end(j);
}

static void write_import(struct json_out *j, const struct image_import *i)
{
    json_out_object(j);
    json_out_kstring(j, "uri", i->uri);
    json_out_kstring(j, "state", i->failed ? "failed" : "importing");
    json_out_kint(j, "bytes", 0);
    json_out_kint(j, "entries", 0);
    json_out_ktime(j, "createdTime", i->begun_ms);
    json_out_kstring(j, "problem", i->failed ? i->problem : NULL);
    json_out_object_end(j);
}

/* The import of that URI that is under way or has failed, or NULL. */
static const struct image_import *find_import(const struct image_import *list, int count, const char *uri)
{
    for (int i = 0; i < count; i++)
        if (strcmp(list[i].uri, uri) == 0)
            return &list[i];
    return NULL;
}

/* An image whose import is under way is not ready, though its folder be there already: whoever reads "ready" may begin
 * the next import. */
static bool is_ready(const struct image_import *import)
{
    return !import || import->failed;
}

static bool listed(const struct image *list, size_t count, const char *uri)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].uri, uri) == 0)
            return true;
    return false;
}

int api_images(struct request *r, void *context, struct err *e)
{
    const struct api *a = context;
    struct image_import imports[IMAGE_IMPORTS_KEPT];
    struct image *images;
    size_t count;
    /* In this order an import that ends meanwhile is seen in both, and told once, rather than not at all. */
    int import_count = image_importer_get(a->images, imports);
    if (images_list(a->data_dir, request_arena(r), &images, &count, e))
        return -1;
    struct api_json out;
    struct json_out *j = api_json_begin(&out);
    json_out_array(j);
    for (size_t i = 0; i < count; i++)
        if (is_ready(find_import(imports, import_count, images[i].uri)))
            write_image(j, &images[i]);
    for (int i = 0; i < import_count; i++)
        if (!imports[i].failed || !listed(images, count, imports[i].uri))
            write_import(j, &imports[i]);
    json_out_array_end(j);
    api_json_send(&out, r, 200);
    return 0;
}

int api_image(struct request *r, void *context, struct err *e)
{
    const struct api *a = context;
    const char *uri = image_param(r);
    struct image_import imports[IMAGE_IMPORTS_KEPT];
    int count = image_importer_get(a->images, imports);
    struct image image;
    if (!uri)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    bool there = images_get(a->data_dir, uri, request_arena(r), &image, e) == 0;
    const struct image_import *import = find_import(imports, count, uri);
    if (!there && !import)
        return -1;
    struct api_json out;
    struct json_out *j = api_json_begin(&out);
    if (there && is_ready(import))
        write_image(j, &image);
    else
        write_import(j, import);
    api_json_send(&out, r, 200);
    return 0;
}

/* ---- writing ---- */

/* Begins the import that the body asks for. 0 or -1. */
static int begin(struct api *a, struct request *r, const cJSON *o, struct err *e)
{
    static const char *const only[] = {"uri", "source", "ref", NULL};
    const char *uri = NULL, *source = NULL, *ref = NULL;
    struct image image;
    if (json_only_keys(o, only, e) || json_get_string(o, "uri", &uri, e) || json_get_string(o, "source", &source, e) ||
        json_get_string(o, "ref", &ref, e))
        return -1;
    if (!uri || !source)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"uri\" and \"source\" are required.");
    if (*source != '/')
        return err_set(e, ERR_INVALID_PARAMETERS, "\"source\" must be an absolute path on the server.");
    if (images_get(a->data_dir, uri, request_arena(r), &image, NULL) == 0)
        return err_set(e, ERR_CONFLICT_IMAGE, "There is an image %s; remove it first.", uri);
    return image_importer_begin(a->images, uri, source, ref, e);
}

int api_image_add(struct request *r, void *context, struct err *e)
{
    cJSON *o = api_body_object(r, e);
    int rc = o ? begin(context, r, o, e) : -1;
    cJSON_Delete(o);
    if (rc)
        return -1;
    api_send_message(r, 202, "The image is being imported.");
    return 0;
}

int api_image_remove(struct request *r, void *context, struct err *e)
{
    const struct api *a = context;
    const char *uri = image_param(r);
    if (!uri)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    if (images_remove(a->data_dir, uri, e))
        return -1;
    image_importer_sweep(a->images);
    api_send_message(r, 200, "Image is removed successfully.");
    return 0;
}
