/* SPDX-License-Identifier: MIT
 *
 * Errors: one table from code to wire name, HTTP status and default title. Every function that can fail returns 0 or
 * -1 (or a pointer or NULL) and takes a trailing `struct err *` (docs/STYLE.md, Errors).
 */
#ifndef DROVER_BASE_ERR_H
#define DROVER_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>

/* Wire names are OpenPAI's where it has one (docs/COMPAT.md). Keep in step with the table in err.c. */
enum err_code {
    ERR_NONE = 0,
    ERR_INVALID_PARAMETERS, /* 400 InvalidParametersError */
    ERR_INVALID_PROTOCOL,   /* 400 InvalidProtocolError: the job's YAML */
    ERR_INCORRECT_PASSWORD, /* 400 IncorrectPasswordError, also for an unknown user */
    ERR_NO_VC_BAD,          /* 400 NoVirtualClusterError: named in a request body */
    ERR_NOT_IMPLEMENTED,    /* 400 NotImplementedError */
    ERR_BAD_REQUEST,        /* 400 BadRequestError: framing, refused by the guard */
    ERR_UNAUTHORIZED,       /* 401 UnauthorizedUserError */
    ERR_FORBIDDEN,          /* 403 ForbiddenUserError */
    ERR_REMOVE_ADMIN,       /* 403 RemoveAdminError */
    ERR_NO_API,             /* 404 NoApiError */
    ERR_NO_JOB,             /* 404 NoJobError */
    ERR_NO_JOB_CONFIG,      /* 404 NoJobConfigError */
    ERR_NO_JOB_SSH,         /* 404 NoJobSshInfoError */
    ERR_NO_TASK_LOG,        /* 404 NoTaskLogError */
    ERR_NO_FILE,            /* 404 NoFileError: of a task (ours) */
    ERR_NO_TAG,             /* 404 NoTagError */
    ERR_NO_USER,            /* 404 NoUserError */
    ERR_NO_GROUP,           /* 404 NoGroupError */
    ERR_NO_VC,              /* 404 NoVirtualClusterError: named in a path */
    ERR_NO_STORAGE,         /* 404 NoStorageError */
    ERR_NO_IMPORT,          /* 404 NoImportError */
    ERR_NO_NODE,            /* 404 NoNodeError */
    ERR_NO_TEMPLATE,        /* 404 NoTemplateError */
    ERR_NO_SSH_KEY,         /* 404 NoSshKeyError (ours) */
    ERR_NO_IMAGE,           /* 404 NoImageError (ours) */
    ERR_NO_MAINTENANCE,     /* 404 NoMaintenanceError: window (ours) */
    ERR_NO_LEASE,           /* 404 NoReservationError: of a job (ours) */
    ERR_NO_APP,             /* 404 NoAppError: of a job, or the job has ended (ours) */
    ERR_NO_WEBHOOK,         /* 404 NoWebhookError (ours) */
    ERR_NO_SILENCE,         /* 404 NoSilenceError: of alerts (ours) */
    ERR_METHOD,             /* 405 MethodNotAllowedError */
    ERR_TIMEOUT,            /* 408 RequestTimeoutError */
    ERR_CONFLICT_JOB,       /* 409 ConflictJobError */
    ERR_CONFLICT_USER,      /* 409 ConflictUserError */
    ERR_CONFLICT_GROUP,     /* 409 ConflictGroupError */
    ERR_CONFLICT_VC,        /* 409 ConflictVcError */
    ERR_CONFLICT_TEMPLATE,  /* 409 ConflictTemplateError */
    ERR_CONFLICT_IMAGE,     /* 409 ConflictImageError (ours) */
    ERR_CONFLICT_WINDOW,    /* 409 ConflictMaintenanceError: maintenance (ours) */
    ERR_CONFLICT_LEASE,     /* 409 ConflictReservationError (ours) */
    ERR_TOO_LARGE,          /* 413 PayloadTooLargeError */
    ERR_URI_TOO_LONG,       /* 414 UriTooLongError */
    ERR_MEDIA_TYPE,         /* 415 UnsupportedMediaTypeError */
    ERR_RANGE,              /* 416 RangeNotSatisfiableError */
    ERR_KEY_REUSED,         /* 422 IdempotencyKeyReusedError: the key came with another request before */
    ERR_TOO_MANY,           /* 429 TooManyRequestsError */
    ERR_HEADERS_TOO_LARGE,  /* 431 HeaderFieldsTooLargeError */
    ERR_DAMAGED_LOG,        /* 500 DamagedLogError (ours): its packed file was changed or cut */
    ERR_INTERNAL,           /* 500 UnknownError */
    ERR_BAD_GATEWAY,        /* 502 BadGatewayError: a job's app does not answer, or not well (ours) */
    ERR_BUSY,               /* 503 ServiceBusyError: queue full, commit failed, shutting down */
    ERR_NO_SPACE,           /* 507 InsufficientStorageError */
    ERR_COUNT
};

/* One error. Zero-initialise (`struct err e = {0}`); `code == ERR_NONE` means none. Plain data, freely copied. */
struct err {
    enum err_code code;
    int line;          /* 1-based place in the offending text; 0 = not known */
    int column;        /* 1-based */
    char pointer[128]; /* JSON pointer into the offending document, or "" */
    char text[512];    /* one or two sentences for people; UTF-8, no secret */
};

/* Wire name ("NoJobError"), never NULL; HTTP status (200 for ERR_NONE); the code in words, RFC 9457's `title`. */
const char *err_name(enum err_code code);
int err_status(enum err_code code);
const char *err_title(enum err_code code);

/* Sets code and printf-formatted text, clears the place. `e` may be NULL. Always returns -1, so that a caller can
 * `return err_set(...)`. Text longer than the field is cut at a UTF-8 boundary. */
int err_set(struct err *e, enum err_code code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Adds the place in the offending text (1-based), the JSON pointer, to an error that was set. `e` may be NULL: -1. */
int err_at(struct err *e, int line, int column);
int err_pointer(struct err *e, const char *pointer);

/* Puts a printf-formatted prefix and ": " before the text, keeping code and place. `e` may be NULL. Returns -1. */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* As err_set with ERR_INTERNAL, and ": " and strerror(errnum) behind it. ENOSPC and EDQUOT become ERR_NO_SPACE. */
int err_errno(struct err *e, int errnum, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
