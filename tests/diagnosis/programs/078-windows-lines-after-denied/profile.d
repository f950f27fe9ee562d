# SPDX-License-Identifier: MIT
export PROFILE=default
