#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes what the installed Nova makes of [pci] device_spec and alias and of requests for devices.

    pci_vectors.py FILE [SEED [COUNT]]

Run with the Python that has Nova (/usr/bin/python3). The machine is made up: `physical` lists the
addresses of physical functions, `interfaces` the functions behind network interfaces. A vector of
kind "match" holds a device_spec and devices, with the tags each device gets or null; of kind "alias"
aliases and an extra spec, with the requests; of kind "take" devices and requests, with the pools
before and after and the addresses taken in order; `sockets` are those of the host's cells 0 and 1.
Instead of a result there may be the class of Nova's exception.
"""
import json
import random
import sys
import warnings
from unittest import mock

warnings.filterwarnings("ignore")
from nova import exception  # noqa: E402
from nova import objects  # noqa: E402
import nova.conf  # noqa: E402
from nova.pci import request as pci_request  # noqa: E402
from nova.pci import stats as pci_stats  # noqa: E402
from nova.pci import utils as pci_utils  # noqa: E402
from nova.pci import whitelist  # noqa: E402

CONF = nova.conf.CONF
objects.register_all()

VENDORS = ["8086", "15b3", "10de"]
PRODUCTS = ["154d", "1004", "1db4", "10ed"]


def machine(rng):
    """Devices of one random machine; functions of a slot may be a PF and its VFs."""
    devices, physical, interfaces = [], [], {}
    for _ in range(rng.randint(1, 6)):
        where = "%04x:%02x:%02x" % (rng.choice([0, 0, 0, 1]), rng.choice([5, 10, 129]), rng.randint(0, 3))
        if any(d["address"].startswith(where) for d in devices):
            continue
        base = {"vendor_id": rng.choice(VENDORS), "product_id": rng.choice(PRODUCTS),
                "numa_node": rng.choice([None, 0, 1])}
        sriov = rng.random() < 0.5
        pf = dict(base, address=where + ".0", dev_type="type-PF" if sriov else "type-PCI", parent_addr="")
        devices.append(pf)
        if rng.random() < 0.4:
            interfaces["eth%d" % len(interfaces)] = [pf["address"], sriov]
        if not sriov:
            continue
        physical.append(pf["address"])
        for function in range(1, rng.randint(1, 5)):
            devices.append(dict(base, address="%s.%d" % (where, function), product_id=rng.choice(PRODUCTS),
                                dev_type=rng.choice(["type-VF"] * 4 + ["vdpa"]), parent_addr=pf["address"]))
    return devices, physical, interfaces


def part(rng, width, value):
    return rng.choice(["*", value, value, "", " " + value, "0x" + value, value.upper(), "zz", "-1", "1_0",
                       "%0*x" % (width, rng.randint(0, 16 ** width))])


def glob(rng, devices):
    domain, bus, slot, function = pci_utils.get_pci_address_fields(rng.choice(devices)["address"])
    plain = rng.random() < 0.85
    fields = [domain, bus, slot] if plain else [part(rng, 4, domain), part(rng, 2, bus), part(rng, 2, slot)]
    fields = [f if rng.random() < 0.7 else "*" for f in fields] if rng.random() < 0.5 else fields
    text = ":".join(fields[rng.choice([0, 0, 0, 0, 1, 2]):])
    if rng.random() < 0.04:
        text += ":00"
    return text + rng.choice(["." + function, ".*", "." + part(rng, 1, function), ""])


def pattern(rng, devices):
    domain, bus, slot, function = pci_utils.get_pci_address_fields(rng.choice(devices)["address"])
    parts = {"domain": [domain, ".*", "0{4}"], "bus": [bus, "0[5a]", "[0-8].*", "8", "(05|81)"],
             "slot": [slot, "0[0-2]", "."], "function": [function, "[1-3]", "[^0]", "[", "0|1", ""]}
    return {name: rng.choice(choices) for name, choices in parts.items() if rng.random() < 0.7}


def device_spec(rng, devices, interfaces):
    device = rng.choice(devices)
    spec = {}
    if rng.random() < 0.5:
        spec["vendor_id"] = rng.choice([device["vendor_id"], "*", " 8086 ", "0x15B3", "10DE"] * 4 + ["12345", "xyz", ""])
    if rng.random() < 0.5:
        spec["product_id"] = rng.choice([device["product_id"], "*", "154D"] * 4 + ["FFFFF"])
    if rng.random() < 0.7:
        spec["address"] = pattern(rng, devices) if rng.random() < 0.35 else glob(rng, devices)
    if rng.random() < (0.03 if "address" in spec else 0.4):
        spec["devname"] = rng.choice(list(interfaces) + ["eth9", ""])
    spec.update(tags(rng))
    return spec


def tags(rng):
    choices = {"physical_network": ["net1", "net2", None], "trusted": ["true", "false"], "x": ["y"],
               "dev_type": ["type-VF"], "numa_node": ["0"], "remote_managed": ["false", None]}
    odd = {"dev_type": 0.05, "numa_node": 0.05, "remote_managed": 0.1}
    return {name: rng.choice(values) for name, values in choices.items() if rng.random() < odd.get(name, 0.3)}


def pools_of(stats):
    """As reported: without those that ran empty."""
    return [{k: v for k, v in pool.items() if k != "devices"} for pool in stats.pools if pool["count"] > 0]


def match(rng):
    devices, physical, interfaces = machine(rng)
    entries = [device_spec(rng, devices, interfaces) for _ in range(rng.randint(1, 3))]
    texts = [json.dumps(e) for e in entries] if rng.random() < 0.8 else [json.dumps(entries)]
    if rng.random() < 0.03:
        texts.append(rng.choice(["nonsense", "[1]", "\"x\"", "5", "{"]))
    if rng.random() < 0.03:
        devices.append(dict(devices[0], address="10000:00:00.0", parent_addr=""))
    vector = {"kind": "match", "specs": texts, "devices": devices, "physical": physical, "interfaces": interfaces}
    try:
        # A deep copy is kept by Nova's own code; tags are what is left of an entry.
        specs = whitelist.Whitelist(texts).specs
        vector["result"] = []
        for device in devices:
            tags = None
            try:
                found = next((s for s in specs if s.match(dict(device, parent_addr=device["parent_addr"] or None))),
                             None)
                tags = None if found is None else found.get_tags()
            except exception.PciConfigInvalidSpec:
                pass  # as Nova's manager: the device is left out
            vector["result"].append(tags)
    except Exception as error:  # noqa: BLE001: whatever it is, it is the answer
        vector.pop("result", None)
        vector["error"] = type(error).__name__
    return vector


def alias_text(rng):
    alias = {"name": rng.choice(["gpu", " gpu ", "nic", "a b"] * 8 + [""])}
    for name, values in {"vendor_id": VENDORS + ["80866"], "product_id": PRODUCTS + ["808G"],
                         "device_type": ["type-PCI", "type-PF", "type-VF", "vdpa"],
                         "numa_policy": ["required", "legacy", "preferred", "socket", "near"],
                         "capability_type": ["pci", "usb"], "color": ["red"]}.items():
        odd = {"capability_type": 0.04, "color": 0.02}.get(name, 0.5)
        if rng.random() < odd:
            alias[name] = rng.choice(values[:-1] * 20 + values[-1:]) if len(values) > 1 else values[0]
    return rng.choice([json.dumps(alias)] * 30 + ["{", "[]", "5"])


def alias(rng):
    texts = [alias_text(rng) for _ in range(rng.choice([0, 1, 1, 2, 2, 3]))]
    asked = ",".join("%s:%s" % (rng.choice(["gpu"] * 6 + [" nic", "a b", "other"]),
                                rng.choice(["1", "2", " 3 ", "0", "x", "", "1:2"] if rng.random() < 0.3 else ["1", "4"]))
                     for _ in range(rng.randint(1, 3)))
    if rng.random() < 0.03:
        asked = rng.choice(["", "gpu", ","])
    policy = rng.choice([None, None, "required", "socket"])
    vector = {"kind": "alias", "aliases": texts, "asked": asked, "policy": policy}
    CONF.set_override("alias", texts, group="pci")
    try:
        requests = pci_request._translate_alias_to_requests(asked, affinity_policy=policy)
        vector["result"] = [{"count": r.count, "spec": r.spec, "alias_name": r.alias_name,
                             "numa_policy": r.numa_policy} for r in requests]
    except Exception as error:  # noqa: BLE001
        vector["error"] = type(error).__name__
    return vector


def take(rng):
    devices, physical, interfaces = machine(rng)
    spec = json.dumps({"vendor_id": rng.choice(["*", devices[0]["vendor_id"]]),
                       **(tags(rng) if rng.random() < 0.5 else {})})
    specs = [spec] + ([json.dumps({})] if rng.random() < 0.5 else [])
    for device in devices:
        if device["parent_addr"] and rng.random() < 0.4:
            device["parent_ifname"] = "eth" + device["parent_addr"][-4]
    requests = []
    for _ in range(rng.choice([1, 1, 2, 3])):
        one = {}
        device = rng.choice(devices)
        for name in ("vendor_id", "product_id", "dev_type"):
            if rng.random() < (0.8 if name == "dev_type" and device[name] != "type-PCI" else 0.3):
                one[name] = device[name]
        requests.append({"count": rng.choice([1, 1, 1, 1, 2, 3]), "spec": [one],
                         "numa_policy": rng.choice(["legacy", "required", "preferred", "socket"])})
    cells = rng.choice([None, None, None, [0], [1], [0, 1]])
    sockets = rng.choice([[0, 0], [0, 1], [0, None]])
    vector = {"kind": "take", "specs": specs, "devices": devices, "physical": physical, "interfaces": interfaces,
              "requests": requests, "cells": cells, "sockets": sockets}
    known = {}
    host = objects.NUMATopology(cells=[
        objects.NUMACell(id=number, socket=socket, cpuset=set(), pcpuset=set(), memory=1, cpu_usage=0,
                         memory_usage=0, pinned_cpus=set(), siblings=[], mempages=[])
        for number, socket in enumerate(sockets)])
    stats = pci_stats.PciDeviceStats(host, dev_filter=whitelist.Whitelist(specs))
    for device in sorted(devices, key=lambda d: d["address"]):
        extra = {"parent_ifname": device["parent_ifname"]} if "parent_ifname" in device else {}
        plain = {k: v for k, v in device.items() if k not in ("parent_addr", "parent_ifname")}
        made = objects.PciDevice(compute_node_id=1, status="available", extra_info=extra, child_devices=[],
                                 parent_device=None, **plain, parent_addr=device["parent_addr"] or None)
        made.child_devices = []
        made.parent_device = None
        if stats._create_pool_keys_from_dev(made) is None:
            continue
        known[made.address] = made
        parent = known.get(device["parent_addr"])
        if parent is not None:
            parent.child_devices.append(made)
            made.parent_device = parent
        stats.add_device(made)
    wanted = [objects.InstancePCIRequest(count=r["count"], spec=r["spec"], numa_policy=r["numa_policy"],
                                         alias_name="x", request_id="00000000-0000-4000-8000-000000000001")
              for r in requests]
    numa = None if cells is None else [objects.InstanceNUMACell(id=c, cpuset=set(), pcpuset=set(), memory=1)
                                       for c in cells]
    vector["pools"] = pools_of(stats)
    try:
        vector["result"] = [d.address for d in stats.consume_requests(wanted, numa)]
        vector["pools_left"] = pools_of(stats)
    except Exception as error:  # noqa: BLE001
        vector.pop("result", None)
        vector["error"] = type(error).__name__
    return vector


def main():
    rng = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 20261125)
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 100
    vectors = []
    state = {}

    def is_pf(domain, bus, slot, function):
        return "%s:%s:%s.%s" % (domain, bus, slot, function) in state["physical"]

    def by_ifname(name):
        return tuple(state["interfaces"].get(name, (None, False)))

    original = machine

    def remembered(generator):
        made = original(generator)
        state["physical"], state["interfaces"] = made[1], made[2]
        return made

    globals()["machine"] = remembered
    with mock.patch.object(pci_utils, "is_physical_function", is_pf), \
            mock.patch.object(pci_utils, "get_function_by_ifname", by_ifname):
        for number in range(count):
            for kind in (match, alias, take):
                vector = kind(rng)
                while vector.get("error") == "IndexError":  # Nova's own: a device went with its parent
                    vector = kind(rng)
                vector["id"] = "%s-%d" % (vector["kind"], number)
                vectors.append(vector)
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        out.write('{"vectors": [\n' + ",\n".join(json.dumps(v, sort_keys=True) for v in vectors) + "\n]}\n")
    kinds = {}
    for vector in vectors:
        key = vector["kind"] + " " + vector.get("error", "ok")
        kinds[key] = kinds.get(key, 0) + 1
    print(kinds)


main()
