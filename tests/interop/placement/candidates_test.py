#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Real Placement and the scheduler's search for candidates agree on trees nobody has seen before.

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
TEST = BUILD / "tests/unit/scheduler/core/scheduler_candidate_vectors_test"


def test_candidates_are_placements():
    seed = os.environ.get("PLACEMENT_SEED") or str(random.randrange(10 ** 9))
    print("PLACEMENT_SEED", seed)
    with tempfile.TemporaryDirectory() as directory:
        with open(pathlib.Path(directory) / "allocation_candidates.json", "wb") as out:
            subprocess.run([sys.executable, HERE / "candidates_vectors.py", "--seed", seed,
                            "--scenarios", "20", "--queries", "20"], stdout=out, check=True)
        ran = subprocess.run([TEST], env={**os.environ, "KILONOVA_VECTORS": directory},
                             capture_output=True, text=True, check=False)
        assert ran.returncode == 0, f"PLACEMENT_SEED={seed}\n{ran.stdout[-4000:]}"
