/* SPDX-License-Identifier: MIT
 *
 * Column layout. Dropping comes before shrinking below the minimum and after shrinking to it: a narrow terminal keeps
 * few readable columns instead of many cut ones.
 */
#include "tui/table.h"

#include <stdint.h>

static int table_sum(const int *width, size_t count)
{
    int sum = 0;
    int shown = 0;

    for (size_t i = 0; i < count; i++) {
        sum += width[i];
        shown += width[i] > 0;
    }
    return sum + (shown > 1 ? (shown - 1) * TABLE_GAP : 0);
}

/* Takes columns away, one at a time, from the widest that may shrink. Returns what is still too much. */
static int table_shrink(const struct table_column *columns, size_t count, int *width, int excess)
{
    while (excess > 0) {
        size_t widest = SIZE_MAX;

        for (size_t i = 0; i < count; i++) {
            if (columns[i].min && width[i] > columns[i].min && (widest == SIZE_MAX || width[i] > width[widest]))
                widest = i;
        }
        if (widest == SIZE_MAX)
            break;
        width[widest]--;
        excess--;
    }
    return excess;
}

/* The column to drop next, or SIZE_MAX. */
static size_t table_victim(const struct table_column *columns, size_t count, const int *width)
{
    size_t victim = SIZE_MAX;

    for (size_t i = 0; i < count; i++) {
        if (width[i] && columns[i].rank && (victim == SIZE_MAX || columns[i].rank >= columns[victim].rank))
            victim = i;
    }
    return victim;
}

/* Least width that the shown columns need. */
static int table_least(const struct table_column *columns, size_t count, const int *width)
{
    int least[TABLE_MAX_COLUMNS] = {0};

    for (size_t i = 0; i < count; i++)
        least[i] = width[i] && columns[i].min && columns[i].min < width[i] ? columns[i].min : width[i];
    return table_sum(least, count);
}

void table_layout(const struct table_column *columns, size_t count, const int *want, int total, int *width)
{
    for (size_t i = 0; i < count; i++)
        width[i] = want[i] > 0 ? want[i] : 1;
    if (total <= 0)
        return;
    while (table_least(columns, count, width) > total) {
        size_t victim = table_victim(columns, count, width);

        if (victim == SIZE_MAX)
            break;
        width[victim] = 0;
    }
    (void)table_shrink(columns, count, width, table_sum(width, count) - total);
}
