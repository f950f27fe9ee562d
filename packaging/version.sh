#!/bin/bash
# SPDX-License-Identifier: MIT
# The version of packages and image: the project's (CMakeLists.txt), which a commit of its own tag has alone. Before the
# tag it is followed by ~git, behind it by +git, and by the commit's time and name, so that later ones are newer.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
version=$(sed -n 's/^project(drover VERSION \([0-9.]*\) .*/\1/p' CMakeLists.txt)
if ! commit=$(git rev-parse --short=8 HEAD 2>/dev/null); then
    echo "$version" # an archive of the sources
    exit
fi
moment=$(TZ=UTC git log -1 --format=%cd --date=format-local:%Y%m%d.%H%M%S)
if [[ $(git describe --tags --exact-match --match "v$version" 2>/dev/null) == "v$version" ]]; then
    echo "$version"
elif git merge-base --is-ancestor "refs/tags/v$version" HEAD 2>/dev/null; then
    echo "$version+git$moment.$commit"
else
    echo "$version~git$moment.$commit"
fi
