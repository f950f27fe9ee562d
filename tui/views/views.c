/* SPDX-License-Identifier: MIT
 *
 * The words behind ":". A view is a row here, and its word in the list for Tab.
 */
#include "tui/views/views.h"

#include <string.h>

static const struct views_row rows[] = {
    {"jobs", NULL, jobs_view},
    {"job", "a job's name", detail_view},
    {"log", "a job's name", log_view},
    {"logs", "a job's name", log_view},
    {"nodes", NULL, nodes_view},
    {"overview", NULL, overview_view},
    {"vcs", NULL, vcs_view},
    {"gpus", NULL, fleet_view},
    {"node", "a node's name", node_view},
    {"users", NULL, users_view},
    {"import", "a CSV file", import_view},
    {"groups", NULL, groups_view},
    {"members", "a group's name", members_view},
    {"reservations", NULL, reservations_view},
    {"reports", NULL, reports_view},
    {"alerts", NULL, alerts_view},
    {"audit", NULL, audit_view},
    {"edit", "what to edit: user NAME, group NAME", form_view},
};

static const char *const words[] = {
    "jobs",        "jobs all",       "job ",       "log ",       "nodes",          "overview", "vcs",
    "gpus",        "node ",          "users",      "import ",    "groups",         "members ", "reservations",
    "reports",     "alerts",         "audit",      "edit user ", "edit group ",    "sort ",    "sort name",
    "sort user",   "sort vc",        "sort gpus",  "sort state", "sort submitted", "theme ",   "theme default",
    "theme light", "theme contrast", "theme mono", "help",       "quit",           NULL,
};

const struct views_row *views_find(const char *word)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!strcmp(rows[i].word, word))
            return &rows[i];
    return NULL;
}

const char *const *views_words(void)
{
    return words;
}
