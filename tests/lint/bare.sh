#!/bin/bash
# SPDX-License-Identifier: MIT
# lint.bare: `./dev run` configures on a machine that has what building needs and none of what testing needs.
#
#   tests/lint/bare.sh
set -euo pipefail
cd "$(dirname "$0")/../.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/pkg-config" <<'END'
#!/bin/sh
case " $* " in *" cmocka "*) exit 1 ;; esac
exec pkg-config "$@"
END
chmod +x "$work/pkg-config"
if ! PKG_CONFIG="$work/pkg-config" cmake --preset release -DDROVER_PORTAL=OFF -B "$work/build" \
    >"$work/log" 2>&1; then
    cat "$work/log"
    exit 1
fi
if ninja -C "$work/build" -t targets all | grep '^unit_'; then
    echo "bare: unit tests are built although cmocka is not there"
    exit 1
fi
ninja -C "$work/build" -n >/dev/null # every input is there, or is made
