#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The table of docs/reliability.md, out of killpoints-*.json of a build directory:

    tests/e2e/killpoint_table.py build/dev
"""
import collections
import json
import pathlib
import sys

results = [r for file in sorted(pathlib.Path(sys.argv[1]).glob("killpoints-*.json")) for r in json.loads(file.read_text())]
order = ["build", "undo", "delete", "start", "stop", "reboot", "scheduler", "libvirtd", "rabbitmq"]
kinds = collections.defaultdict(list)
for result in results:
    kinds[result["kind"]].append(result)
print("| what was killed while doing what | points | ended as | slowest, s |")
print("|---|---|---|---|")
for kind in order:
    rows = kinds.get(kind, [])
    if rows:
        ends = collections.Counter(r["outcome"] for r in rows)
        print(f"| {kind} | {len(rows)} | {', '.join(f'{k} {v}' for k, v in sorted(ends.items()))} "
              f"| {max(r['seconds'] for r in rows):.1f} |")
print(f"\n{len(results)} runs.\n")
print("| kind | point | ended as | s |")
print("|---|---|---|---|")
for kind in order:
    for r in sorted(kinds.get(kind, []), key=lambda r: r["point"]):
        print(f"| {kind} | `{r['point']}` | {r['outcome']} | {r['seconds']} |")
