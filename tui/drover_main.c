/* SPDX-License-Identifier: MIT
 *
 * drover: the client. Everything is in the command table (commands.c) and what it points to.
 */
#include <locale.h>

#include "tui/cli.h"

int main(int argc, char **argv)
{
    (void)setlocale(LC_ALL, "");
    return argc > 0 ? cli_main(argv) : 1;
}
