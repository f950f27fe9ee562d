/* SPDX-License-Identifier: MIT
 *
 * Help and the manual page.
 */
#include "sim/manual.h"

#include "base/roff.h"

static const struct manual_option options[] = {
    {MANUAL_TRACE, "trace", "FILE",
     "Replay: a trace in virtual time under several policies, and each virtual cluster alone",
     "CSV with submit_time_s, vc, gpus (in all), duration_s; user and priority if known."},
    {MANUAL_GPUS, "gpus", "N", NULL,
     "So many GPUs, on machines of 8; quotas by the rule. For a generated trace: to load (448)."},
    {MANUAL_CLUSTER, "cluster", "FILE", NULL, "Cells, virtual clusters and policies as JSON, instead of --gpus."},
    {MANUAL_POLICY, "policy", "NAMES", NULL, "Of fifo, priority, count, shape and described ones, by commas (all)."},
    {MANUAL_CLASSES, "classes", "MIX", NULL,
     "For jobs without a priority, in percent (oppo=20,test=50,prod=25,crit=5)."},
    {MANUAL_CHECKPOINT, "checkpoint", "S", NULL, "What is preempted has saved its work every S seconds (never)."},
    {MANUAL_GRACE, "grace", "S", NULL, "What is told to stop takes so long (30)."},
    {MANUAL_AGE, "age", "S", NULL, "What has waited for so long reserves; 0 = never (3600)."},
    {MANUAL_SEED, "seed", "N", NULL, "Of the classes drawn, and of a generated trace (1)."},
    {MANUAL_FORMAT, "format", "FORMAT", NULL, "table, json or csv (table). They say the same."},
    {MANUAL_GENERATE, "generate", "JOBS", "Generate: a trace on standard output; the same seed gives the same bytes",
     "So many jobs, with users and names."},
    {MANUAL_LOAD, "load", "PERCENT", NULL, "Of the GPU time of --gpus (90)."},
    {MANUAL_VCS, "vcs", "N", NULL, "So many virtual clusters (8)."},
    {MANUAL_USERS, "users", "N", NULL, "So many users (100)."},
    {MANUAL_OPPO, "oppo", "PERCENT", NULL, "Of the jobs are opportunistic (20)."},
    {MANUAL_SCENARIOS, "scenarios", "FILE", "Scenarios: black-box steps with the outcomes that they must have",
     "A line each; the last says how many passed."},
    {MANUAL_HELP, "help", NULL, "More", "This."},
    {MANUAL_MAN, "man", NULL, NULL, "The manual page: drover-sim --man | man -l -"},
};

static const struct {
    int status;
    const char *meaning;
} exits[] = {
    {0, "All is well."},
    {1, "A scenario failed, or an input cannot be used."},
    {2, "The command line is wrong."},
};

static const struct {
    const char *command, *does;
} examples[] = {
    {"drover-sim --generate 2000 --gpus 64 --seed 7 > trace.csv", "A trace of 2,000 jobs that load 64 GPUs to 90 %."},
    {"drover-sim --trace trace.csv --gpus 64 --policy count,shape",
     "What sharing costs with quotas by number, and by cells."},
    {"drover-sim --trace trace.csv --cluster two.json --format csv",
     "On a cluster, with virtual clusters and policies of one's own."},
    {"drover-sim --scenarios mine.json", "Whether the scheduler does what a file expects of it."},
};

static const char *const usages[][2] = {
    /* short, and in mdoc */
    {"--trace FILE (--gpus N | --cluster FILE) [OPTION...]",
     ".Fl \\-trace Ar file\n.Brq Fl \\-gpus Ar n | Fl \\-cluster Ar file\n.Op Ar options"},
    {"--generate JOBS [OPTION...]", ".Fl \\-generate Ar jobs\n.Op Ar options"},
    {"--scenarios FILE", ".Fl \\-scenarios Ar file"},
};

#define COUNT(list) (sizeof(list) / sizeof *(list))

const struct manual_option *manual_options(size_t *count)
{
    *count = COUNT(options);
    return options;
}

void manual_help(FILE *f)
{
    fprintf(f, "drover-sim - the scheduler of Drover without a cluster\n\n");
    for (size_t i = 0; i < COUNT(usages); i++)
        fprintf(f, "%s drover-sim %s\n", i ? "      " : "Usage:", usages[i][0]);
    for (size_t i = 0; i < COUNT(options); i++) {
        const struct manual_option *o = &options[i];
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
        if (o->group)
            fprintf(f, "\n%s\n", o->group);
        fprintf(f, "  %-18s %s\n", left, o->help);
    }
    fprintf(f, "\nExit status\n");
    for (size_t i = 0; i < COUNT(exits); i++)
        fprintf(f, "  %d  %s\n", exits[i].status, exits[i].meaning);
}

static void roff_line(FILE *f, const char *text)
{
    roff_text(f, text);
    fputc('\n', f);
}

static void page_options(FILE *f)
{
    fprintf(f, ".Sh OPTIONS\n");
    for (size_t i = 0; i < COUNT(options); i++) {
        const struct manual_option *o = &options[i];
        if (o->group) {
            fprintf(f, "%s", i ? ".El\n" : "");
            fprintf(f, ".Ss ");
            roff_line(f, o->group);
            fprintf(f, ".Bl -tag -width Ds\n");
        }
        fprintf(f, ".It Fl \\-%s%s%s\n", o->name, o->arg ? " Ar " : "", o->arg ? o->arg : "");
        roff_line(f, o->help);
    }
    fprintf(f, ".El\n");
}

/* What goes in; docs/SIM.md has more words, and what each figure means. */
static void page_input(FILE *f)
{
    fprintf(
        f,
        ".Sh TRACES\n"
        "CSV with a header; columns in any order, others are ignored, no quotes.\n"
        "A job's GPUs become pods of a whole machine each, and one for the rest.\n"
        "Rows without GPUs are left out, parts of a GPU rounded up; both are counted.\n"
        ".Sh CLUSTERS\n"
        "With\n.Fl \\-gpus ,\n"
        "each virtual cluster gets whole machines by its share of the trace's GPU-hours, largest remainder, at least\n"
        "one; a file describes others:\n"
        ".Bd -literal\n"
        "{\"cell_types\": {\"node\": {\"child\": \"gpu\", \"count\": 4, \"node\": true}},\n"
        " \"cells\": [{\"type\": \"node\"}, {\"type\": \"node\"}],\n"
        " \"vcs\": {\"a\": {\"cells\": [{\"cell\": \"node\", \"count\": 1}]},\n"
        "         \"b\": {\"cells\": [{\"cell\": \"node\", \"count\": 1}], \"borrow\": 2}},\n"
        " \"policies\": {\"mine\": {\"quota\": \"count\", \"ageSeconds\": 600}}}\n"
        ".Ed\n.Pp\n"
        "A guaranteed job larger than its quota is not run, under any policy, and counted apart.\n"
        ".Sh POLICIES\n.Bl -tag -width priority\n"
        ".It fifo\nOne pool, strictly by submission; nobody is preempted.\n"
        ".It priority\nOne pool; by class, then submission; what does not fit lets others pass; higher classes\n"
        "preempt lower ones.\n"
        ".It count\nEach virtual cluster has its number of GPUs, in no shape; opportunistic jobs use what is idle, "
        "and\n"
        "leave first.\n"
        ".It shape\nEach has its cells: whole machines, or parts of them.\n.El\n"
        ".Sh SCENARIOS\n"
        "A JSON object with\n.Va clusters ,\n.Va vcsets\nand\n.Va scenarios ;\n"
        "docs/SIM.md describes it, and tests/sim/hived.json has 37.\n");
}

void manual_page(FILE *f)
{
    fprintf(f, ".\\\" Made by `drover-sim --man`; do not edit.\n"
               ".Dd $Mdocdate$\n.Dt DROVER-SIM 1\n.Os Drover\n.Sh NAME\n.Nm drover-sim\n"
               ".Nd the scheduler of Drover without a cluster\n.Sh SYNOPSIS\n");
    for (size_t i = 0; i < COUNT(usages); i++)
        fprintf(f, ".Nm\n%s\n", usages[i][1]);
    fprintf(
        f, ".Sh DESCRIPTION\n"
           "The rules that\n.Xr droverd 8\nschedules with, under a clock that jumps from event to event. It replays a\n"
           "trace under several policies and tells waits, slowdown, use, fragmentation, preemptions, lost work,\n"
           "fairness, and what sharing the cluster costs each virtual cluster against machines of its own; it makes\n"
           "traces; and it runs scenarios.\n"
           "The same input gives the same output.\n");
    page_options(f);
    page_input(f);
    fprintf(f, ".Sh EXIT STATUS\n.Bl -tag -width Ds\n");
    for (size_t i = 0; i < COUNT(exits); i++) {
        fprintf(f, ".It %d\n", exits[i].status);
        roff_line(f, exits[i].meaning);
    }
    fprintf(f, ".El\n.Sh EXAMPLES\n.Bl -tag -width Ds\n");
    for (size_t i = 0; i < COUNT(examples); i++) {
        fprintf(f, ".It Li ");
        roff_line(f, examples[i].command);
        roff_line(f, examples[i].does);
    }
    fprintf(f, ".El\n.Sh SEE ALSO\n.Xr drover 1\n");
}
