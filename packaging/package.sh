#!/bin/bash
# SPDX-License-Identifier: MIT
# Makes the Debian packages of a build, without building anything; with --image the image of the server, too (OUT/image).
#   packaging/package.sh [--image] BUILD OUT [VERSION]
# VERSION: of packaging/version.sh, if not given. DROVER_PACKAGE_COMPRESSION: xz; gzip is quicker. Two runs over the same
# programs give the same bytes.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
image=false
if [[ $1 == --image ]]; then
    image=true
    shift
fi
build=$(readlink -f "$1")
mkdir -p "$2"
out=$(readlink -f "$2")
DROVER_PACKAGE_VERSION=${3:-$("$here/version.sh")}
made_at() { git -C "$here" log -1 --format=%ct 2>/dev/null || stat -c %Y "$here/../CMakeLists.txt"; }
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(made_at)}
export DROVER_PACKAGE_VERSION SOURCE_DATE_EPOCH
umask 022
work=$(mktemp -d "$out/.pack-XXXXXX")
trap 'rm -rf "$work"' EXIT
if ! (cd "$work" && cpack --config "$build/CPackConfig.cmake" -B "$work" -D "CPACK_PACKAGE_VERSION=$DROVER_PACKAGE_VERSION" \
    -D "CPACK_DEBIAN_COMPRESSION_TYPE=${DROVER_PACKAGE_COMPRESSION:-xz}") >"$work/log" 2>&1; then
    cat "$work/log" >&2
    exit 1
fi
debs=()
for file in "$work"/*.deb; do
    mv "$file" "$out/"
    debs+=("$out/${file##*/}")
done
printf '%s\n' "${debs[@]}"
! $image || "$here/image/image.py" "$out/image" "$DROVER_PACKAGE_VERSION" "${debs[@]}"
