#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Real Nova decides as recorded, and on hosts and requests nobody has seen before as the scheduler.

The seed is printed; SCHEDULER_SEED repeats it.
"""
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
VECTORS = HERE.parents[1] / "vectors"
BUILD = pathlib.Path(os.environ.get("KILONOVA_BUILD_DIR", "build/dev"))
TESTS = ("filters/scheduler_filter_vectors_test", "weighers/scheduler_weigher_vectors_test",
         "core/scheduler_select_vectors_test")


def test_recorded_decisions_are_novas():
    script = ("import json, sys; import nova_scheduler as nova; nova.start()\n"
              "for name, judge in (('filters', nova.judge), ('weighers', nova.weigh),"
              " ('select', nova.select)):\n"
              "    file = json.load(open(sys.argv[1] + '/' + name + '.json'))\n"
              "    for v in file['vectors']:\n"
              "        want = dict(v['result']); loose = want.pop('order_dependent_hosts', [])\n"
              "        got = json.loads(json.dumps(judge(file, v)))\n"
              "        for host in want.get('hosts_after', {}).values():\n"
              "            host['instances'] = sorted(host['instances'])\n"
              "        assert loose or got == want, v['id']\n")
    subprocess.run([sys.executable, "-c", script, str(VECTORS)], cwd=HERE, check=True)


def test_every_option_of_novas_scheduler_is_accounted_for():
    script = ("import nova.conf.scheduler as s\n"
              "for opts in s.list_opts().values():\n"
              "    for opt in opts: print(opt.name)\n")
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    text = (HERE.parents[2] / "docs" / "compatibility.md").read_text(encoding="utf-8")
    table = text.split("### Nova's options")[1].split("<!-- generated")[0]
    names = told.stdout.split()
    assert len(names) > 30
    assert [name for name in names if f"`{name}`" not in table] == []


def test_mixed_decisions_are_novas():
    seed = os.environ.get("SCHEDULER_SEED") or str(random.randrange(10 ** 9))
    print("SCHEDULER_SEED", seed)
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([sys.executable, HERE / "scheduler_vectors.py", "--seed", seed,
                        "--count", "40", "--source", VECTORS, "--out", directory], check=True)
        for name in ("filters", "weighers", "select"):
            assert json.loads((pathlib.Path(directory) / (name + ".json")).read_text())["vectors"]
        for test in TESTS:
            ran = subprocess.run([BUILD / "tests/unit/scheduler" / test],
                                 env={**os.environ, "KILONOVA_VECTORS": directory},
                                 capture_output=True, text=True, check=False)
            assert ran.returncode == 0, f"SCHEDULER_SEED={seed}\n{ran.stdout[-4000:]}"
