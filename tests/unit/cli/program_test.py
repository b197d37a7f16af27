#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The program as a shell sees it: exit codes, streams, help, completion."""
import os
import subprocess
import sys

program, version = sys.argv[1:3]


def run(*args, **env):
    return subprocess.run([program, *args], capture_output=True, text=True, timeout=30,
                          env={**os.environ, **env}, check=False)


nowhere = "unix:/nonexistent/scheduler.sock"
assert run("--version").stdout == f"kilonova {version}\n", "version differs from CMakeLists.txt"
for args in ([], ["bogus"], ["instance"], ["instance", "create", "x"], ["-o", "xml", "host", "list"],
             ["explain"], ["image", "register", "x", "/nonexistent"], ["instance", "list", "--state", "odd"],
             ["--server", "10.0.0.1:1", "host", "list"],
             ["instance", "create", "x", "-f", "f", "-i", "i", "--meta", "no-equals"]):
    got = run(*args, KILONOVA_SERVER=nowhere)
    assert got.returncode == 1 and got.stderr and not got.stdout, (args, got)
got = run("host", "list", KILONOVA_SERVER=nowhere)
assert got.returncode == 3 and got.stderr.startswith("kilonova: UNAVAILABLE: "), got
assert run("--help").returncode == 0

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
assert complete("kilonova", "-o", "j") == ["json"]
print("ok")
