/* SPDX-License-Identifier: MIT
 *
 * The YAML 1.2 core schema: what a plain scalar means. Shared by the gate and the writer, so that they cannot differ.
 */
#ifndef DROVER_BASE_DOC_SCALAR_H
#define DROVER_BASE_DOC_SCALAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct doc;

/* Sets type, integer and number of `d` from its text as a plain scalar. -1 for what would be no finite number (`.inf`,
 * `.nan`, 1e400): such a text must be quoted. Integers outside int64_t become DOC_FLOAT. */
int doc_scalar_resolve(struct doc *d);
/* Whether libyaml reads `cp` as it is: its printable set, less the byte order mark. */
bool doc_scalar_printable(uint32_t cp);

#endif
