/* SPDX-License-Identifier: MIT
 *
 * The list of imports is short and copied under the lock; the import itself runs without it, on strings that change
 * only when none runs.
 */
#include "server/image_import.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/failpoint.h"
#include "base/log.h"

struct image_importer {
    const char *data;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct image_import list[IMAGE_IMPORTS_KEPT]; /* newest first; the first one may be under way */
    int count;
    bool busy, sweep;
    atomic_bool stop;
    char *source, *ref; /* of the import under way */
};

/* The list without what is known of that URI. */
static void forget(struct image_importer *x, const char *uri)
{
    int kept = 0;
    for (int i = 0; i < x->count; i++)
        if (strcmp(x->list[i].uri, uri) != 0)
            x->list[kept++] = x->list[i];
    x->count = kept;
}

/* Without the lock. */
static void run_import(struct image_importer *x, struct image_import *in)
{
    const struct images_order o = {
        .data = x->data, .uri = in->uri, .source = x->source, .ref = x->ref, .stop = &x->stop};
    struct err e = {0};
    if (images_import(&o, &e)) {
        in->failed = true;
        memcpy(in->problem, e.text, sizeof in->problem);
        log_warn("image_import_failed", "%s: %s", in->uri, e.text);
        return;
    }
    (void)FAILPOINT(IMAGE_IN_PLACE);
    log_info("image_imported", "%s from %s", in->uri, x->source);
}

static void *thread_main(void *ctx)
{
    struct image_importer *x = ctx;
    pthread_mutex_lock(&x->lock);
    while (!x->stop) {
        struct image_import now = x->list[0];
        bool sweep = x->sweep;
        if (!x->busy && !sweep) {
            pthread_cond_wait(&x->changed, &x->lock);
            continue;
        }
        x->sweep = false;
        pthread_mutex_unlock(&x->lock);
        if (sweep)
            images_sweep(x->data);
        else
            run_import(x, &now);
        pthread_mutex_lock(&x->lock);
        if (sweep)
            continue;
        x->busy = false;
        forget(x, now.uri);
        if (now.failed) {
            memmove(x->list + 1, x->list, sizeof x->list - sizeof x->list[0]);
            x->list[0] = now;
            x->count += x->count < IMAGE_IMPORTS_KEPT;
        }
    }
    pthread_mutex_unlock(&x->lock);
    return NULL;
}

struct image_importer *image_importer_create(const char *data, struct err *e)
{
    struct image_importer *x = calloc(1, sizeof *x);
    if (!x) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        return NULL;
    }
    x->data = data;
    x->sweep = true;
    pthread_mutex_init(&x->lock, NULL);
    pthread_cond_init(&x->changed, NULL);
    if (pthread_create(&x->thread, NULL, thread_main, x) == 0)
        return x;
    err_set(e, ERR_INTERNAL, "No thread for imports of images.");
    pthread_cond_destroy(&x->changed);
    pthread_mutex_destroy(&x->lock);
    free(x);
    return NULL;
}

void image_importer_destroy(struct image_importer *x)
{
    if (!x)
        return;
    pthread_mutex_lock(&x->lock);
    x->stop = true;
    pthread_cond_signal(&x->changed);
    pthread_mutex_unlock(&x->lock);
    pthread_join(x->thread, NULL);
    pthread_cond_destroy(&x->changed);
    pthread_mutex_destroy(&x->lock);
    free(x->source);
    free(x->ref);
    free(x);
}

/* With the lock. */
static int begin_locked(struct image_importer *x, const char *uri, const char *source, const char *ref, struct err *e)
{
    if (x->busy)
        return err_set(e, ERR_CONFLICT_IMAGE, "The image %s is being imported; one at a time.", x->list[0].uri);
    free(x->source);
    free(x->ref);
    x->source = strdup(source);
    x->ref = ref ? strdup(ref) : NULL;
    if (!x->source || (ref && !x->ref))
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    forget(x, uri);
    memmove(x->list + 1, x->list, sizeof x->list - sizeof x->list[0]);
    x->list[0] = (struct image_import){.begun_ms = clock_read().wall};
    memcpy(x->list[0].uri, uri, strlen(uri) + 1);
    x->count += x->count < IMAGE_IMPORTS_KEPT;
    x->busy = true;
    pthread_cond_signal(&x->changed);
    return 0;
}

int image_importer_begin(struct image_importer *x, const char *uri, const char *source, const char *ref, struct err *e)
{
    char name[NAME_MAX + 1];
    if (images_name(uri, name, e))
        return -1;
    pthread_mutex_lock(&x->lock);
    int rc = begin_locked(x, uri, source, ref, e);
    pthread_mutex_unlock(&x->lock);
    return rc;
}

void image_importer_sweep(struct image_importer *x)
{
    pthread_mutex_lock(&x->lock);
    x->sweep = true;
    pthread_cond_signal(&x->changed);
    pthread_mutex_unlock(&x->lock);
}

int image_importer_get(struct image_importer *x, struct image_import out[IMAGE_IMPORTS_KEPT])
{
    pthread_mutex_lock(&x->lock);
    int count = x->count;
    memcpy(out, x->list, (size_t)count * sizeof *out);
    pthread_mutex_unlock(&x->lock);
    return count;
}
