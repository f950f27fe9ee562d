/* SPDX-License-Identifier: MIT
 *
 * Text frames through the JSON gate.
 */
#include "server/shell_frame.h"

#include <signal.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

static int read_resize(const cJSON *value, struct shell_frame *out, struct err *e)
{
    const cJSON *rows = cJSON_GetArrayItem(value, 0), *columns = cJSON_GetArrayItem(value, 1);
    out->kind = SHELL_FRAME_RESIZE;
    if (cJSON_IsArray(value) && cJSON_GetArraySize(value) == 2 && cJSON_IsNumber(rows) && cJSON_IsNumber(columns)) {
        out->rows = rows->valueint;
        out->columns = columns->valueint;
    }
    if (out->rows < 1 || out->rows > SHELL_SIDE_MAX || out->columns < 1 || out->columns > SHELL_SIDE_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "resize takes rows and columns, 1 to %d each.", SHELL_SIDE_MAX);
    return 0;
}

static int read_signal(const cJSON *value, struct shell_frame *out, struct err *e)
{
    static const int known[] = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT, SIGKILL,
                                SIGUSR1, SIGUSR2, SIGTSTP, SIGCONT, SIGWINCH};
    const char *name = cJSON_GetStringValue(value);
    out->kind = SHELL_FRAME_SIGNAL;
    for (size_t i = 0; name && i < sizeof known / sizeof *known; i++)
        if (!strcmp(name, sigabbrev_np(known[i])))
            out->signal = known[i];
    return out->signal ? 0 : err_set(e, ERR_INVALID_PARAMETERS, "signal takes a name as INT or TERM.");
}

int shell_frame_read(const char *text, size_t len, struct shell_frame *out, struct err *e)
{
    cJSON *object = json_parse(text, len, SHELL_FRAME_TEXT_MAX, e);
    const cJSON *member = object ? object->child : NULL;
    int rc = -1;
    *out = (struct shell_frame){0};
    if (!object)
        return -1;
    if (!cJSON_IsObject(object) || !member || member->next)
        err_set(e, ERR_INVALID_PARAMETERS, "A text frame is an object with one member.");
    else if (!strcmp(member->string, "resize"))
        rc = read_resize(member, out, e);
    else if (!strcmp(member->string, "signal"))
        rc = read_signal(member, out, e);
    else if (!strcmp(member->string, "eof") && cJSON_IsTrue(member)) {
        out->kind = SHELL_FRAME_EOF;
        rc = 0;
    } else
        err_set(e, ERR_INVALID_PARAMETERS, "A text frame has resize, signal or eof.");
    cJSON_Delete(object);
    return rc;
}

void shell_frame_write_exit(struct buf *out, int status)
{
    struct json_out j;
    json_out_init(&j, out);
    json_out_object(&j);
    json_out_kint(&j, "exit", status);
    json_out_object_end(&j);
}

void shell_frame_write_error(struct buf *out, const struct err *e)
{
    struct json_out j;
    json_out_init(&j, out);
    json_out_object(&j);
    json_out_key(&j, "error");
    json_out_object(&j);
    json_out_kstring(&j, "code", err_name(e->code));
    json_out_kstring(&j, "message", e->text);
    json_out_object_end(&j);
    json_out_object_end(&j);
}
