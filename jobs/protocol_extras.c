/* SPDX-License-Identifier: MIT
 *
 * extras.drover, the extension of the protocol:
 *
 *   checkpoint.name  a folder kept between jobs of the same user that name it, found in DROVER_CHECKPOINT_DIR
 *   timeLimit        seconds that a job attempt may run
 *   stopGrace        seconds between the signal of a stop and the kill
 */
#include "jobs/protocol_extras.h"

#include "base/doc.h"
#include "jobs/spec.h"
#include "jobs/spec_schema.h"

#define TIME_LIMIT_MAX_S (10 * 365 * 24 * 3600LL)
#define STOP_GRACE_S 10
#define STOP_GRACE_MAX_S 3600

/* It becomes the name of a folder. */
static const char *rule_folder(const char *text)
{
    for (const char *c = text; *c; c++) {
        const char one[2] = {*c, '\0'};

        if (*c != '.' && spec_schema_name(one))
            return "must be of letters, digits, \".\", \"-\" and \"_\" only";
    }
    return text[0] == '.' || text[0] == '-' ? "must begin with a letter, a digit or \"_\"" : NULL;
}

static const struct spec_object checkpoint = {
    .what = "checkpoint",
    .fields = (const struct spec_field[]){
        {.key = "name", .kind = SPEC_STRING, .required = true, .min = 1, .max = 64, .rule = rule_folder},
        {.key = NULL}}};

static const struct spec_object extension = {
    .what = "drover",
    .fields = (const struct spec_field[]){{.key = "checkpoint", .kind = SPEC_OBJECT, .object = &checkpoint},
                                          {.key = "timeLimit", .kind = SPEC_INT, .min = 1, .max = TIME_LIMIT_MAX_S},
                                          {.key = "stopGrace", .kind = SPEC_INT, .min = 0, .max = STOP_GRACE_MAX_S},
                                          {.key = NULL}}};

int protocol_extras_read(struct spec *spec, const struct doc *drover, const struct spec_place *place, struct err *e)
{
    if (drover && spec_schema_check(&extension, drover, place, e))
        return -1;
    spec->checkpoint_name = spec_schema_string(spec_schema_get(drover, "checkpoint"), "name", NULL);
    spec->time_limit_ms = 1000 * spec_schema_int(drover, "timeLimit", 0);
    spec->stop_grace_s = (int)spec_schema_int(drover, "stopGrace", STOP_GRACE_S);
    return 0;
}
