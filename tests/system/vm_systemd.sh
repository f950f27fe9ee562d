#!/bin/bash
# SPDX-License-Identifier: MIT
# In the virtual machine (vm.py): the shipped units under a systemd of their own, in a pid namespace. A task must live
# through a restart, a kill, and a stop and start of its spawner, and a restart of the server, and end when it is told to.
# vm_systemd.sh BIN
# shellcheck disable=SC2317 # what waits is called by its name
set -u
bin=$1 # or the word drive: what runs below systemd
out=/run/drover-units.out
password=/run/drover-units.password
api=http://127.0.0.1:7780

install_all() {
    useradd --system --no-create-home drover
    useradd --no-create-home drover-jobs
    cp "$bin"/drover* /usr/bin/
    mkdir -p /run/systemd/system /etc/drover
    cp "$(dirname "$0")"/../../packaging/systemd/*.service /run/systemd/system/
    printf '*: drover-jobs\n' >/etc/drover/users.map
    printf 'unknownImage: host\nspawner: service\n' >/etc/drover/droverd.yaml
    chmod 0644 /etc/drover/*
    echo 'a long enough pass-word 1' >$password
    rm -rf /var/lib/drover
    /usr/bin/droverd init --data /var/lib/drover --admin admin --password-file $password
    chown -R drover:drover /var/lib/drover
    # The machine is slow, and has no journal.
    mkdir /run/systemd/system/droverd.service.d
    printf '[Service]\nTimeoutStartSec=600\nStandardError=append:/run/droverd.log\nStandardOutput=append:/run/droverd.log\n' \
        >/run/systemd/system/droverd.service.d/slow.conf
    printf '[Unit]\nWants=drive.service\n' >/run/systemd/system/units.target
    printf '[Service]\nEnvironment=HOME=/root\nExecStart=/bin/bash %s drive\nStandardOutput=append:%s\nStandardError=append:%s\n' \
        "$(realpath "$0")" $out $out >/run/systemd/system/drive.service
}

fail() {
    echo "FAILED: $*"
    systemctl --no-pager show -p ActiveState,SubState,Result,NRestarts drover-spawner droverd drover-tasks
    find /sys/fs/cgroup -path '*drover*' -name cgroup.procs -exec sh -c 'echo "$1: $(tr "\n" " " <"$1")"' sh {} \;
    tail -20 /run/droverd.log
    echo UNITS-END 1
    exit
}

# SECONDS WORDS COMMAND...: the command holds at some time, or that is what failed.
until_holds() {
    local n=$1 what=$2
    shift 2
    for ((; n > 0; n--)); do
        "$@" && return
        sleep 1
    done
    fail "$what"
}

running() { [ "$(systemctl show -p SubState --value "$1")" = running ]; }
ready() { curl -fsS -o /dev/null "$api/readyz" 2>/dev/null; }
state() {
    drover job "$1" -o json 2>/dev/null | python3 -c 'import json, sys; print(json.load(sys.stdin)["jobStatus"]["state"])' 2>/dev/null
}
is() { [ "$(state "$1")" = "$2" ]; }
alive() { kill -0 "$(cat /run/drover-units.task)" 2>/dev/null; }
submit() { # NAME COMMAND
    printf '%s\n' 'protocolVersion: 2' "name: $1" 'type: job' 'prerequisites:' '  - {name: i, type: dockerimage, uri: none}' \
        'taskRoles:' '  main:' '    dockerImage: i' '    resourcePerInstance: {cpu: 1, memoryMB: 64, gpu: 0}' \
        '    commands:' "      - $2" | drover submit - || fail "submit of $1"
}

holds() {
    until_holds 60 "$1: the spawner runs" running drover-spawner
    until_holds 120 "$1: the server is ready" ready
    alive || fail "$1: the task is gone"
    echo "ok: $1"
}

drive() {
    systemctl start droverd || fail "start"
    until_holds 240 "the server is ready" ready
    drover login "$api" -u admin --password-file $password || fail "login"
    submit lives 'sleep 100000'
    until_holds 120 "the task runs" is lives RUNNING
    task=$(find /sys/fs/cgroup -path '*drover-tasks.service*' -name cgroup.procs -exec cat {} + | tail -1)
    [ -n "$task" ] || fail "the task is not in the group of drover-tasks.service"
    echo "$task" >/run/drover-units.task
    holds "start"
    systemctl restart drover-spawner || fail "restart"
    holds "the spawner restarted"
    kill -KILL "$(systemctl show -p MainPID --value drover-spawner)"
    sleep 2
    holds "the spawner killed"
    systemctl stop drover-spawner
    alive || fail "the task ended with its spawner's stop"
    systemctl start drover-spawner || fail "start after the stop"
    holds "the spawner stopped and started"
    systemctl restart --no-block droverd
    sleep 5
    holds "the server restarted"
    systemctl stop drover-tasks 2>/dev/null && fail "drover-tasks can be stopped by hand"
    is lives RUNNING || fail "the job does not run any more"
    submit next 'echo on'
    until_holds 120 "another job runs" is next SUCCEEDED
    drover stop lives || fail "stop"
    until_holds 120 "the job stops" is lives STOPPED
    alive && fail "the task lives on after its job's stop"
    echo UNITS-END 0
}

# The whole, from outside systemd.
main() {
    install_all >/dev/null || exit 1
    unshare --fork --pid --mount --mount-proc env container=drover /lib/systemd/systemd --system --unit=units.target \
        --log-target=console --show-status=no >/run/drover-units.log 2>&1 &
    for ((i = 0; i < 900; i++)); do
        grep -q UNITS-END "$out" 2>/dev/null && break
        sleep 1
    done
    cat "$out"
    grep -q 'UNITS-END 0' "$out" && exit
    tail -60 /run/drover-units.log
    exit 1
}

case $bin in
drive) drive ;;
*) main ;;
esac
