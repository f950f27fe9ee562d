/* SPDX-License-Identifier: MIT
 *
 * What may be asked of the core: one tagged union. Commands come from HTTP threads, the engine's thread and the clock.
 * Text is borrowed from the sender and lives until the reply was given.
 */
#ifndef DROVER_CORE_COMMAND_H
#define DROVER_CORE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "engines/engine.h"

struct arena;
struct auth_token;
struct job;

enum command_kind {
    COMMAND_SUBMIT,
    COMMAND_EXECUTION, /* START or STOP of a job */
    COMMAND_TAG,       /* put or drop a tag */
    COMMAND_USER,      /* add, change or remove a user */
    COMMAND_TOKEN,     /* keep or revoke a login; the core only orders it with everything else */
    COMMAND_ENGINE,    /* an engine event */
    COMMAND_TICK,      /* nothing but the time */
};

/* A job named by a command that is not live: what the rows say, loaded before the step (DESIGN 1.3). */
struct command_target {
    bool exists;
    char id[ID_SIZE];
    char user[65];
};

struct command_submit {
    struct job
        *job; /* WAITING, made by the sender; the core takes it over when it accepts, else it stays the sender's */
    const char *config; /* YAML to keep, secrets masked */
    size_t config_len;
    bool name_taken; /* the name belongs to a job that has ended (loaded before the step) */
};

struct command_execution {
    const char *full_name; /* user~job */
    bool stop;             /* STOP or START */
    struct command_target target;
};

struct command_tag {
    const char *full_name;
    const char *tag;
    bool drop;
    bool present; /* loaded before the step */
    struct command_target target;
};

/* Users: rows of table user. Members that are NULL (or COMMAND_USER_KEEP) stay as they are. */
enum command_user_op { COMMAND_USER_ADD, COMMAND_USER_CHANGE, COMMAND_USER_REMOVE };
enum command_user_flag { COMMAND_USER_KEEP, COMMAND_USER_NO, COMMAND_USER_YES };

struct command_user {
    enum command_user_op op;
    const char *name;
    const char *password_hash; /* a new password ends the user's logins, but for application tokens */
    const char *email;
    const char *extension; /* JSON object */
    enum command_user_flag admin;
    bool exists, is_admin; /* loaded before the step */
};

/* Logins: rows of table token, which the core only puts in order with everything else. */
enum command_token_op { COMMAND_TOKEN_ADD, COMMAND_TOKEN_REVOKE, COMMAND_TOKEN_TOUCH };

struct command_token {
    enum command_token_op op;
    const struct auth_token *token; /* ADD */
    const char *hash;               /* REVOKE, TOUCH: key of the row */
    const char *user;               /* ADD: whose password hash is renewed, with */
    const char *rehash;             /* ADD: the same password hashed with today's settings; NULL = keep */
};

/* Who asks, for rights that depend on the object and for the audit record. */
struct command_actor {
    const char *user; /* NULL: the server itself */
    bool admin;
    const char *ip;
    const char *method;
    const char *route;
    const char *object;
    const char *request_id;
};

struct command {
    enum command_kind kind;
    struct command_actor actor;
    void *reply_to; /* the sender's cookie, given back in the reply; NULL: no reply wanted */
    union {
        struct command_submit submit;
        struct command_execution execution;
        struct command_tag tag;
        struct command_user user;
        struct command_token token;
        struct engine_event engine;
    };
};

#endif
