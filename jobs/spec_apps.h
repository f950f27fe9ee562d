/* SPDX-License-Identifier: MIT
 *
 * Web apps of a job: extras.drover.apps, and the runtime plugin `tensorboard`, which is one more, named so, in the
 * first task of the first role.
 */
#ifndef DROVER_JOBS_SPEC_APPS_H
#define DROVER_JOBS_SPEC_APPS_H

struct buf;
struct doc;
struct spec_build;
struct spec_field;

#define SPEC_APP_TENSORBOARD "tensorboard"
enum { SPEC_TENSORBOARD_IDLE_S = 1800, SPEC_TENSORBOARD_IDLE_MAX_S = 604800 };

/* An entry of the list extras.drover.apps. */
extern const struct spec_field spec_apps_entry;

/* Fills b->spec's apps; what they name must be there: roles come first. 0 or -1. */
int spec_apps_read(struct spec_build *b);
/* Appends what starts TensorBoard beside the commands of `role`; nothing where it is not asked for. */
void spec_apps_start(const struct spec_build *b, const struct doc *role, struct buf *out);

#endif
