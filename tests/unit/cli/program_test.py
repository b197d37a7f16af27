#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The program as a shell sees it: exit codes, streams, help, completion."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

program, version = sys.argv[1:3]


def run(*args, **env):
    return subprocess.run([program, *args], capture_output=True, text=True, timeout=120,
                          env={**os.environ, **env}, check=False)


nowhere = "unix:/nonexistent/scheduler.sock"
assert run("--version").stdout == f"kilonova {version}\n", "version differs from CMakeLists.txt"
for args in ([], ["bogus"], ["instance"], ["instance", "create", "x"], ["-o", "xml", "host", "list"],
             ["explain"], ["image", "register", "x", "/nonexistent"], ["instance", "list", "--state", "odd"],
             ["--server", "10.0.0.1:1", "host", "list"],
             ["instance", "create", "x", "-f", "f", "-i", "i", "--meta", "no-equals"],
             ["server-group", "create", "g", "--policy", "odd"], ["server-group", "create", "g"],
             ["aggregate", "set-metadata", "a"], ["aggregate", "set-metadata", "a", "=v"],
             ["aggregate", "add-host", "a"], ["zone"]):
    got = run(*args, KILONOVA_SERVER=nowhere)
    assert got.returncode == 1 and got.stderr and not got.stdout, (args, got)
got = run("host", "list", KILONOVA_SERVER=nowhere)
assert got.returncode == 3 and got.stderr.startswith("kilonova: UNAVAILABLE: "), got
assert run("--help").returncode == 0

# The registry of extra specs is the program's own.
got = run("flavor", "extra-specs", "hw:cpu_pol", KILONOVA_SERVER=nowhere)
assert got.returncode == 0, got
lines = got.stdout.splitlines()
assert lines[0].split() == ["KEY", "TYPE", "VALUES", "HELP"] and len(lines) == 2, got
assert lines[1].split()[:5] == ["hw:cpu_policy", "str", "dedicated", "shared", "mixed"], got
everything = json.loads(run("-o", "json", "flavor", "extra-specs").stdout)
assert len(everything) > 400 and all(len(spec["help"]) > 10 for spec in everything)
assert [spec["name"] for spec in everything] == sorted(spec["name"] for spec in everything)
monitors = json.loads(run("flavor", "extra-specs", "os:mon*", "-o", "json").stdout)
assert monitors == [{"name": "os:monitors", "type": "int", "min": 1, "max": 8, "help": monitors[0]["help"],
                     "driver": "hyperv", "deprecated": False}], monitors
assert 'name: "os:monitors"' in run("flavor", "extra-specs", "os:monitors", "-o", "yaml").stdout
assert "CUSTOM_{trait}" in run("flavor", "extra-specs", "trait1:CUSTOM_X").stdout
assert run("flavor", "extra-specs", "no-such-key").returncode == 1
with tempfile.TemporaryDirectory() as directory:
    good, bad = pathlib.Path(directory, "good.json"), pathlib.Path(directory, "bad.json")
    good.write_text('{"flavor": {"name": "n", "ram": 1, "vcpus": 1, "disk": 0}}')
    bad.write_text('{"flavor": {"name": "n", "ram": 0, "vcpus": 1, "disk": 0}}')
    assert run("flavor", "load", "--check", str(good), KILONOVA_SERVER=nowhere).returncode == 0
    got = run("flavor", "load", "--check", str(bad), KILONOVA_SERVER=nowhere)
    assert got.returncode == 1 and "bad.json: flavor ram must be 1 to" in got.stderr, got

script = run("completion", "bash").stdout
subprocess.run(["shellcheck", "-s", "bash", "-"], input=script, text=True, check=True)


def complete(*words):
    shell = (f"PATH={os.path.dirname(program)}:$PATH; source /dev/stdin; "
             f"COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; _kilonova; "
             'printf "%s\\n" "${COMPREPLY[@]}"')
    return subprocess.run(["bash", "-c", shell], input=script, text=True, capture_output=True,
                          check=True, env={**os.environ, "KILONOVA_SERVER": nowhere}).stdout.split()


assert complete("kilonova", "inst") == ["instance"]
assert complete("kilonova", "instance", "re") == ["reboot"]
assert complete("kilonova", "instance", "create", "x", "--fl") == ["--flavor"]
assert complete("kilonova", "flavor", "extra-specs", "hw_rng:al") in (["hw_rng:allowed"], [])
assert complete("kilonova", "flavor", "ex") == ["extra-specs"]
assert complete("kilonova", "aggregate", "add") == ["add-host"]
assert complete("kilonova", "server-group", "create", "g", "--policy", "soft-a") == [
    "soft-affinity", "soft-anti-affinity"]
assert "--hosts" in complete("kilonova", "zone", "list", "--h")
assert complete("kilonova", "-o", "j") == ["json"]
print("ok")
