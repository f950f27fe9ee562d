/* SPDX-License-Identifier: MIT
 *
 * The daemon's configuration: defaults, then the YAML file, then flags.
 */
#ifndef DROVER_SERVER_CONFIG_H
#define DROVER_SERVER_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "engines/slurm/slurm_config.h"
#include "inventory/idle_policy.h"
#include "metrics/health.h"
#include "metrics/remote_config.h"
#include "metrics/series_store.h"
#include "scheduler/score.h"
#include "server/alerts/alert_rule.h"
#include "server/apps_config.h"
#include "server/notice/address.h"

struct err;

#define CONFIG_TEXT_MAX 256

struct config {
    char listen[CONFIG_TEXT_MAX];             /* "127.0.0.1:7780", "[::1]:7780"; port 0 = the kernel chooses */
    bool image_on_host;                       /* unknownImage: host */
    bool insecure_http;                       /* insecureHttp: plain HTTP off loopback, with a warning */
    int gpus;                                 /* simulated GPUs; -1 = real ones */
    int cpus;                                 /* CPUs offered; 0 = all */
    int64_t memory_mb;                        /* memory offered; 0 = all */
    char node[CONFIG_TEXT_MAX];               /* this node's name; "" = the host's */
    int port_first, port_last;                /* ports for tasks */
    char isolation[CONFIG_TEXT_MAX];          /* at most this level for tasks; "" = the best there is */
    bool spawner_service;                     /* spawner: service; somebody else (systemd) starts drover-spawner */
    char gpu_device[CONFIG_TEXT_MAX];         /* path of a GPU's device, "%" for its index; "" = the driver's */
    int gpu_sample_s;                         /* gpuSampleSeconds: between samples of the GPUs; 0 = none */
    int gpu_seal_s;                           /* gpuSealSeconds: a crash costs the samples of so long at most */
    struct series_keep keep_series;           /* keepSamplesDays, keepMinutesDays, keepQuartersDays, keepHoursDays */
    char public_url[CONFIG_TEXT_MAX];         /* publicUrl: how people reach the portal; for links in mails */
    char smtp_url[CONFIG_TEXT_MAX];           /* smtpUrl: "smtp://host:25", "smtps://host"; "" = no mail */
    char smtp_from[CONFIG_TEXT_MAX];          /* smtpFrom: the sender's address */
    char smtp_user[CONFIG_TEXT_MAX];          /* smtpUser; "" = without a login */
    char smtp_password_file[CONFIG_TEXT_MAX]; /* smtpPasswordFile: its first line */
    int keep_files_days; /* keepFilesDays: what tasks left where they worked; 0 (the default) = for ever */
    int keep_logs_days;  /* keepLogsDays: their logs, and the files with them; 0 (the default) = for ever */
    int log_pack_s;      /* logPackSeconds: so long after their end logs are packed; 0 = never */
    int disk_max_mb;     /* diskMaxMB: what a task attempt may take where it works; 0 = no limit */
    int user_disk_mb;    /* userDiskMB: what a user may keep on the node, of all jobs; 0 = any, and nobody counts */
    int log_max_mb;      /* logMaxMB: each log of a task attempt; 0 = no limit */
    int code_max_mb;     /* codeMaxMB: an archive of code sent with a job has at most so much */
    char exit_catalogue[CONFIG_TEXT_MAX];  /* exitCatalogue: a file instead of the built-in one, read again when changed
                                            */
    int user_rate, user_burst;             /* requests a second, and at once; 0 = no limit */
    int address_rate, address_burst;       /* the same for an address */
    char tls_certificate[CONFIG_TEXT_MAX]; /* PEM, the chain; "" = plain HTTP */
    char tls_key[CONFIG_TEXT_MAX];         /* PEM */
    struct health_rules health;            /* gpuHealth: what follows, by cause; `check` samples */
    struct idle_policy idle;               /* idle: where a virtual cluster has no policy of its own */
    struct score_weights placement;        /* placement: weights of the score's terms by name */
    struct slurm_settings slurm;           /* slurm: the cluster that tasks run on; without it this machine */
    struct remote_settings remote;         /* remoteWrite */
    struct remote_source gpu_prometheus;   /* gpuPrometheus */
    struct apps_settings apps;             /* apps: where web apps of jobs are served */
    struct address_policy webhooks;        /* webhooks: where users may have the server send to */
    struct alert_settings alerts;          /* alerts: rules as the site has them */
    struct remote_settings alertmanager;   /* alertmanager: to whom alerts are posted */
    enum log_level log_level;
    enum log_format log_format;
};

/* Fills in the defaults. */
void config_defaults(struct config *c);
/* Reads a YAML file over what is there. Unknown keys and bad values are errors with line and column. 0 or -1. */
int config_load(struct config *c, const char *path, struct err *e);
/* Splits "address:port" (brackets around IPv6). 0 or -1. */
int config_split_listen(const char *listen, char address[CONFIG_TEXT_MAX], uint16_t *port, struct err *e);
/* Whether a numeric address is loopback. */
bool config_is_loopback(const char *address);

#endif
