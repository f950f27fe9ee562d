/* SPDX-License-Identifier: MIT
 *
 * Figures of this process and its machine, for metrics and alerts. Any thread.
 */
#ifndef DROVER_SERVER_SELF_H
#define DROVER_SERVER_SELF_H

#include <stdint.h>

/* Size of a file of the data folder; one that is not there has none. */
int64_t self_file_bytes(const char *data_dir, const char *name);
/* Resident memory; 0 = not known. */
int64_t self_resident_bytes(void);
/* Open descriptors, and how many may be open (0 = not known). */
int self_descriptors(void);
int64_t self_descriptors_max(void);

/* Percent of the file system below a folder that an unprivileged process may still fill; -1 = not known. */
int self_disk_free(const char *dir);
/* Percent of the machine's memory that is in use; -1 = not known. */
int self_memory_used(void);
/* Percent of the machine's CPU time since the look before that was not idle; -1 = not known, or the first look. Zeroed
 * before that. */
struct self_cpu {
    uint64_t all, idle;
};
int self_cpu_used(struct self_cpu *c);

#endif
