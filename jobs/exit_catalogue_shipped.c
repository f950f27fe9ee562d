/* SPDX-License-Identifier: MIT
 *
 * The catalogue that is built in, with its expressions. Apart from exit_catalogue.c, of which it is made.
 */
#include "base/err.h"
#include "jobs/exit_catalogue.h"

struct exit_catalogue *exit_catalogue_shipped(struct err *e)
{
    size_t len = 0;
    const char *text = exits_yaml(&len);

    return exit_catalogue_parse(text, len, e);
}
