/* SPDX-License-Identifier: MIT
 *
 * The command line of the programs that drive seeded histories.
 */
#include "tests/sim/seeds.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

struct plan {
    uint64_t first, count;
    int events, until;
    bool tell;
};

bool seeds_wrong(const char *what)
{
    printf("violated: %s\n", what);
    return false;
}

static int usage(const char *program)
{
    fprintf(stderr, "usage: %s [--seed S] [--seeds N] [--events N] [--until N] [--tell]\n", program);
    return 2;
}

static int read_options(int argc, char **argv, struct plan *p)
{
    static const struct option options[] = {
        {"seed", required_argument, NULL, 's'},   {"seeds", required_argument, NULL, 'n'},
        {"events", required_argument, NULL, 'e'}, {"until", required_argument, NULL, 'u'},
        {"tell", no_argument, NULL, 't'},         {0}};
    bool alone = false, many = false;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) >= 0;) {
        unsigned long long n = optarg ? strtoull(optarg, NULL, 10) : 0;
        if (c == '?' || (optarg && !n))
            return usage(argv[0]);
        switch (c) {
        case 's':
            p->first = n;
            alone = true;
            break;
        case 'n':
            p->count = n;
            many = true;
            break;
        case 'e':
            p->events = (int)n;
            break;
        case 'u':
            p->until = (int)n;
            break;
        default:
            p->tell = true;
        }
    }
    if (alone && !many)
        p->count = 1;
    return optind < argc ? usage(argv[0]) : 0;
}

int seeds_main(int argc, char **argv, seeds_fn *run)
{
    bool nightly = getenv("DROVER_NIGHTLY") != NULL;
    struct plan p = {.first = 1, .count = nightly ? 200 : 20, .events = nightly ? 50000 : 10000};
    int rc = read_options(argc, argv, &p);
    if (rc)
        return rc;
    if (!p.until || p.until > p.events)
        p.until = p.events;
    for (uint64_t seed = p.first; seed < p.first + p.count; seed++) {
        struct seeds_run one = {.seed = seed, .events = p.until, .tell = p.tell};
        if (run(&one))
            continue;
        printf("seed %llu, event %d: replay with `%s --seed %llu --until %d --tell`\n", (unsigned long long)seed,
               one.done, argv[0], (unsigned long long)seed, one.done + 1);
        return 1;
    }
    printf("%llu events of %llu seeds, no violation\n", (unsigned long long)p.count * (unsigned long long)p.until,
           (unsigned long long)p.count);
    return 0;
}
