/* SPDX-License-Identifier: MIT
 *
 * An entry of the exit catalogue as OpenPAI's exit spec.
 */
#include "base/json.h"
#include "jobs/exits.h"

static void write_list(struct json_out *j, const char *key, const char *const *items, size_t max)
{
    json_out_key(j, key);
    json_out_array(j);
    for (size_t i = 0; i < max && items[i]; i++)
        json_out_string(j, items[i]);
    json_out_array_end(j);
}

void exits_write(struct json_out *j, const struct exit_entry *x)
{
    json_out_object(j);
    json_out_kint(j, "code", x->code);
    json_out_kstring(j, "phrase", x->phrase);
    json_out_kstring(j, "issuer", x->issuer);
    json_out_kstring(j, "causer", x->causer);
    json_out_kstring(j, "type", exits_type_wire(x->type));
    json_out_kstring(j, "stage", x->stage);
    json_out_kstring(j, "behavior", x->behavior);
    json_out_kstring(j, "reaction", exits_reaction_wire(x->reaction));
    json_out_kstring(j, "reason", x->reason);
    write_list(j, "repro", NULL, 0);
    write_list(j, "solution", x->solution, EXIT_SOLUTIONS);
    json_out_object_end(j);
}
