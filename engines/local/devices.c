/* SPDX-License-Identifier: MIT
 *
 * The device program: a chain of comparisons, one rule after the other. The kernel calls it for each open and mknod in
 * the group with (access << 16 | type, major, minor); 1 is leave. It runs beside those of the groups above
 * (BPF_F_ALLOW_MULTI), which all must give leave, too.
 */
#include "engines/local/devices.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define DEVICES_RULE_INSNS 8 /* at most */

/* Null, zero, full, random, urandom, tty, console, ptmx and the terminals behind it. Making nodes needs a capability
 * that tasks do not have, and runc, which allows this and the tunnel device in its own group below ours, may not allow
 * more than we do. */
static const struct devices_rule devices_common[] = {
    {'c', 1, 3, "rwm"},
    {'c', 1, 5, "rwm"},
    {'c', 1, 7, "rwm"},
    {'c', 1, 8, "rwm"},
    {'c', 1, 9, "rwm"},
    {'c', 5, 0, "rwm"},
    {'c', 5, 1, "rwm"},
    {'c', 5, 2, "rwm"},
    {'c', 136, DEVICES_ANY, "rwm"},
    {'c', 10, 200, "rwm"},
    {'c', DEVICES_ANY, DEVICES_ANY, "m"},
    {'b', DEVICES_ANY, DEVICES_ANY, "m"},
};

#define DEVICES_COMMON (sizeof(devices_common) / sizeof(devices_common[0]))

int devices_rules(const char *const *paths, size_t count, struct devices_rule out[DEVICES_RULES_MAX])
{
    memcpy(out, devices_common, sizeof(devices_common));
    if (count > DEVICES_RULES_MAX - DEVICES_COMMON) {
        errno = E2BIG;
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        struct stat st;

        if (stat(paths[i], &st))
            return -1;
        if (!S_ISCHR(st.st_mode)) {
            errno = ENODEV;
            return -1;
        }
        out[DEVICES_COMMON + i] = (struct devices_rule){'c', (int)major(st.st_rdev), (int)minor(st.st_rdev), "rwm"};
    }
    return (int)(DEVICES_COMMON + count);
}

/* A number of a rule in text. */
static void devices_number(int number, char out[12])
{
    if (number == DEVICES_ANY)
        (void)snprintf(out, 12, "*");
    else
        (void)snprintf(out, 12, "%d", number);
}

void devices_text(const struct devices_rule *r, char out[DEVICES_TEXT_MAX])
{
    char first[12], second[12];

    devices_number(r->major, first);
    devices_number(r->minor, second);
    (void)snprintf(out, DEVICES_TEXT_MAX, "%c %s:%s %s", r->type, first, second, r->access);
}

static unsigned devices_access(const char *access)
{
    return (strchr(access, 'r') ? BPF_DEVCG_ACC_READ : 0u) | (strchr(access, 'w') ? BPF_DEVCG_ACC_WRITE : 0u) |
           (strchr(access, 'm') ? BPF_DEVCG_ACC_MKNOD : 0u);
}

static struct bpf_insn insn(unsigned code, unsigned dst, unsigned src, int off, int imm)
{
    return (struct bpf_insn){
        .code = (uint8_t)code, .dst_reg = dst & 15u, .src_reg = src & 15u, .off = (int16_t)off, .imm = imm};
}

/* One rule: leave, or on to the next. Registers: 2 type, 3 access, 4 major, 5 minor. How many instructions. */
static size_t devices_rule_insns(const struct devices_rule *r, struct bpf_insn *p)
{
    const unsigned differs = BPF_JMP | BPF_JNE | BPF_K;
    size_t n = 0;

    p[n++] = insn(differs, BPF_REG_2, 0, 0, r->type == 'c' ? BPF_DEVCG_DEV_CHAR : BPF_DEVCG_DEV_BLOCK);
    if (r->major != DEVICES_ANY)
        p[n++] = insn(differs, BPF_REG_4, 0, 0, r->major);
    if (r->minor != DEVICES_ANY)
        p[n++] = insn(differs, BPF_REG_5, 0, 0, r->minor);
    p[n++] = insn(BPF_JMP | BPF_JSET | BPF_K, BPF_REG_3, 0, 0, (int)(~devices_access(r->access) & 7u));
    p[n++] = insn(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 1);
    p[n++] = insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
    for (size_t i = 0; i + 2 < n; i++)
        p[i].off = (int16_t)(n - 1 - i); /* behind this rule */
    return n;
}

/* The whole program; how many instructions. */
static size_t devices_program(const struct devices_rule *rules, size_t count, struct bpf_insn *p)
{
    const unsigned load = BPF_LDX | BPF_MEM | BPF_W;
    size_t n = 0;

    p[n++] = insn(load, BPF_REG_2, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, access_type), 0);
    p[n++] = insn(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_3, BPF_REG_2, 0, 0);
    p[n++] = insn(BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_2, 0, 0, 0xffff);
    p[n++] = insn(BPF_ALU64 | BPF_RSH | BPF_K, BPF_REG_3, 0, 0, 16);
    p[n++] = insn(load, BPF_REG_4, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, major), 0);
    p[n++] = insn(load, BPF_REG_5, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, minor), 0);
    for (size_t i = 0; i < count; i++)
        n += devices_rule_insns(&rules[i], p + n);
    p[n++] = insn(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0);
    p[n++] = insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
    return n;
}

static int devices_bpf(int command, union bpf_attr *attr)
{
    return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

int devices_attach(int dir, const struct devices_rule *rules, size_t count)
{
    struct bpf_insn program[DEVICES_RULE_INSNS * (DEVICES_RULES_MAX + 1)];
    union bpf_attr attr;
    int fd, rc, saved;

    memset(&attr, 0, sizeof(attr));
    attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attr.insn_cnt = (uint32_t)devices_program(rules, count, program);
    attr.insns = (uint64_t)(uintptr_t)program;
    attr.license = (uint64_t)(uintptr_t) "MIT";
    fd = devices_bpf(BPF_PROG_LOAD, &attr);
    if (fd < 0)
        return -1;
    memset(&attr, 0, sizeof(attr));
    attr.target_fd = (uint32_t)dir;
    attr.attach_bpf_fd = (uint32_t)fd;
    attr.attach_type = BPF_CGROUP_DEVICE;
    attr.attach_flags = BPF_F_ALLOW_MULTI;
    rc = devices_bpf(BPF_PROG_ATTACH, &attr);
    saved = errno;
    (void)close(fd); /* the group holds it */
    errno = saved;
    return rc;
}
