/* SPDX-License-Identifier: MIT
 *
 * Users, groups, and the members of a group.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "tui/app.h"
#include "tui/cells.h"
#include "tui/views/list.h"
#include "tui/views/views.h"

enum {
    PEOPLE_EDIT = LIST_OWN,
    PEOPLE_DISABLE,
    PEOPLE_ENABLE,
    PEOPLE_IMPORT,
    PEOPLE_MEMBERS,
    PEOPLE_ADD,
    PEOPLE_REMOVE
};

static const char *people_text(const cJSON *item, const char *place)
{
    const char *text = cJSON_GetStringValue(cells_member(item, place));

    return text ? text : "";
}

/* Opens the form "user ana". */
static unsigned people_form(struct list *l, const char *word)
{
    char name[LIST_NAME], arg[LIST_NAME + 16];

    list_name(l, name);
    snprintf(arg, sizeof arg, "%s %s", word, name);
    if (*name)
        app_push(l->view.app, form_view(), arg);
    return VIEW_HANDLED | VIEW_DRAW;
}

/* ---- users ---- */

static void users_name(const cJSON *item, char *out, size_t size)
{
    snprintf(out, size, "%s", people_text(item, "username"));
}

static enum word_colour users_colour(const cJSON *item)
{
    if (cJSON_IsTrue(cells_member(item, "disabled")))
        return COLOUR_GREY;
    return cJSON_IsTrue(cells_member(item, "admin")) ? COLOUR_PURPLE : COLOUR_DEFAULT;
}

static void users_line(const struct view *v, const cJSON *item, int line, char *out, size_t size)
{
    const char *dot = canvas_glyph(&v->app->canvas, " · ", " - ");
    bool disabled = cJSON_IsTrue(cells_member(item, "disabled"));
    int groups = cJSON_GetArraySize(cells_member(item, "grouplist"));

    if (line == 0)
        snprintf(out, size, "%.100s%s%s%s%d group%s", people_text(item, "username"), dot,
                 disabled                                    ? "disabled: cannot log in"
                 : cJSON_IsTrue(cells_member(item, "admin")) ? "an admin"
                                                             : "a user",
                 dot, groups, groups == 1 ? "" : "s");
    else
        snprintf(out, size, "%.200s", people_text(item, "email"));
}

static void users_body(struct json_out *j, const char *name, bool disabled)
{
    json_out_key(j, "data");
    json_out_object(j);
    json_out_kstring(j, "username", name);
    json_out_kbool(j, "disabled", disabled);
    json_out_object_end(j);
    json_out_kbool(j, "patch", true);
}

static void users_off(struct json_out *j, const char *name, const char *arg)
{
    (void)arg;
    users_body(j, name, true);
}

static void users_on(struct json_out *j, const char *name, const char *arg)
{
    (void)arg;
    users_body(j, name, false);
}

static const struct calls_kind users_disable = {.verb = "Disable",
                                                .many = "users",
                                                .one = "user ",
                                                .said = {"user is disabled", "users are disabled"},
                                                .not_done = "Nobody was disabled.",
                                                .warning = "Sessions and tokens end; jobs go on.",
                                                .method = "PUT",
                                                .path = "/api/v2/users",
                                                .body = users_off};
static const struct calls_kind users_enable = {.verb = "Enable",
                                               .many = "users",
                                               .one = "user ",
                                               .said = {"user is enabled", "users are enabled"},
                                               .not_done = "Nobody was enabled.",
                                               .method = "PUT",
                                               .path = "/api/v2/users",
                                               .body = users_on};

static unsigned users_act(struct view *v, int action)
{
    switch (action) {
    case PEOPLE_EDIT:
        return people_form(list_of(v), "user");
    case PEOPLE_DISABLE:
        return list_call(list_of(v), &users_disable, NULL);
    case PEOPLE_ENABLE:
        return list_call(list_of(v), &users_enable, NULL);
    case PEOPLE_IMPORT:
        app_ask(v->app, " CSV file: ", "");
        return VIEW_HANDLED | VIEW_DRAW;
    default:
        return list_act(v, action);
    }
}

static unsigned users_answered(struct view *v, const char *text)
{
    if (*text)
        app_push(v->app, import_view(), text);
    return VIEW_DRAW;
}

static const struct list_kind users_kind = {
    .verb = "users", .empty = "There are no users.", .name = users_name, .colour = users_colour, .line = users_line};

static struct view *users_create(struct app *app, const char *arg)
{
    (void)arg;
    return list_create(app, &users_kind, users_view(), NULL);
}

const struct view_ops *users_view(void)
{
    static const struct keys_row keys[] = {
        LIST_KEYS_OPEN,
        {'e', 0, "e", "edit", "Edit the user: address, groups, admin, expiry", PEOPLE_EDIT, true},
        LIST_KEYS_MARK,
        {'x', 0, "x", "disable", "Disable the marked users, or the one under the cursor", PEOPLE_DISABLE, true},
        {'X', 0, "X", NULL, "Enable them again", PEOPLE_ENABLE, true},
        {'i', 0, "i", "import", "Import users from a CSV file, with a preview", PEOPLE_IMPORT, true},
        LIST_KEYS,
    };
    static const struct view_ops ops = {.name = "users",
                                        .keys = {keys, sizeof keys / sizeof *keys},
                                        .create = users_create,
                                        .act = users_act,
                                        .answered = users_answered,
                                        LIST_OPS};

    return &ops;
}

/* ---- groups ---- */

static void groups_name(const cJSON *item, char *out, size_t size)
{
    snprintf(out, size, "%s", people_text(item, "groupname"));
}

static unsigned groups_act(struct view *v, int action)
{
    char name[LIST_NAME];

    if (action == PEOPLE_EDIT)
        return people_form(list_of(v), "group");
    if (action != PEOPLE_MEMBERS)
        return list_act(v, action);
    list_name(list_of(v), name);
    if (*name)
        app_push(v->app, members_view(), name);
    return VIEW_HANDLED | VIEW_DRAW;
}

static const struct list_kind groups_kind = {.verb = "groups", .empty = "There are no groups.", .name = groups_name};

static struct view *groups_create(struct app *app, const char *arg)
{
    (void)arg;
    return list_create(app, &groups_kind, groups_view(), NULL);
}

const struct view_ops *groups_view(void)
{
    static const struct keys_row keys[] = {
        {KEYS_ENTER, 0, "Enter", "members", "The members of the group", PEOPLE_MEMBERS, false},
        {'d', 0, "d", NULL, "All that is known of the group", LIST_OPEN, false},
        {'e', 0, "e", "edit", "Edit the group: what it grants", PEOPLE_EDIT, true},
        LIST_KEYS,
    };
    static const struct view_ops ops = {.name = "groups",
                                        .keys = {keys, sizeof keys / sizeof *keys},
                                        .create = groups_create,
                                        .act = groups_act,
                                        LIST_OPS};

    return &ops;
}

/* ---- members ---- */

static void members_body(struct json_out *j, const char *name, const char *arg)
{
    (void)name;
    json_out_kstring(j, "groupname", arg);
}

static const struct calls_kind members_remove = {.verb = "Remove",
                                                 .many = "members",
                                                 .one = "member ",
                                                 .said = {"member is removed", "members are removed"},
                                                 .not_done = "Nobody was removed.",
                                                 .warning = "They lose what this group grants.",
                                                 .method = "DELETE",
                                                 .path = "/api/v2/users/%s/group",
                                                 .body = members_body};
static const struct calls_kind members_add = {.verb = "Add",
                                              .many = "users",
                                              .one = "user ",
                                              .said = {"user is a member", "users are members"},
                                              .not_done = "Nobody was added.",
                                              .warning = "They get what this group grants.",
                                              .method = "PUT",
                                              .path = "/api/v2/users/%s/group",
                                              .body = members_body};

static unsigned members_act(struct view *v, int action)
{
    if (action == PEOPLE_REMOVE)
        return list_call(list_of(v), &members_remove, list_of(v)->about);
    if (action != PEOPLE_ADD)
        return list_act(v, action);
    app_ask(v->app, " Users to add: ", "");
    return VIEW_HANDLED | VIEW_DRAW;
}

/* "li, bo": asks about all of them at once. */
static unsigned members_answered(struct view *v, const char *text)
{
    struct list *l = list_of(v);
    struct marks names = {.count = 0};
    char word[LIST_NAME];

    for (text += strspn(text, ", "); *text; text += strspn(text, ", ")) {
        size_t len = strcspn(text, ", ");

        snprintf(word, sizeof word, "%.*s", (int)len, text);
        if (!marks_has(&names, word))
            (void)marks_toggle(&names, word);
        text += len;
    }
    calls_ask(&l->calls, v->app, &(struct calls_question){&members_add, &names, NULL, l->about});
    marks_clear(&names);
    return VIEW_DRAW;
}

static const struct list_kind members_kind = {
    .verb = "group members", .empty = "The group has no members; a adds some.", .name = users_name};

static struct view *members_create(struct app *app, const char *arg)
{
    return list_create(app, &members_kind, members_view(), arg);
}

const struct view_ops *members_view(void)
{
    static const struct keys_row keys[] = {
        LIST_KEYS_OPEN,
        {'a', 0, "a", "add", "Add users to the group", PEOPLE_ADD, true},
        {'x', 0, "x", "remove", "Remove the marked members, or the one under the cursor", PEOPLE_REMOVE, true},
        LIST_KEYS_MARK,
        LIST_KEYS,
    };
    static const struct view_ops ops = {.name = "members",
                                        .keys = {keys, sizeof keys / sizeof *keys},
                                        .create = members_create,
                                        .act = members_act,
                                        .answered = members_answered,
                                        LIST_OPS};

    return &ops;
}
