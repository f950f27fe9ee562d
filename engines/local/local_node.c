/* SPDX-License-Identifier: MIT
 *
 * What this machine offers.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "engines/local/local_impl.h"

/* The CPUs that this process may run on, cut down to the CPU time that its cgroup (v2 or v1) allows. */
static int local_node_cpus(void)
{
    long long quota = -1, period = -1;
    cpu_set_t set;
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    FILE *f;

    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        n = CPU_COUNT(&set);
    f = fopen("/sys/fs/cgroup/cpu.max", "re");
    if (f) {
        if (fscanf(f, "%lld %lld", &quota, &period) != 2) /* "max 100000": no limit */
            quota = -1;
        (void)fclose(f);
    }
    if (quota > 0 && period > 0 && quota / period < n)
        n = (long)(quota / period);
    return n < 1 ? 1 : (int)n;
}

/* MiB, or 0 when not known. */
static int64_t local_node_memory(void)
{
    FILE *f = fopen("/proc/meminfo", "re");
    long long kib = 0;

    if (!f)
        return 0;
    if (fscanf(f, "MemTotal: %lld kB", &kib) != 1)
        kib = 0;
    (void)fclose(f);
    return kib / 1024;
}

static int local_node_simulated(struct node *n, int count, struct err *e)
{
    if (count > NODE_GPU_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "gpus: at most %d GPUs can be simulated", NODE_GPU_MAX);
    n->gpu_count = count;
    for (int i = 0; i < count; i++) {
        n->gpus[i].index = i;
        n->gpus[i].simulated = true;
        (void)snprintf(n->gpus[i].model, sizeof(n->gpus[i].model), "simulated");
    }
    return 0;
}

int local_node_find(struct node *n, const struct local_config *c, struct err *e)
{
    char host[NODE_NAME_MAX] = "";

    memset(n, 0, sizeof(*n));
    if (!c->name && (gethostname(host, sizeof(host)) || host[sizeof(host) - 1]))
        return err_set(e, ERR_INTERNAL, "the host's name is not known or too long: set a node name");
    (void)snprintf(n->name, sizeof(n->name), "%s", c->name ? c->name : host);
    (void)snprintf(n->address, sizeof(n->address), "%s", c->address ? c->address : "127.0.0.1");
    (void)snprintf(n->isolation, sizeof(n->isolation), "rlimits"); /* until the spawner has told */
    if (c->boot_id)
        (void)snprintf(n->boot_id, sizeof(n->boot_id), "%s", c->boot_id);
    else if (procs_boot_id(n->boot_id, e))
        return -1;
    n->cpus = c->cpus > 0 ? c->cpus : local_node_cpus();
    n->memory_mb = c->memory_mb > 0 ? c->memory_mb : local_node_memory();
    n->port_first = c->port_first > 0 ? c->port_first : 15000;
    n->port_last = c->port_last > 0 ? c->port_last : 32767;
    n->up = true;
    if (c->gpus >= 0)
        return local_node_simulated(n, c->gpus, e);
    n->gpu_count = c->found_count;
    for (int i = 0; i < c->found_count; i++)
        n->gpus[i] = c->found[i];
    return 0;
}
