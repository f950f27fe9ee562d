/* SPDX-License-Identifier: MIT
 *
 * Tables. Slurm's words are those of its 22.05; a newer one's that is not here changes nothing that is known.
 */
#include "engines/slurm/states.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "jobs/exits.h"

enum { EXTERNALLY_DELETED = -101 };

static const struct states_job jobs[] = {
    {"PENDING", STATES_WAITS, 0},
    {"CONFIGURING", STATES_WAITS, 0},
    {"REQUEUED", STATES_WAITS, 0},
    {"REQUEUE_FED", STATES_WAITS, 0},
    {"REQUEUE_HOLD", STATES_WAITS, 0},
    {"RESV_DEL_HOLD", STATES_WAITS, 0},
    {"SPECIAL_EXIT", STATES_WAITS, 0},
    {"STAGE_OUT", STATES_ENDS, 0},
    {"POWER_UP_NODE", STATES_WAITS, 0},
    {"RUNNING", STATES_RUNS, 0},
    {"RESIZING", STATES_RUNS, 0},
    {"SIGNALING", STATES_RUNS, 0},
    {"STOPPED", STATES_RUNS, 0},
    {"SUSPENDED", STATES_RUNS, 0},
    {"UPDATE_DB", STATES_RUNS, 0},
    {"COMPLETING", STATES_ENDS, 0},
    {"COMPLETED", STATES_ENDED, STATES_END_EXIT},
    {"FAILED", STATES_ENDED, STATES_END_EXIT},
    {"TIMEOUT", STATES_ENDED, STATES_END_TIMEOUT},
    {"DEADLINE", STATES_ENDED, STATES_END_TIMEOUT},
    {"OUT_OF_MEMORY", STATES_ENDED, STATES_END_OOM},
    {"NODE_FAIL", STATES_ENDED, STATES_END_NODE},
    {"BOOT_FAIL", STATES_ENDED, STATES_END_NODE},
    {"LAUNCH_FAILED", STATES_ENDED, STATES_END_NODE},
    {"RECONFIG_FAIL", STATES_ENDED, STATES_END_NODE},
    {"REVOKED", STATES_ENDED, STATES_END_NODE},
    {"PREEMPTED", STATES_ENDED, STATES_END_PREEMPTED},
    {"CANCELLED", STATES_ENDED, STATES_END_CANCELLED},
    {NULL, STATES_UNKNOWN, 0},
};

const struct states_job *states_all(void)
{
    return jobs;
}

const struct states_job *states_find(const char *word)
{
    const struct states_job *s = jobs;
    while (s->word && strcmp(s->word, word) != 0)
        s++;
    return s;
}

static const struct {
    int code;
    const char *text;
} ends[STATES_END_COUNT] = {
    [STATES_END_EXIT] = {0, "it ended"},
    [STATES_END_TIMEOUT] = {EXIT_CODE_TIME_LIMIT, "Slurm ended it at the time limit of its partition"},
    [STATES_END_OOM] = {EXIT_CODE_OOM, "Slurm killed it at its memory limit"},
    [STATES_END_NODE] = {EXIT_CODE_NODE_LOST, "its node failed"},
    [STATES_END_PREEMPTED] = {EXIT_CODE_PREEMPTED, "Slurm preempted it for another job"},
    [STATES_END_CANCELLED] = {EXTERNALLY_DELETED, "it was cancelled at Slurm, not by Drover"},
};

int states_exit_code(enum states_end end)
{
    return ends[end].code;
}

const char *states_end_text(enum states_end end)
{
    return ends[end].text;
}

static const struct {
    const char *word, *text;
} reasons[] = {
    {"Resources", "other jobs of Slurm hold what it needs"},
    {"Priority", "jobs of a higher priority in Slurm come first"},
    {"None", "Slurm has not looked at it yet"},
    {"BeginTime", "Slurm starts it later: it was requeued or preempted"},
    {"Dependency", "it waits for another job of Slurm"},
    {"JobHeldAdmin", "an admin holds it at Slurm"},
    {"JobHeldUser", "it is held at Slurm"},
    {"PartitionDown", "the partition of Slurm is down"},
    {"PartitionInactive", "the partition of Slurm starts nothing now"},
    {"PartitionNodeLimit", "it needs more nodes than the partition of Slurm allows"},
    {"PartitionTimeLimit", "it asks for more time than the partition of Slurm allows"},
    {"PartitionConfig", "its partition of Slurm does not allow it"},
    {"ReqNodeNotAvail", "Slurm cannot use the node now: it is down, drained or reserved"},
    {"NodeDown", "the node is down"},
    {"BadConstraints", "the node does not have what it needs"},
    {"Reservation", "it waits for a reservation of Slurm"},
    {"Licenses", "it waits for a licence"},
    {"JobLaunchFailure", "the node could not start it"},
    {"Prolog", "its prolog runs"},
    {"Cleaning", "it is cleaned up after a requeue"},
    {"QOSJobLimit", "its QOS of Slurm has reached the number of its jobs"},
    {"QOSResourceLimit", "its QOS of Slurm has reached its resources"},
    {"QOSTimeLimit", "its QOS of Slurm has reached its time"},
    {"QOSNotAllowed", "its QOS may not use the partition of Slurm"},
    {"QOSGrpGRES", "its QOS of Slurm has all GPUs that it may have"},
    {"QOSGrpCpuLimit", "its QOS of Slurm has all CPUs that it may have"},
    {"QOSGrpMemLimit", "its QOS of Slurm has all memory that it may have"},
    {"QOSMaxGRESPerUser", "its user has all GPUs that the QOS of Slurm gives one"},
    {"QOSMaxCpuPerUserLimit", "its user has all CPUs that the QOS of Slurm gives one"},
    {"QOSMaxJobsPerUserLimit", "its user has as many jobs as the QOS of Slurm allows"},
    {"AssocGrpGRES", "its account at Slurm has all GPUs that it may have"},
    {"AssocGrpCpuLimit", "its account at Slurm has all CPUs that it may have"},
    {"AssocGrpMemLimit", "its account at Slurm has all memory that it may have"},
    {"AssocMaxJobsLimit", "its account at Slurm has as many jobs as it may have"},
    {"AssociationJobLimit", "its account at Slurm has as many jobs as it may have"},
    {"AssociationResourceLimit", "its account at Slurm has all that it may have"},
    {"AssociationTimeLimit", "its account at Slurm has used up its time"},
    {"InvalidAccount", "its account is not known to Slurm"},
    {"InvalidQOS", "its QOS is not known to Slurm"},
    {"JobArrayTaskLimit", "its array of Slurm runs as many tasks as it may"},
    {"MaxRequeueExceeded", "Slurm has requeued it too often"},
};

const char *states_reason(const char *word)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (!strcmp(reasons[i].word, word))
            return reasons[i].text;
    return NULL;
}

static const char *const up_states[] = {"idle", "allocated", "mixed"};
static const char *const up_flags[] = {"COMPLETING",   "PLANNED",        "CLOUD",
                                       "DYNAMIC_NORM", "DYNAMIC_FUTURE", "POWERED_UP"};

bool states_node_up(const char *state)
{
    for (size_t i = 0; i < sizeof up_states / sizeof *up_states; i++)
        if (!strcasecmp(up_states[i], state))
            return true;
    return false;
}

bool states_flag_up(const char *flag)
{
    for (size_t i = 0; i < sizeof up_flags / sizeof *up_flags; i++)
        if (!strcasecmp(up_flags[i], flag))
            return true;
    return false;
}
