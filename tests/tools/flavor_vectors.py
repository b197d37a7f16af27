#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Asks the installed Nova about random extra specs and flavors.

    /usr/bin/python3 tests/tools/flavor_vectors.py --seed 7 --count 3000 --from tests/vectors --out DIR
    KILONOVA_VECTORS=DIR build/dev/tests/unit/flavors/extra_specs/extra_specs_vectors_test

writes DIR/extra_specs.json and flavors.json, of the same kind as the files it starts from. With --check it asks Nova about those files' own questions and compares. Needs Debian's
python3-nova.
"""
import argparse
import copy
import json
import logging
import pathlib
import random
import string
from unittest import mock

import nova.conf
from nova import exception
from nova import objects
from nova.api.validation.extra_specs import validators
from nova.api.validation import validators as schema_validators
from nova.api.openstack.compute.schemas import flavor_manage as schemas
from nova.compute import flavors

CONF = nova.conf.CONF
VALUES = ["", " ", "x", "0", "1", "2", "-1", "-0", "+4", " 4 ", "1_000", "1__0", "0x10", "1.0", "1e3",
          "\u0663", "\u00b2", "\u00a05", "2147483648", "9223372036854775808", "-99999999999999999999",
          "9" * 4301, "true", "TRUE", " Yes ", "t", "off", "n", "enabled", "None", "required",
          "forbidden", "required\n", "REQUIRED", "2MB", "2Mb", "1GB", "1GiB", "4k", "0.5GB", "-2MB",
          "large", "any", "small", "Any", "^0", "0-3", "^0-1,3", "0,1,^1", "3-1", "0-", ",", "^", "^^1",
          "1,^2-3,\u0664", "gpu:1", "gpu:1,nic:2", "gpu: 1", "gpu:-1", "gpu:", ":1", "a,b", "a, b",
          "A_1,B-2", "dedicated", "mixed", "isolate", "auto", "intel", "reset", "1024x768", "custom",
          "<in> a", ">= 4", "s== x", "\n", "a\nb", "\u00e9", "x" * 300]
ALPHABET = string.ascii_letters + string.digits + "-_:. ^/\u00e9"
GROUPS = ["", "1", "2", "42", "01", "0", "_NET", "_abc-1", "!", "x" * 64, "x" * 65, "\u0661", "-", "_"]


# ---- extra specs -----------------------------------------------------------------------------

CATEGORIES = [("is not of the format", "pattern"), ("is not one of", "enum"),
              ("not a valid integer", "not_integer"), ("greater than the max", "above_max"),
              ("less than the min", "below_min"), ("valid boolean-like", "not_boolean"),
              ("does not appear to be a", "unknown_spec")]


def judge_spec(name, value):
    try:
        validators.validate(name, value)
    except exception.ValidationError as error:
        message = str(error)
        category = next(word for text, word in CATEGORIES if text in message)
        return {"ok": False, "error": type(error).__name__, "category": category,
                "message": message}
    return {"ok": True}


def filled(rng, validator):
    name = validator.name
    for parameter in validator.parameters:
        word = rng.choice(GROUPS + ["0", "7", "GOLD", "CUSTOM_A", "A-B", "a", "9" * 9])
        name = name.replace("{%s}" % parameter["name"], word)
    if "{" not in validator.name and rng.random() < 0.1:
        name = name.replace("resources:", "resources%s:" % rng.choice(GROUPS))
    return name


def value_for(rng, validator):
    words = [str(word) for word in validator.value.get("enum", [])]
    edges = [validator.value[key] + step for key in ("min", "max") if key in validator.value
             for step in (-1, 0, 1)]
    kind = rng.random()
    if words and kind < 0.4:
        word = rng.choice(words)
        return rng.choice([word, word, word.upper(), word + " ", word[:-1], word.title()])
    if edges and kind < 0.4:
        return str(rng.choice(edges))
    if kind < 0.5:
        return "".join(rng.choice(ALPHABET) for _ in range(rng.randrange(8)))
    return rng.choice(VALUES)


def extra_spec_vectors(rng, count):
    known = list(validators.VALIDATORS.values())
    # Traits and capabilities are many and alike.
    weights = [1 if v.name.startswith(("trait", "capabilities")) else 12 for v in known]
    for number in range(count):
        validator = rng.choices(known, weights)[0]
        name = filled(rng, validator)
        kind = rng.random()
        if kind < 0.15:
            at = rng.randrange(len(name))
            name = name[:at] + rng.choice(ALPHABET) + name[at + rng.randrange(2):]
        elif kind < 0.2:
            name = rng.choice([name.upper(), name + "\n", name + ".0", name.split(":")[-1],
                               name.replace(":", "::"), name.replace(":", ""), " " + name])
        value = value_for(rng, validator)
        yield {"id": f"es-{number:05d}", "name": name, "value": value,
               "result": judge_spec(name, value)}


# ---- flavors ---------------------------------------------------------------------------------

FIELDS = ["name", "id", "ram", "vcpus", "disk", "swap", "OS-FLV-EXT-DATA:ephemeral", "rxtx_factor",
          "os-flavor-access:is_public", "description", "x"]
JUNK = [None, True, False, 0, 1, -1, 2, 512, 1.0, 0.5, 2 ** 31 - 1, 2 ** 31, 10 ** 30, "", " ", "a",
        " a", "a ", "a b", "0", "1", "01", "-1", "512", "1.0", " 1", "1_0", "\u0661", "x" * 255,
        "x" * 256, "a/b", "a.b-c_d", "\u00e9t\u00e9", "a\nb", "a\tb", "\u2028", "\ufffe", "\U0001f600",
        "00000000-0000-4000-8000-000000000001", "auto", [], {}, ["a"], {"a": 1}, "true", "False", "yes",
        "3.5e38", "0.0001", "1e3", "x" * 65536]
SCHEMAS = {"2.0": schemas.create_v20, "2.1": schemas.create, "2.55": schemas.create_v2_55}


MADE = ("name", "flavorid", "memory_mb", "vcpus", "root_gb", "ephemeral_gb", "swap", "rxtx_factor",
        "is_public", "description")


def judge_flavor(body, version):
    body = copy.deepcopy(body)
    try:
        schema_validators._SchemaValidator(
            SCHEMAS[version], is_body=True,
            relax_additional_properties=False).validate(body)
    except exception.ValidationError as error:
        return {"status": 400, "stage": "schema", "message": str(error)}
    vals = body["flavor"]
    kept = {}
    description = vals.get("description") if version == "2.55" else None
    flavorid = vals.get("id")
    with mock.patch.object(objects, "Flavor", lambda **fields: Made(fields, kept)):
        try:
            flavors.create(
                vals["name"], vals["ram"], vals["vcpus"], vals["disk"],
                ephemeral_gb=vals.get("OS-FLV-EXT-DATA:ephemeral", 0), flavorid=flavorid,
                swap=vals.get("swap", 0), rxtx_factor=vals.get("rxtx_factor", 1.0),
                is_public=vals.get("os-flavor-access:is_public", True),
                description=description)
        except exception.InvalidInput as error:
            return {"status": 400, "stage": "create", "message": str(error)}
    answer = {name: kept.get(name) for name in MADE}
    answer["flavorid_generated"] = False
    if not flavorid:
        answer.update(flavorid=None, flavorid_generated=True)
    return {"status": 200, "flavor": answer}


class Made:
    """Stands in for objects.Flavor: its fields are typed, nothing is stored."""

    def __init__(self, fields, kept):
        flavor = REAL_FLAVOR(**fields)
        kept.update({name: getattr(flavor, name) for name in flavor.fields
                     if flavor.obj_attr_is_set(name)})

    def create(self):
        pass


def flavor_vectors(rng, count):
    for number in range(count):
        body = {"name": "m1.test", "id": "f1", "ram": 512, "vcpus": 1, "disk": 1}
        for field in rng.sample(FIELDS, rng.choice([1, 1, 2, 3])):
            if rng.random() < 0.1:
                body.pop(field, None)
            else:
                body[field] = rng.choice(JUNK)
        whole = {"flavor": body}
        if rng.random() < 0.02:
            whole = rng.choice([{}, {"flavor": None}, {"flavor": []}, {"flavor": body, "x": 1}, body])
        version = rng.choice(sorted(SCHEMAS))
        yield {"id": f"flavor-{number:05d}", "microversion": version, "body": whole,
               "result": judge_flavor(whole, version)}


# ----------------------------------------------------------------------------------------------

def differences(file, answers):
    wrong = 0
    for vector, answer in answers:
        answer = json.loads(json.dumps(answer))
        want = vector["result"]
        for key in sorted(set(answer) | set(want)):
            if answer.get(key) != want.get(key):
                wrong += 1
                if wrong < 10:
                    print(file, vector["id"], key, "\n have", str(answer.get(key))[:600], "\n want",
                          str(want.get(key))[:600])
    print(f"{file}: {wrong} differences")
    return wrong


def main():
    global REAL_FLAVOR
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--from", dest="source", required=True)
    parser.add_argument("--out")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    CONF([], project="nova", default_config_files=[])
    objects.register_all()
    REAL_FLAVOR = objects.Flavor
    source = pathlib.Path(arguments.source)
    names = ("extra_specs", "flavors")
    files = {name: json.loads((source / f"{name}.json").read_text()) for name in names}
    if arguments.check:
        asked = {
            "extra_specs": [(v, judge_spec(v["name"], v["value"]))
                            for v in files["extra_specs"]["vectors"]],
            "flavors": [(v, judge_flavor(v["body"], v["microversion"]))
                        for v in files["flavors"]["vectors"]]}
        return sum(differences(name, asked[name]) for name in names) != 0
    rng = random.Random(arguments.seed)
    new = {"extra_specs": list(extra_spec_vectors(rng, arguments.count)),
           "flavors": list(flavor_vectors(rng, arguments.count))}
    out = pathlib.Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    for name in names:
        files[name].update(vectors=new[name], seed=arguments.seed)
        (out / f"{name}.json").write_text(json.dumps(files[name]))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
