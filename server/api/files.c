/* SPDX-License-Identifier: MIT
 *
 * What a task attempt left in its working folder: folder by folder, and each file's bytes. Rights are those of logs.
 */

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "engines/local/outputs.h"
#include "server/api/api.h"
#include "server/api/job_view.h"
#include "server/http/tail.h"

static const char *const types[] = {[OUTPUTS_FILE] = "file", [OUTPUTS_FOLDER] = "folder", [OUTPUTS_OTHER] = "other"};

int api_file_list(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    struct task_attempt_row row;
    struct outputs_list list = {.arena = request_arena(r)};
    const char *path;
    if (request_query(r, "path", &path, e) || job_view_task_attempt(a, r, &row, ERR_NO_FILE, e))
        return -1;
    path = path ? path : "";
    if (outputs_read_folder(a->data_dir, row.id, path, &list, e))
        return -1;
    struct api_json out;
    struct json_out *j = api_json_begin(&out);
    json_out_object(j);
    json_out_kstring(j, "path", path);
    json_out_key(j, "files");
    json_out_array(j);
    for (size_t i = 0; i < list.count; i++) {
        json_out_object(j);
        json_out_kstring(j, "name", list.entries[i].name);
        json_out_kstring(j, "type", types[list.entries[i].type]);
        json_out_kint(j, "size", list.entries[i].size);
        json_out_kint(j, "modifiedTime", list.entries[i].modified_ms);
        json_out_object_end(j);
    }
    json_out_array_end(j);
    json_out_kint(j, "hidden", (int64_t)list.hidden);
    json_out_kbool(j, "truncated", list.truncated);
    json_out_object_end(j);
    api_json_send(&out, r, 200);
    return 0;
}

int api_file_read(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    struct task_attempt_row row;
    struct tail_source src;
    const char *path;
    int64_t offset = 0, limit = -1;
    if (request_query(r, "path", &path, e) || request_query_int(r, "offset", (int64_t[]){0, INT64_MAX}, &offset, e) ||
        request_query_int(r, "limit", (int64_t[]){0, INT64_MAX}, &limit, e) ||
        job_view_task_attempt(a, r, &row, ERR_NO_FILE, e))
        return -1;
    if (!path || !*path)
        return err_set(e, ERR_INVALID_PARAMETERS, "Give the file's path: ?path=model.bin");
    int fd = outputs_open(a->data_dir, row.id, path, e);
    if (fd < 0 || tail_open_file(&(struct tail_file){.fd = fd}, &src, e))
        return -1;
    /* Never shown by a browser as a page of ours, whatever is in it. */
    reply_header(r, "Content-Disposition", "attachment");
    struct tail_range range = {.offset = (uint64_t)offset, .limit = limit, .type = "application/octet-stream"};
    return tail_reply(a->tail, r, &src, &range, e);
}
