#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds, and runs every test. Re-runnable; needs root on Debian 12.
#
#   tests/run.sh                 everything
#   tests/run.sh -L unit         what comes after is passed on to ctest
#
# KILONOVA_BUILD_DIR  where to build (default build/dev)
# KILONOVA_VECTORS    a directory with full vector files, instead of the subset in tests/vectors
set -euo pipefail
cd "$(dirname "$0")/.."

build=${KILONOVA_BUILD_DIR:-$PWD/build/dev}
deploy/install-deps.sh build run test

cmake --preset dev -B "$build" >/dev/null
cmake --build "$build"

echo "== tests by label"
ctest --test-dir "$build" --print-labels | sed -n 's/^  //p' | while read -r label; do
  printf '%-12s %s\n' "$label" "$(ctest --test-dir "$build" -N -L "^$label\$" | sed -n 's/^Total Tests: //p')"
done
# Much of a test's time is waiting: two beside each other for the machine's two cores.
ctest --test-dir "$build" --output-on-failure --no-tests=error -j "${KILONOVA_TEST_JOBS:-2}" "$@"
