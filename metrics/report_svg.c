/* SPDX-License-Identifier: MIT */
/* Numbers only: no foreign text comes here. Presentation by class, as style attributes do not pass a strict policy. */
#include "metrics/report_svg.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "metrics/report.h"

enum { WIDTH = 800, HEIGHT = 160, BAR_HEIGHT = 18 };

#define HOUR_MS 3.6e6

static double sum_of(const double parts[REPORT_OUTCOMES])
{
    double all = 0;

    for (int o = 0; o < REPORT_OUTCOMES; o++)
        all += parts[o];
    return all;
}

void report_svg_bar(struct buf *out, const struct report_row *row)
{
    double parts[REPORT_OUTCOMES], at = 0;

    for (int o = 0; o < REPORT_OUTCOMES; o++)
        parts[o] = (double)row->gpu_ms[o];
    const double all = sum_of(parts);
    (void)buf_addf(out,
                   "<svg class=\"bar\" viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" role=\"img\" "
                   "aria-label=\"GPU hours by what became of them; the table says the same\">\n",
                   WIDTH, BAR_HEIGHT);
    for (int o = 0; o < REPORT_OUTCOMES && all > 0; o++) {
        const double width = WIDTH * parts[o] / all;

        if (width > 0)
            (void)buf_addf(out, "<rect class=\"o-%s\" x=\"%.2f\" y=\"0\" width=\"%.2f\" height=\"%d\"/>\n",
                           report_outcome_name((enum report_outcome)o), at, width, BAR_HEIGHT);
        at += width;
    }
    (void)buf_adds(out, "</svg>\n");
}

/* GPU ms by bar and outcome. */
struct bars {
    int count;
    int64_t first_day, days_each;
    double (*parts)[REPORT_OUTCOMES]; /* malloc */
    double most;
};

/* The day's number since 1970 of "2026-11-27"; -1 for none. Days of civil calendar, counted from March. */
static int64_t day_number(const char *text)
{
    char *end;
    const int64_t y = strtol(text, &end, 10);
    const int64_t m = *end ? strtol(end + 1, &end, 10) : 0, d = *end ? strtol(end + 1, NULL, 10) : 0;
    const int64_t year = m <= 2 ? y - 1 : y, month = (m + 9) % 12;

    if (y < 1970 || m < 1 || d < 1)
        return -1;
    return 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + d - 1 - 719468;
}

static void fill(struct bars *b, struct report *by_day)
{
    size_t count;
    const struct report_row *const *rows = report_rows(by_day, &count);

    for (size_t i = 0; i < count; i++) {
        const int64_t day = rows[i]->key[REPORT_DAY] ? day_number(rows[i]->key[REPORT_DAY]) : -1;
        const int64_t at = day < b->first_day ? -1 : (day - b->first_day) / b->days_each;

        for (int o = 0; at >= 0 && at < b->count && o < REPORT_OUTCOMES; o++)
            b->parts[at][o] += (double)rows[i]->gpu_ms[o];
    }
    for (int i = 0; i < b->count; i++)
        if (sum_of(b->parts[i]) > b->most)
            b->most = sum_of(b->parts[i]);
}

static void write_bar(struct buf *out, const struct bars *b, int i)
{
    const double step = (double)WIDTH / b->count, width = step > 3 ? step - 1 : step;
    double y = HEIGHT;
    char day[16];

    report_day_text((b->first_day + i * b->days_each) * REPORT_DAY_MS, day);
    (void)buf_addf(out, "<g><title>%s: %.1f GPU hours</title>\n", day, sum_of(b->parts[i]) / HOUR_MS);
    for (int o = 0; o < REPORT_OUTCOMES; o++) {
        const double height = HEIGHT * b->parts[i][o] / b->most;

        if (height <= 0)
            continue;
        y -= height;
        (void)buf_addf(out, "<rect class=\"o-%s\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"/>\n",
                       report_outcome_name((enum report_outcome)o), i * step, y, width, height);
    }
    (void)buf_adds(out, "</g>\n");
}

void report_svg_days(struct buf *out, struct report *by_day, const struct report_range *range)
{
    struct bars b = {.first_day = range->from_ms / REPORT_DAY_MS, .days_each = 1};
    const int64_t days = (range->to_ms - 1) / REPORT_DAY_MS - b.first_day + 1;
    char first[16], last[16];

    b.days_each = (days + REPORT_SVG_BARS - 1) / REPORT_SVG_BARS;
    b.count = (int)((days + b.days_each - 1) / b.days_each);
    b.parts = calloc((size_t)b.count, sizeof(*b.parts));
    if (!b.parts) {
        out->bad = true;
        return;
    }
    fill(&b, by_day);
    report_day_text(range->from_ms, first);
    report_day_text(range->to_ms - 1, last);
    (void)buf_addf(
        out,
        "<svg class=\"days\" viewBox=\"0 -14 %d %d\" role=\"img\" aria-label=\"GPU hours by day, from %s to %s; "
        "at most %.1f\">\n<path class=\"axis\" d=\"M0 0H%dM0 %dH%d\"/>\n",
        WIDTH, HEIGHT + 32, first, last, b.most / HOUR_MS, WIDTH, HEIGHT, WIDTH);
    for (int i = 0; i < b.count && b.most > 0; i++)
        write_bar(out, &b, i);
    (void)buf_addf(out,
                   "<text x=\"0\" y=\"-4\">%.1f GPU hours%s</text>\n<text x=\"0\" y=\"%d\">%s</text>\n"
                   "<text class=\"end\" x=\"%d\" y=\"%d\">%s</text>\n</svg>\n",
                   b.most / HOUR_MS, b.days_each > 1 ? ", of several days" : "", HEIGHT + 14, first, WIDTH, HEIGHT + 14,
                   last);
    free(b.parts);
}
