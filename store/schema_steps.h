/* SPDX-License-Identifier: MIT
 *
 * The statements of later migrations, each a NULL-terminated list; schema_steps.c says what each is for, schema.c holds
 * the order.
 */
#ifndef DROVER_STORE_SCHEMA_STEPS_H
#define DROVER_STORE_SCHEMA_STEPS_H

extern const char *const schema_v3[];
extern const char *const schema_v4[];
extern const char *const schema_v5[];
extern const char *const schema_v6[];
extern const char *const schema_v7[];
extern const char *const schema_v8[];
extern const char *const schema_v9[];
extern const char *const schema_v10[];
extern const char *const schema_v11[];
extern const char *const schema_v12[];
extern const char *const schema_v13[];
extern const char *const schema_v14[];
extern const char *const schema_v15[];
extern const char *const schema_v16[];
/* Alerts and silences. */

#endif
