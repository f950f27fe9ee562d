/* SPDX-License-Identifier: MIT
 *
 * The REST API's context and its handlers' common tools. routes.c is the table of contents; each other file holds the
 * handlers of one noun.
 */
#ifndef DROVER_SERVER_API_API_H
#define DROVER_SERVER_API_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/keys.h"
#include "base/buf.h"
#include "base/json.h"
#include "core/command.h"
#include "server/http/reply.h"
#include "server/http/request.h"
#include "server/http/route.h"

struct effect_reply;
struct hub;
struct identity;
struct jwt_cache;
struct login_throttle;
struct loop;
struct mail;
struct mailbox;
struct password_gate;
struct readers;
struct snapshots;
struct store;
struct tail;
struct throttle_lock;

/* What handlers work with: http_config.context. Set up by serve.c, constant while serving. */
struct api {
    struct readers *readers;
    struct mailbox *mailbox;
    struct snapshots *snapshots;
    struct hub *hub;
    struct tail *tail;
    struct loop *loop;
    struct password_gate *passwords; /* threads that hash */
    struct throttle_lock *throttle;  /* login_throttle behind a mutex: session.c */
    struct jwt_cache *tokens;        /* verified lately */
    const struct keys *keys;
    const char *data_dir;
    bool secure; /* cookies are for TLS */
};

/* The login throttle, behind a mutex. NULL on out of memory; NULL ok. */
struct throttle_lock *api_throttle_create(void);
void api_throttle_destroy(struct throttle_lock *t);

/* The route table. */
const struct route *api_routes(size_t *count);

/* The hook for http_config.authenticate. */
int api_authenticate(void *context, const struct request *r, struct identity *out, struct err *e);

/* Posts a command for a request and suspends it; `done` replies later. The mail is in the request's arena, with actor
 * filled in. 0, or -1 with `e` (then nothing was posted). */
struct mail *api_mail(struct request *r, enum command_kind kind,
                      void (*done)(struct mail *, const struct effect_reply *));
int api_post(struct api *a, struct request *r, struct mail *m, struct err *e);
/* A `done` that answers {"status":S,"message":M}, or the error. `m->ctx` is a struct api_message in the request's
 * arena. */
struct api_message {
    struct request *request;
    int status;
    const char *message;
};
void api_done_message(struct mail *m, const struct effect_reply *reply);
/* Sets m->ctx for api_done_message. 0 or -1. */
int api_message(struct mail *m, struct request *r, int status, const char *message);

/* A JSON reply under way: begin, write, then send or drop. */
struct api_json {
    struct buf buf;
    struct json_out out;
};
struct json_out *api_json_begin(struct api_json *x);
void api_json_send(struct api_json *x, struct request *r, int status);
void api_json_drop(struct api_json *x);

/* The body as a JSON object; NULL on error. The caller frees it with cJSON_Delete. */
cJSON *api_body_object(struct request *r, struct err *e);
/* The {job} of the path, "user~name" or a job's UUID, as it is. */
const char *api_job_param(const struct request *r);

/* Handlers, by file. */
route_handler_fn api_root, api_info, api_authn_info, api_healthz, api_readyz;                 /* info.c */
route_handler_fn api_login, api_logout, api_session_open, api_session_get, api_session_close; /* session.c */
route_handler_fn api_tokens_check;                                                            /* session.c */
route_handler_fn api_tokens_list, api_tokens_application, api_tokens_revoke;                  /* token.c */
route_handler_fn api_user_add, api_user_put, api_user_put_me, api_user_remove,
    api_user_put_password;                                                                     /* user_change.c */
route_handler_fn api_user_put_email, api_user_put_admin;                                       /* user_change.c */
route_handler_fn api_user_list, api_user_get;                                                  /* user.c */
route_handler_fn api_jobs_list;                                                                /* job_list.c */
route_handler_fn api_jobs_submit;                                                              /* submit.c */
route_handler_fn api_job_execution, api_job_tag_put, api_job_tag_drop;                         /* job_change.c */
route_handler_fn api_job_get, api_job_attempt, api_job_config, api_job_ssh, api_task_attempts; /* job_get.c */
route_handler_fn api_job_events;                                                               /* job_events.c */
route_handler_fn api_log_list, api_log_read;                                                   /* logs.c */
route_handler_fn api_stream;                                                                   /* stream.c */
route_handler_fn api_nodes, api_vcs, api_vc, api_sku_types;                                    /* cluster.c */

#endif
