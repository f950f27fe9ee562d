#!/bin/bash
# SPDX-License-Identifier: MIT
# A fresh machine: a bare Debian 12 in a chroot, a clone of this commit, and there `./dev run` or another command.
#
#   tests/system/fresh_chroot.sh [COMMAND...]    default: the first-job check (./dev run until the portal's address)
#
# Needs root and debootstrap. FRESH names the folder (default: one below TMPDIR); a base made before is used again, the
# clone and all that was installed are not. FRESH_COPY names folders that are copied to /root in it. With FRESH_MOUNT=1 its
# root is a mount point, as a machine's is: without, a spawner of root can make no sandbox. What this machine needs to
# reach the network (apt sources, proxies, npm configuration, certificates, names) is copied at run time; nothing of it is
# known here.
set -euo pipefail
cd "$(dirname "$0")/../.."

fresh=${FRESH:-${TMPDIR:-/tmp}/drover-fresh}
base=$fresh/base
root=$fresh/root

((EUID == 0)) || {
    echo "fresh_chroot: needs root"
    exit 1
}
command -v debootstrap >/dev/null || {
    echo "fresh_chroot: needs debootstrap"
    exit 1
}

unmount() {
    local place
    for place in dev/pts dev/shm sys proc; do
        ! mountpoint -q "$root/$place" || umount -l "$root/$place"
    done
    ! mountpoint -q "$root" || umount -l "$root"
}

# The mirror of this machine's first Debian source, in either format.
mirror() {
    sed -nE 's/^URIs:[[:space:]]*([^[:space:]]+).*/\1/p; s/^deb (\[[^]]*\] )?([^[:space:]]+).*/\2/p' \
        /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null | head -n 1
}

# copy_in PATH...: those that are there, to the same place.
copy_in() {
    local path
    for path in "$@"; do
        [[ -e $path ]] || continue
        mkdir -p "$root${path%/*}"
        cp -aL --no-preserve=ownership "$path" "$root${path%/*}/"
    done
}

network() {
    copy_in /etc/resolv.conf /etc/hosts /etc/npmrc "$HOME/.npmrc" /etc/ssl/certs/ca-certificates.crt \
        /etc/apt/auth.conf.d /usr/local/share/ca-certificates
    local file
    for file in /etc/apt/apt.conf.d/*; do
        ! grep -qEi 'acquire::(https?::|ftp::|check-)|proxy' "$file" || copy_in "$file"
    done
    rm -f "$root/etc/apt/sources.list" "$root"/etc/apt/sources.list.d/*
    copy_in /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources
}

prepare() {
    unmount
    rm -rf "$root"
    if [[ ! -e $base/.complete ]]; then
        rm -rf "$base"
        mkdir -p "$fresh"
        debootstrap --variant=minbase bookworm "$base" "$(mirror)"
        touch "$base/.complete"
    fi
    cp -a --reflink=auto "$base" "$root"
    [[ -z ${FRESH_MOUNT:-} ]] || mount --bind "$root" "$root"
    network
    mkdir -p "$root/dev/pts" "$root/dev/shm"
    mount -t proc proc "$root/proc"
    mount --rbind /sys "$root/sys"
    mount --make-rslave "$root/sys"
    mount -t devpts devpts "$root/dev/pts"
    mount -t tmpfs tmpfs "$root/dev/shm"
    git clone -q "$PWD" "$root/root/drover"
    local folder
    for folder in ${FRESH_COPY:-}; do
        cp -r "$folder" "$root/root/"
    done
}

# inside COMMAND...: with the bare environment of a first login, and this machine's proxies.
inside() {
    local keep=()
    mapfile -t keep < <(env | grep -Ei '^(https?|no|all)_proxy=' || true)
    # A background job of a script ignores SIGINT, and a shell cannot trap what it inherits as ignored.
    chroot "$root" /usr/bin/env -i --default-signal=INT HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        TERM=dumb LANG=C.UTF-8 DROVER_JOBS="${DROVER_JOBS:-2}" "${keep[@]}" \
        /bin/bash -c 'echo $$ >/run/inside.pid && cd /root/drover && exec "$@"' bash "$@" </dev/null
}

# `./dev run` stays up: wait for its last words, look at the portal, stop it with Ctrl-C's signal, expect its end.
first_job() {
    local log=$fresh/run.log pid tries
    inside ./dev run >"$log" 2>&1 &
    pid=$!
    for ((tries = 0; tries < 1500; tries++)); do
        ! grep -q '^stop  *Ctrl-C' "$log" || break
        kill -0 "$pid" 2>/dev/null || break
        sleep 1
    done
    cat "$log"
    grep -qE '^admin~train\S* SUCCEEDED$' "$log" || return 1
    kill -INT "$(<"$root/run/inside.pid")"
    wait "$pid" || true
    ! grep -lsa droverd /proc/[0-9]*/cmdline | xargs -r -n 1 dirname | xargs -r -I{} readlink {}/root | grep -qx "$root" || {
        echo "fresh_chroot: the server is still there after Ctrl-C"
        return 1
    }
}

trap unmount EXIT
prepare
if (($#)); then
    inside "$@"
else
    first_job
fi
