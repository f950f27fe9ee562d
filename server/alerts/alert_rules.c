/* SPDX-License-Identifier: MIT
 *
 * The table. docs/ALERTS.md shows it; tests/unit/server/test_alert_rules.c holds both to each other. Names that OpenPAI
 * has mean what they mean there.
 */
#include <stddef.h>

#include "server/alerts/alert_rule.h"

enum { MINUTE = 60, HOUR = 3600 };

/* clang-format off */
#define GPU(c, grave) .figure = ALERT_GPU_CAUSE, .cause = (c), .threshold = 0, .severity = (grave)

static const struct alert_rule rules[] = {
    /* nodes */
    {"NodeNotReady", .figure = ALERT_NODE_UP, .compare = ALERT_BELOW, .threshold = 1, .for_s = MINUTE, .severity = ALERT_ERROR,
     .text = "The engine does not reach the node; nothing starts there.",
     .openpai = "NodeNotReady k8sDockerDaemonNotOk"},
    {"GpuQuarantined", .figure = ALERT_NODE_QUARANTINED, .severity = ALERT_ERROR,
     .text = "GPUs are not given out: the processes that had them could not be proven gone."},
    {"NodeNeedsRestart", GPU(GPU_XID_RESTART, ALERT_ERROR), .text = "The machine has to be started anew."},
    {"NodeMemoryUsage", .figure = ALERT_MEMORY_USED, .threshold = 95, .for_s = 5 * MINUTE, .severity = ALERT_WARN,
     .text = "The memory of droverd's machine is nearly used up.", .openpai = "NodeMemoryUsage"},
    {"NodeCPUUsage", .figure = ALERT_CPU_USED, .threshold = 98, .for_s = 10 * MINUTE, .severity = ALERT_WARN,
     .text = "All CPUs of droverd's machine are busy.", .openpai = "NodeCPUUsage"},
    {"NodeFilesystemUsage", .figure = ALERT_DISK_FREE, .compare = ALERT_BELOW, .threshold = 20, .for_s = 5 * MINUTE,
     .severity = ALERT_WARN, .text = "The file system of the data folder fills up.", .openpai = "NodeFilesystemUsage"},
    {"NodeDiskPressure", .figure = ALERT_DISK_FREE, .compare = ALERT_BELOW, .threshold = 10, .for_s = MINUTE,
     .severity = ALERT_ERROR, .text = "The file system of the data folder is nearly full.", .openpai = "NodeDiskPressure"},
    {"NodeOutOfDisk", .figure = ALERT_DISK_FREE, .compare = ALERT_BELOW, .threshold = 2, .severity = ALERT_FATAL,
     .text = "The file system of the data folder is full; soon nothing can be submitted.", .openpai = "NodeOutOfDisk"},

    /* GPUs; inventory/gpu_health.c says what they are found to be */
    {"GpuThrottled", GPU(GPU_THROTTLED, ALERT_WARN), .text = "The hardware slows the GPU down: heat, or a lack of power.",
     .openpai = "NodeGpuLowPerfState"},
    {"GpuMemoryToReplace", GPU(GPU_ROWS_PENDING, ALERT_WARN), .text = "Reset the GPU when nobody uses it."},
    {"GpuPower", GPU(GPU_XID_POWER, ALERT_WARN), .text = "Check the power leads of the GPU."},
    {"GpuForeignProcess", GPU(GPU_FOREIGN, ALERT_WARN), .text = "Find out whose process it is; the GPU is not given out.",
     .openpai = "GpuUsedByExternalProcess"},
    {"GpuZombieProcess", GPU(GPU_ZOMBIE, ALERT_WARN), .text = "End the process; the GPU is not given out.",
     .openpai = "NvidiaZombieProcess GpuUsedByZombieContainer"},
    {"GpuMemoryErrors", GPU(GPU_ECC, ALERT_ERROR), .text = "Reset the GPU; it is not given out until then.",
     .openpai = "NvidiaSmiDoubleEccError"},
    {"GpuMemoryNotReplaced", GPU(GPU_ROWS_FAILED, ALERT_ERROR), .text = "The GPU is broken; have it replaced."},
    {"GpuNeedsReset", GPU(GPU_XID_RESET, ALERT_ERROR), .text = "Reset the GPU; it is not given out until then."},
    {"GpuLinkFailed", GPU(GPU_XID_LINK, ALERT_ERROR), .text = "Check the links between GPUs, and reset them."},
    {"GpuLost", GPU(GPU_LOST, ALERT_ERROR), .text = "The GPU has fallen off the bus; the node has fewer than it had.",
     .openpai = "NodeGpuCountChanged"},
    {"GpuDriverFails", GPU(GPU_DRIVER_FAILS, ALERT_ERROR), .text = "The driver of the GPUs fails; see the system's log.",
     .openpai = "JobExporterHangs"},
    {"GpuDriverHangs", GPU(GPU_DRIVER_HANGS, ALERT_ERROR), .text = "The driver of the GPUs does not answer.",
     .openpai = "NvidiaSmiLatencyTooLarge"},
    {"GpuTemperature", .figure = ALERT_GPU_TEMPERATURE, .threshold = 90, .for_s = 5 * MINUTE, .severity = ALERT_WARN,
     .text = "The GPU is too hot; check fans and air."},
    {"GpuMemoryLeak", .figure = ALERT_GPU_MEMORY_LEFT, .threshold = 256, .for_s = 10 * MINUTE, .severity = ALERT_WARN,
     .text = "Memory of the GPU is in use although no process computes on it; reset it when nobody uses it.",
     .openpai = "NvidiaMemoryLeak"},

    /* jobs */
    {"JobGpusNotUsed", .figure = ALERT_JOB_IDLE, .severity = ALERT_WARN,
     .text = "The job holds GPUs and does not use them."},
    {"JobWaitsLong", .figure = ALERT_JOB_WAITS, .threshold = 24 * HOUR, .severity = ALERT_INFO,
     .text = "The job waits for its place; drover explain says why."},
    {"JobStartsSlowly", .figure = ALERT_JOB_STARTS, .for_s = 30 * MINUTE, .severity = ALERT_WARN,
     .text = "Tasks of the job have a place and do not start; see its events.", .openpai = "PaiJobPending"},
    {"JobStopsSlowly", .figure = ALERT_JOB_STOPS, .for_s = HOUR, .severity = ALERT_WARN,
     .text = "The job was stopped and still has processes.", .openpai = "PaiJobsZombie"},

    /* the server */
    {"ServerNotReady", .figure = ALERT_SERVER_READY, .compare = ALERT_BELOW, .threshold = 1, .for_s = MINUTE,
     .severity = ALERT_FATAL, .text = "droverd cannot commit, or does not find its running tasks again; see its log.",
     .openpai = "k8sApiServerNotOk PaiServicePodNotReady PaiServicePodNotRunning"},
    {"CommitFailures", .figure = ALERT_COMMIT_FAILURES, .severity = ALERT_ERROR,
     .text = "Transactions failed; their callers were told so. Look at the disk."},
    {"DatabaseLogLarge", .figure = ALERT_WAL, .threshold = 64, .for_s = 5 * MINUTE, .severity = ALERT_WARN,
     .text = "The write-ahead log is not emptied: a reader stands in its way. At 128 MiB nothing more is written."},
    {"ServerMemoryUsage", .figure = ALERT_RESIDENT, .threshold = 4096, .for_s = 10 * MINUTE, .severity = ALERT_WARN,
     .text = "droverd uses much memory.", .openpai = "AzureAgentConsumeTooMuchMem"},
    {"ServerDescriptors", .figure = ALERT_DESCRIPTORS, .threshold = 80, .for_s = 5 * MINUTE, .severity = ALERT_WARN,
     .text = "droverd has nearly as many files and connections open as it may."},
    {"CertificateExpires", .figure = ALERT_CERTIFICATE, .compare = ALERT_BELOW, .threshold = 30, .severity = ALERT_WARN,
     .text = "Renew the server's certificate."},
    {"RemoteWriteLags", .figure = ALERT_REMOTE_LAG, .threshold = 5 * MINUTE, .for_s = 5 * MINUTE, .severity = ALERT_WARN,
     .text = "Samples wait for the receiver of remote write; after two hours they are dropped."},
    {"Watchdog", .figure = ALERT_ALWAYS, .threshold = 0, .severity = ALERT_INFO, .off = true,
     .text = "Fires always, so that whoever is told of alerts notices when none can come.", .openpai = "WatchdogNotUp"},
};
/* clang-format on */

_Static_assert(sizeof rules / sizeof *rules <= ALERT_RULES_MAX, "as many rules as the settings have room for");

const struct alert_rule *alert_rules(int *count)
{
    *count = (int)(sizeof rules / sizeof *rules);
    return rules;
}
