#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes what the installed Nova makes of image properties: ImageMetaProps.from_dict in process.

    image_props_vectors.py FILE [SEED [COUNT]]

Run with the Python that has Nova (/usr/bin/python3). A vector is one line: properties, and either the
values Nova reads out of them or the class of its exception. Nova sees the properties sorted by name.
"""
import json
import random
import sys
import warnings

warnings.filterwarnings("ignore")
from nova.objects import image_meta  # noqa: E402

PROPS = image_meta.ImageMetaProps
WORDS = ["", "x", "none", "None", "true", "false", "yes", "off", "1", "0", "-1", "+2", " 3 ", "1_000",
         "\u0663", "1.0", "0x10", "99999999999999999999", "virtio", "VIRTIO", "scsi", "required",
         "disabled", "hvm", "xen", "qemu", "kvm", "KVM", "amd64", "x86", "i386", "x86_64", "AMD64",
         "linux", "windows", "Linux", ">=2.6", ">= 2.6, <3", "2.6", "<1,", "!=1.0", "==a", "\u00e9",
         "uefi", "bios", "usbtablet", "a\nb", "tpm-crb", "2.0", "mandatory", "optional", "lsilogic",
         "ide", "lsisas1068", "e1000", "VirtualE1000", "netfront", "luks", "SHA-256", "RSA-PSS",
         "00000000-0000-4000-8000-000000000001"]


def enum_words(field):
    return sorted(str(word) for word in getattr(field._type, "valid_values", None) or ())


def plain(value):
    if isinstance(value, set):
        return sorted(value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def judge(properties):
    try:
        made = PROPS.from_dict(dict(sorted(properties.items())))
    except Exception as error:  # noqa: BLE001: whatever it is, it is the answer
        return {"error": type(error).__name__}
    return {"values": {name: plain(getattr(made, name)) for name in sorted(PROPS.fields)
                       if made.obj_attr_is_set(name)}}


def values_for(name, rng):
    words = enum_words(PROPS.fields[name])
    some = [word.upper() for word in words[:2]] + [word + " " for word in words[:1]]
    return words + some + rng.sample(WORDS, 14)


def cases(rng, count):
    lists = {"hw_numa_cpus", "hw_numa_mem", "traits_required", "img_block_device_mapping", "img_mappings"}
    names = [name for name in sorted(PROPS.fields) if name not in lists]
    for name in names:
        for value in values_for(name, rng):
            yield {name: value}
    legacy = [old for old, new in sorted(PROPS._legacy_property_map.items()) if new not in lists]
    for old in legacy + ["vmware_adaptertype"]:
        new = PROPS._legacy_property_map.get(old, "hw_scsi_model")
        for value in rng.sample(values_for(new, rng), 8):
            yield {old: value}
        yield {old: "x", new: rng.choice(values_for(new, rng))}
    for key in ("hw_numa_cpus", "hw_numa_mem"):
        for texts in (["0"], ["0-1", "2,3"], ["0", "x"], [" 1 "], ["^1"], ["0-3,^2"], ["3-1"], [""], ["1.5"],
                      ["-1"], ["\u0663"], ["1", "2", "3"]):
            yield {f"{key}.{cell}": text for cell, text in enumerate(texts)}
        yield {f"{key}.1": "1"}
        yield {f"{key}.00": "1"}
        yield {key: "1"}
    for _ in range(count):
        chosen = rng.sample(names, rng.randrange(2, 6))
        made = {name: rng.choice(values_for(name, rng)) for name in chosen}
        for extra in ({"trait:HW_CPU_X86_AVX2": "required"}, {"trait:CUSTOM_A": "forbidden"},
                      {"trait:": "required"}, {"hw_unknown": "x"}, {"hw_numa_mem.0": "512"}):
            if rng.random() < 0.2:
                made.update(extra)
        yield made


def main():
    path = sys.argv[1]
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 150
    rng = random.Random(seed)
    header = {"family": "known_image_props", "nova_version": "26.2.2", "schema": 1, "seed": seed,
              "version": PROPS.VERSION,
              "fields": {name: type(field).__name__ for name, field in sorted(PROPS.fields.items())},
              "legacy": dict(sorted(PROPS._legacy_property_map.items()))}
    with open(path, "w", encoding="utf-8") as out:
        out.write("{\n")
        for key, value in header.items():
            out.write(f"{json.dumps(key)}: {json.dumps(value)},\n")
        lines = [json.dumps({"id": f"ip-{number:05}", "properties": case, "result": judge(case)},
                            separators=(",", ":")) for number, case in enumerate(cases(rng, count))]
        out.write('"vectors": [\n' + ",\n".join(lines) + "\n]}\n")


if __name__ == "__main__":
    main()
