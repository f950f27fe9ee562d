#!/bin/bash
# SPDX-License-Identifier: MIT
# The packages on a Debian 12 of their own (tests/system/fresh_chroot.sh): those of the previous commit are installed, a job
# runs, those of this commit take their place, are removed and purged (tests/package/inside.sh). A part of the nightly.
#   tests/package/chroot.sh [PREVIOUS]     default HEAD~1; if it had no packages, this commit's under an older version
# Needs root, debootstrap and what this machine needs to reach packages. The chroot has the commit's files, so commit first.
set -euo pipefail
cd "$(dirname "$0")/../.."
previous=$(git rev-parse "${1:-HEAD~1}")
work=$PWD/build/package-test
rm -rf "$work/old" "$work/new"
mkdir -p "$work/new"

./dev package
cp build/package/*.deb "$work/new/"
if git cat-file -e "$previous:packaging/package.sh" 2>/dev/null; then
    rm -rf "$work/source"
    git clone -q "$PWD" "$work/source"
    git -C "$work/source" checkout -q "$previous"
    mkdir -p "$work/source/build"
    cp -r build/web "$work/source/build/" # which portal it is does not matter here
    (
        cd "$work/source"
        cmake --preset release >/dev/null
        cmake --build build/release -j "${DROVER_JOBS:-$(nproc)}" --target product -- --quiet
    )
    "$work/source/packaging/package.sh" "$work/source/build/release" "$work/old"
else
    echo "chroot: $previous has no packages; this commit's stand in for them"
    packaging/package.sh build/release "$work/old" "0.0.0~earlier"
fi
FRESH_MOUNT=1 FRESH_COPY="$work/old $work/new" tests/system/fresh_chroot.sh tests/package/inside.sh /root/old /root/new
