/* SPDX-License-Identifier: MIT
 *
 * The storages that a job mounts: extras.storages, or the deprecated plugin teamwise_storage.
 */
#ifndef DROVER_JOBS_SPEC_STORAGES_H
#define DROVER_JOBS_SPEC_STORAGES_H

struct spec_build;

/* Fills b->spec's storages from the checked extras. An empty list asks for the user's defaults. 0, or -1 with the
 * place. */
int spec_storages_read(struct spec_build *b);

#endif
