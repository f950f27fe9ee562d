/* SPDX-License-Identifier: MIT
 *
 * The generator. Sizes are those of the scheduler's benchmark (1 to 128 GPUs); virtual clusters and users differ in
 * weight as 1/n (Zipf). A user works on a few experiments: runs of one carry its name and a number, have its size, and
 * take about its time, which itself is log-normal with the median and spread of the Philly trace. Arrivals follow the
 * clock: twice as many at noon as at midnight.
 */
#include "sim/generate.h"

#include <math.h>
#include <stdlib.h>

#include "base/err.h"
#include "sim/random.h"

enum { DAY_S = 86400, EXPERIMENTS = 4 /* of one user */, MEDIAN_S = 1144, LONGEST_S = 30 * DAY_S };
static const double spread = 1.75, rerun_spread = 0.25; /* of the logarithm of a duration */

struct experiment {
    const char *model, *data;
    int number, gpus;
    double median_s;
};

struct job {
    double at_s;
    int user, experiment, run, gpus;
    int64_t duration_s;
    const char *priority;
};

struct maker {
    const struct generate *ask;
    uint64_t seed;
    struct experiment *experiments; /* EXPERIMENTS of each user */
    double *user_weight;            /* running sums */
    struct job *jobs;
};

static double normal(uint64_t *s) /* Box and Muller */
{
    double a = 1 - random_unit(s), b = random_unit(s);
    return sqrt(-2 * log(a)) * cos(6.283185307179586 * b);
}

static int draw_gpus(uint64_t *s)
{
    static const struct {
        int percent, gpus;
    } sizes[] = {{40, 1}, {15, 2}, {15, 4}, {15, 8}, {7, 16}, {5, 32}, {2, 64}, {1, 128}};
    int dice = random_below(s, 100), i = 0;
    while (dice >= sizes[i].percent)
        dice -= sizes[i++].percent;
    return sizes[i].gpus;
}

static void make_users(struct maker *m)
{
    static const char *const models[] = {"resnet50", "bert", "gpt2", "vit", "unet", "t5", "whisper", "ppo"};
    static const char *const data[] = {"imagenet", "wiki", "c4", "coco", "librispeech", "synthetic"};
    double sum = 0;
    for (int u = 0; u < m->ask->users; u++) {
        sum += 1.0 / (1 + (double)u / m->ask->vcs);
        m->user_weight[u] = sum;
        for (int k = 0; k < EXPERIMENTS; k++) {
            int gpus = draw_gpus(&m->seed);
            while (gpus > m->ask->gpus)
                gpus /= 2;
            m->experiments[u * EXPERIMENTS + k] =
                (struct experiment){.model = models[random_below(&m->seed, 8)],
                                    .data = data[random_below(&m->seed, 6)],
                                    .number = random_below(&m->seed, 1000),
                                    .gpus = gpus,
                                    .median_s = MEDIAN_S * exp(spread * normal(&m->seed))};
        }
    }
}

/* A user by weight. */
static int draw_user(struct maker *m)
{
    double at = random_unit(&m->seed) * m->user_weight[m->ask->users - 1];
    int low = 0, high = m->ask->users - 1;
    while (low < high) {
        int middle = (low + high) / 2;
        if (m->user_weight[middle] > at)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static const char *draw_priority(struct maker *m)
{
    int dice = random_below(&m->seed, 300), oppo = 3 * m->ask->oppo_percent, rest = 300 - oppo;
    if (dice < oppo)
        return "oppo";
    dice -= oppo;
    return dice * 3 < rest * 2 ? "test" : dice * 20 < rest * 19 ? "prod" : "crit";
}

/* Jobs with arrivals one unit apart on average. Returns their GPU-seconds. */
static double make_jobs(struct maker *m)
{
    double at = 0, work = 0;
    for (int i = 0; i < m->ask->jobs; i++) {
        struct job *j = &m->jobs[i];
        j->user = draw_user(m);
        j->experiment = random_below(&m->seed, EXPERIMENTS);
        const struct experiment *x = &m->experiments[j->user * EXPERIMENTS + j->experiment];
        double s = x->median_s * exp(rerun_spread * normal(&m->seed));
        at += -log(1 - random_unit(&m->seed));
        j->at_s = at;
        j->run = i;
        j->gpus = x->gpus;
        j->duration_s = s < 1 ? 1 : s > LONGEST_S ? LONGEST_S : (int64_t)s;
        j->priority = draw_priority(m);
        work += (double)j->duration_s * j->gpus;
    }
    return work;
}

/* The moment of a day at which so much of a day's arrivals have come: the integral of 1 - cos/3, turned round by
 * halving. Twice as many come at noon as at midnight. */
static double by_the_clock(double at_s)
{
    double day = floor(at_s / DAY_S) * DAY_S, want = at_s - day, low = 0, high = DAY_S;
    for (int i = 0; i < 40; i++) {
        double t = (low + high) / 2, turn = 6.283185307179586 / DAY_S;
        if (t - sin(t * turn) / (3 * turn) < want)
            low = t;
        else
            high = t;
    }
    return day + low;
}

static void write_jobs(const struct maker *m, double unit_s, FILE *out)
{
    fputs("submit_time_s,user,vc,name,priority,gpus,duration_s\n", out);
    for (int i = 0; i < m->ask->jobs; i++) {
        const struct job *j = &m->jobs[i];
        const struct experiment *x = &m->experiments[j->user * EXPERIMENTS + j->experiment];
        fprintf(out, "%.0f,user%d,vc%d,%s-%s-%d-%d,%s,%d,%lld\n", floor(by_the_clock(j->at_s * unit_s)), j->user,
                j->user % m->ask->vcs, x->model, x->data, x->number, j->run, j->priority, j->gpus,
                (long long)j->duration_s);
    }
}

static int check(const struct generate *g, struct err *e)
{
    if (g->jobs < 1 || g->jobs > 10000000 || g->vcs < 1 || g->vcs > 1024 || g->users < g->vcs || g->users > 1000000)
        return err_set(e, ERR_INVALID_PARAMETERS,
                       "1 to 10000000 jobs, 1 to 1024 virtual clusters, and as many users or more, at most 1000000");
    if (g->gpus < 1 || g->gpus > 1000000 || g->load_percent < 1 || g->load_percent > 1000 || g->oppo_percent < 0 ||
        g->oppo_percent > 100)
        return err_set(e, ERR_INVALID_PARAMETERS, "1 to 1000000 GPUs, a load of 1 to 1000 %%, 0 to 100 %% of oppo");
    return 0;
}

int generate_trace(const struct generate *g, FILE *out, struct err *e)
{
    struct maker m = {.ask = g, .seed = g->seed};
    if (check(g, e))
        return -1;
    m.experiments = calloc((size_t)g->users * EXPERIMENTS, sizeof *m.experiments);
    m.user_weight = calloc((size_t)g->users, sizeof *m.user_weight);
    m.jobs = calloc((size_t)g->jobs, sizeof *m.jobs);
    int rc = 0;
    if (!m.experiments || !m.user_weight || !m.jobs) {
        rc = err_set(e, ERR_INTERNAL, "out of memory");
    } else {
        make_users(&m);
        double work = make_jobs(&m), span_s = work / g->gpus * 100 / g->load_percent;
        write_jobs(&m, span_s / m.jobs[g->jobs - 1].at_s, out);
        if (fflush(out) || ferror(out))
            rc = err_set(e, ERR_INTERNAL, "the trace could not be written");
    }
    free(m.experiments);
    free(m.user_weight);
    free(m.jobs);
    return rc;
}
