/* SPDX-License-Identifier: MIT
 *
 * What people are told of GPUs that they hold and do not use.
 */
#include <stdio.h>
#include <string.h>

#include "server/gpu_idle_impl.h"

enum { HOUR = 3600, MINUTE = 60, TIME_ROOM = 32 };

static void time_text(int seconds, char out[TIME_ROOM])
{
    if (seconds >= HOUR && seconds % HOUR == 0)
        snprintf(out, TIME_ROOM, "%d h", seconds / HOUR);
    else if (seconds >= MINUTE && seconds % MINUTE == 0)
        snprintf(out, TIME_ROOM, "%d min", seconds / MINUTE);
    else
        snprintf(out, TIME_ROOM, "%d s", seconds);
}

static const char *who(const struct idle_say *s)
{
    if (s->subject->count == 1)
        return "Its GPU";
    return s->rule->any ? "One of its GPUs" : "None of its GPUs";
}

static int seen(const struct idle_say *s, char *out, size_t room)
{
    const struct idle_rule *r = s->rule;
    const bool none = s->subject->count > 1 && !r->any;
    const int since = s->acts ? r->after_s : r->warn_s[s->told.warned - 1];
    char held[TIME_ROOM], window[TIME_ROOM];
    time_text(since, held);
    time_text(r->window_s, window);
    if (r->kind == IDLE_LOW_MEAN)
        return snprintf(out, room, "%s %s used %d %% on average over %s, for %s now", who(s), none ? "was" : "was not",
                        r->utilization, window, held);
    return snprintf(out, room, "%s %s used for %s%s", who(s), none ? "was" : "was not", held,
                    r->kind == IDLE_ZERO_FROM_START ? ", from the start on" : "");
}

/* What follows in the end, said before and at it. */
static const char *what_follows(const struct idle_rule *r, bool now)
{
    static const char *const words[IDLE_ACTIONS][2] = {
        [IDLE_NONE] = {"this is noted", "This is noted"},
        [IDLE_MAIL] = {"you are told once more", "Nothing else follows"},
        [IDLE_TAG] = {"the job is tagged", "The job is tagged"},
        [IDLE_STOP] = {"the job is stopped", "The job is stopped"},
        [IDLE_RELEASE] = {"the debug reservation is released", "The debug reservation is released"}};
    return words[r->action][now];
}

void idle_say(const struct idle_say *s, char out[IDLE_STORE_TEXT])
{
    char left[TIME_ROOM];
    const size_t room = IDLE_STORE_TEXT;
    int n = snprintf(out, room, "%s", s->dry_run ? "Dry run, nothing follows: " : "");
    n += seen(s, out + n, room - (size_t)n);
    n += snprintf(out + n, room - (size_t)n, " (rule %s of %s%s).", idle_kind_name(s->rule->kind),
                  s->own ? "virtual cluster " : "the site", s->own ? s->subject->vc : "");
    if (s->acts) {
        snprintf(out + n, room - (size_t)n, " %s.", what_follows(s->rule, true));
        return;
    }
    time_text(s->rule->after_s - s->rule->warn_s[s->told.warned - 1], left);
    snprintf(out + n, room - (size_t)n, " In %s %s, unless %s used or snoozed.", left, what_follows(s->rule, false),
             s->subject->count == 1 ? "it is" : "they are");
}
