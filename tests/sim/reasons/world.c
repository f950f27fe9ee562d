/* SPDX-License-Identifier: MIT
 *
 * The world and its engine. Orders are confirmed and started in batches of their own, as a real engine would tell.
 */
#include "tests/sim/reasons/world.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "core/internal.h"
#include "inventory/maintenance.h"
#include "sim/random.h"

const char *const world_vc_names[WORLD_VCS] = {"a", "b", "default"};
const char *const world_sku_names[WORLD_SKUS] = {"alpha", "beta"};

/* ---- drawing ---- */

static struct wish draw_wish(uint64_t *r, const struct script *s)
{
    static const int priorities[] = {-1, 10, 10, 100, 120}, gpus[] = {0, 1, 1, 2, 2, 4};
    struct wish w = {.pods = 1 + random_below(r, 3),
                     .gpus = gpus[random_below(r, 6)],
                     .cpus = 1,
                     .priority = priorities[random_below(r, 5)],
                     .preemption = (enum spec_preemption)random_below(r, 3),
                     .vc = random_below(r, WORLD_VCS),
                     .user = random_below(r, WORLD_USERS),
                     .sku = random_below(r, 3) ? -1 : s->sku[random_below(r, s->nodes)],
                     .node = random_below(r, 12) ? -1 : random_below(r, s->nodes),
                     .lazy = random_below(r, 6) == 0};
    if (random_below(r, 8) == 0)
        w.cpus = 1 + random_below(r, WORLD_CPUS / w.pods);
    if (!w.gpus)
        w.cpus = 1 + random_below(r, 6);
    if (random_below(r, 30) == 0) /* perhaps of a kind that nobody has */
        w.sku = random_below(r, WORLD_SKUS);
    if (random_below(r, 40) == 0) /* more than there is */
        w.gpus = WORLD_GPUS + 1 + random_below(r, 3);
    return w;
}

static struct act draw_act(uint64_t *r, const struct script *s)
{
    static const struct {
        int percent;
        enum act_kind kind;
    } kinds[] = {{40, ACT_SUBMIT}, {17, ACT_END},   {3, ACT_FAIL},   {14, ACT_STOP}, {2, ACT_HOLD}, {10, ACT_LEAVE},
                 {4, ACT_UP},      {4, ACT_CORDON}, {2, ACT_BORROW}, {2, ACT_QUOTA}, {2, ACT_WAIT}};
    int dice = random_below(r, 100), k = 0;
    while (dice >= kinds[k].percent)
        dice -= kinds[k++].percent;
    struct act a = {.kind = kinds[k].kind, .which = random_below(r, WORLD_JOBS)};
    a.much = random_below(r, 3);
    if (a.kind == ACT_SUBMIT)
        a.wish = draw_wish(r, s);
    else if (a.kind == ACT_UP || a.kind == ACT_CORDON)
        a.which = random_below(r, s->nodes), a.much = random_below(r, 2);
    else if (a.kind == ACT_BORROW || a.kind == ACT_QUOTA)
        a.which = random_below(r, WORLD_VCS), a.sku = random_below(r, WORLD_SKUS);
    else if (a.kind == ACT_WAIT)
        a.much = random_below(r, 2) ? 60 : 3700;
    if (s->faulty && a.kind == ACT_END)
        a.kind = ACT_FAIL, a.much = 1;
    else if (s->faulty && (a.kind == ACT_STOP || a.kind == ACT_UP))
        a.kind = ACT_WAIT, a.much = 61;
    return a;
}

/* What of a script has to do with time: limits, and maintenance instead of some of its acts. The dice are others than
 * those of the script, so that a world without maintenance is what it was before there was any. */
static void draw_plans(struct script *s, uint64_t seed)
{
    static const int limits[] = {0, 600, 3600, 7200}, ahead[] = {0, 300, 1800, 5400}, length[] = {600, 4000};
    uint64_t r = ~seed;
    int windows = 0;
    for (int i = 0; i < s->act_count; i++) {
        struct act *a = &s->acts[i];
        if (a->kind == ACT_SUBMIT)
            a->wish.limit = limits[random_below(&r, 4)];
        if (random_below(&r, 9) || windows == WORLD_WINDOWS)
            continue;
        *a = (struct act){.kind = random_below(&r, 6) ? ACT_WINDOW : ACT_OPEN,
                          .which = random_below(&r, s->nodes),
                          .much = ahead[random_below(&r, 4)],
                          .sku = length[random_below(&r, 2)],
                          .stop = random_below(&r, 2)};
        windows += a->kind == ACT_WINDOW;
    }
}

void world_draw(struct script *s, uint64_t seed)
{
    uint64_t r = seed;
    *s = (struct script){.nodes = 2 + random_below(&r, WORLD_NODES - 1),
                         .faulty = seed % 7 == 4 || seed % 7 == 5,
                         .planned = seed % 11 >= 4 && seed % 11 <= 6};
    int of[WORLD_SKUS] = {0};
    for (int i = 0; i < s->nodes; i++) {
        s->sku[i] = i ? random_below(&r, 4) == 0 : 0;
        of[s->sku[i]]++;
    }
    for (int v = 0; v < WORLD_VCS; v++) {
        struct vc *vc = &s->vcs[v];
        snprintf(vc->name, sizeof vc->name, "%s", world_vc_names[v]);
        vc->borrow = random_below(&r, 3) ? 0 : random_below(&r, 5);
        vc->user_cap = random_below(&r, 4) ? 0 : 2 + random_below(&r, 6);
        vc->cpus = random_below(&r, 4) ? 0 : 4 + random_below(&r, 8);
        vc->lazy = random_below(&r, 4) == 0;
    }
    s->vcs[0].guarantee_count = s->vcs[1].guarantee_count = 1;
    snprintf(s->vcs[0].guarantee[0].sku, SKU_NAME_MAX, "%s", world_sku_names[0]);
    snprintf(s->vcs[1].guarantee[0].sku, SKU_NAME_MAX, "%s", world_sku_names[0]);
    s->vcs[0].guarantee[0].nodes = random_below(&r, of[0] + 1);
    s->vcs[1].guarantee[0].gpus = random_below(&r, (of[0] - s->vcs[0].guarantee[0].nodes) * WORLD_GPUS + 1);
    s->act_count = 12 + random_below(&r, WORLD_ACTS - 12 - 1);
    for (int i = 0; i < s->act_count; i++)
        s->acts[i] = draw_act(&r, s);
    if (s->planned)
        draw_plans(s, seed);
}

/* ---- jobs ---- */

static struct job *make_job(const struct world *w, int number)
{
    const struct wish *wish = &w->jobs[number].wish;
    struct arena *a = arena_create(0);
    struct spec *spec = arena_alloc(a, sizeof *spec);
    struct spec_role *role = arena_alloc(a, sizeof *role);
    const char **skus = arena_calloc(a, 2, sizeof(char *)), **nodes = arena_calloc(a, 2, sizeof(char *));
    char id[ID_SIZE], user[8];
    *role = (struct spec_role){
        .name = "main",
        .wire_name = "main",
        .instances = wish->pods,
        .min_failed = 1,
        .min_succeeded = wish->pods,
        .per_task = {.cpus = wish->cpus, .memory_mb = 1, .gpus = wish->gpus},
        .port_total = wish->ports,
        .command = "true",
        .image_uri = "x",
    };
    *spec = (struct spec){.name = arena_printf(a, "j%d", number),
                          .vc = world_vc_names[wish->vc],
                          .priority = wish->priority,
                          .gang = true,
                          .roles = role,
                          .role_count = 1,
                          .total_tasks = wish->pods,
                          .total_gpus = (int64_t)wish->pods * wish->gpus,
                          .preemption = wish->preemption,
                          .time_limit_ms = 1000 * (int64_t)wish->limit,
                          .lazy = wish->lazy};
    if (wish->sku >= 0) {
        skus[0] = world_sku_names[wish->sku];
        spec->skus = skus;
    }
    if (wish->node >= 0) {
        nodes[0] = arena_printf(a, "n%d", wish->node);
        spec->nodes = nodes;
    }
    snprintf(id, sizeof id, "00000000-0000-7000-8000-%012d", number + 1);
    snprintf(user, sizeof user, "u%d", wish->user);
    struct job *j = job_create(spec, user, id);
    arena_destroy(a);
    return j;
}

static void submit(struct world *w, const struct wish *wish)
{
    if (w->job_count == WORLD_JOBS)
        return;
    struct world_job *me = &w->jobs[w->job_count];
    me->wish = *wish;
    snprintf(me->full_name, sizeof me->full_name, "u%d~j%d", wish->user, w->job_count);
    struct job *j = make_job(w, w->job_count++);
    struct command cmd = {.kind = COMMAND_SUBMIT, .submit = {.job = j, .config = "x", .config_len = 1}};
    core_step(w->core, &cmd, w->now, &w->fx);
    if (core_find(w->core, me->full_name) != j)
        job_destroy(j);
}

const struct job *world_job(const struct world *w, int number)
{
    return core_find(w->core, w->jobs[number].full_name);
}

int world_find(const struct world *w, const char *full_name)
{
    for (int i = 0; i < w->job_count; i++)
        if (!strcmp(w->jobs[i].full_name, full_name))
            return i;
    return -1;
}

int world_gang(const struct world *w, int number)
{
    const struct job *j = world_job(w, number);
    const struct core_gang *g = j ? core_gang_of(j) : NULL;
    return g ? g->gang : -1;
}

bool world_waits(const struct world *w, int number)
{
    const struct job *j = world_job(w, number);
    int gang = world_gang(w, number);
    return j && j->state == STATE_WAITING && (gang < 0 || grid_state_of(w->core->grid, gang) == GRID_WAITING);
}

/* ---- the engine ---- */

static void tell(struct world *w, struct world_order *o, enum engine_event_kind kind, int code)
{
    struct engine_event ev = {.kind = kind, .exit_code = code, .seq = ++w->seq, .wall_ms = w->now.wall};
    struct command cmd = {.kind = COMMAND_ENGINE, .engine = &ev};
    memcpy(ev.attempt_id, o->id, ID_SIZE);
    memcpy(ev.nonce, o->nonce, sizeof ev.nonce);
    core_step(w->core, &cmd, w->now, &w->fx);
}

static void take_order(struct world *w, const struct task *t)
{
    assert(w->order_count < WORLD_ORDERS);
    struct world_order *o = &w->orders[w->order_count++];
    *o = (struct world_order){.job = world_find(w, t->job->full_name), .alive = true};
    memcpy(o->id, t->id, ID_SIZE);
    memcpy(o->nonce, t->nonce, sizeof o->nonce);
}

static void take_stop(struct world *w, const char *id)
{
    for (int i = 0; i < w->order_count; i++)
        if (!strcmp(w->orders[i].id, id))
            w->orders[i].told = true;
}

/* Ends the batch. */
static void settle(struct world *w)
{
    core_schedule(w->core, w->now, &w->fx);
    assert(!w->fx.failed);
    for (size_t i = 0; i < w->fx.count; i++) {
        const struct effect *f = &w->fx.list[i];
        if (f->kind == EFFECT_LAUNCH)
            take_order(w, f->task);
        else if (f->kind == EFFECT_STOP)
            take_stop(w, f->stop->attempt_id);
    }
    core_batch_end(w->core, &w->fx);
    effects_reset(&w->fx);
    assert(core_check(w->core));
}

static void end_orders(struct world *w, int job, int code)
{
    for (int i = 0; i < w->order_count; i++) {
        struct world_order *o = &w->orders[i];
        if (!o->alive || (job >= 0 ? o->job != job : !o->told))
            continue;
        o->alive = false;
        tell(w, o, ENGINE_EXITED, o->told ? 143 : code);
    }
}

/* ---- acts ---- */

static void tell_node(struct world *w, int n, int sku, bool up)
{
    struct engine_event ev = {.kind = ENGINE_NODE};
    struct command cmd = {.kind = COMMAND_ENGINE, .engine = &ev};
    struct node *node = &ev.node;
    snprintf(node->name, sizeof node->name, "n%d", n);
    node->cpus = WORLD_CPUS;
    node->memory_mb = 1 << 20;
    node->gpu_count = WORLD_GPUS;
    for (int i = 0; i < WORLD_GPUS; i++)
        snprintf(node->gpus[i].model, sizeof node->gpus[i].model, "%s", world_sku_names[sku]);
    node->port_first = 20000;
    node->port_last = 20099;
    node->up = up;
    core_step(w->core, &cmd, w->now, &w->fx);
}

static void put_vc(struct world *w, const struct vc *vc)
{
    int cookie = 0;
    struct command cmd = {
        .kind = COMMAND_VC, .reply_to = &cookie, .vc = {.op = COMMAND_VC_PUT, .name = vc->name, .vc = vc}};
    core_step(w->core, &cmd, w->now, &w->fx);
    for (size_t i = 0; i < w->fx.count; i++)
        if (w->fx.list[i].kind == EFFECT_VC_ROW && !strcmp(w->fx.list[i].vc->vc.name, vc->name))
            for (int v = 0; v < WORLD_VCS; v++)
                if (!strcmp(world_vc_names[v], vc->name))
                    w->vcs[v] = *vc; /* it was not refused */
}

static void promise(struct vc *vc, const char *sku, int gpus)
{
    size_t i = 0;
    while (i < vc->guarantee_count && strcmp(vc->guarantee[i].sku, sku) != 0)
        i++;
    snprintf(vc->guarantee[i].sku, SKU_NAME_MAX, "%s", sku);
    vc->guarantee[i].gpus += gpus;
    vc->guarantee_count += i == vc->guarantee_count;
}

static void change_vc(struct world *w, const struct act *a)
{
    struct vc vc = w->vcs[a->which];
    if (a->kind == ACT_BORROW)
        vc.borrow += a->much;
    else if (a->kind == ACT_CAP)
        vc.user_cap += a->much;
    else
        promise(&vc, world_sku_names[a->sku], a->much);
    put_vc(w, &vc);
}

static void act_submit(struct world *w, const struct act *a)
{
    submit(w, &a->wish);
}

static void act_end(struct world *w, const struct act *a)
{
    if (w->job_count)
        end_orders(w, a->which % w->job_count, 0);
}

static void act_fail(struct world *w, const struct act *a)
{
    if (w->job_count)
        end_orders(w, a->which % w->job_count, a->much == 1 ? 250 : 251); /* the platform's fault, or nobody's */
}

static void act_stop(struct world *w, const struct act *a)
{
    int cookie = 0;
    if (!w->job_count)
        return;
    struct command cmd = {.kind = COMMAND_EXECUTION,
                          .actor = {.user = "admin", .admin = true},
                          .reply_to = &cookie,
                          .execution = {.full_name = w->jobs[a->which % w->job_count].full_name, .stop = true}};
    core_step(w->core, &cmd, w->now, &w->fx);
}

static void act_hold(struct world *w, const struct act *a)
{
    int cookie = 0;
    if (!w->job_count)
        return;
    struct command cmd = {.kind = COMMAND_HOLD,
                          .reply_to = &cookie,
                          .hold = {.full_name = w->jobs[a->which % w->job_count].full_name, .release = a->much == 0}};
    core_step(w->core, &cmd, w->now, &w->fx);
}

static void act_leave(struct world *w, const struct act *a)
{
    (void)a;
    end_orders(w, -1, 0);
}

static void act_up(struct world *w, const struct act *a)
{
    tell_node(w, a->which, w->script->sku[a->which], a->much != 0);
}

static void act_cordon(struct world *w, const struct act *a)
{
    int cookie = 0;
    char name[8];
    snprintf(name, sizeof name, "n%d", a->which);
    struct command cmd = {.kind = COMMAND_NODE,
                          .reply_to = &cookie,
                          .node = {.op = a->much ? COMMAND_NODE_CORDON : COMMAND_NODE_UNCORDON, .name = name}};
    core_step(w->core, &cmd, w->now, &w->fx);
}

static void act_nodes(struct world *w, const struct act *a)
{
    for (int n = 0; n < a->much; n++)
        tell_node(w, WORLD_NODES + n, a->sku, true);
}

static void act_window(struct world *w, const struct act *a)
{
    if (w->window_count == WORLD_WINDOWS)
        return;
    struct world_window *me = &w->windows[w->window_count];
    int cookie = 0;
    char name[8];
    const char *nodes[] = {name};
    snprintf(name, sizeof name, "n%d", a->which);
    *me = (struct world_window){.node = a->which, .start = w->now.wall + 1000 * (int64_t)a->much};
    me->end = me->start + 1000 * (int64_t)a->sku;
    const struct maintenance m = {
        .nodes = nodes, .node_count = 1, .start_ms = me->start, .end_ms = me->end, .stop = a->stop, .reason = ""};
    struct command cmd = {.kind = COMMAND_MAINTENANCE,
                          .reply_to = &cookie,
                          .maintenance = {.op = COMMAND_MAINTENANCE_ADD, .window = &m, .made = &me->id}};
    core_step(w->core, &cmd, w->now, &w->fx);
    w->window_count += me->id != 0;
}

static void act_open(struct world *w, const struct act *a)
{
    for (int i = 0; i < w->window_count; i++) {
        struct world_window *me = &w->windows[i];
        int cookie = 0;
        struct command cmd = {.kind = COMMAND_MAINTENANCE,
                              .reply_to = &cookie,
                              .maintenance = {.op = COMMAND_MAINTENANCE_REMOVE, .id = me->id}};
        if (me->node != a->which || me->end <= w->now.wall)
            continue;
        core_step(w->core, &cmd, w->now, &w->fx);
        me->end = w->now.wall;
    }
}

static void act_wait(struct world *w, const struct act *a)
{
    w->now.wall += a->much * 1000;
    w->now.mono += a->much * 1000;
    core_step(w->core, &(struct command){.kind = COMMAND_TICK}, w->now, &w->fx);
}

typedef void act_fn(struct world *w, const struct act *a);

static act_fn *const act_fns[] = {
    [ACT_SUBMIT] = act_submit, [ACT_END] = act_end,     [ACT_FAIL] = act_fail, [ACT_STOP] = act_stop,
    [ACT_HOLD] = act_hold,     [ACT_LEAVE] = act_leave, [ACT_UP] = act_up,     [ACT_CORDON] = act_cordon,
    [ACT_BORROW] = change_vc,  [ACT_QUOTA] = change_vc, [ACT_CAP] = change_vc, [ACT_NODES] = act_nodes,
    [ACT_WINDOW] = act_window, [ACT_OPEN] = act_open,   [ACT_WAIT] = act_wait,
};

/* What was launched runs. */
static void start_orders(struct world *w)
{
    while (w->started < w->order_count) {
        struct world_order *o = &w->orders[w->started++];
        tell(w, o, ENGINE_CONFIRMED, 0);
        tell(w, o, ENGINE_STARTED, 0);
    }
    settle(w);
}

void world_act(struct world *w, const struct act *acts, int count)
{
    for (int i = 0; i < count; i++)
        act_fns[acts[i].kind](w, &acts[i]);
    settle(w);
    start_orders(w);
}

void world_begin(struct world *w, const struct script *s)
{
    struct core_config config = {.epoch = 1, .next_event_id = 1, .next_seq = 1};
    memset(w, 0, sizeof *w);
    w->script = s;
    w->core = core_create(&config);
    w->now = (struct clock_now){.wall = 1000000, .mono = 5000};
    assert(w->core && !effects_init(&w->fx));
    for (int n = 0; n < s->nodes; n++)
        tell_node(w, n, s->sku[n], true);
    for (int v = 0; v < WORLD_VCS; v++)
        put_vc(w, &s->vcs[v]);
    settle(w);
    for (int i = 0; i < s->act_count; i++)
        world_act(w, &s->acts[i], 1);
}

void world_end(struct world *w)
{
    core_destroy(w->core);
    effects_fini(&w->fx);
}

/* ---- looking ---- */

static void print_job(const struct world *w, int number)
{
    static const char *const states[] = {"waits", "reserves", "runs"}, *const rights[] = {"", " (borrowed)", " (oppo)"};
    const struct wish *x = &w->jobs[number].wish;
    const struct grid *g = w->core->grid;
    struct grid_place at[WORLD_NODES * WORLD_GPUS];
    int gang = world_gang(w, number);
    if (!world_job(w, number))
        return;
    printf(
        "%s: %d x %d GPUs, %d CPUs, %s, priority %d, preemption %d, sku %d, node %d, %d s:", w->jobs[number].full_name,
        x->pods, x->gpus, x->cpus, world_vc_names[x->vc], x->priority, (int)x->preemption, x->sku, x->node, x->limit);
    for (int i = 0; world_job(w, number)->avoid && i < world_job(w, number)->avoid->count; i++)
        printf(" not %s", world_job(w, number)->avoid->node[i]);
    printf(" %s", gang < 0 ? "is not there" : states[grid_state_of(g, gang)]);
    if (gang < 0 || grid_state_of(g, gang) == GRID_WAITING) {
        puts("");
        return;
    }
    printf("%s on", rights[grid_right_of(g, gang)]);
    size_t n = grid_places(g, gang, at, sizeof at / sizeof *at);
    for (size_t i = 0; i < n; i++)
        printf(" n%d.%d/%d", at[i].node, at[i].gpu, at[i].level);
    for (int p = 0; p < x->pods; p++)
        printf(" [n%d]", grid_pod(g, gang, p, NULL));
    puts("");
}

void world_print(const struct world *w)
{
    for (int n = 0; n < w->script->nodes; n++) {
        const struct node *info = &cluster_at(core_cluster(w->core), n)->info;
        printf("n%d: %s%s%s\n", n, world_sku_names[w->script->sku[n]], info->up ? "" : ", down",
               info->cordoned ? ", cordoned" : "");
    }
    for (int i = 0; i < w->window_count; i++)
        printf("maintenance of n%d from %lld s to %lld s\n", w->windows[i].node,
               (long long)(w->windows[i].start - w->now.wall) / 1000,
               (long long)(w->windows[i].end - w->now.wall) / 1000);
    for (int v = 0; v < WORLD_VCS; v++)
        printf("%s: %d nodes, %d GPUs, borrow %d, cap %d, cpus %d\n", world_vc_names[v], w->vcs[v].guarantee[0].nodes,
               w->vcs[v].guarantee[0].gpus, w->vcs[v].borrow, w->vcs[v].user_cap, w->vcs[v].cpus);
    for (int j = 0; j < w->job_count; j++)
        print_job(w, j);
}
