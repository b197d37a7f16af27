#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes common/base/unicode_tables.inc from Python's unicodedata, or checks that it is right.

    unicode_tables.py [--update]

Without --update: exit 0 if the file is what this Python says, 77 (skipped) if this Python has another
version of Unicode than the file, 1 otherwise.
"""
import pathlib
import sys
import unicodedata

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE = ROOT / "common" / "base" / "unicode_tables.inc"
VERSION = "14.0.0"  # of Python 3.11, which Nova 26.2 runs on


def ranges(test, end=0x110000):
    """[first, last] of each run of code points that pass."""
    found, start = [], None
    for point in range(end + 1):
        inside = point < end and test(chr(point))
        if inside and start is None:
            start = point
        elif not inside and start is not None:
            found.append((start, point - 1))
            start = None
    return found


def printable(char):
    """Nova's parameter_types: neither "other" nor a separator that is not a space."""
    category = unicodedata.category(char)
    return category[0] != "C" and (category[0] != "Z" or category == "Zs")


def table(name, comment, runs):
    cells = [f"{{0x{a:X}, 0x{b:X}}}," for a, b in runs]
    lines, line = [], "   "
    for cell in cells:
        if len(line) + 1 + len(cell) > 100:
            lines.append(line)
            line = "   "
        line += " " + cell
    lines.append(line)
    return (f"// {comment}\nconstexpr std::array<Range, {len(runs)}> {name} = {{{{\n"
            + "\n".join(lines) + "\n}};\n")


def text():
    return (
        "// SPDX-License-Identifier: Apache-2.0\n"
        f"// Unicode {VERSION}. Written by tests/tools/unicode_tables.py; do not edit.\n"
        + table("kSpaces", "str.isspace().", ranges(str.isspace))
        + table("kDecimals", "str.isdecimal(): runs of ten, zero first.", ranges(str.isdecimal))
        + table("kAlnum", "str.isalnum().", ranges(str.isalnum))
        # Nova looks at no character above 0xFFFE.
        + table("kNamePrintable", "Printable in Nova's names, spaces included; up to U+FFFE.",
                ranges(printable, 0xFFFF))
        + table("kNameSpaces", "Category Zs.", ranges(lambda c: unicodedata.category(c) == "Zs")))


def main():
    if unicodedata.unidata_version != VERSION:
        print(f"this Python has Unicode {unicodedata.unidata_version}")
        return 77
    if sys.argv[1:] == ["--update"]:
        FILE.write_text(text())
        return 0
    if FILE.read_text() == text():
        return 0
    print(f"{FILE} is not what Python says; run this with --update")
    return 1


if __name__ == "__main__":
    sys.exit(main())
