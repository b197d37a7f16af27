#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Asks the installed Nova about random flavors, images, hosts and guests.

    /usr/bin/python3 tests/tools/numa_vectors.py --seed 7 --count 4000 --out DIR
    KILONOVA_VECTORS=DIR build/dev/tests/unit/common/hardware/hardware_vectors_test

writes DIR/numa.json, of the same kind as tests/vectors/numa.json. Needs Debian's python3-nova.
"""
import argparse
import json
import logging
import pathlib
import random

import nova.conf
from nova import objects
from nova.pci import stats as pci_stats
from nova.virt import hardware

from numa_inputs import constraints_input, cpu_spec, fit_input

CONF = nova.conf.CONF
CPU_CELL = ("id", "memory", "pagesize", "cpu_policy", "cpu_thread_policy")


# ---- Nova's objects --------------------------------------------------------------------------

def make_host(json_):
    cells = []
    for c in json_["cells"]:
        cell = objects.NUMACell(
            id=c["id"], cpuset=set(c["cpuset"]), pcpuset=set(c["pcpuset"]), memory=c["memory"],
            cpu_usage=c["cpu_usage"], memory_usage=c["memory_usage"],
            pinned_cpus=set(c["pinned_cpus"]), siblings=[set(sorted(s)) for s in c["siblings"]],
            mempages=[objects.NUMAPagesTopology(**p) for p in c["mempages"]], socket=c["socket"])
        if "network_metadata" in c:
            cell.network_metadata = make_networks(c["network_metadata"])
        cells.append(cell)
    return objects.NUMATopology(cells=cells)


def make_networks(json_):
    return objects.NetworkMetadata(physnets=set(json_["physnets"]), tunneled=json_["tunneled"])


def make_instance(json_):
    return objects.InstanceNUMATopology(
        cells=[objects.InstanceNUMACell(cpuset=set(c["cpuset"]), pcpuset=set(c["pcpuset"]),
                                        **{k: c[k] for k in CPU_CELL}) for c in json_["cells"]],
        emulator_threads_policy=json_["emulator_threads_policy"])


def make_limits(json_):
    if json_ is None:
        return None
    limits = objects.NUMATopologyLimits(cpu_allocation_ratio=json_["cpu_allocation_ratio"],
                                        ram_allocation_ratio=json_["ram_allocation_ratio"])
    if "network_metadata" in json_:
        limits.network_metadata = make_networks(json_["network_metadata"])
    return limits


def make_requests(json_):
    return [objects.InstancePCIRequest(**r) for r in json_]


def make_stats(json_, host):
    if json_ is None:
        return None
    pools = objects.PciDevicePoolList(objects=[objects.PciDevicePool(**p) for p in json_])
    return pci_stats.PciDeviceStats(host, pools)


def instance_json(topology):
    cells = []
    for c in topology.cells:
        pinning = c.cpu_pinning
        cells.append({"cpuset": sorted(c.cpuset), "pcpuset": sorted(c.pcpuset),
                      "cpu_pinning": pinning and {str(k): v for k, v in sorted(pinning.items())},
                      "cpuset_reserved": c.cpuset_reserved and sorted(c.cpuset_reserved),
                      **{k: getattr(c, k) for k in CPU_CELL}})
    return {"cells": cells, "emulator_threads_policy": topology.emulator_threads_policy}


def host_json(host):
    return {"cells": [{
        "id": c.id, "cpuset": sorted(c.cpuset), "pcpuset": sorted(c.pcpuset), "memory": c.memory,
        "cpu_usage": c.cpu_usage, "memory_usage": c.memory_usage,
        "pinned_cpus": sorted(c.pinned_cpus), "siblings": [sorted(s) for s in c.siblings],
        "mempages": [{k: getattr(p, k) for k in ("size_kb", "total", "used", "reserved")}
                     for p in c.mempages], "socket": c.socket} for c in host.cells]}


# ---- answers ---------------------------------------------------------------------------------

def answer(call, to_json=lambda v: v):
    try:
        return {"value": to_json(call())}
    except Exception as error:  # whatever Nova raises is the answer
        return {"error": type(error).__name__}


def cpus_json(cpus):
    return None if cpus is None else sorted(cpus)


def topology_json(topology):
    return {k: getattr(topology, k) for k in ("sockets", "cores", "threads")}


def constraints_answer(case):
    flavor = objects.Flavor(name="flavor", flavorid="flavor", **case["flavor"])
    try:
        image = objects.ImageMeta.from_dict({"name": "img", **case["image"]})
    except Exception as error:
        return {"input_error": type(error).__name__}
    both = (flavor, image)
    return {
        "numa_get_constraints": answer(lambda: hardware.numa_get_constraints(*both),
                                       lambda v: v and instance_json(v)),
        "cpu_topology_constraints": answer(
            lambda: hardware.get_cpu_topology_constraints(*both),
            lambda v: {"preferred": topology_json(v[0]), "maximum": topology_json(v[1])}),
        "best_cpu_topology": answer(lambda: hardware.get_best_cpu_topology(*both), topology_json),
        "best_cpu_topology_no_threads": answer(
            lambda: hardware.get_best_cpu_topology(*both, allow_threads=False), topology_json),
        "possible_cpu_topologies": answer(
            lambda: hardware._get_desirable_cpu_topologies(*both),
            lambda v: [topology_json(t) for t in v]),
        "cpu_policy": answer(lambda: hardware.get_cpu_policy_constraint(*both)),
        "cpu_thread_policy": answer(lambda: hardware.get_cpu_thread_policy_constraint(*both)),
        "emulator_threads_policy": answer(
            lambda: hardware.get_emulator_thread_policy_constraint(flavor)),
        "dedicated_cpus": answer(lambda: hardware.get_dedicated_cpu_constraint(flavor), cpus_json),
        "realtime_cpus": answer(lambda: hardware.get_realtime_cpu_constraint(*both), cpus_json),
        "pci_numa_policy": answer(lambda: hardware.get_pci_numa_policy_constraint(*both) or None),
        "pmu": answer(lambda: hardware.get_pmu_constraint(*both)),
        "vif_multiqueue": answer(lambda: hardware.get_vif_multiqueue_constraint(*both)),
        "vtpm": answer(lambda: hardware.get_vtpm_constraint(*both), lambda v: v and v._asdict()),
        "secure_boot": answer(lambda: hardware.get_secure_boot_constraint(*both) or None),
        "mem_encryption": answer(lambda: hardware.get_mem_encryption_constraint(*both)),
        "locked_memory": answer(lambda: hardware.get_locked_memory_constraint(*both)),
        "number_of_serial_ports": answer(lambda: hardware.get_number_of_serial_ports(*both)),
        "vpmems": answer(lambda: hardware.get_vpmems(flavor)),
    }


def fit_answer(case):
    CONF.set_override("packing_host_numa_cells_allocation_strategy",
                      case["packing_host_numa_cells_allocation_strategy"], group="compute")
    host = make_host(case["host"])
    try:
        fitted = hardware.numa_fit_instance_to_host(
            host, make_instance(case["instance"]), make_limits(case["limits"]),
            make_requests(case["pci_requests"]), make_stats(case["pci_device_pools"], host))
    except Exception as error:
        return {"error": type(error).__name__}
    if fitted is None:
        return {"fitted": None}
    result = {"fitted": instance_json(fitted)}
    try:
        host = hardware.numa_usage_from_instance_numa(host, fitted)
        after = host_json(host)
        host = hardware.numa_usage_from_instance_numa(host, fitted, free=True)
        return {**result, "host_after": after, "host_after_free": host_json(host)}
    except Exception as error:
        return {**result, "usage_error": type(error).__name__}


def cpu_spec_cases(rng, count):
    for number in range(count):
        pieces = [cpu_spec(rng, rng.choice([4, 40, 300])) for _ in range(rng.randrange(1, 4))]
        spec = ",".join(pieces)
        yield {"id": f"parse-{number:05}", "kind": "parse_cpu_spec", "spec": spec,
               "result": answer(lambda: hardware.parse_cpu_spec(spec), cpus_json)}
        cpus = sorted(rng.sample(range(400), rng.randrange(60)))
        yield {"id": f"format-{number:05}", "kind": "format_cpu_spec", "cpus": cpus,
               "result": {"ranges": hardware.format_cpu_spec(set(cpus)),
                          "list": hardware.format_cpu_spec(set(cpus), allow_ranges=False)}}


def cases(rng, count):
    for number in range(count):
        case = constraints_input(rng)
        yield {"id": f"constraints-{number:05}", "kind": "constraints", **case,
               "result": constraints_answer(case)}
    for number in range(count):
        case = fit_input(rng)
        yield {"id": f"fit-{number:05}", "kind": "fit", **case, "result": fit_answer(case)}
    yield from cpu_spec_cases(rng, max(1, count // 10))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--count", type=int, default=1000, help="of constraints and of fits each")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    objects.register_all()
    CONF([], project="nova", default_config_files=[])
    rng = random.Random(arguments.seed)
    lines = [json.dumps(case, ensure_ascii=False) for case in cases(rng, arguments.count)]
    arguments.out.mkdir(parents=True, exist_ok=True)
    head = {"family": "numa", "nova_version": "26.2.2", "schema": 1, "seed": arguments.seed}
    text = json.dumps(head)[:-1] + ', "vectors": [\n' + ",\n".join(lines) + "\n]}\n"
    (arguments.out / "numa.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
