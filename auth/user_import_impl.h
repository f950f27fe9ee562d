/* SPDX-License-Identifier: MIT
 *
 * What the sources of user_import share. Nobody else includes this.
 */
#ifndef DROVER_AUTH_USER_IMPORT_IMPL_H
#define DROVER_AUTH_USER_IMPORT_IMPL_H

#include "auth/user_import.h"

/* Notes an error of a row; `field` is static. */
void user_import_fail(struct user_import *im, const struct user_import_row *row, const char *field,
                      const struct err *why);

#endif
