#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every key that docs/compatibility.md calls supported is named where its effect is looked at: in a
vector that Nova answered, or in a test's source. Lists that only say which keys there are do not count.

    compatibility_rows_test.py [--table]

--table prints for each key where.
"""
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "compatibility.md"
# Nova's answers to whole requests; extra_specs.json is about the validity of keys alone. That a key
# named in libvirt_xml.json has an effect there is tested beside it (EveryKeyNamed_ChangesADocument).
VECTORS = ("libvirt_xml", "numa", "resource_class", "filters", "contradictions", "pci")
SOURCES = ("tests/unit", "tests/integration", "tests/e2e", "tests/interop")
# They take values of keys one by one and see no effect.
ONLY_LISTS = ("features_test.cpp", "registry_test.cpp", "registry_vectors_test.cpp", "validation_test.cpp",
              "nearest_test.cpp", "value_form_test.cpp", "image_props_vectors_test.cpp",
              "compatibility_rows_test.py")
# What stands for a parameter of a key; a namespace in one row is any key of it.
FORMS = {"{num}": r"\d+", "{group}": r"[\w-]*", "{filter}": r"\w*", "{key}": r"[\w:.-]+",
         "{resource}": r"\w+", "{trait}": r"\w+"}


def supported():
    """The keys in the tables' first column."""
    rows = re.findall(r"^\| `([^`]+)`(?: \(all \d+\))? \| supported \|", PAGE.read_text(), re.M)
    assert len(rows) > 100, f"{PAGE}: {len(rows)} rows"
    return rows


def pattern(key):
    text = re.escape(key)
    for form, words in FORMS.items():
        text = text.replace(re.escape(form), words)
    if key.endswith("*"):
        text = text[:-2] + r"\w+"
    # Placement's answers are the same for each of the classes but those the guest is made of.
    if key.startswith("resources{group}:"):
        text = r"resources[\w-]*:\w+"
    return re.compile(text)


def keys_of(value, found):
    """Every key of every map, however deep."""
    if isinstance(value, dict):
        for key, inner in value.items():
            found.add(key)
            keys_of(inner, found)
    elif isinstance(value, list):
        for inner in value:
            keys_of(inner, found)


def evidence():
    """file -> the keys it names."""
    named = {}
    for family in VECTORS:
        path = ROOT / "tests" / "vectors" / f"{family}.json"
        keys = set()
        for vector in json.loads(path.read_text())["vectors"]:
            keys_of({k: v for k, v in vector.items() if k not in ("result", "id")}, keys)
        named[path] = keys
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".cpp", ".py") and path.name not in ONLY_LISTS:
                named[path] = set(re.findall(r"[\"']([A-Za-z_][\w:.{}-]*)", path.read_text()))
    return named


def asked(keys):
    """Rows named otherwise than what is asked for: traits_required is trait:NAME."""
    known = json.loads((ROOT / "tests" / "vectors" / "known_keys.json").read_text())["image_properties"]
    return {row["key"]: row["ask"] for row in known if row["key"] in keys}


def legacy():
    """Older names of which a vector shows that Nova reads them as the present ones."""
    file = json.loads((ROOT / "tests" / "vectors" / "known_image_props.json").read_text())
    read = {key for vector in file["vectors"] if "values" in vector["result"] for key in vector["properties"]}
    return {old: new for old, new in file["legacy"].items() if old in read}


def main():
    named = evidence()
    rows = supported()
    others = asked(rows)
    for old, new in legacy().items():
        others.setdefault(old, []).append(new)
    missing = []
    for key in rows:
        forms = [pattern(one) for one in [key, *others.get(key, [])]]
        where = [path.relative_to(ROOT) for path, keys in named.items()
                 if any(form.fullmatch(one) for form in forms for one in keys)]
        if not where:
            missing.append(key)
        if "--table" in sys.argv:
            print(key, "|", ", ".join(str(path) for path in where[:4]), "| %d" % len(where))
    for key in missing:
        print(f"{key} is called supported, and no test or vector shows what it does")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
