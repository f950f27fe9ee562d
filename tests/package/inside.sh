#!/bin/bash
# SPDX-License-Identifier: MIT
# In a chroot with nothing but a bare Debian (chroot.sh): inside.sh OLD NEW, folders of packages. The daemons are started by
# hand, as the units start them, for there is no service manager.
set -euo pipefail
old=$1 new=$2
api=http://127.0.0.1:7791
export DEBIAN_FRONTEND=noninteractive XDG_CONFIG_HOME=/root/drover-config

fail() {
    echo "inside: $*" >&2
    tail -n 20 /var/log/drover-*.log >&2 || true
    drover explain long >&2 || true
    exit 1
}

# SECONDS WORDS COMMAND...: the command holds at some time.
until_holds() {
    local n=$(($1 * 5)) what=$2
    shift 2
    for (( ; n > 0; n--)); do
        ! "$@" || return 0
        sleep 0.2
    done
    fail "not in time: $what"
}

apt() { apt-get -y -qq -o Dpkg::Use-Pty=0 "$@"; }
version() { dpkg-query -W -f '${Version}' "$1"; }
state() { drover job "$1" -o json | tr -d ' \n' | sed -n 's/.*"jobStatus":{[^{}]*"state":"\([A-Z]*\)".*/\1/p'; }
is() { [[ $(state "$1") == "$2" ]]; }
ready() { drover login "$api" -u admin --password-file /root/password >/dev/null 2>&1; }
gone() { ! kill -0 "$1" 2>/dev/null; }

# The machine's other processes are to be seen, too.
shims() {
    local folder
    for folder in /proc/[0-9]*; do
        [[ $(tr '\0' ' ' 2>/dev/null <"$folder/cmdline") != drover-shim*" /var/lib/drover/"* ]] || echo "${folder#/proc/}"
    done
}

SPAWNER='' SERVER=''
start() {
    drover-spawner --data /var/lib/drover --shim /usr/bin/drover-shim --users /etc/drover/users.map \
        >>/var/log/drover-spawner.log 2>&1 &
    SPAWNER=$!
    # setpriv becomes the server, so that its number is known.
    setpriv --reuid drover --regid drover --init-groups droverd serve --data /var/lib/drover \
        --config /etc/drover/droverd.yaml --listen "${api#http://}" >>/var/log/drover-server.log 2>&1 &
    SERVER=$!
    until_holds 60 "the server answers" ready
}

stop() {
    kill -TERM "$SERVER"
    wait "$SERVER" || fail "droverd ended with $?"
    kill -TERM "$SPAWNER"
    wait "$SPAWNER" || true
}

trap '[[ -z $SERVER ]] || kill -KILL "$SERVER" "$SPAWNER" 2>/dev/null || true' EXIT

# --- installed ---
apt update
apt install --no-install-recommends "$old"/*.deb
[[ ! -e /var/lib/drover/drover.db ]] || fail "an account was made by itself"
[[ $(stat -c '%U %a' /var/lib/drover) == "drover 700" ]] || fail "data folder: $(stat -c '%U %a' /var/lib/drover)"
(($(id -u drover-jobs) >= 1000)) || fail "drover-jobs is a system user"
for unit in droverd drover-spawner; do
    [[ -L /etc/systemd/system/multi-user.target.wants/$unit.service ]] || fail "$unit is not enabled"
done
(umask 077 && echo 'a long enough pass-word 1' >/root/password)
install -o drover -m 0600 /root/password /run/drover.password
runuser -u drover -- droverd init --data /var/lib/drover --admin admin --password-file /run/drover.password
rm /run/drover.password
printf 'unknownImage: host\n' >>/etc/drover/droverd.yaml
start

# --- a job, and the packages replaced under it ---
cat >/root/long.yaml <<'END'
protocolVersion: 2
name: long
type: job
prerequisites:
  - {name: i, type: dockerimage, uri: none}
taskRoles:
  main:
    dockerImage: i
    resourcePerInstance: {cpu: 1, memoryMB: 64, gpu: 0}
    commands:
      - 'id -un; while ! test -e /srv/go; do sleep 0.2; done; echo ended'
END
drover submit /root/long.yaml
until_holds 60 "the job runs" is long RUNNING
shim=$(shims)
[[ $shim =~ ^[0-9]+$ ]] || fail "shims: $shim"
before=$(version drover-server)
apt install --no-install-recommends "$new"/*.deb
[[ $(version drover-server) != "$before" ]] || fail "still $before"
dpkg --compare-versions "$(version drover-server)" gt "$before" || fail "$(version drover-server) is not newer than $before"
grep -qx 'unknownImage: host' /etc/drover/droverd.yaml || fail "the site's configuration is gone"
[[ $(shims) == "$shim" ]] || fail "the task did not live through the upgrade"
stop
[[ $(shims) == "$shim" ]] || fail "the task did not live through the stop"
start
is long RUNNING || fail "after the upgrade the job is $(state long)"
[[ $(shims) == "$shim" ]] || fail "another task runs after the upgrade"
touch /srv/go
until_holds 60 "the job ends" is long SUCCEEDED
[[ $(drover logs long) == $'drover-jobs\nended' ]] || fail "its log: $(drover logs long)"
drover submit /usr/share/doc/drover-client/examples/hello.yaml --wait || fail "an example failed after the upgrade"
runuser -u drover -- droverd doctor --data /var/lib/drover --config /etc/drover/droverd.yaml
stop
until_holds 30 "no task is left" gone "$shim"

# --- removed, and purged ---
apt remove drover-server drover-client
[[ ! -e /usr/bin/droverd && ! -e /usr/bin/drover ]] || fail "programs are left"
[[ -e /var/lib/drover/drover.db && -e /etc/drover/droverd.yaml ]] || fail "data or configuration went with a removal"
apt purge drover-server drover-client
left=$(find / -xdev \( -path /root -o -path /proc -o -path /sys -o -path '/var/log/drover-*' \) -prune -o -name '*drover*' -print)
[[ -z $left ]] || fail "left behind: $left"
echo "inside: installed $before, upgraded under a running job, removed and purged"
