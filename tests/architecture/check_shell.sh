#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the shell linter over every shell script of the tree.
set -euo pipefail
cd "$(dirname "$0")/../.."
mapfile -t scripts < <(git ls-files '*.sh' .ci/run)
[ "${#scripts[@]}" -gt 0 ]
shellcheck -x "${scripts[@]}"
echo "${#scripts[@]} scripts checked"
