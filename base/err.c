/* SPDX-License-Identifier: MIT
 *
 * The error table and the few functions that fill a `struct err`. A code's wire name and HTTP status are decided here
 * and nowhere else.
 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct err_row {
    const char *name;
    int status;
    const char *title;
};

static const struct err_row err_table[ERR_COUNT] = {
    [ERR_NONE] = {"NoError", 200, "OK"},
    [ERR_INVALID_PARAMETERS] = {"InvalidParametersError", 400, "Invalid parameters"},
    [ERR_INVALID_PROTOCOL] = {"InvalidProtocolError", 400, "Invalid job protocol"},
    [ERR_INCORRECT_PASSWORD] = {"IncorrectPasswordError", 400, "Incorrect user name or password"},
    [ERR_NO_VC_BAD] = {"NoVirtualClusterError", 400, "Unknown virtual cluster"},
    [ERR_NOT_IMPLEMENTED] = {"NotImplementedError", 400, "Not implemented"},
    [ERR_BAD_REQUEST] = {"BadRequestError", 400, "Bad request"},
    [ERR_UNAUTHORIZED] = {"UnauthorizedUserError", 401, "Not logged in"},
    [ERR_FORBIDDEN] = {"ForbiddenUserError", 403, "Not allowed"},
    [ERR_REMOVE_ADMIN] = {"RemoveAdminError", 403, "An admin cannot be removed"},
    [ERR_NO_API] = {"NoApiError", 404, "No such API"},
    [ERR_NO_JOB] = {"NoJobError", 404, "No such job"},
    [ERR_NO_JOB_CONFIG] = {"NoJobConfigError", 404, "No such job configuration"},
    [ERR_NO_JOB_SSH] = {"NoJobSshInfoError", 404, "No SSH information"},
    [ERR_NO_TASK_LOG] = {"NoTaskLogError", 404, "No such task log"},
    [ERR_NO_FILE] = {"NoFileError", 404, "No such file"},
    [ERR_NO_TAG] = {"NoTagError", 404, "No such tag"},
    [ERR_NO_USER] = {"NoUserError", 404, "No such user"},
    [ERR_NO_GROUP] = {"NoGroupError", 404, "No such group"},
    [ERR_NO_VC] = {"NoVirtualClusterError", 404, "No such virtual cluster"},
    [ERR_NO_STORAGE] = {"NoStorageError", 404, "No such storage"},
    [ERR_NO_IMPORT] = {"NoImportError", 404, "No such import"},
    [ERR_NO_NODE] = {"NoNodeError", 404, "No such node"},
    [ERR_NO_IMAGE] = {"NoImageError", 404, "No such image"},
    [ERR_NO_MAINTENANCE] = {"NoMaintenanceError", 404, "No such maintenance window"},
    [ERR_NO_LEASE] = {"NoReservationError", 404, "No debug reservation"},
    [ERR_NO_WEBHOOK] = {"NoWebhookError", 404, "No such webhook"},
    [ERR_NO_SILENCE] = {"NoSilenceError", 404, "No such silence"},
    [ERR_NO_TEMPLATE] = {"NoTemplateError", 404, "No such template"},
    [ERR_NO_SSH_KEY] = {"NoSshKeyError", 404, "No such SSH key"},
    [ERR_NO_APP] = {"NoAppError", 404, "No such app"},
    [ERR_METHOD] = {"MethodNotAllowedError", 405, "Method not allowed"},
    [ERR_TIMEOUT] = {"RequestTimeoutError", 408, "Request timeout"},
    [ERR_CONFLICT_JOB] = {"ConflictJobError", 409, "Job conflict"},
    [ERR_CONFLICT_USER] = {"ConflictUserError", 409, "User conflict"},
    [ERR_CONFLICT_GROUP] = {"ConflictGroupError", 409, "Group conflict"},
    [ERR_CONFLICT_VC] = {"ConflictVcError", 409, "Virtual cluster conflict"},
    [ERR_CONFLICT_IMAGE] = {"ConflictImageError", 409, "Image conflict"},
    [ERR_CONFLICT_WINDOW] = {"ConflictMaintenanceError", 409, "Maintenance conflict"},
    [ERR_CONFLICT_LEASE] = {"ConflictReservationError", 409, "Debug reservation conflict"},
    [ERR_CONFLICT_TEMPLATE] = {"ConflictTemplateError", 409, "Template conflict"},
    [ERR_TOO_LARGE] = {"PayloadTooLargeError", 413, "Payload too large"},
    [ERR_URI_TOO_LONG] = {"UriTooLongError", 414, "URI too long"},
    [ERR_MEDIA_TYPE] = {"UnsupportedMediaTypeError", 415, "Unsupported media type"},
    [ERR_RANGE] = {"RangeNotSatisfiableError", 416, "Range not satisfiable"},
    [ERR_KEY_REUSED] = {"IdempotencyKeyReusedError", 422, "Idempotency key used for another request"},
    [ERR_TOO_MANY] = {"TooManyRequestsError", 429, "Too many requests"},
    [ERR_HEADERS_TOO_LARGE] = {"HeaderFieldsTooLargeError", 431, "Header fields too large"},
    [ERR_DAMAGED_LOG] = {"DamagedLogError", 500, "Damaged log"},
    [ERR_INTERNAL] = {"UnknownError", 500, "Internal error"},
    [ERR_BAD_GATEWAY] = {"BadGatewayError", 502, "No answer from the app"},
    [ERR_BUSY] = {"ServiceBusyError", 503, "Service busy"},
    [ERR_NO_SPACE] = {"InsufficientStorageError", 507, "Insufficient storage"},
};

static const struct err_row *err_row(enum err_code code)
{
    bool known = (unsigned)code < ERR_COUNT && err_table[code].name;
    return &err_table[known ? code : ERR_INTERNAL];
}

const char *err_name(enum err_code code)
{
    return err_row(code)->name;
}

int err_status(enum err_code code)
{
    return err_row(code)->status;
}

const char *err_title(enum err_code code)
{
    return err_row(code)->title;
}

/* Copies `src` into a field of `size` bytes, cut where no UTF-8 sequence is torn. */
static void err_copy(char *dst, size_t size, const char *src)
{
    size_t n = strlen(src);
    if (n >= size) {
        n = size - 1;
        while (n > 0 && ((unsigned char)src[n] & 0xc0u) == 0x80u)
            n--;
    }
    memmove(dst, src, n);
    dst[n] = '\0';
}

/* Twice the field, so that the cut is made by err_copy at a boundary and not by vsnprintf inside a sequence. */
#define ERR_SCRATCH (2 * sizeof(((struct err *)0)->text))

int err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
    char scratch[ERR_SCRATCH];
    va_list ap;
    if (!e)
        return -1;
    va_start(ap, fmt);
    if (vsnprintf(scratch, sizeof(scratch), fmt, ap) < 0)
        scratch[0] = '\0';
    va_end(ap);
    memset(e, 0, sizeof(*e));
    e->code = code;
    err_copy(e->text, sizeof(e->text), scratch);
    return -1;
}

int err_at(struct err *e, int line, int column)
{
    if (e) {
        e->line = line;
        e->column = column;
    }
    return -1;
}

int err_pointer(struct err *e, const char *pointer)
{
    if (e)
        err_copy(e->pointer, sizeof(e->pointer), pointer ? pointer : "");
    return -1;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
    char scratch[ERR_SCRATCH];
    va_list ap;
    int n;

    if (!e)
        return -1;
    va_start(ap, fmt);
    n = vsnprintf(scratch, sizeof(scratch), fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof(scratch))
        return -1;
    (void)snprintf(scratch + n, sizeof(scratch) - (size_t)n, ": %s", e->text);
    err_copy(e->text, sizeof(e->text), scratch);
    return -1;
}

int err_errno(struct err *e, int errnum, const char *fmt, ...)
{
    char scratch[ERR_SCRATCH], reason[128];
    va_list ap;

    if (!e)
        return -1;
    va_start(ap, fmt);
    if (vsnprintf(scratch, sizeof(scratch), fmt, ap) < 0)
        scratch[0] = '\0';
    va_end(ap);
    return err_set(e, errnum == ENOSPC || errnum == EDQUOT ? ERR_NO_SPACE : ERR_INTERNAL, "%s: %s", scratch,
                   strerror_r(errnum, reason, sizeof(reason)));
}
