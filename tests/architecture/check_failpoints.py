#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every failpoint in the sources is one that the programs list, so that the kill-point test, which
takes its points from those lists, can miss none."""
import pathlib
import re
import subprocess
import sys

root, agent, scheduler = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
listed = set()
for program in (agent, scheduler):
    done = subprocess.run([program, "--list-failpoints"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print("built without failpoints: nothing to compare")
        sys.exit(0)
    listed |= set(done.stdout.split())

found = {}
for top in ("agent", "scheduler", "proto", "common"):
    for path in (root / top).rglob("*.cpp"):
        for name in re.findall(r'FAILPOINT\("([^"]+)"\)', path.read_text(encoding="utf-8")):
            found.setdefault(name, str(path.relative_to(root)))
missing = {name: where for name, where in found.items() if name not in listed}
for name, where in sorted(missing.items()):
    print(f"{where}: {name} is not in --list-failpoints")
# The scheduler names all of its own in the sources; the agent makes most of its from step names.
gone = {name for name in listed if name.startswith("scheduler.")} - set(found)
for name in sorted(gone):
    print(f"{name} is listed and stands nowhere")
print(f"{len(listed)} listed, {len(found)} in sources")
sys.exit(1 if missing or gone or not found else 0)
