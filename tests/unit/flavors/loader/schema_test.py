#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The published JSON schema accepts the shipped catalogue and refuses what the loader refuses."""
import json
import pathlib

import jsonschema
import yaml

catalog = pathlib.Path(__file__).resolve().parents[4] / "flavors" / "catalog"
schema = json.loads((catalog / "schema.json").read_text())
validator = jsonschema.Draft202012Validator(schema)
jsonschema.Draft202012Validator.check_schema(schema)

files = sorted(catalog.glob("*.yaml"))
assert files
for file in files:
    validator.validate(yaml.safe_load(file.read_text()))

good = {"name": "a", "flavorid": "a", "vcpus": 1, "memory_mb": 1, "root_gb": 0}
assert validator.is_valid({"flavors": [good]})
for change in ({"vcpus": 0}, {"memory_mb": 2**31}, {"root_gb": -1}, {"rxtx_factor": 0}, {"typo": 1},
               {"name": ""}, {"name": " a"}, {"flavorid": "a/b"}, {"is_public": "yes"},
               {"extra_specs": {"": "x"}}):
    assert not validator.is_valid({"flavors": [{**good, **change}]}), change
for key in good:
    assert not validator.is_valid({"flavors": [{k: v for k, v in good.items() if k != key}]}), key
print(f"{len(files)} files valid")
