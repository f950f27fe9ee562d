#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs shellcheck over every shell script of the project, after a planted bad one.
set -euo pipefail
cd "$(dirname "$0")/../.."

# shellcheck disable=SC2016 # the planted text is not to expand
if printf '#!/bin/bash\nrm $1\n' | shellcheck - >/dev/null; then
    echo "shell: shellcheck does not find the planted fault"
    exit 1
fi
scripts=(dev .ci/run packaging/debian/server/p*)
while IFS= read -r -d '' file; do
    scripts+=("$file")
done < <(find tests examples packaging server tools cmake -name '*.sh' -not -path '*/node_modules/*' -print0)
shellcheck "${scripts[@]}"
echo "shell: ${#scripts[@]} scripts"
