/* SPDX-License-Identifier: MIT
 *
 * The keeper's capabilities (libcap is not worth a dependency for two calls).
 */
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engines/local/keeper.h"

/* Keeps of what we have what is in `mask`, and hands nothing on. */
static int caps_limit(const uint32_t mask[_LINUX_CAPABILITY_U32S_3])
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];

    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) || syscall(SYS_capget, &head, caps))
        return -1;
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        caps[i].permitted &= mask[i];
        caps[i].effective = caps[i].permitted;
        caps[i].inheritable = 0;
    }
    return (int)syscall(SYS_capset, &head, caps);
}

int keeper_caps_keep_own(void)
{
    return caps_limit((const uint32_t[]){~0u, ~0u});
}

int keeper_caps_drop(void)
{
    /* The second for its control group: the folder above may be one that nobody has leave to write to. */
    return caps_limit((const uint32_t[]){1u << CAP_KILL | 1u << CAP_DAC_OVERRIDE, 0});
}
