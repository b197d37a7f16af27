#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clang-tidy over the sources, file by file: exit code 0 says that they are clean.

    tests/clang_tidy.py                          all that is shipped
    tests/clang_tidy.py scheduler/core cli/x.cpp these files, and those below these directories

What was found clean is looked at again only when it, a header of ours it includes or .clang-tidy
has changed. Not a test of run.sh: a file takes some 20 seconds.

KILONOVA_TIDY_JOBS  how many at once (default 2)
"""
import json
import os
import pathlib
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = ROOT / "build/tidy"
SHIPPED = ["agent", "cli", "common", "flavors", "proto", "scheduler"]
# ninja does what is left: two beside each other, on after a failure, no file twice.
RULES = """
rule tidy
  command = $preprocess -MM -MF $out.d -MT $out $in && clang-tidy --quiet -p $tree $in 2>$out.err $
      && touch $out || { grep -v ' warnings\\? generated' $out.err; false; }
  depfile = $out.d
  deps = gcc
  description = $in
"""


def below(path, places):
    return any(path == place or place in path.parents for place in places)


def commands(places):
    """To each source its compiler call without what comes after the options."""
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["file"])
        if below(path, places) and not below(path, [BUILD]):
            options = shlex.split(entry["command"])
            yield path, options[options.index("/usr/bin/clang++"):options.index("-o")]


def main():
    places = [pathlib.Path(p).resolve() for p in sys.argv[1:]] or [ROOT / p for p in SHIPPED]
    subprocess.run(["cmake", "--preset", "tidy"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", BUILD, "--target", "kilonova_proto_headers"], check=True,
                   stdout=subprocess.DEVNULL)
    lines = [f"tree = {BUILD}", f"builddir = {BUILD}/clean", RULES]
    clean = []
    for path, command in sorted(commands(places)):
        stamp = BUILD / "clean" / path.relative_to(ROOT)
        stamp.parent.mkdir(parents=True, exist_ok=True)
        clean.append(str(stamp))
        lines += [f"build {stamp}: tidy {path} | {ROOT}/.clang-tidy",
                  f"  preprocess = {shlex.join(command)}"]
    if not clean:
        sys.exit(f"no sources of {BUILD}/compile_commands.json in {' '.join(map(str, places))}")
    ninja = BUILD / "clean.ninja"
    ninja.write_text("\n".join(lines) + "\n")
    jobs = os.environ.get("KILONOVA_TIDY_JOBS", "2")
    run = subprocess.run(["ninja", "-f", ninja, "-k", "0", "-j", jobs, *clean])
    if run.returncode == 0:
        print(f"{len(clean)} files clean")
    sys.exit(run.returncode)


if __name__ == "__main__":
    main()
