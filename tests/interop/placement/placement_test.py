#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Real Nova and real Placement agree with the scheduler on requests and provider trees nobody has
seen before.

The seed is printed; PLACEMENT_SEED repeats it.
"""
import os
import pathlib
import random
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
BUILD = pathlib.Path(os.environ["KILONOVA_BUILD_DIR"])


def compare(family, test, options):
    seed = os.environ.get("PLACEMENT_SEED") or str(random.randrange(10 ** 9))
    print("PLACEMENT_SEED", seed)
    with tempfile.TemporaryDirectory() as directory:
        with open(pathlib.Path(directory) / f"{family}.json", "wb") as out:
            subprocess.run([sys.executable, HERE / f"{family}_vectors.py", "--seed", seed, *options],
                           stdout=out, check=True)
        ran = subprocess.run([BUILD / "tests/unit/scheduler/core" / test],
                             env={**os.environ, "KILONOVA_VECTORS": directory},
                             capture_output=True, text=True, check=False)
        assert ran.returncode == 0, f"PLACEMENT_SEED={seed}\n{ran.stdout[-4000:]}"


def test_candidates_are_placements():
    compare("allocation_candidates", "scheduler_candidate_vectors_test",
            ["--scenarios", "20", "--queries", "20"])


def test_requests_are_novas():
    compare("resource_class", "scheduler_resource_class_vectors_test", ["--count", "500"])
