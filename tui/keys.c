/* SPDX-License-Identifier: MIT
 *
 * Key look-up and the global table.
 */
#include "tui/keys.h"

static const struct keys_row global_rows[] = {
    {'?', 0, "?", "help", "The keys of this view", KEYS_DO_HELP, false},
    {':', 0, ":", "cmd", "A command: a view, job NAME, log NAME, sort FIELD, theme NAME, quit; Tab completes",
     KEYS_DO_COMMAND, false},
    {KEYS_ESC, KEYS_BACKSPACE, "Esc", NULL, "Back to the view before; clears a filter first", KEYS_DO_BACK, false},
    {'q', KEYS_CTRL_C, "q", NULL, "Quit", KEYS_DO_QUIT, false},
    {'m', 0, "m", NULL, "Mouse on or off; off, the terminal selects text as usual", KEYS_DO_MOUSE, false},
    {KEYS_CTRL_L, 0, "Ctrl-L", NULL, "Draw the whole screen again", KEYS_DO_REDRAW, false},
};

static const struct keys global_keys = {global_rows, sizeof global_rows / sizeof *global_rows};

int keys_action(const struct keys *k, int key, bool readonly)
{
    for (size_t i = 0; i < k->count; i++) {
        const struct keys_row *row = &k->rows[i];

        if ((row->key == key || (row->also && row->also == key)) && !(readonly && row->writes))
            return row->action;
    }
    return 0;
}

const struct keys *keys_global(void)
{
    return &global_keys;
}
