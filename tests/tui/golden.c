/* SPDX-License-Identifier: MIT
 *
 * Screens without a terminal: the demo's recording, a standing clock, keys, and what the canvas then holds, compared
 * with golden/NAME-COLSxROWS.txt. `DROVER_GOLDEN=update` writes the files instead; look at them before committing.
 */
// link: drover_tui
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "tui/app.h"
#include "tui/demo.h"

struct scene {
    const char *name;
    const char *keys; /* characters, and <Enter> <Esc> <Tab> <Up> <Down> <End> <PgDn> <wait> <dead> <click> <again> */
    const char *data; /* a recording in tests/tui/golden/, NULL = the demo */
    bool ascii;
    bool readonly;
    bool small; /* at 50x10 and 60x16 instead of 80x24, 120x40 and 200x60 */
};

static const struct scene scenes[] = {
    {.name = "jobs", .keys = "<Down><Down>"},
    {.name = "jobs-end", .keys = "<End>"},
    {.name = "jobs-filter", .keys = "/state:failed vision<Enter>"},
    {.name = "jobs-regex", .keys = "/!oppo ^(Running|Waiting)<Enter>"},
    {.name = "jobs-filter-error", .keys = "/a(b<Enter>"},
    {.name = "jobs-sorted", .keys = ">>>>"},
    {.name = "jobs-mine", .keys = "a"},
    {.name = "jobs-marked", .keys = "<Down>  <Down> s"},
    {.name = "jobs-stopped", .keys = "s<Tab><Enter>"},
    {.name = "jobs-not-stopped", .keys = "s<Enter>"},
    {.name = "jobs-ended-not-stopped", .keys = "/state:failed<Enter>s"},
    {.name = "nodes-small", .keys = ":nodes<Enter>", .small = true},
    {.name = "jobs-prompt", .keys = ":th<Tab>"},
    {.name = "jobs-ascii", .keys = "  s", .ascii = true},
    {.name = "jobs-readonly", .keys = "s", .readonly = true},
    {.name = "jobs-dead", .keys = "<dead><wait><wait><wait>"},
    {.name = "jobs-hostile", .keys = "<Down><Down>", .data = "hostile.json"},
    {.name = "jobs-small", .keys = "<Down>", .small = true},
    {.name = "job-waiting", .keys = "/sweep-40<Enter><Enter>"},
    {.name = "job-failed", .keys = "/asr-wav2vec-40<Enter><Enter>"},
    {.name = "job-tasks", .keys = "/mia~sweep<Esc>/sweep-19<Enter><Enter><Down>"},
    {.name = "job-missing", .keys = ":job ana~none<Enter>"},
    {.name = "log", .keys = "l"},
    {.name = "log-search", .keys = "l/saved<Enter>n"},
    {.name = "log-hostile", .keys = "<Down>lw", .data = "hostile.json"},
    {.name = "log-top", .keys = "lg<Down>"},
    {.name = "help", .keys = "?"},
    {.name = "help-log", .keys = "l?"},
    {.name = "nodes", .keys = ":nodes<Enter>"},
    {.name = "users", .keys = ":users<Enter><Down>"},
    {.name = "users-filter", .keys = ":users<Enter>/groups:course !disabled:yes<Enter>"},
    {.name = "users-sorted", .keys = ":users<Enter>:sort email<Enter>S"},
    {.name = "users-none", .keys = ":users<Enter>/nobody<Enter>"},
    {.name = "users-disable", .keys = ":users<Enter><End><Up><Up>  x"},
    {.name = "users-disabled", .keys = ":users<Enter><End><Up><Up>  x2<Tab><Enter>"},
    {.name = "users-readonly", .keys = ":users<Enter><Down>xeiX", .readonly = true},
    {.name = "users-ascii", .keys = ":users<Enter> ", .ascii = true},
    {.name = "users-dead", .keys = ":users<Enter><dead><wait><wait><wait>"},
    {.name = "users-hostile", .keys = ":users<Enter><Down>", .data = "hostile.json"},
    {.name = "users-small", .keys = ":users<Enter>", .small = true},
    {.name = "help-users", .keys = ":users<Enter>?"},
    {.name = "user-yaml", .keys = ":users<Enter><Down><Down>y/default<Enter>"},
    {.name = "user-edit", .keys = ":edit user li<Enter>"},
    {.name = "user-edit-ask", .keys = ":edit user li<Enter><Down><Enter>, vision<Enter><Down><Down><Enter>w"},
    {.name = "user-edit-bad", .keys = ":edit user li<Enter><End><Down><Down><Down><Down><Enter>!<Enter>w"},
    {.name = "user-edited", .keys = ":users<Enter><Down>e<Down><Down><Down><Enter>w<Tab><Enter>"},
    {.name = "import", .keys = ":users<Enter>iusers.csv<Enter>n"},
    {.name = "import-ask", .keys = ":import users.csv<Enter>ow"},
    {.name = "import-refused", .keys = ":import users.csv<Enter>w"},
    {.name = "import-done", .keys = ":import users.csv<Enter>ow3<Tab><Enter>"},
    {.name = "import-no-file", .keys = ":import nowhere.csv<Enter>"},
    {.name = "help-import", .keys = ":import users.csv<Enter>?"},
    {.name = "groups", .keys = ":groups<Enter>"},
    {.name = "help-groups", .keys = ":groups<Enter>?"},
    {.name = "group-edit", .keys = ":groups<Enter><End>e"},
    {.name = "members", .keys = ":groups<Enter><End><Enter>"},
    {.name = "members-add", .keys = ":members nlp<Enter>ali<Enter>"},
    {.name = "members-removed", .keys = ":members course-ml<Enter><End>x<Tab><Enter>"},
    {.name = "help-members", .keys = ":members nlp<Enter>?"},
    {.name = "reservations", .keys = ":reservations<Enter>"},
    {.name = "reservations-extend", .keys = ":reservations<Enter>e"},
    {.name = "reservations-refused", .keys = ":reservations<Enter><Down>e<Enter><Tab><Enter>"},
    {.name = "reservations-release", .keys = ":reservations<Enter>  x"},
    {.name = "help-reservations", .keys = ":reservations<Enter>?"},
    {.name = "reports", .keys = ":reports<Enter>"},
    {.name = "reports-turned", .keys = ":reports<Enter>pv:sort failed<Enter>"},
    {.name = "help-reports", .keys = ":reports<Enter>?"},
    {.name = "alerts", .keys = ":alerts<Enter>"},
    {.name = "alerts-silence", .keys = ":alerts<Enter><Down>s<Down><Enter>somebody is at it<Enter>w"},
    {.name = "alerts-silenced", .keys = ":alerts<Enter>s<Down><Enter>known<Enter>w<Tab><Enter>"},
    {.name = "help-alerts", .keys = ":alerts<Enter>?"},
    {.name = "audit", .keys = ":audit<Enter><Down>"},
    {.name = "audit-filter", .keys = ":audit<Enter>/status:x<Enter>"},
    {.name = "audit-hostile", .keys = ":audit<Enter>", .data = "hostile.json"},
    {.name = "help-audit", .keys = ":audit<Enter>?"},
    {.name = "job-yaml", .keys = "y"},
    {.name = "mouse", .keys = "<click><again>"},
    {.name = "nodes-marked", .keys = ":nodes<Enter>/a100<Enter>  <Down> D"},
    {.name = "nodes-drained", .keys = ":nodes<Enter>  D2<Tab><Enter>"},
    {.name = "nodes-none", .keys = ":nodes<Enter>/v100<Enter>"},
    {.name = "overview", .keys = ":overview<Enter>"},
    {.name = "overview-ascii", .keys = ":overview<Enter><Down>", .ascii = true},
    {.name = "overview-end", .keys = ":overview<Enter><End>"},
    {.name = "overview-dead", .keys = "<dead>:overview<Enter>"},
    {.name = "overview-small", .keys = ":overview<Enter>", .small = true},
    {.name = "vcs", .keys = ":vcs<Enter><Down>"},
    {.name = "vcs-ascii", .keys = ":vcs<Enter>", .ascii = true},
    {.name = "vcs-jobs", .keys = ":vcs<Enter><End><Enter>"},
    {.name = "vcs-edit", .keys = ":vcs<Enter><Down><Down><Down>e<Enter>4"},
    {.name = "vcs-refused", .keys = ":vcs<Enter><Down><Down><Down><Down>e0<Enter><Enter><Enter><Enter>"},
    {.name = "vcs-unlike", .keys = ":vcs<Enter><Down>e, x<Enter><Enter><Enter><Enter>"},
    {.name = "vcs-saved", .keys = ":vcs<Enter><Down><Down><Down><Down>e<Enter>2<Enter><Enter><Enter>"},
    {.name = "vcs-readonly", .keys = ":vcs<Enter>e", .readonly = true},
    {.name = "vcs-small", .keys = ":vcs<Enter>e", .small = true},
    {.name = "gpus", .keys = ":gpus<Enter><Down>"},
    {.name = "gpus-dense", .keys = ":gpus<Enter>z"},
    {.name = "gpus-idle", .keys = ":gpus<Enter>www"},
    {.name = "gpus-filter", .keys = ":gpus<Enter>/asr<Enter>"},
    {.name = "gpus-ascii", .keys = ":gpus<Enter>M", .ascii = true},
    {.name = "gpus-small", .keys = ":gpus<Enter>", .small = true},
    {.name = "node", .keys = ":gpus<Enter><Enter><Down>"},
    {.name = "node-faulty", .keys = ":node a100-07<Enter>"},
    {.name = "node-ascii", .keys = ":node a100-03<Enter><End>", .ascii = true},
    {.name = "node-missing", .keys = ":node a100-99<Enter>"},
    {.name = "node-small", .keys = ":node a100-05<Enter>", .small = true},
    {.name = "back", .keys = "l<Esc><Down>"},
};

static const struct {
    const char *name;
    int key;
} names[] = {{"Enter", KEYS_ENTER}, {"Esc", KEYS_ESC}, {"Tab", KEYS_TAB},       {"Up", KEYS_UP},
             {"Down", KEYS_DOWN},   {"End", KEYS_END}, {"PgDn", KEYS_PAGE_DOWN}};

static void golden_word(struct app *app, struct source *s, const char *word, size_t len)
{
    if (len == 4 && !strncmp(word, "dead", 4))
        demo_fail(s, ERR_BUSY);
    if (len == 4 && !strncmp(word, "wait", 4)) {
        struct clock_now now = app->now;

        now.mono += 4000;
        now.wall += 4000;
        /* A recording never asks again by itself. */
        app->config.recorded = app->live.recorded = false;
        app_tick(app, now);
    }
    if (len == 5 && !strncmp(word, "click", 5)) /* the third row of a list; the second click opens it */
        app_click(app, 5, false);
    if (len == 5 && !strncmp(word, "again", 5))
        app_click(app, 5, true);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strlen(names[i].name) == len && !strncmp(names[i].name, word, len))
            app_key(app, names[i].key);
    }
}

static void golden_keys(struct app *app, struct source *s, const char *keys)
{
    while (*keys) {
        const char *end = *keys == '<' && keys[1] != '<' ? strchr(keys, '>') : NULL;

        if (end && end - keys < 7) {
            golden_word(app, s, keys + 1, (size_t)(end - keys) - 1);
            keys = end + 1;
        } else {
            app_key(app, *keys++);
        }
        app_take(app);
        /* Views know their height from drawing; while a line is being typed nobody asks. */
        if (!app->prompt.mark || !*keys)
            app_draw(app);
    }
}

static int golden_compare(const char *path, const struct buf *is)
{
    struct buf want;
    struct err e = {0};
    const char *update = getenv("DROVER_GOLDEN");
    int rc = 0;

    if (update && !strcmp(update, "update"))
        return fs_write_atomic(path, is->data, is->len, 0644, &e);
    buf_init(&want, 0);
    if (fs_read(path, 1 << 22, &want, &e) || want.len != is->len || memcmp(want.data, is->data, is->len)) {
        fprintf(stderr, "not as in %s (%s); it is:\n%s\n", path, e.text, buf_str(is));
        rc = -1;
    }
    buf_fini(&want);
    return rc;
}

static int golden_scene(const struct scene *scene, const char *folder, int rows, int cols)
{
    struct app app;
    struct buf text;
    struct buf data;
    struct err e = {0};
    struct source *s;
    char path[512];
    int rc = -1;

    buf_init(&text, 0);
    buf_init(&data, 0);
    snprintf(path, sizeof path, "%s/%s", folder, scene->data ? scene->data : "");
    if (scene->data && fs_read(path, 1 << 20, &data, &e))
        goto out;
    s = demo_create(scene->data ? data.data : NULL, data.len, &e);
    if (!s)
        goto out;
    rc = app_init(&app,
                  &(struct app_config){.source = s,
                                       .context = "demo",
                                       .user = "ana",
                                       .recorded = true,
                                       .ascii = scene->ascii,
                                       .readonly = scene->readonly,
                                       .all = true,
                                       .now = {.wall = demo_now(s), .mono = 1000000}},
                  &e);
    app_resize(&app, rows, cols);
    app_take(&app);
    app_draw(&app);
    golden_keys(&app, s, scene->keys);
    (void)canvas_dump(&app.canvas, &text);
    snprintf(path, sizeof path, "%s/%s-%dx%d.txt", folder, scene->name, cols, rows);
    if (!rc)
        rc = golden_compare(path, &text);
    app_fini(&app);
    source_destroy(s);
out:
    if (rc && e.code)
        fprintf(stderr, "%s: %s\n", scene->name, e.text);
    buf_fini(&text);
    buf_fini(&data);
    return rc;
}

int main(int argc, char **argv)
{
    int failed = argc != 2 || chdir(argv[1]); /* so that no screen names a folder of this machine */

    setenv("TZ", "UTC", 1);
    tzset();
    for (size_t i = 0; argc == 2 && i < sizeof scenes / sizeof *scenes; i++) {
        if (scenes[i].small) {
            failed |= golden_scene(&scenes[i], ".", 10, 50) != 0;
            failed |= golden_scene(&scenes[i], ".", 16, 60) != 0;
            continue;
        }
        failed |= golden_scene(&scenes[i], ".", 24, 80) != 0;
        failed |= golden_scene(&scenes[i], ".", 40, 120) != 0;
        failed |= golden_scene(&scenes[i], ".", 60, 200) != 0;
    }
    return failed;
}
