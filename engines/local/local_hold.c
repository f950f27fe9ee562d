/* SPDX-License-Identifier: MIT
 *
 * Attempts whose command has failed and whose sandbox stays (hold.h). Where their GPUs are to be given back, the
 * spawner first takes the devices away from the sandbox, as far as the machine has groups of devices; until it has said
 * so nobody is told anything. It may be killed and started anew in between, so it is asked until it answers.
 *
 *   ENDED, held ─► HELD ─(asks the spawner)─► told ──STOP──► ENDED ─► DONE
 *                   └── it cannot: stopped, and the attempt ends as without a holder
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "engines/local/hold.h"
#include "engines/local/level.h"
#include "engines/local/local_hold.h"
#include "engines/local/local_impl.h"
#include "engines/local/proto.h"
#include "engines/local/task.h"
#include "engines/local/taskspec.h"

#define HOLD_ASK_MS 500

void local_hold_fill(struct local *l, struct local_attempt *a, struct taskspec *t)
{
    const enum engine_hold hold = a->order->launch->hold;
    const char *slash = strrchr(l->shim_path, '/');
    const char *path =
        slash ? arena_printf(a->order->arena, "%.*s/" HOLD_PROGRAM, (int)(slash - l->shim_path), l->shim_path) : NULL;

    if (!hold || !path || access(path, X_OK))
        return;
    /* Without namespaces everybody sees all devices, and only the groups, if anything, are in the way. */
    if (hold == ENGINE_HOLD_SANDBOX && t->device_count > 0 && (t->guards & LEVEL_NAMESPACES) &&
        !(t->guards & LEVEL_DEVICES)) {
        log_info("hold_refused", "attempt %s cannot keep its sandbox and give its GPUs back: no groups of devices",
                 a->id);
        return;
    }
    t->shell = path;
    if (t->guards & LEVEL_NAMESPACES) {
        t->shell = arena_printf(a->order->arena, "%s/run/%s/" HOLD_PROGRAM, l->data, a->id);
        if (!t->shell || t->mount_count >= TASKSPEC_MOUNTS_MAX) {
            t->shell = l->shell;
            return;
        }
        t->mounts[t->mount_count++] = (struct taskspec_mount){.source = path, .target = t->shell, .read_only = true};
    }
    t->hold = hold;
}

/* The devices of its GPUs, a line each as groups of version 1 want them. */
static void hold_devices(const struct local *l, const struct local_attempt *a, struct proto_msg *m)
{
    const char *mark = l->gpu_device ? strchr(l->gpu_device, '%') : NULL;

    for (int i = 0; mark && i < a->record.gpu_count; i++) {
        char path[PROTO_TEXT];
        struct stat st;
        int n = snprintf(path, sizeof(path), "%.*s%d%s", (int)(mark - l->gpu_device), l->gpu_device, a->record.gpus[i],
                         mark + 1);

        if (n < 0 || (size_t)n >= sizeof(path) || stat(path, &st) || !S_ISCHR(st.st_mode))
            continue;
        n = snprintf(m->text + m->text_len, sizeof(m->text) - m->text_len, "c %u:%u rwm\n", major(st.st_rdev),
                     minor(st.st_rdev));
        m->text_len += n > 0 && (size_t)n < sizeof(m->text) - m->text_len ? (size_t)n : 0;
    }
}

void local_hold_look(struct local *l, struct local_attempt *a)
{
    struct proto_msg m = {.type = PROTO_CLEAR, .step = TASK_STEP_DEVICES};

    memcpy(m.attempt, a->id, sizeof(m.attempt));
    hold_devices(l, a, &m);
    if (m.text_len == 0) {
        local_hold_given(l, a->id, true);
        return;
    }
    if (l->spawner.ready)
        (void)proto_send(l->spawner.fd, &m, NULL, 0);
    a->look_at = clock_read().mono + HOLD_ASK_MS;
    local_attempt_timed(l, a);
}

void local_hold_given(struct local *l, const char *id, bool given)
{
    struct local_attempt *a = hash_get(l->attempts, id);

    if (!a || a->state != LOCAL_HELD || a->end.held)
        return;
    a->look_at = 0;
    local_attempt_timed(l, a);
    if (!given) {
        log_warn("hold_failed", "the GPUs of %s cannot be taken away from its sandbox, which ends", id);
        local_attempt_end_now(l, a);
        return;
    }
    a->end.held = true;
    local_event_repeat(l, a);
}

void local_hold_begun(struct local *l, struct local_attempt *a, const struct record *r)
{
    if (a->state == LOCAL_HELD)
        return; /* told again */
    a->record = *r;
    a->shim = (pid_t)r->pid;
    a->shim_ticks = r->ticks;
    local_event_running(l, a, false); /* a spawner that is not there yet keeps nobody from getting ready */
    a->state = LOCAL_HELD;
    a->looks = 0;
    a->end = (struct local_end){
        .kind = ENGINE_EXITED, .code = (int)r->code, .signal = (int)r->signal, .wall_ms = r->ended_ms};
    (void)snprintf(a->end.message, sizeof(a->end.message), "%s", r->message);
    if (a->stop) {
        local_attempt_end_now(l, a);
        return;
    }
    if (r->held == ENGINE_HOLD_SANDBOX)
        local_hold_look(l, a);
    else
        local_hold_given(l, a->id, true);
}
