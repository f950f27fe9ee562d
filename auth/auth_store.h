/* SPDX-License-Identifier: MIT
 *
 * Tables user and token. Of a token or session only the SHA-256 is kept. Writers run inside the caller's transaction
 * (the core's batch, or droverd init); readers on any connection. One thread at a time per store.
 */
#ifndef DROVER_AUTH_AUTH_STORE_H
#define DROVER_AUTH_AUTH_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/identity.h"
#include "base/id.h"

struct arena;
struct err;
struct store;
struct store_sql;

/* A row of table user. Strings are borrowed: from the arena after _get, from the row during a list's callback. */
struct auth_user {
    const char *name;
    const char *password_hash;
    const char *email;     /* "" = none */
    const char *extension; /* JSON object */
    bool admin;
    bool disabled;
    int64_t token_version; /* grows with each password change */
    int64_t created_ms;
    int64_t expires_ms; /* from then on like disabled; 0 = never */
    int disk_mb;        /* may be kept on a node; 0 = as the virtual cluster or the site says */
};

enum auth_token_kind { AUTH_TOKEN_BROWSER, AUTH_TOKEN_APPLICATION, AUTH_TOKEN_SESSION, AUTH_TOKEN_KIND_COUNT };

#define AUTH_TOKEN_HINT_SIZE 7

/* A row of table token. */
struct auth_token {
    char id[ID_SIZE];
    char user[IDENTITY_USER_SIZE];
    char hash[IDENTITY_HASH_SIZE]; /* hex; a blob in the table */
    enum auth_token_kind kind;
    int64_t issued_ms;
    int64_t expires_ms;              /* 0 = never */
    int64_t used_ms;                 /* 0 = not yet */
    char hint[AUTH_TOKEN_HINT_SIZE]; /* application tokens: the last characters; all tokens begin alike */
    bool read_only;                  /* may only GET */
};

/* "browser", "application", "session". */
const char *auth_store_kind_name(enum auth_token_kind kind);
/* 1 to 64 of letters, digits, '_', '-' and '.', not all dots: OpenPAI's user names. 0, or -1 with
 * ERR_INVALID_PARAMETERS. */
int auth_store_check_name(const char *name, struct err *e);
/* "" or one '@' with something on both sides, at most 254 bytes, nothing that a mail header gives a meaning to. 0, or
 * -1 with ERR_INVALID_PARAMETERS. */
int auth_store_check_email(const char *email, struct err *e);

/* Adds a user, into group "default" and, as admin, "admingroup"; NULL strings take the table's defaults, but the hash
 * is required. ERR_CONFLICT_USER when the name is taken. 0 or -1. */
int auth_store_user_add(struct store *s, const struct auth_user *u, struct err *e);
/* Reads a user, strings into `a`. ERR_NO_USER when there is none. 0 or -1. */
int auth_store_user_get(struct store *s, struct arena *a, const char *name, struct auth_user *out, struct err *e);
/* All users by name; a non-zero answer of `row` ends the list. 0 or -1. */
int auth_store_user_list(struct store *s, int (*row)(void *ctx, const struct auth_user *u), void *ctx, struct err *e);
/* Sets the hash of a new password: raises token_version and removes the user's browser tokens and sessions (OpenPAI
 * keeps application tokens). `keep_tokens`: only a rehash of the same password. ERR_NO_USER. 0 or -1. */
int auth_store_user_set_password(struct store *s, const char *name, const char *hash, bool keep_tokens, struct err *e);
/* What to change; NULL strings stay as they are. */
struct auth_user_change {
    const char *email;
    const char *extension; /* JSON object ... */
    bool merge;            /* ... whose members replace those of the same name; else it replaces all */
    bool set_disabled, disabled;
    bool set_expires;
    int64_t expires_ms; /* 0 = never */
    bool set_disk;
    int disk_mb;
};
/* ERR_NO_USER. 0 or -1. */
int auth_store_user_change(struct store *s, const char *name, const struct auth_user_change *change, struct err *e);
/* Removes a user with all tokens, sessions and memberships; jobs stay. ERR_NO_USER. 0 or -1. */
int auth_store_user_remove(struct store *s, const char *name, struct err *e);
/* Whether there is such a user, and in *admin whether an admin. 1, 0 or -1. */
int auth_store_user_known(struct store *s, const char *name, bool *admin, struct err *e);
/* The user's disk_mb; 0 also for who is not there. 0 or -1. */
int auth_store_user_disk(struct store *s, const char *name, int *mb, struct err *e);
/* The same as _known of any kind of row: `sql` selects the flag by the name. */
int auth_store_known(struct store *s, const struct store_sql *sql, const char *name, bool *admin, struct err *e);

/* Adds a token or session. 0 or -1. */
int auth_store_token_add(struct store *s, const struct auth_token *t, struct err *e);
/* Who holds the token of that hash now: `out` gets user and rights from the tables. Unknown, expired, of a disabled
 * user, or a session too old or idle: ERR_UNAUTHORIZED "Your token is invalid.". `now_ms` wall. 0 or -1. */
int auth_store_token_find(struct store *s, const char hash[IDENTITY_HASH_SIZE], int64_t now_ms, struct identity *out,
                          struct err *e);
/* Takes the rows of a list; a non-zero answer ends it. */
struct auth_token_sink {
    int (*row)(void *ctx, const struct auth_token *t);
    void *ctx;
};
/* The user's tokens (not sessions), newest first, expired ones left out. 0 or -1. */
int auth_store_token_list(struct store *s, const char *user, int64_t now_ms, const struct auth_token_sink *sink,
                          struct err *e);
/* Reads one by its hash, expired or not; *found tells. 0 or -1. */
int auth_store_token_get(struct store *s, const char hash[IDENTITY_HASH_SIZE], struct auth_token *out, bool *found,
                         struct err *e);
/* Records a use, where identity.touch asks for it. 0 or -1. */
int auth_store_token_touch(struct store *s, const char hash[IDENTITY_HASH_SIZE], int64_t now_ms, struct err *e);
/* Removes one, by hash; *removed (NULL ok) tells whether it was there. 0 or -1. */
int auth_store_token_revoke(struct store *s, const char hash[IDENTITY_HASH_SIZE], bool *removed, struct err *e);
/* Removes those of a user that are expired, and sessions past their age. 0 or -1. */
int auth_store_token_purge(struct store *s, const char *user, int64_t now_ms, struct err *e);

#endif
