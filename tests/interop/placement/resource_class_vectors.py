#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Asks real Nova, in this process, what random requests ask of Placement.

  resource_class_vectors.py --seed 2 --count 2000 > resource_class.json

Written in the form of tests/vectors/resource_class.json, which the unit test reads.
"""
import argparse
import json
import logging
import pathlib
import random
import sys
import tempfile
from unittest import mock

import nova.conf
from nova import context, objects
from nova.db.api import api as api_db
from nova.db.api import models
from nova.objects import aggregate as aggregates_db
from nova.scheduler import request_filter, utils

CONF = nova.conf.CONF
NODES = [{"host": f"h{1 + i // 2 if i > 1 else i + 1}", "node": f"n{i}",
          "uuid": f"aaaaaaaa-0000-4000-a000-{i:012}"} for i in range(5)]
AMOUNTS = ["0", "1", "2", " 3 ", "1_0", "+4", "-1", "1.5", "", "x", "٣", "0x2", "00"]
SUFFIXES = ["", "", "1", "2", "_NET", "a-b", "!", "x" * 64, "x" * 65]
CLASSES = ["VCPU", "PCPU", "MEMORY_MB", "DISK_GB", "VGPU", "CUSTOM_GOLD", "CUSTOM_", "BOGUS", "",
           "VGPU:1", "custom_x", "SRIOV_NET_VF"]
TRAITS = ["HW_CPU_X86_VMX", "CUSTOM_T", "CUSTOM_U", "", "HW_CPU_HYPERTHREADING", "A:B"]
EXTRA = {
    "hw:cpu_policy": ["dedicated", "shared", "mixed", "mixed", "", "bogus"],
    "hw:cpu_thread_policy": ["prefer", "isolate", "require", "bogus"],
    "hw:emulator_threads_policy": ["isolate", "share", "bogus", ""],
    "hw:cpu_dedicated_mask": ["0", "0-1", "^0", "^0-1", "0-63", "x", "", "1,3"],
    "hw:cpu_realtime": ["yes", "true", "no", "1"], "hw:cpu_realtime_mask": ["0-1", "^0", "", "x"],
    "hw:mem_encryption": ["true", "1", "no", "x"],
    "hw:pmem": ["4GB", "4GB, SMALL,4GB", ",", "a-b.c", "ä"],
    "hw:tpm_version": ["1.2", "2.0", "3.0"], "hw:tpm_model": ["tpm-tis", "tpm-crb", "x"],
    "os:secure_boot": ["required", "optional", "disabled", "x"],
    "hw:pci_numa_affinity_policy": ["socket", "required", "legacy", "x"],
    "group_policy": ["none", "isolate", "x"],
}
PROPERTIES = {
    "hw_cpu_policy": ["dedicated", "shared", "mixed"], "hw_cpu_thread_policy": ["isolate", "require"],
    "hw_cpu_realtime_mask": ["0", "^0"], "hw_mem_encryption": ["true", "false"],
    "hw_firmware_type": ["uefi", "bios", "uefi"], "hw_machine_type": ["pc", "q35", "pc-q35-7.2"],
    "hw_tpm_version": ["1.2", "2.0"], "hw_tpm_model": ["tpm-tis", "tpm-crb"],
    "os_secure_boot": ["required", "optional"], "hw_pci_numa_affinity_policy": ["socket", "legacy"],
    "trait:CUSTOM_IMG": ["required", "forbidden"], "trait:": ["required"],
    "hw_cpu_cores": ["2", "x"], "architecture": ["x86_64", "amd64", "x"],
}
# What only request filters read.
FILTERED_EXTRA = {"accel:device_profile": ["dp", ""],
                  "hw:ephemeral_encryption": ["true", "no", "x"],
                  "hw:ephemeral_encryption_format": ["luks", "plain", "x", ""]}
FILTERED_PROPERTIES = {
    "hw_ephemeral_encryption": ["true", "false"], "hw_ephemeral_encryption_format": ["luks", "plain"],
    "hw_cdrom_bus": ["ide", "sata", "fdc"], "hw_disk_bus": ["virtio", "scsi", "lxc"],
    "hw_video_model": ["qxl", "virtio", "none"], "hw_vif_model": ["e1000", "virtio", "pcnet"],
    "hw_architecture": ["x86_64", "armv7l"], "hw_emulation_architecture": ["aarch64", "x86_64"],
    "hw_viommu_model": ["intel", "auto"], "trait:CUSTOM_T": ["required"],
}
METADATA = {"availability_zone": ["az1", "az2", "p1"], "filter_tenant_id": ["p1", "p2"],
            "filter_tenant_id3": ["p1", "p3"], "filter_tenant": ["p1"], "owner": ["p1", "p2"],
            "trait:CUSTOM_T": ["required", "forbidden"], "trait:CUSTOM_U": ["required"],
            "trait:HW_CPU_X86_VMX": ["required"], "traits:CUSTOM_T": ["required"]}
OPTIONS = ["limit_tenants_to_placement_aggregate", "placement_aggregate_required_for_tenants",
           "query_placement_for_availability_zone", "query_placement_for_image_type_support",
           "enable_isolated_aggregate_filtering", "image_metadata_prefilter"]


def some(r, table, chance):
    return {key: r.choice(values) for key, values in sorted(table.items()) if r.random() < chance}


def extra_specs(r):
    specs = some(r, EXTRA, 0.12)
    for _ in range(r.choice([0, 0, 1, 2, 4])):
        specs[f"resources{r.choice(SUFFIXES)}:{r.choice(CLASSES)}"] = r.choice(AMOUNTS)
    for _ in range(r.choice([0, 0, 1, 2])):
        specs[f"trait{r.choice(SUFFIXES)}:{r.choice(TRAITS)}"] = r.choice(
            ["required", "required", "forbidden", "x"])
    return dict(sorted(specs.items()))


def vector(r, number):
    spec = {"flavor": {"vcpus": r.choice([1, 2, 4, 8]), "memory_mb": r.choice([512, 4096]),
                       "root_gb": r.choice([0, 1, 20]), "ephemeral_gb": r.choice([0, 5]),
                       "swap": r.choice([0, 1, 1024, 1025]), "extra_specs": extra_specs(r)},
            "image": {"properties": dict(sorted(some(r, PROPERTIES, 0.1).items())),
                      "id": "33333333-3333-4333-a333-333333333333"},
            "is_bfv": r.random() < 0.3}
    if r.random() < 0.1:
        spec["force_hosts"] = [r.choice(["h1", "h2", "h3", "hx"])]
    if r.random() < 0.1:
        spec["force_nodes"] = [r.choice(["n0", "n3", "nx"])]
    if r.random() < 0.1:
        spec["scheduler_hints"] = {r.choice(["group", "same_host", "query"]): ["u"]}
    if r.random() < 0.3:
        destination = {}
        if r.random() < 0.4:
            destination["host"] = r.choice(["h1", "h2", "h3", "hx"])
        if r.random() < 0.2:
            destination["node"] = r.choice(["n0", "n1", "n4", "nx"])
        if r.random() < 0.5:
            destination["aggregates"] = r.choice([["a1"], ["a2,a1", "a3"], ["a3,a2"]])
        if r.random() < 0.3:
            destination["forbidden_aggregates"] = ["a8", "a9"]
        spec["requested_destination"] = destination
    groups = [{"requester_id": r.choice(["port-0", "port-1", "1", None]),
               "use_same_provider": True,
               "resources": r.choice([{}, {"NET_BW_EGR_KILOBIT_PER_SEC": 0}, {"CUSTOM_N": 3}]),
               "required_traits": r.choice([[], ["CUSTOM_PHYSNET"], ["B", "A"]])}
              for _ in range(r.choice([0, 0, 0, 1, 2]))]
    level = None if r.random() < 0.7 else {
        "root_required": r.choice([[], ["A", "B"]]), "root_forbidden": r.choice([[], ["C"]]),
        "same_subtree": r.choice([[], [["port-0", "1"]]])}
    filtered = None
    if r.random() < 0.4:
        # Those that ask for the request twice trip over ports that ask for nothing.
        groups = [group for group in groups if 0 not in group["resources"].values()]
        spec["flavor"]["extra_specs"].update(some(r, FILTERED_EXTRA, 0.15))
        spec["image"]["properties"].update(some(r, FILTERED_PROPERTIES, 0.15))
        filtered = {
            "options": {name: r.random() < 0.6 for name in OPTIONS},
            "aggregates": [{"uuid": f"cccccccc-0000-4000-a000-{i:012}",
                            "metadata": some(r, METADATA, 0.25)} for i in range(r.randint(0, 4))],
            "project_id": r.choice(["p1", "p2", "p3", "p9"]),
            "availability_zone": r.choice(["az1", "az2", "az3", ""]),
            "disk_format": r.choice(["qcow2", "raw", "vhdx", "ploop", "nope"]),
            "remote_managed_ports": r.random() < 0.2}
    return {"id": f"rc-{number:05}", "request_filters": filtered, "config": {"scheduler.max_placement_results": 500}
            if r.random() < 0.1 else {}, "spec": spec, "requested_resources": groups,
            "request_level_params": level, "enable_pinning_translate": r.random() < 0.9}


def request_spec(v):
    s = v["spec"]
    flavor = objects.Flavor(flavorid="1", name="m1", **s["flavor"])
    image = objects.ImageMeta.from_dict({**s["image"], "name": "img"})
    spec = objects.RequestSpec(flavor=flavor, image=image, is_bfv=s["is_bfv"])
    for key in ("force_hosts", "force_nodes", "scheduler_hints"):
        if key in s:
            setattr(spec, key, s[key])
    if "requested_destination" in s:
        spec.requested_destination = objects.Destination(**{
            k: set(x) if k == "forbidden_aggregates" else x
            for k, x in s["requested_destination"].items()})
    spec.requested_resources = []
    for g in v["requested_resources"]:
        group = objects.RequestGroup(**{**g, "required_traits": set(g["required_traits"])})
        group.obj_set_defaults()
        spec.requested_resources.append(group)
    level = v["request_level_params"] or {}
    spec.request_level_params = objects.RequestLevelParams(
        root_required=set(level.get("root_required", [])),
        root_forbidden=set(level.get("root_forbidden", [])),
        same_subtree=level.get("same_subtree", []))
    return spec


def aggregates_are(wanted):
    """The aggregates of Nova's API database."""
    admin = context.get_admin_context()
    for known in objects.AggregateList.get_all(admin):
        aggregates_db._aggregate_delete_from_db(admin, known.id)
    for a in wanted:
        # A deleted row with a uuid is a row still.
        aggregates_db._aggregate_create_in_db(
            admin, {"name": a["uuid"], "uuid": a["uuid"]}, metadata=a["metadata"])
    return admin


def apply_filters(spec, filtered):
    for name, value in filtered["options"].items():
        CONF.set_override(name, value, "scheduler")
    admin = aggregates_are(filtered["aggregates"])
    spec.project_id = filtered["project_id"]
    spec.availability_zone = filtered["availability_zone"] or None
    spec.image.disk_format = filtered["disk_format"]
    spec.requested_networks = objects.NetworkRequestList(
        objects=[objects.NetworkRequest(port_id="dddddddd-0000-4000-a000-000000000000")])
    with mock.patch.object(request_filter.neutron, "API") as api:
        api.return_value.is_remote_managed_port.return_value = filtered["remote_managed_ports"]
        request_filter.process_reqspec(admin, spec)


def find_nodes(_context, host, node, cell=None):
    return [objects.ComputeNode(host=n["host"], hypervisor_hostname=n["node"], uuid=n["uuid"])
            for n in NODES if host in (None, n["host"]) and node in (None, n["node"])]


def described(request):
    groups = [{"suffix": suffix, "use_same_provider": g.use_same_provider,
               "resources": dict(g.resources), "required_traits": sorted(g.required_traits),
               "forbidden_traits": sorted(g.forbidden_traits),
               "aggregates": [sorted(a) for a in g.aggregates],
               "forbidden_aggregates": sorted(g.forbidden_aggregates), "in_tree": g.in_tree}
              for suffix, g in request._rg_by_id.items()]
    return {"groups": groups, "group_policy": request.group_policy, "limit": request._limit,
            "root_required": sorted(request._root_required),
            "root_forbidden": sorted(request._root_forbidden),
            "same_subtree": [sorted(s) for s in request._same_subtree],
            "merged_resources": request.merged_resources(),
            "all_required_traits": sorted(request.all_required_traits),
            "cpu_pinning_requested": request.cpu_pinning_requested,
            "querystring": request.to_querystring()}


def answer(v):
    try:
        spec = request_spec(v)
    except Exception as error:  # whatever Nova raises is its answer
        return {"input_error": type(error).__name__}
    try:
        alone = utils._get_resources(spec.flavor, spec.is_bfv)
    except Exception as error:
        alone = {"error": type(error).__name__}
    try:
        if v["request_filters"]:
            apply_filters(spec, v["request_filters"])
        result = described(utils.resources_from_request_spec(
            None, spec, mock.Mock(get_compute_nodes_by_host_or_node=find_nodes),
            v["enable_pinning_translate"]))
        # A request filter may have made one.
        if "requested_destination" in spec and spec.requested_destination:
            d = spec.requested_destination
            after = {k: getattr(d, k) if k in d else None for k in ("host", "node")}
            if any(after.values()):
                result["destination_after"] = after
    except Exception as error:
        result = {"error": type(error).__name__}
    result["resources_from_flavor"] = alone
    return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--count", type=int, default=2000)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    CONF([], default_config_files=[])
    objects.register_all()
    directory = tempfile.TemporaryDirectory()
    CONF.set_override("connection", f"sqlite:///{directory.name}/api.db", "api_database")
    api_db.configure(CONF)
    models.BASE.metadata.create_all(api_db.get_engine())
    r = random.Random(options.seed)
    vectors = []
    for number in range(options.count):
        v = vector(r, number)
        CONF.set_override("max_placement_results",
                          v["config"].get("scheduler.max_placement_results", 1000), "scheduler")
        v["result"] = answer(v)
        vectors.append(v)
    committed = pathlib.Path(__file__).parents[2] / "vectors" / "resource_class.json"
    defaults = json.loads(committed.read_text(encoding="utf-8"))["spec_defaults"]
    json.dump({"family": "resource_class", "seed": options.seed, "compute_nodes": NODES,
               "spec_defaults": defaults, "vectors": vectors}, sys.stdout)


if __name__ == "__main__":
    main()
