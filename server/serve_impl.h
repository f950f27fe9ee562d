/* SPDX-License-Identifier: MIT
 *
 * Inside serve.c and serve_beside.c: what a running server is made of.
 */
#ifndef DROVER_SERVER_SERVE_IMPL_H
#define DROVER_SERVER_SERVE_IMPL_H

#include "auth/keys.h"
#include "server/api/api.h"
#include "server/publish.h"
#include "server/retention.h"

struct daemon {
    const char *data;
    const struct config *config;
    int lock_fd;
    struct keys keys;
    struct store *store;
    struct readers *readers;
    struct mailbox *mailbox;
    struct snapshots *snapshots;
    struct publish_sources sources;
    struct hub *hub;
    struct tail *tail;
    struct password_gate *passwords;
    struct arena_pool *job_arenas;
    struct throttle_lock *throttle;
    struct jwt_cache *tokens;
    struct identity_cache *identities;
    struct openapi *openapi;
    struct audit *audit;
    struct rate *user_rate, *address_rate;
    struct tls *tls;
    struct gpu_watch *watch;
    struct task_watch *tasks;
    struct tally *tally;
    struct engine *engine;
    struct loop *loop;
    struct retention retention;
    struct disk_quota *quota;
    struct janitor *janitor;
    struct log_shelf *shelf;
    struct scalars *scalars;
    struct log_packer *packer;
    struct diagnoser *diagnoser;
    struct reasons *reasons;
    struct code *code;
    struct mailer *mailer;
    struct notifier *notifier;
    struct report_mail *report_mail;
    struct image_importer *images;
    struct shells *shells;
    struct app_serve *apps;
    struct remote_writer *remote;
    struct alerts *alerts;
    struct alert_poster *alert_poster;
    struct http_server *http;
    struct api api;
};

/* serve_beside.c: parts that work beside the core. Each fills its members; 0 or -1, and what was made stays to be taken
 * apart. */
int serve_make_mailer(struct daemon *d, struct err *e);
int serve_make_janitor(struct daemon *d, struct err *e);
int serve_make_packer(struct daemon *d, struct err *e);
int serve_make_code(struct daemon *d, struct err *e);
int serve_make_images_and_apps(struct daemon *d, struct err *e);
int serve_make_reasons(struct daemon *d, struct err *e);
int serve_make_remote(struct daemon *d, struct err *e);
int serve_make_alerts(struct daemon *d, struct err *e);

#endif
