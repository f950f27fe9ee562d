/* SPDX-License-Identifier: MIT
 *
 * The REST API's context and its handlers' common tools. routes.c is the table of contents; each other file holds the
 * handlers of one noun.
 */
#ifndef DROVER_SERVER_API_API_H
#define DROVER_SERVER_API_API_H

#include <stdatomic.h>
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

struct apps;
struct arena;
struct audit;
struct code;
struct effect_reply;
struct http_reply;
struct hub;
struct identity_cache;
struct loop;
struct mail;
struct mailbox;
struct mailer;
struct notifier;
struct openapi;
struct rate;
struct password_gate;
struct readers;
struct scalars;
struct snapshot;
struct snapshots;
struct store;
struct tail;
struct throttle_lock;

enum { LOG_LOOKS_MAX = 4 };

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
    struct identity_cache *identities;
    struct arena_pool *job_arenas; /* for submissions while they are read */
    struct audit *audit;
    struct rate *user_rate, *address_rate;
    const struct openapi *openapi; /* the API's description */
    const struct keys *keys;
    const char *data_dir;
    struct log_shelf *shelf;  /* for reading logs */
    struct code *code;        /* sent with jobs */
    int disk_max_mb;          /* what a task may take where it works; 0 = no limit */
    struct disk_quota *quota; /* what users keep on the node; NULL = no limit */
    struct image_importer *images;
    struct tally *tally;           /* jobs that started and ended */
    const struct gpu_watch *watch; /* the GPUs' samples; NULL: simulated ones, which have none */
    struct shells *shells;         /* server/shell.h */
    struct apps *apps;             /* server/apps.h */
    struct scalars *scalars;       /* out of event files */
    struct alerts *alerts;         /* server/alerts/alerts.h */
    struct remote_writer *remote;  /* NULL: samples are sent nowhere */
    struct mailer *mailer;         /* NULL: no mail */
    struct notifier *notifier;
    const char *public_url; /* of the portal, without a slash at its end; "" = not known */
    bool secure;            /* cookies are for TLS */
    atomic_int log_looks;   /* searches of logs and profiles of jobs under way, LOG_LOOKS_MAX at most */
};

/* The login throttle, behind a mutex. NULL on out of memory; NULL ok. */
struct throttle_lock *api_throttle_create(void);
void api_throttle_destroy(struct throttle_lock *t);
/* Before a user's password is tried: counts the attempt as a failure at once, so that parallel guesses count, too. 0,
 * or -1 with ERR_TOO_MANY and the header Retry-After. */
int api_throttle_enter(struct api *a, struct request *r, const char *user, struct err *e);
/* The password was right: takes the failure back. */
void api_throttle_succeed(struct api *a, const struct request *r, const char *user);

/* The route table. */
const struct route *api_routes(size_t *count);

/* The hook for http_config.authenticate. */
int api_authenticate(void *context, const struct request *r, struct identity *out, struct err *e);

/* The hook for http_config.limit: a bucket an address, and one a user. */
int api_limit(void *context, struct request *r, const struct identity *who, struct err *e);
/* The hook for http_config.observe: calls that were refused before the core saw them go into the audit log. */
void api_observe(void *context, struct request *r, const struct http_reply *reply);

/* Posts a command for a request and suspends it; `done` replies later. The mail is in the request's arena, with actor
 * filled in. 0, or -1 with `e` (then nothing was posted). */
struct mail *api_mail(struct request *r, enum command_kind kind,
                      void (*done)(struct mail *, const struct effect_reply *));
/* As api_mail with COMMAND_WRITE. `what` lives until `done`. */
struct mail *api_mail_write(struct request *r, command_write_fn *run, void *what,
                            void (*done)(struct mail *, const struct effect_reply *));
int api_post(struct api *a, struct request *r, struct mail *m, struct err *e);
/* Answers {"status":S,"message":M}; as a `done`, that or the error. `m->ctx` is then a struct api_message in the
 * request's arena. */
void api_send_message(struct request *r, int status, const char *message);
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
/* A reply out of the database: `write` writes one JSON value from one snapshot and gives 0, or -1 with `e` and then
 * nothing of it is sent. Answers 200. 0 or -1. */
struct api_reading {
    struct request *request;
    struct store *store; /* a reader */
    struct json_out *out;
    void *context; /* as given to api_read */
};
typedef int api_read_fn(struct api_reading *x, struct err *e);
int api_read(struct api *a, struct request *r, api_read_fn *write, void *context, struct err *e);
/* Sets the ETag of a GET's body and answers 304 when If-None-Match names it; false: send the body. api_json_send does
 * it by itself. */
bool api_unchanged(struct request *r, const void *data, size_t len);

/* The newest published state of the core, to be given back with snapshots_put; NULL with ERR_BUSY before the first. */
struct snapshot *api_snapshot(struct api *a, struct err *e);
/* The body as a JSON object; NULL on error. The caller frees it with cJSON_Delete. */
cJSON *api_body_object(struct request *r, struct err *e);
/* The virtual clusters whose VC admin the caller is, NULL-terminated; NULL for admins, who need no such right. 0 or -1.
 */
int api_managed(struct api *a, struct request *r, const char *const **out, struct err *e);
/* A member that is a list of names, as a NULL-terminated list in `a`; *out stays as it is when the member is not there.
 * At most 1,000 of at most 255 bytes. 0, or -1 with ERR_INVALID_PARAMETERS. */
int api_json_names(struct arena *a, const cJSON *o, const char *key, const char *const **out, struct err *e);
/* The member "value" of such a body, its only one, in the request's arena; NULL on error. */
const char *api_body_value(struct request *r, struct err *e);
/* The {job} of the path, "user~name" or a job's UUID, as it is. */
const char *api_job_param(const struct request *r);

/* Handlers, by file. */
route_handler_fn api_root, api_info, api_authn_info, api_healthz, api_readyz;                  /* info.c */
route_handler_fn api_login, api_logout, api_session_open, api_session_get, api_session_close;  /* session.c */
route_handler_fn api_tokens_list, api_tokens_application, api_tokens_revoke, api_tokens_check; /* token.c, session.c */
route_handler_fn api_user_import, api_user_import_undo;                                        /* user_import.c */
route_handler_fn api_invitation_accept, api_invitation_again;                                  /* invitation.c */
route_handler_fn api_group_list, api_group_get, api_group_users;                               /* group.c */
route_handler_fn api_group_add, api_group_put, api_group_remove, api_group_put_key;            /* group_change.c */
route_handler_fn api_group_put_extension, api_group_put_description, api_group_put_external_name; /* group_change.c */
route_handler_fn api_user_list, api_user_get, api_ssh_keys, api_ssh_key_put, api_ssh_key_remove; /* user.c, ssh_key.c */
route_handler_fn api_jobs_list, api_jobs_submit;                                    /* job_list.c, submit.c */
route_handler_fn api_job_execution, api_job_hold, api_job_release, api_job_archive; /* job_change.c */
route_handler_fn api_job_tag_put, api_job_tag_drop;                                 /* job_change.c */
route_handler_fn api_job_get, api_job_attempt, api_job_config, api_job_ssh, api_task_attempts; /* job_get.c */
route_handler_fn api_leases, api_job_lease, api_job_lease_extend, api_job_lease_release;       /* lease.c */
route_handler_fn api_job_events, api_job_explain;                           /* job_events.c, explain.c */
route_handler_fn api_job_metrics, api_job_scalars;                          /* job_metrics.c, scalars.c */
route_handler_fn api_file_list, api_file_read, api_shell;                   /* files.c, shell.c */
route_handler_fn api_code_add, api_job_code, api_job_code_files;            /* code.c */
route_handler_fn api_log_list, api_log_read, api_log_search;                /* logs.c, log_search.c */
route_handler_fn api_stream, api_sku_types, api_settings, api_settings_put; /* stream.c, cluster.c, settings.c */
route_handler_fn api_nodes, api_node, api_node_tasks, api_node_state, api_node_labels; /* node.c */
route_handler_fn api_images, api_image, api_image_add, api_image_remove;               /* image.c */
route_handler_fn api_storages, api_storage, api_storage_put, api_storage_remove, api_storage_configs,
    api_storage_config, api_storage_servers, api_storage_server;                                       /* storage.c */
route_handler_fn api_templates, api_template, api_template_add, api_template_put, api_template_remove; /* template.c */
route_handler_fn api_job_attempts_healthz, api_job_attempts, api_job_attempts_one;   /* job_attempts.c */
route_handler_fn api_vcs, api_vc, api_vc_put, api_vc_status, api_vc_remove;          /* virtual_cluster.c */
route_handler_fn api_audit, api_openapi, api_report_gpu, api_metrics, api_discovery; /* a file each */
route_handler_fn api_job_attempts_healthz, api_job_attempts, api_job_attempts_one;   /* job_attempts.c */
route_handler_fn api_vcs, api_vc, api_vc_put, api_vc_status, api_vc_remove;          /* virtual_cluster.c */
route_handler_fn api_audit, api_alerts, api_openapi, api_report_gpu, api_report_mail, api_report_mail_put, api_metrics,
    api_discovery; /* a file each */

#endif
