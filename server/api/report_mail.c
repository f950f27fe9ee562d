/* SPDX-License-Identifier: MIT
 *
 * GET and PUT /reports/mail: whether, and when, the caller gets the weekly report by mail (server/report_mail_next.h).
 */
#include "server/report_mail_next.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "metrics/report.h"
#include "server/api/api.h"
#include "server/mailbox.h"

static const char *const days[] = {"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", NULL};

enum { MONDAY = 1, HOUR = 8, WEEK_DAYS = 7 };

static int write_wish(struct api_reading *x, struct err *e)
{
    struct report_mail_wish w;
    if (report_mail_get(x->store, request_identity(x->request)->user, &w, e))
        return -1;
    if (!w.on) {
        w.weekday = MONDAY;
        w.hour = HOUR;
    }
    int64_t next = report_mail_moment(w.weekday, w.hour, request_now(x->request).wall) + WEEK_DAYS * REPORT_DAY_MS;
    json_out_object(x->out);
    json_out_kbool(x->out, "on", w.on);
    json_out_kstring(x->out, "weekday", days[w.weekday]);
    json_out_kint(x->out, "hour", w.hour);
    json_out_ktime(x->out, "nextTime", w.on ? next : 0);
    json_out_object_end(x->out);
    return 0;
}

int api_report_mail(struct request *r, void *context, struct err *e)
{
    return api_read(context, r, write_wish, NULL, e);
}

/* In the request's arena. */
struct wanted {
    struct api_message message; /* first: what api_done_message looks at */
    struct report_mail_wish wish;
};

static int read_body(const cJSON *o, struct report_mail_wish *w, struct err *e)
{
    static const char *const only[] = {"on", "weekday", "hour", NULL};
    const char *day = days[MONDAY];
    int64_t hour = HOUR;
    if (json_only_keys(o, only, e) || json_get_bool(o, "on", &w->on, e) || json_get_string(o, "weekday", &day, e) ||
        json_get_int(o, "hour", &hour, e))
        return -1;
    while (days[w->weekday] && strcmp(days[w->weekday], day) != 0)
        w->weekday++;
    if (!days[w->weekday])
        return err_set(e, ERR_INVALID_PARAMETERS, "\"weekday\" is one of sunday to saturday.");
    if (hour < 0 || hour > 23)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"hour\" is one of 0 to 23, UTC.");
    w->hour = (int)hour;
    return 0;
}

int api_report_mail_put(struct request *r, void *context, struct err *e)
{
    struct wanted *w = arena_calloc(request_arena(r), 1, sizeof *w);
    struct mail *m = w ? api_mail_write(r, report_mail_put, &w->wish, api_done_message) : NULL;
    cJSON *o = m ? api_body_object(r, e) : NULL;
    if (!o)
        return m ? -1 : err_set(e, ERR_INTERNAL, "Out of memory.");
    w->wish = (struct report_mail_wish){.user = arena_strdup(request_arena(r), request_identity(r)->user), .on = true};
    int rc = read_body(o, &w->wish, e);
    cJSON_Delete(o);
    if (rc || !w->wish.user)
        return rc ? -1 : err_set(e, ERR_INTERNAL, "Out of memory.");
    w->message = (struct api_message){.request = r,
                                      .status = 200,
                                      .message = w->wish.on ? "The weekly report is sent to you by mail."
                                                            : "The weekly report is not sent to you any more."};
    m->ctx = w;
    return api_post(context, r, m, e);
}
