/* SPDX-License-Identifier: MIT
 *
 * Texts of options as JSON, for the bodies of calls. The caller frees them (or a body does that takes them over).
 */
#ifndef DROVER_TUI_VERBS_VALUES_H
#define DROVER_TUI_VERBS_VALUES_H

#include <stdint.h>

struct cJSON;
struct cli;
struct err;

/* "a,b" as a list. */
struct cJSON *values_list(struct cli *cli, const char *text);
/* "sku=4,other=8" as the API's list; NULL with `e`. */
struct cJSON *values_gpus(struct cli *cli, const char *text, struct err *e);
/* What is in a file of JSON; "none": null. NULL with `e`. */
struct cJSON *values_file(const char *path, struct err *e);

/* "2026-12-01 08:00" in UTC, "+90m", "+2h", "+3d" or "now", as ms since 1970; NULL with `e`. */
struct cJSON *values_moment(const char *option, const char *text, struct err *e);

/* The secret of an option, or of the terminal, which asks `asks`; NULL with `e`. */
struct cJSON *values_secret(struct cli *cli, const char *option, const char *asks, struct err *e);
/* The moment so many days from now that the option says, as ms since 1970; null for 0. NULL with `e`. */
struct cJSON *values_days(struct cli *cli, const char *option, int64_t least, struct err *e);
/* The option's number, between the first two bounds, times the third. NULL with `e`. */
struct cJSON *values_number(struct cli *cli, const char *option, const int64_t bounds[3], struct err *e);

#endif
