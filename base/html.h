/* SPDX-License-Identifier: MIT
 *
 * Foreign text in HTML: the one gate out.
 */
#ifndef DROVER_BASE_HTML_H
#define DROVER_BASE_HTML_H

struct buf;

/* Appends a text so that it is only text, in an element or in an attribute between quotes: & < > " ' become references;
 * control characters, invalid UTF-8 and bidi controls visible escapes (utf8_safe). NULL: nothing. */
void html_put(struct buf *out, const char *text);

#endif
