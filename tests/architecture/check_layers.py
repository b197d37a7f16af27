#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails when an include points the wrong way or a pure folder sees a library it must not.

Arrows point down only: app -> adapters -> core -> common/model -> common/base. docs/architecture.md
draws the house; this table is it.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2])

# folder -> folders it may include from, besides itself. The longest matching prefix rules.
MAY_SEE = {
    "common/base": [],
    "common/model": ["common/base"],
    "common/hardware": ["common/base", "common/model"],
    "common/runtime": ["common/base"],
    "proto/oslo": ["common/model", "common/base", "common/hardware"],
    "proto/amqp": ["common/base", "proto/oslo"],
    "proto/grpc": ["common/base", "common/model", "proto/kilonova", "proto/google"],
    "flavors/loader": ["common/base", "common/model", "common/runtime", "flavors/extra_specs",
                       "flavors/rules"],
    "flavors/extra_specs": ["common/base", "common/model"],
    "flavors/rules": ["common/base", "common/model", "flavors/extra_specs"],
    "scheduler/core": ["common/base", "common/model", "common/hardware"],
    "scheduler/filters": ["scheduler/core", "common/base", "common/model", "common/hardware"],
    "scheduler/weighers": ["scheduler/core", "common/base", "common/model"],
    "scheduler/replay": ["scheduler/core", "scheduler/filters", "scheduler/weighers", "common/base",
                         "common/model"],
    "scheduler/adapters": ["scheduler/core", "common", "proto", "flavors/extra_specs",
                           "flavors/rules"],
    "scheduler/app": ["scheduler", "common", "proto", "flavors/loader", "flavors/extra_specs"],
    "agent/core": ["common/base", "common/model", "common/hardware"],
    "agent/guest": ["agent/core", "common/base", "common/model", "common/hardware"],
    "agent/adapters": ["agent/core", "common", "proto"],
    "agent/app": ["agent", "common", "proto", "flavors/loader"],
    "cli": ["common", "proto", "flavors/loader", "flavors/extra_specs"],
}
PURE = ["common/base", "common/model", "common/hardware", "proto/oslo", "scheduler/core",
        "scheduler/filters", "scheduler/weighers", "agent/core", "agent/guest", "flavors/extra_specs",
        "flavors/rules"]
FORBIDDEN_IN_PURE = re.compile(
    r"^(grpc|google/protobuf|kilonova/v1|libvirt/|amqp|rabbitmq|yaml-cpp|sqlite|SQLiteCpp|pq|libpq|curl)")
LOCAL = ("common/", "proto/", "flavors/", "scheduler/", "agent/", "cli/", "tests/")
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')


def owner(path):
    best = ""
    for prefix in MAY_SEE:
        if (path == prefix or path.startswith(prefix + "/")) and len(prefix) > len(best):
            best = prefix
    return best


def adapter_of(path):
    parts = path.split("/")
    return "/".join(parts[:3]) if len(parts) > 3 and parts[1] == "adapters" else None


def judge(file, include):
    """Why `file` may not include `include`, or None."""
    mine = owner(file)
    if not mine:
        return None
    if mine in PURE and FORBIDDEN_IN_PURE.match(include):
        return f"{mine} is pure"
    if not include.startswith(LOCAL):
        return None
    if include.startswith("tests/"):
        return "production code sees no tests"
    if file.startswith("agent/") and include.startswith("scheduler/"):
        return "agent and scheduler never see each other"
    if file.startswith("scheduler/") and include.startswith("agent/"):
        return "agent and scheduler never see each other"
    here, there = adapter_of(file), adapter_of(include)
    if here:
        if there:
            return None if here == there else "adapters never see each other"
    elif include.startswith(mine + "/"):
        return None
    allowed = MAY_SEE[mine]
    if any(include == a or include.startswith(a + "/") for a in allowed):
        return None
    return f"{mine} may see only {', '.join(allowed) or 'itself'}"


def self_test():
    assert judge("scheduler/core/engine.cpp", "SQLiteCpp/SQLiteCpp.h")
    assert judge("scheduler/core/engine.cpp", "agent/core/paths.h")
    assert judge("agent/adapters/queue/a.cpp", "agent/adapters/journal/b.h")
    assert judge("agent/core/a.h", "agent/guest/b.h")
    assert judge("common/base/a.h", "common/model/flavor.h")
    assert judge("scheduler/core/a.h", "scheduler/filters/b.h")
    assert judge("agent/core/a.cpp", "libvirt/libvirt.h")
    assert not judge("agent/adapters/queue/a.cpp", "agent/adapters/queue/b.h")
    assert not judge("agent/adapters/queue/a.cpp", "proto/oslo/b.h")
    assert not judge("agent/guest/a.cpp", "pugixml.hpp")
    assert not judge("scheduler/filters/a.cpp", "scheduler/core/engine.h")


def main():
    self_test()
    faults, seen = [], 0
    for top in ("common", "proto", "flavors", "scheduler", "agent", "cli"):
        for path in sorted((ROOT / top).rglob("*")):
            if path.suffix not in (".h", ".cpp"):
                continue
            name = str(path.relative_to(ROOT))
            seen += 1
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                found = INCLUDE.match(line)
                why = judge(name, found.group(1)) if found else None
                if why:
                    faults.append(f"{name}:{number}: includes {found.group(1)}: {why}")
            if not name.endswith((".pb.h", ".pb.cc")) and "SPDX-License-Identifier" not in \
                    path.read_text(encoding="utf-8")[:400]:
                faults.append(f"{name}:1: no SPDX line")
    for fault in faults:
        print(fault)
    if not seen:
        print("no source files found")
    print(f"{seen} files, {len(faults)} faults")
    return 1 if faults or not seen else 0


if __name__ == "__main__":
    sys.exit(main())
