#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds docs/cli.md, and every command of the client that other pages name, to what the client says of
itself (--help).

    cli_page_test.py KILONOVA
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = sys.argv[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def help_of(*command):
    done = subprocess.run([PROGRAM, *command, "--help"], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def subcommands(text):
    section = re.search(r"^Subcommands:\n(.*?)(?:\n\n|\Z)", text, re.S | re.M)
    return re.findall(r"^  ([a-z-]+)", section[1], re.M) if section else []


def tree():
    """Every command there is: its words -> its help."""
    commands = {}
    for name in subcommands(help_of()):
        text = help_of(name)
        inner = subcommands(text)
        commands.update({(name, one): help_of(name, one) for one in inner} if inner else {(name,): text})
    return commands


def options(text):
    return set(re.findall(r"--[a-z][a-z0-9-]*|(?<![\w-])-[a-z](?![\w-])", text))


def documented(commands):
    """Command -> the options its row of the page names."""
    found = {}
    for spelled, does in re.findall(r"^\| (`.*?) \| (.*) \|$", (ROOT / "docs/cli.md").read_text(), re.M):
        group = None
        names = []
        for piece in re.split(r"`, `|` or `", spelled.strip("`")):
            words = re.match(r"[a-z -]+", re.sub(r" (?:-|\[|[A-Z]).*", "", piece) + " ")[0].split()
            if (words[0],) in commands or any(c[0] == words[0] and len(c) == 2 and c[1:] == tuple(words[1:2])
                                              for c in commands):
                group = words[0]
                name = (words[0],) if (words[0],) in commands else tuple(words[:2])
            else:
                name = (group, words[0])
            names.append(name)
            found.setdefault(name, set()).update(options(piece))
        # Of the right column it is enough that one command of the row has the option; what is said
        # there of other commands is looked at with theirs.
        for other, rest in re.findall(r"`([a-z-]+ [a-z-]+)( [^`]*)`", does):
            found.setdefault(tuple(other.split()), set()).update(options(rest))
        for option in options(re.sub(r"`-o json`|`[a-z-]+ [a-z-]+ [^`]*`", "", does)):
            if not any(option in options(commands.get(name, "")) for name in names):
                found[names[0]].add(option)
    return found


def main():
    wrong = []
    commands = tree()
    assert len(commands) > 30, f"hardly any command was seen: {sorted(commands)}"
    page = documented(commands)
    for name in sorted(set(commands) | set(page)):
        if name not in page:
            wrong.append(f"docs/cli.md does not name {' '.join(name)}")
        elif name not in commands:
            wrong.append(f"docs/cli.md: there is no command {name}")
        else:
            wrong += [f"docs/cli.md: {' '.join(name)} has no {option}"
                      for option in sorted(page[name] - options(commands[name]) - {"-o"})]
    for path in PAGES:
        for line in re.findall(r"`kilonova ([a-z][^`\n]*)`", path.read_text()):
            words = [w for w in line.split() if re.fullmatch(r"[a-z-]+", w) and not w.startswith("-")]
            name = next((c for c in (tuple(words[:2]), tuple(words[:1])) if c in commands), None)
            if name is None:
                wrong.append(f"{path.relative_to(ROOT)}: there is no kilonova {line}")
                continue
            wrong += [f"{path.relative_to(ROOT)}: kilonova {' '.join(name)} has no {option}"
                      for option in sorted(options(re.sub(r'"[^"]*"', "", line)) - options(commands[name]) - {"-o"})]
    print("\n".join(wrong) or f"{len(commands)} commands agree")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
