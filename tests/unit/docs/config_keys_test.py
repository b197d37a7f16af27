#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds three descriptions of the configuration together: what a program prints of itself
(--print-config), its example file in deploy/config, and its table in docs/operations.md.

    config_keys_test.py PROGRAM EXAMPLE HEADING
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "operations.md"
# Printed as one line for each of their members.
MAPS = ("placement.weight_multipliers",)
MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}


def printed(program, config=None):
    """key -> value, as in force."""
    argv = [program, "--print-config"] + (["--config", str(config)] if config else [])
    env = {k: v for k, v in os.environ.items() if not k.startswith("KILONOVA_")}
    out = subprocess.run(argv, env=env, check=True, capture_output=True, text=True).stdout
    found = dict(re.findall(r"^([a-z0-9_.]+): ?(.*)$", out, re.M))
    for key in list(found):
        for name in MAPS:
            if key.startswith(name + "."):
                found[name] = found.pop(key)
    return found


def uncommented(example):
    """The example with its commented-out keys in force."""
    return re.sub(r"^(\s*)# ?(?=[a-z_]+:( |$))", r"\1", example.read_text(), flags=re.M)


def documented(heading):
    """key -> default, of the table under the heading."""
    section = re.search(rf"^### `{re.escape(heading)}`\n(.*?)(?=^##|\Z)", PAGE.read_text(), re.M | re.S)
    assert section, f"{PAGE}: no section {heading}"
    rows = re.findall(r"^\| `([a-z0-9_.]+)` \| (.*?) \|", section.group(1), re.M)
    keys = [key for key, _ in rows]
    assert len(keys) == len(set(keys)), f"{PAGE}: a key stands there twice"
    return dict(rows)


def plain(value):
    """Values in one form: 150s is 150000ms, 4.000000 is 4.0, lists without their brackets."""
    value = value.strip().strip("`").strip('"')
    if match := re.fullmatch(r"(\d+)(ms|s|m|h)", value):
        return str(int(match[1]) * MILLISECONDS[match[2]]) + "ms"
    if re.fullmatch(r"-?\d+\.\d+", value):
        return str(float(value))
    return "" if value in ("empty", "(unset)", "[]") else value


def main():
    program, example, heading = sys.argv[1], ROOT / sys.argv[2], sys.argv[3]
    with tempfile.TemporaryDirectory() as directory:
        config = pathlib.Path(directory) / "all.yaml"
        config.write_text(uncommented(example))
        known = printed(program, config)  # an unknown key in the example fails here
    defaults = printed(program)
    page = documented(heading)
    wrong = []
    for key in sorted(known.keys() | defaults.keys() | page.keys()):
        if key not in page:
            wrong.append(f"{key}: not in the page")
        elif key not in known | defaults:
            wrong.append(f"{key}: in the page, unknown to the program")
        elif key in defaults and not page[key].startswith("the ") and plain(page[key]) != plain(defaults[key]):
            wrong.append(f"{key}: the page says {page[key]}, the program {defaults[key]}")
    text = uncommented(example)
    for key in known:
        if not re.search(rf"^\s*{key.split('.')[-1]}:|[{{ ]{key.split('.')[-1]}:", text, re.M):
            wrong.append(f"{key}: not in {example.name}")
    assert len(known) > 20, "hardly any key was seen"
    print("\n".join(wrong) or f"{len(page)} keys agree")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
