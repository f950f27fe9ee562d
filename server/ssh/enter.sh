# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2016,SC2154 # what is for later is not to expand; keys and library are set before it
# What an ssh connection runs in a task (server/shell_ssh.h), as its user: Debian's sshd for this one connection, with a key of the
# task's own. Standard input begins with the keys that may come in and user.so, of so many bytes. Lines before sshd's
# first one are for drover ssh-proxy: the host's key, or why there is none. A task's keys end with its folder.
mask=$(umask)
umask 077
dir=${PAI_WORK_DIR%/work}/tmp/.drover-ssh
fail() { echo "$1" && exit 69; }
# Byte by byte: what comes behind is sshd's.
take() { dd bs=1 count="$1" of="$2" 2>/dev/null; }
{ mkdir -p "$dir" && cd "$dir" && take "$keys" keys.$$ && take "$library" lib.$$ && mv lib.$$ user.so; } 2>/dev/null ||
    fail "The task's folder for temporary files takes nothing."
sshd=$(PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin command -v sshd) ||
    fail "There is no sshd where the task runs: install openssh-server on the node, or in the task's image."
# What sshd takes for the user's shell: the task's, where it works and with its variables.
{
    echo '#!/bin/sh' && (unset TERM PWD OLDPWD SHLVL && export -p) && echo "umask $mask" &&
        echo 'cd "$PAI_WORK_DIR" 2>/dev/null; for SHELL in /bin/bash /usr/bin/bash /bin/sh; do [ -x $SHELL ] && break; done' &&
        echo 'export SHELL; exec $SHELL "$@"'
} >shell.$$ || fail "The task's folder for temporary files is full."
chmod 700 shell.$$
mv shell.$$ shell
DROVER_SSH_USER=$(id -un 2>/dev/null) || DROVER_SSH_USER=drover
export DROVER_SSH_USER DROVER_SSH_HOME="$PAI_WORK_DIR" DROVER_SSH_SHELL="$dir/shell" LD_PRELOAD="$dir/user.so"
if ! [ -s key ]; then
    # Two that come at once: the first to give it its name.
    ssh-keygen -q -t ed25519 -N '' -C drover -f key.$$ && ln key.$$ key 2>/dev/null
    rm -f key.$$ key.$$.pub
fi
host=$(ssh-keygen -y -f key) || fail "The task has no key."
echo "drover-host-key $host"
umask "$mask"
exec "$sshd" -i -f /dev/null -h "$dir/key" -E "$dir/log" -o LogLevel=ERROR -o "AuthorizedKeysFile=\"$dir/keys.$$\"" \
    -o PidFile=none -o UsePAM=no -o StrictModes=no -o PasswordAuthentication=no -o KbdInteractiveAuthentication=no \
    -o PrintMotd=no -o PrintLastLog=no -o 'AcceptEnv=LANG LC_*' -o 'Subsystem=sftp internal-sftp'
