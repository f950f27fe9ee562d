/* SPDX-License-Identifier: MIT
 *
 * Team storages: folders that groups share. Where the data is (a path, an NFS server, a bucket ...) is told to people
 * and programs; tasks find it where the nodes have it mounted (host_path). Drover mounts no file system itself, so it
 * keeps no credentials. Which groups may use a storage stands with the groups.
 */
#ifndef DROVER_INVENTORY_STORAGE_H
#define DROVER_INVENTORY_STORAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"

struct err;

enum storage_kind { STORAGE_LOCAL, STORAGE_NFS, STORAGE_SMB, STORAGE_S3, STORAGE_HDFS, STORAGE_KIND_COUNT };

#define STORAGE_NAME_MAX 64
#define STORAGE_PATH_MAX 1023

/* A row of table storage. Strings are borrowed. */
struct storage {
    const char *name;
    enum storage_kind kind;
    const char *data;      /* JSON object: what storage_read_data lets pass for the kind */
    const char *host_path; /* absolute, on every node; "" = the nodes have not mounted it */
    bool share;            /* all see one folder; else each user the folder of that user's name in it */
    bool read_only;
    int64_t created_ms;
};

/* "local", "nfs", "smb", "s3", "hdfs"; and back, STORAGE_KIND_COUNT for an unknown word. */
const char *storage_kind_name(enum storage_kind kind);
enum storage_kind storage_kind_parse(const char *name);
/* OpenPAI's word for it: "nfs", "samba" or "other". */
const char *storage_kind_wire(enum storage_kind kind);

/* 1 to 64 letters, digits, '_', '-' and '.', not a dot first. 0, or -1 with ERR_INVALID_PARAMETERS. */
int storage_check_name(const char *name, struct err *e);
/* An absolute path without "." and ".." and empty parts, not "/", at most 1,023 bytes. */
bool storage_path_ok(const char *path);
/* Checks the members that say where data of a kind is. 0, or -1 with ERR_INVALID_PARAMETERS. */
int storage_check_data(enum storage_kind kind, const cJSON *data, struct err *e);

#endif
