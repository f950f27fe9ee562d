/* SPDX-License-Identifier: MIT
 *
 * A layout is a tree of blobs by digest:
 *
 *   index.json -> [index ->] manifest -> configuration (architecture, environment)
 *                                     -> layers, lowest first
 */
#include "engines/local/image_oci.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/json.h"

#if defined(__x86_64__)
#define OCI_MACHINE "amd64"
#elif defined(__aarch64__)
#define OCI_MACHINE "arm64"
#else
#define OCI_MACHINE "unknown"
#endif

#define OCI_REF "org.opencontainers.image.ref.name"

enum { OCI_HEX = DIGEST_SIZE - 1, OCI_NESTED_MAX = 3 };

/* ---- blobs ---- */

/* The blob that a descriptor (an object with digest and size) names, open at its start. -1 with the error. */
static int oci_blob(int layout, const cJSON *descriptor, struct err *e)
{
    const char *digest = NULL;
    char path[128], hex[DIGEST_SIZE];
    struct stat st;
    int fd;

    if (json_get_string(descriptor, "digest", &digest, e))
        return -1;
    if (!digest || strncmp(digest, "sha256:", 7) != 0 || strlen(digest + 7) != OCI_HEX ||
        strspn(digest + 7, "0123456789abcdef") != OCI_HEX)
        return err_set(e, ERR_INVALID_PARAMETERS, "The layout names a blob without a sha256 digest.");
    (void)snprintf(path, sizeof(path), "blobs/sha256/%s", digest + 7);
    fd = fs_open_beneath(layout, path, O_RDONLY);
    if (fd < 0)
        return err_set(e, ERR_INVALID_PARAMETERS, "The layout lacks the blob %s: %s.", digest, strerrordesc_np(errno));
    if (fstat(fd, &st) || !S_ISREG(st.st_mode))
        (void)err_set(e, ERR_INVALID_PARAMETERS, "The layout's blob %s is no file.", digest);
    else if (digest_file(fd, hex, NULL) == 0 && strcmp(hex, digest + 7) == 0)
        return fd;
    else
        (void)err_set(e, ERR_INVALID_PARAMETERS, "The layout's blob %s is damaged: its digest is another.", digest);
    (void)close(fd);
    return -1;
}

static cJSON *oci_json(int fd, const char *what, struct err *e)
{
    struct buf text;
    cJSON *o = NULL;
    char chunk[4096];
    ssize_t n = -1;

    buf_init(&text, IMAGE_OCI_JSON_MAX);
    while (fd >= 0 && !text.bad && (n = read(fd, chunk, sizeof(chunk))) > 0)
        (void)buf_add(&text, chunk, (size_t)n);
    if (text.bad)
        (void)err_set(e, ERR_TOO_LARGE, "The layout's %s is larger than %u MiB.", what, IMAGE_OCI_JSON_MAX >> 20);
    else if (n == 0)
        o = json_parse(buf_str(&text), text.len, IMAGE_OCI_JSON_MAX, e);
    else
        (void)err_errno(e, errno, "cannot read the layout's %s", what);
    if (!o && n == 0 && !text.bad)
        (void)err_wrap(e, "the layout's %s", what);
    buf_fini(&text);
    if (fd >= 0)
        (void)close(fd);
    return o;
}

/* ---- which image ---- */

/* Whether a manifest of an index is one for this machine, and the one that is asked for. */
static bool oci_fits(const cJSON *m, const char *ref)
{
    const cJSON *platform = cJSON_GetObjectItemCaseSensitive(m, "platform");
    const cJSON *notes = cJSON_GetObjectItemCaseSensitive(m, "annotations");
    const char *machine = NULL, *os = NULL, *name = NULL;

    (void)json_get_string(platform, "architecture", &machine, NULL);
    (void)json_get_string(platform, "os", &os, NULL);
    (void)json_get_string(notes, OCI_REF, &name, NULL);
    return (!machine || strcmp(machine, OCI_MACHINE) == 0) && (!os || strcmp(os, "linux") == 0) &&
           (!ref || (name && strcmp(name, ref) == 0));
}

static int oci_choose(const cJSON *index, const char *ref, const cJSON **out, struct err *e)
{
    const cJSON *m;
    int found = 0;

    cJSON_ArrayForEach(m, cJSON_GetObjectItemCaseSensitive(index, "manifests"))
    {
        if (cJSON_IsObject(m) && oci_fits(m, ref)) {
            *out = m;
            found++;
        }
    }
    if (found == 1)
        return 0;
    return err_set(e, ERR_INVALID_PARAMETERS,
                   found ? "The layout holds %d images for this machine (%s); say which one by its name (ref)."
                         : "The layout holds %d images of that name for this machine (%s).",
                   found, OCI_MACHINE);
}

/* The manifest of the image, by way of indexes in indexes. NULL with the error. */
static cJSON *oci_manifest(int layout, const char *ref, struct err *e)
{
    cJSON *o = oci_json(fs_open_beneath(layout, "index.json", O_RDONLY), "index.json", e);

    for (int depth = 0; o && !cJSON_GetObjectItemCaseSensitive(o, "layers"); depth++) {
        const cJSON *next = NULL;
        int fd = -1;

        if (depth == OCI_NESTED_MAX)
            (void)err_set(e, ERR_INVALID_PARAMETERS, "The layout's indexes lead to no manifest.");
        else if (oci_choose(o, depth == 0 ? ref : NULL, &next, e) == 0)
            fd = oci_blob(layout, next, e);
        cJSON_Delete(o);
        o = fd < 0 ? NULL : oci_json(fd, "manifest", e);
    }
    return o;
}

/* ---- what it asks for ---- */

static bool oci_is_variable(const char *s)
{
    const char *equals = strchr(s, '=');

    if (!equals || equals == s || strlen(s) > 4096)
        return false;
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 && *s != '\t' && *s != '\n')
            return false;
    return true;
}

static int oci_env(struct image_oci *o, const cJSON *config, struct err *e)
{
    const cJSON *entry;
    size_t n = 0;

    cJSON_ArrayForEach(entry,
                       cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(config, "config"), "Env"))
    {
        const char *text = cJSON_GetStringValue(entry);

        if (!text || !oci_is_variable(text) || n == IMAGE_OCI_ENV_MAX)
            return err_set(e, ERR_INVALID_PARAMETERS,
                           "The image's environment is no list of at most %u variables KEY=value.", IMAGE_OCI_ENV_MAX);
        o->env[n] = arena_strdup(o->arena, text);
        if (!o->env[n++])
            return err_set(e, ERR_INTERNAL, "Out of memory.");
    }
    return 0;
}

static int oci_config(int layout, const cJSON *manifest, struct image_oci *o, struct err *e)
{
    const cJSON *descriptor = cJSON_GetObjectItemCaseSensitive(manifest, "config");
    int fd = oci_blob(layout, descriptor, e);
    cJSON *config = fd < 0 ? NULL : oci_json(fd, "configuration", e);
    const char *machine = NULL;
    int rc = -1;

    if (!config)
        return -1;
    (void)json_get_string(config, "architecture", &machine, NULL);
    if (machine && *machine && strcmp(machine, OCI_MACHINE) != 0)
        (void)err_set(e, ERR_INVALID_PARAMETERS, "The image is for %.40s; this machine is %s.", machine, OCI_MACHINE);
    else
        rc = oci_env(o, config, e);
    cJSON_Delete(config);
    return rc;
}

/* ---- layers ---- */

static int oci_layers(int layout, int root, const cJSON *manifest, struct image_oci *o, struct err *e)
{
    const cJSON *layers = cJSON_GetObjectItemCaseSensitive(manifest, "layers"), *layer;
    int number = 0;

    if (!cJSON_IsArray(layers) || cJSON_GetArraySize(layers) > (int)IMAGE_OCI_LAYERS_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "The manifest has no list of at most %u layers.",
                       IMAGE_OCI_LAYERS_MAX);
    cJSON_ArrayForEach(layer, layers)
    {
        struct tarball_rules rules = o->rules;
        struct tarball found = {0};
        int fd = oci_blob(layout, layer, e);
        int rc;

        number++;
        if (fd < 0)
            return -1;
        rules.layer = true;
        rules.bytes -= o->found.bytes;
        rules.entries -= o->found.entries;
        rc = tarball_unpack(fd, root, &rules, &found, e);
        (void)close(fd);
        if (rc)
            return err_wrap(e, "layer %d", number);
        o->found.bytes += found.bytes;
        o->found.entries += found.entries;
    }
    return 0;
}

bool image_oci_is(int layout)
{
    struct stat st;

    return fstatat(layout, "oci-layout", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
           fstatat(layout, "index.json", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

int image_oci_unpack(int layout, int root, struct image_oci *o, struct err *e)
{
    cJSON *manifest = oci_manifest(layout, o->ref, e);
    int rc;

    if (!manifest)
        return -1;
    rc = oci_config(layout, manifest, o, e) || oci_layers(layout, root, manifest, o, e) ? -1 : 0;
    cJSON_Delete(manifest);
    return rc;
}
