/* SPDX-License-Identifier: MIT
 *
 * Several reports of one reading, chained: as asked, by day, by user, by job. What people and programs chose is written
 * by html_put and by nothing else.
 */
#include "metrics/report_page.h"

#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/html.h"
#include "base/json.h"
#include "base/utf8.h"
#include "inventory/setting_store.h"
#include "metrics/report.h"
#include "metrics/report_figures.h"
#include "metrics/report_store.h"
#include "metrics/report_svg.h"

enum { TOP = 10 };
enum part { PART_ASKED, PART_DAYS, PART_USERS, PART_JOBS, PARTS };

struct report_page {
    struct report_page_asked asked;
    struct report_range range;
    struct report *parts[PARTS];
    char site[256]; /* its name */
};

static const char style[] =
    "html{color:#1a1f24;background:#fff;font:14px/1.45 system-ui,sans-serif}\n"
    "body{max-width:62rem;margin:0 auto;padding:1.5rem}\n"
    "h1{font-size:1.5rem;margin:0}h2{font-size:1.05rem;margin:1.6rem 0 .4rem}p{margin:.2rem 0}\n"
    ".dim{color:#57606a}\n"
    ".tiles{display:flex;flex-wrap:wrap;gap:.5rem;margin:1rem 0 0;padding:0}\n"
    ".tiles div{border:1px solid #d0d7de;border-radius:6px;padding:.4rem .7rem;min-width:7rem}\n"
    ".tiles dt{color:#57606a;font-size:12px}.tiles dd{margin:0;font-size:1.15rem;font-variant-numeric:tabular-nums}\n"
    "table{border-collapse:collapse;width:100%;font-size:12px}\n"
    "th,td{border-bottom:1px solid #d0d7de;padding:.2rem .35rem;text-align:right;font-variant-numeric:tabular-nums}\n"
    "th[scope=row],thead th.key{text-align:left;overflow-wrap:anywhere;unicode-bidi:isolate;font-weight:600}\n"
    "thead th{vertical-align:bottom;color:#57606a;font-weight:600}tr.total th,tr.total td{border-top:2px solid "
    "#57606a}\n"
    "svg.bar{display:block;width:100%;height:18px}svg.days{display:block;width:100%}\n"
    "svg text{font:11px system-ui,sans-serif;fill:#57606a}svg text.end{text-anchor:end}\n"
    ".axis{stroke:#d0d7de;stroke-width:1;fill:none}\n"
    ".legend{display:flex;flex-wrap:wrap;gap:.2rem 1rem;padding:0;margin:.4rem 0;list-style:none;font-size:12px}\n"
    ".legend svg{width:.8rem;height:.8rem;vertical-align:-.1rem}\n"
    ".o-succeeded{fill:#1a7f4b}.o-failed{fill:#c4342b}.o-platform{fill:#7a3fa8}.o-stopped{fill:#8c959f}\n"
    ".o-preempted{fill:#d98a00}.o-running{fill:#2f6fd0}.o-reserved{fill:#3fb0c6}\n"
    "footer{margin-top:2rem;border-top:1px solid #d0d7de;font-size:12px}\n"
    "footer dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem .8rem;margin:0}\n"
    "footer dt{font-weight:600}footer dd{margin:0}\n"
    "@page{size:A4;margin:14mm}\n"
    "@media print{body{max-width:none;padding:0}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}\n"
    "tr,svg,.tiles "
    "div{break-inside:avoid}thead{display:table-header-group}h2{break-after:avoid}table{font-size:8pt}}\n";

/* ---- reading ---- */

static int make_parts(struct report_page *p, struct err *e)
{
    const unsigned by[PARTS] = {p->range.by, 1u << REPORT_DAY, 1u << REPORT_USER, 1u << REPORT_USER | 1u << REPORT_JOB};

    for (int i = 0; i < PARTS; i++) {
        struct report_range range = p->range;

        range.by = by[i];
        p->parts[i] = report_create(&range, e);
        if (!p->parts[i])
            return -1;
        if (i)
            report_chain(p->parts[0], p->parts[i]);
    }
    report_set_list(p->parts[PART_JOBS]); /* the rest of the page is right without it */
    return 0;
}

static int read_site(struct store *s, struct report_page *p, struct err *e)
{
    struct arena *a = arena_create(0);
    const char *text = NULL, *name = NULL;
    int rc = a ? setting_store_get(s, a, SETTING_SITE, &text, e) : err_set(e, ERR_INTERNAL, "Out of memory.");
    cJSON *o = !rc && text ? json_parse(text, strlen(text), 0, NULL) : NULL;

    if (o)
        (void)json_get_string(o, "name", &name, NULL);
    (void)snprintf(p->site, sizeof(p->site), "%s", name ? name : "Drover");
    cJSON_Delete(o);
    arena_destroy(a);
    return rc;
}

struct report_page *report_page_read(struct store *s, const struct report_page_asked *asked, struct err *e)
{
    struct report_page *p = calloc(1, sizeof(*p));

    if (!p) {
        (void)err_set(e, ERR_INTERNAL, "Out of memory.");
        return NULL;
    }
    p->asked = *asked;
    p->range = *asked->range;
    if (!make_parts(p, e) && !read_site(s, p, e) && !report_store_read(s, &p->range, asked->whose, p->parts[0], e))
        return p;
    report_page_destroy(p);
    return NULL;
}

void report_page_destroy(struct report_page *p)
{
    if (!p)
        return;
    for (int i = 0; i < PARTS; i++)
        report_destroy(p->parts[i]);
    free(p);
}

/* ---- the policy ---- */

static void style_hash(char out[64])
{
    unsigned char hash[crypto_hash_sha256_BYTES];

    crypto_hash_sha256(hash, (const unsigned char *)style, sizeof(style) - 1);
    sodium_bin2base64(out, 64, hash, sizeof(hash), sodium_base64_VARIANT_ORIGINAL);
}

void report_page_policy(char out[REPORT_PAGE_POLICY_SIZE])
{
    char hash[64];

    style_hash(hash);
    (void)snprintf(out, REPORT_PAGE_POLICY_SIZE,
                   "default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'; "
                   "frame-ancestors 'none'; sandbox",
                   hash);
}

/* ---- HTML ---- */

static const enum report_figure tiles[] = {REPORT_FIGURE_ALL,     REPORT_FIGURE_BUSY,        REPORT_FIGURE_IDLE,
                                           REPORT_FIGURE_WASTED,  REPORT_FIGURE_GOODPUT,     REPORT_FIGURE_UTILIZATION,
                                           REPORT_FIGURE_MEMORY,  REPORT_FIGURE_ENERGY,      REPORT_FIGURE_JOBS,
                                           REPORT_FIGURE_SUCCESS, REPORT_FIGURE_PREEMPTIONS, REPORT_FIGURE_WAIT_P50,
                                           REPORT_FIGURE_WAIT_P95};
static const enum report_figure columns[] = {
    REPORT_FIGURE_ALL,         REPORT_FIGURE_SUCCEEDED, REPORT_FIGURE_WASTED,      REPORT_FIGURE_RESERVED,
    REPORT_FIGURE_BUSY,        REPORT_FIGURE_IDLE,      REPORT_FIGURE_UTILIZATION, REPORT_FIGURE_MEMORY,
    REPORT_FIGURE_ENERGY,      REPORT_FIGURE_GOODPUT,   REPORT_FIGURE_JOBS,        REPORT_FIGURE_SUCCESS,
    REPORT_FIGURE_PREEMPTIONS, REPORT_FIGURE_WAIT_P50,  REPORT_FIGURE_WAIT_P95};
static const enum report_figure in_lists[] = {REPORT_FIGURE_ALL, REPORT_FIGURE_WASTED, REPORT_FIGURE_BUSY,
                                              REPORT_FIGURE_IDLE, REPORT_FIGURE_UTILIZATION};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void moment(int64_t ms, char out[32])
{
    const time_t at = (time_t)(ms / 1000);
    struct tm tm;

    if (!gmtime_r(&at, &tm) || !strftime(out, 32, "%Y-%m-%d %H:%M", &tm))
        out[0] = '\0';
}

static void write_tiles(struct buf *out, const struct report_row *total)
{
    (void)buf_adds(out, "<dl class=\"tiles\">\n");
    for (size_t i = 0; i < COUNT(tiles); i++) {
        char text[32];

        report_figure_text(tiles[i], report_figure(total, tiles[i]), text);
        (void)buf_addf(out, "<div><dt>%s</dt><dd>%s</dd></div>\n", report_figure_info(tiles[i])->title, text);
    }
    (void)buf_adds(out, "</dl>\n");
}

static void write_legend(struct buf *out, const struct report_row *total)
{
    (void)buf_adds(out, "<ul class=\"legend\">\n");
    for (int o = 0; o < REPORT_OUTCOMES; o++)
        (void)buf_addf(out,
                       "<li><svg viewBox=\"0 0 10 10\" aria-hidden=\"true\"><rect class=\"o-%s\" width=\"10\" "
                       "height=\"10\"/></svg> %s %.1f</li>\n",
                       report_outcome_name((enum report_outcome)o), report_outcome_name((enum report_outcome)o),
                       (double)total->gpu_ms[o] / 3.6e6);
    (void)buf_adds(out, "</ul>\n");
}

/* What a table shows: these keys of a row, then these figures. */
struct table {
    unsigned by;
    const enum report_figure *figures;
    size_t count;
};

static void write_head(struct buf *out, const struct table *t)
{
    (void)buf_adds(out, "<thead><tr>");
    for (int k = 0; k < REPORT_KEYS; k++)
        if (t->by & 1u << k)
            (void)buf_addf(out, "<th scope=\"col\" class=\"key\">%s</th>", report_key_name((enum report_key)k));
    for (size_t i = 0; i < t->count; i++)
        (void)buf_addf(out, "<th scope=\"col\">%s</th>", report_figure_info(t->figures[i])->title);
    (void)buf_adds(out, "</tr></thead>\n");
}

static void write_row(struct buf *out, const struct table *t, const struct report_row *row)
{
    (void)buf_adds(out, "<tr>");
    for (int k = 0; k < REPORT_KEYS; k++) {
        if (!(t->by & 1u << k))
            continue;
        (void)buf_adds(out, "<th scope=\"row\">");
        html_put(out, row->key[k] && *row->key[k] ? row->key[k] : "-");
        (void)buf_adds(out, "</th>");
    }
    for (size_t i = 0; i < t->count; i++) {
        char text[32];

        report_figure_text(t->figures[i], report_figure(row, t->figures[i]), text);
        (void)buf_addf(out, "<td>%s</td>", text);
    }
    (void)buf_adds(out, "</tr>\n");
}

/* The first rows by GPU hours; how many there are beside them is said. */
static void write_table(struct buf *out, const struct table *t, struct report *r, size_t top)
{
    size_t all, count;
    const struct report_row **rows;

    (void)report_rows(r, &all);
    rows = report_ranked(r, REPORT_FIGURE_ALL, top, &count);
    out->bad = out->bad || (!rows && all);
    (void)buf_adds(out, "<table>\n");
    write_head(out, t);
    (void)buf_adds(out, "<tbody>\n");
    for (size_t i = 0; rows && i < count; i++)
        write_row(out, t, rows[i]);
    (void)buf_adds(out, "</tbody></table>\n");
    if (all > count)
        (void)buf_addf(out, "<p class=\"dim\">The %zu with the most GPU hours, of %zu.</p>\n", count, all);
    free((void *)rows);
}

static void write_lists(struct buf *out, struct report_page *p)
{
    const struct table users = {1u << REPORT_USER, in_lists, COUNT(in_lists)};
    const struct table jobs = {1u << REPORT_JOB, in_lists, COUNT(in_lists)};

    (void)buf_adds(out, "<h2>Users with the most GPU hours</h2>\n");
    write_table(out, &users, p->parts[PART_USERS], TOP);
    (void)buf_adds(out, "<h2>Jobs with the most GPU hours</h2>\n");
    if (report_overflowed(p->parts[PART_JOBS]))
        (void)buf_addf(out, "<p class=\"dim\">There were more than %d jobs: ask for a shorter time.</p>\n",
                       REPORT_ROWS_MAX);
    else
        write_table(out, &jobs, p->parts[PART_JOBS], TOP);
}

static void write_footer(struct buf *out)
{
    (void)buf_adds(out, "<footer><h2>How the figures are reckoned</h2>\n<dl>\n");
    for (int f = 0; f < REPORT_FIGURES; f++) {
        const struct report_figure_info *info = report_figure_info((enum report_figure)f);

        (void)buf_addf(out, "<dt>%s</dt><dd>%s</dd>\n", info->title, info->formula);
    }
    (void)buf_adds(out, "</dl>\n</footer>\n");
}

static void write_top(struct buf *out, const struct report_page *p)
{
    char hash[64], from[32], to[32], now[32];

    style_hash(hash);
    moment(p->range.from_ms, from);
    moment(p->range.to_ms, to);
    moment(p->range.now_ms, now);
    (void)buf_addf(out,
                   "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<meta "
                   "http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-%s'\">\n"
                   "<meta name=\"viewport\" content=\"width=device-width\">\n<title>GPU report, %s to %s</title>\n"
                   "<style>%s</style></head>\n<body><header><h1>GPU report</h1>\n<p>",
                   hash, from, to, style);
    html_put(out, p->site);
    (void)buf_addf(out, ", %s to %s UTC, ", from, to);
    html_put(out, p->asked.whose_text);
    (void)buf_addf(out, "</p>\n<p class=\"dim\">Made %s UTC</p></header>\n<main>\n", now);
}

int report_page_html(struct report_page *p, struct buf *out)
{
    const struct table asked = {p->range.by, columns, COUNT(columns)};
    const struct report_row *total = report_total(p->parts[PART_ASKED]);

    write_top(out, p);
    write_tiles(out, total);
    (void)buf_adds(out, "<h2>What became of the GPU hours</h2>\n");
    report_svg_bar(out, total);
    write_legend(out, total);
    (void)buf_adds(out, "<h2>GPU hours by day</h2>\n");
    report_svg_days(out, p->parts[PART_DAYS], &p->range);
    if (p->range.by) {
        (void)buf_adds(out, "<h2>In detail</h2>\n");
        write_table(out, &asked, p->parts[PART_ASKED], p->asked.rows_max);
    }
    write_lists(out, p);
    (void)buf_adds(out, "</main>\n");
    write_footer(out);
    (void)buf_adds(out, "</body></html>\n");
    return out->bad ? -1 : 0;
}

/* ---- text ---- */

static void text_list(struct buf *out, struct report *r, enum report_key key)
{
    size_t count;
    const struct report_row **rows = report_ranked(r, REPORT_FIGURE_ALL, TOP, &count);

    for (size_t i = 0; rows && i < count; i++) {
        const char *name = rows[i]->key[key] ? rows[i]->key[key] : "-";
        char hours[32], use[32];

        report_figure_text(REPORT_FIGURE_ALL, report_figure(rows[i], REPORT_FIGURE_ALL), hours);
        report_figure_text(REPORT_FIGURE_UTILIZATION, report_figure(rows[i], REPORT_FIGURE_UTILIZATION), use);
        (void)buf_addf(out, "  %10s  %8s  ", hours, use);
        (void)utf8_safe(out, name, strlen(name), false, false);
        (void)buf_addc(out, '\n');
    }
    if (!rows)
        (void)buf_adds(out, "  none\n");
    free((void *)rows);
}

int report_page_text(struct report_page *p, struct buf *out)
{
    const struct report_row *total = report_total(p->parts[PART_ASKED]);
    char from[32], to[32];

    moment(p->range.from_ms, from);
    moment(p->range.to_ms, to);
    (void)buf_addf(out, "GPU report, %s to %s UTC, %s\n\n", from, to, p->asked.whose_text);
    for (size_t i = 0; i < COUNT(tiles); i++) {
        char text[32];

        report_figure_text(tiles[i], report_figure(total, tiles[i]), text);
        (void)buf_addf(out, "  %-22s %12s\n", report_figure_info(tiles[i])->title, text);
    }
    (void)buf_adds(out, "\nUsers with the most GPU hours (and utilisation)\n");
    text_list(out, p->parts[PART_USERS], REPORT_USER);
    (void)buf_adds(out, "\nJobs with the most GPU hours\n");
    if (report_overflowed(p->parts[PART_JOBS]))
        (void)buf_adds(out, "  there were too many of them for a list\n");
    else
        text_list(out, p->parts[PART_JOBS], REPORT_JOB);
    return out->bad ? -1 : 0;
}
