/* SPDX-License-Identifier: MIT
 *
 * extras.drover, the extension of the protocol:
 *
 *   checkpoint.name   a folder kept between jobs of the same user that name it, found in DROVER_CHECKPOINT_DIR
 *   checkpoint.grace  seconds between the signal and the kill when the job is preempted; else stopGrace
 *   checkpoint.signal sent then instead of TERM, and so long before the time limit
 *   tensorboardIdleSeconds  so long without a request the plugin's TensorBoard is stopped; 0: never
 *   apps              web apps that the server passes on: name, taskRole, taskIndex, port (label), path (strip, keep)
 *   code              the archive with the job's code: what POST /api/v2/code answered as its id
 *   timeLimit         seconds that a job attempt may run
 *   stopGrace         seconds between the signal of a stop and the kill
 *   preemption        requeue (goes on waiting, no retry counted), stop, or never (within the guarantee)
 *   gpuModels         GPU models (or SKUs) that will do
 *   nodes, notNodes   nodes that will do, or never will
 *   debugReservation  the sandbox of the task that failed the job is kept for a while: on (userFailure, always), hold
 *                     (gpus, sandbox), maxMinutes, mail
 *   requires.isolation  how well the tasks must be kept apart: cgroups, namespaces, full
 */
#include "jobs/protocol_extras.h"

#include <signal.h>
#include <string.h>

#include "base/arena.h"
#include "base/doc.h"
#include "base/err.h"
#include "inventory/sku.h"
#include "inventory/vc.h"
#include "jobs/spec.h"
#include "jobs/spec_apps.h"
#include "jobs/spec_schema.h"

#define TIME_LIMIT_MAX_S (10 * 365 * 24 * 3600LL)
#define CODE_LEN 64
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

static const char *rule_code(const char *text)
{
    return strlen(text) == CODE_LEN && strspn(text, "0123456789abcdef") == CODE_LEN
               ? NULL
               : "must be the id of an archive that was sent before: 64 digits, 0-9 and a-f";
}

static const char *const words_signal[] = {"TERM", "INT", "HUP", "USR1", "USR2", NULL};
static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}; /* of the words */

static const struct spec_object checkpoint = {
    .what = "checkpoint",
    .fields = (const struct spec_field[]){
        {.key = "name", .kind = SPEC_STRING, .required = true, .min = 1, .max = 64, .rule = rule_folder},
        {.key = "grace", .kind = SPEC_INT, .min = 0, .max = STOP_GRACE_MAX_S},
        {.key = "signal", .kind = SPEC_STRING, .words = words_signal},
        {.key = NULL}}};

/* In the order of enum spec_preemption. */
static const char *const words_preemption[] = {"requeue", "stop", "never", NULL};

static const struct spec_field a_model = {.key = "GPU model", .kind = SPEC_STRING, .min = 1, .max = SKU_NAME_MAX - 1};
static const struct spec_field a_node = {.key = "node", .kind = SPEC_STRING, .min = 1, .max = NODE_NAME_MAX - 1};

enum { WISHES_MAX = 256 };

/* In the order of enum spec_debug_on and enum spec_hold, less their firsts. */
static const char *const words_debug_on[] = {"userFailure", "always", NULL};
static const char *const words_hold[] = {"gpus", "sandbox", NULL};

static const struct spec_object debug = {
    .what = "debugReservation",
    .fields =
        (const struct spec_field[]){{.key = "on", .kind = SPEC_STRING, .words = words_debug_on},
                                    {.key = "hold", .kind = SPEC_STRING, .words = words_hold},
                                    {.key = "maxMinutes", .kind = SPEC_INT, .min = 1, .max = VC_DEBUG_MINUTES_MAX},
                                    {.key = "mail", .kind = SPEC_BOOL},
                                    {.key = NULL}}};

static const char *const words_isolation[] = {"rlimits", "cgroups", "namespaces", "full", NULL};

static const struct spec_object requires = {
    .what = "requires",
    .fields = (const struct spec_field[]){{.key = "isolation", .kind = SPEC_STRING, .words = words_isolation},
                                          {.key = NULL}}};

static const struct spec_object extension = {
    .what = "drover",
    .fields = (const struct spec_field[]){
        {.key = "checkpoint", .kind = SPEC_OBJECT, .object = &checkpoint},
        {.key = "apps", .kind = SPEC_LIST, .min = 1, .max = SPEC_APPS_MAX, .of = &spec_apps_entry},
        {.key = "code", .kind = SPEC_STRING, .max = 256, .rule = rule_code},
        {.key = "tensorboardIdleSeconds", .kind = SPEC_INT, .min = 0, .max = SPEC_TENSORBOARD_IDLE_MAX_S},
        {.key = "timeLimit", .kind = SPEC_INT, .min = 1, .max = TIME_LIMIT_MAX_S},
        {.key = "stopGrace", .kind = SPEC_INT, .min = 0, .max = STOP_GRACE_MAX_S},
        {.key = "requires", .kind = SPEC_OBJECT, .object = &requires},
        {.key = "preemption", .kind = SPEC_STRING, .words = words_preemption},
        {.key = "debugReservation", .kind = SPEC_OBJECT, .object = &debug},
        {.key = "gpuModels", .kind = SPEC_LIST, .min = 1, .max = 16, .of = &a_model},
        {.key = "nodes", .kind = SPEC_LIST, .min = 1, .max = WISHES_MAX, .of = &a_node},
        {.key = "notNodes", .kind = SPEC_LIST, .min = 1, .max = WISHES_MAX, .of = &a_node},
        {.key = NULL}}};

/* The strings of a checked list, NULL-terminated in the arena; models as SKUs. *out stays NULL when there is no list.
 * 0, or -1 on out of memory. */
static int read_list(struct arena *a, const struct doc *list, bool models, const char *const **out)
{
    if (!list)
        return 0;
    const char **names = arena_calloc(a, list->count + 1, sizeof(char *));
    size_t n = 0;
    for (const struct doc *c = list->first; names && c; c = c->next) {
        char *sku = models ? arena_alloc(a, SKU_NAME_MAX) : NULL;
        if (models && !sku)
            return -1;
        if (models)
            sku_of_model(c->text, sku);
        names[n++] = models ? sku : c->text;
    }
    *out = names;
    return names ? 0 : -1;
}

static int find_word(const char *const *words, const char *word)
{
    int i = 0;
    while (words[i] && strcmp(words[i], word) != 0)
        i++;
    return i;
}

/* Of a checked checkpoint; 0: no word about it. */
static int read_signal(const struct doc *kept)
{
    const char *word = spec_schema_string(kept, "signal", NULL);
    return word ? signals[find_word(words_signal, word)] : 0;
}

/* Of a checked map; NULL: no word about it. */
static struct spec_debug read_debug(const struct doc *map)
{
    if (!map)
        return (struct spec_debug){.on = SPEC_DEBUG_NEVER};
    int on = find_word(words_debug_on, spec_schema_string(map, "on", words_debug_on[0]));
    int hold = find_word(words_hold, spec_schema_string(map, "hold", words_hold[0]));
    return (struct spec_debug){.on = (enum spec_debug_on)(SPEC_DEBUG_USER_FAILURE + on),
                               .hold = (enum spec_hold)(SPEC_HOLD_GPUS + hold),
                               .minutes = (int)spec_schema_int(map, "maxMinutes", 0),
                               .quiet = !spec_schema_bool(map, "mail", true)};
}

const char *protocol_extras_signal(int number)
{
    size_t i = 0;
    while (i + 1 < sizeof signals / sizeof signals[0] && signals[i] != number)
        i++;
    return words_signal[i];
}

int protocol_extras_read(struct arena *a, struct spec *spec, const struct doc *drover, const struct spec_place *place,
                         struct err *e)
{
    const struct doc *kept = spec_schema_get(drover, "checkpoint");
    if (drover && spec_schema_check(&extension, drover, place, e))
        return -1;
    spec->checkpoint_name = spec_schema_string(kept, "name", NULL);
    spec->isolation = spec_schema_string(spec_schema_get(drover, "requires"), "isolation", NULL);
    spec->code = spec_schema_string(drover, "code", NULL);
    spec->time_limit_ms = 1000 * spec_schema_int(drover, "timeLimit", 0);
    spec->stop_grace_s = (int)spec_schema_int(drover, "stopGrace", STOP_GRACE_S);
    spec->checkpoint_grace_s = (int)spec_schema_int(kept, "grace", spec->stop_grace_s);
    spec->checkpoint_signal = read_signal(kept);
    spec->debug = read_debug(spec_schema_get(drover, "debugReservation"));
    spec->preemption = (enum spec_preemption)find_word(words_preemption,
                                                       spec_schema_string(drover, "preemption", words_preemption[0]));
    if (read_list(a, spec_schema_get(drover, "gpuModels"), true, &spec->skus) ||
        read_list(a, spec_schema_get(drover, "nodes"), false, &spec->nodes) ||
        read_list(a, spec_schema_get(drover, "notNodes"), false, &spec->not_nodes))
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    return 0;
}
