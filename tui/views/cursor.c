/* SPDX-License-Identifier: MIT
 *
 * Movement over a list.
 */
#include "tui/views/cursor.h"

bool cursor_act(struct cursor *c, int action)
{
    size_t page = c->height > 1 ? c->height - 1 : 1;
    size_t last = c->length ? c->length - 1 : 0;

    switch (action) {
    case CURSOR_UP:
        c->at -= c->at > 0;
        return true;
    case CURSOR_DOWN:
        c->at += c->at < last;
        return true;
    case CURSOR_PAGE_UP:
        c->at = c->at > page ? c->at - page : 0;
        return true;
    case CURSOR_PAGE_DOWN:
        c->at = c->at + page < last ? c->at + page : last;
        return true;
    case CURSOR_FIRST:
        c->at = 0;
        return true;
    case CURSOR_LAST:
        c->at = last;
        return true;
    default:
        return false;
    }
}

void cursor_fit(struct cursor *c, size_t length, size_t height)
{
    c->length = length;
    c->height = height ? height : 1;
    if (c->at >= length)
        c->at = length ? length - 1 : 0;
    if (c->at < c->top)
        c->top = c->at;
    if (c->at >= c->top + c->height)
        c->top = c->at - c->height + 1;
    if (c->top + c->height > length)
        c->top = length > c->height ? length - c->height : 0;
}
