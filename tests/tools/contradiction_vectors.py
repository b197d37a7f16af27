#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Asks the installed Nova's API which flavors and images it refuses together, and how.

    /usr/bin/python3 tests/tools/contradiction_vectors.py FILE [SEED [COUNT]]

A vector is a flavor, an image and what becomes of a server made of both: null, or the class of the
exception with the stage it is met at: "api" (the request is refused) or "schedule" (the instance ends
in ERROR). One at least of every class that API lists for a flavor and an image, then COUNT random ones.
Needs Debian's python3-nova.
"""
import json
import random
import sys
import warnings
from unittest import mock

warnings.filterwarnings("ignore")
import nova.conf  # noqa: E402
from nova import objects  # noqa: E402
from nova.api.openstack.compute import servers  # noqa: E402
from nova.compute import api  # noqa: E402
from nova.pci import request as pci_request  # noqa: E402
from nova.scheduler import utils as scheduler_utils  # noqa: E402
from nova.virt import hardware  # noqa: E402

from numa_inputs import constraints_input  # noqa: E402

CONF = nova.conf.CONF
ALIASES = ['{"name": "gpu", "vendor_id": "10de", "product_id": "1db4"}']
PINNED = {"hw:cpu_policy": "dedicated"}
CELLS = {"hw:numa_nodes": "2"}
# Extra specs, image properties, and what the image is beside them.
CASES = [
    ({}, {}, {}),
    (PINNED, {"hw_cpu_policy": "dedicated"}, {}),
    ({}, {}, {"min_ram": 4096}),
    ({}, {}, {"min_disk": 11}),
    ({}, {}, {"size": (10 << 30) + 1}),
    ({}, {"cinder_encryption_key_id": "b7a1b6c0"}, {}),
    ({}, {"hw_cpu_policy": "dedicated", "hw_cpu_thread_policy": "isolate"}, {}),
    ({"hw:cpu_policy": "shared"}, {"hw_cpu_policy": "dedicated"}, {}),
    ({"hw:cpu_policy": "x"}, {}, {}),
    ({"hw:cpu_policy": "mixed"}, {}, {}),
    ({"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "0-3"}, {}, {}),
    ({"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "0", "hw:cpu_realtime": "yes",
      "hw:cpu_realtime_mask": "1"}, {}, {}),
    ({"hw:cpu_dedicated_mask": "0"}, {}, {}),
    ({**PINNED, "hw:cpu_thread_policy": "isolate"}, {"hw_cpu_thread_policy": "require"}, {}),
    ({**PINNED, "hw:cpu_thread_policy": "x"}, {}, {}),
    ({"hw:cpu_thread_policy": "isolate"}, {}, {}),
    ({**PINNED, "hw:cpu_thread_policy": "isolate", "trait:HW_CPU_HYPERTHREADING": "required"}, {}, {}),
    ({**PINNED, "resources:PCPU": "4"}, {}, {}),
    ({"resources:PCPU": "4"}, {}, {}),
    ({"resources:PCPU": "3"}, {}, {}),
    ({"resources:PCPU": "4", "resources:VCPU": "4"}, {}, {}),
    ({"hw:emulator_threads_policy": "isolate"}, {}, {}),
    ({**PINNED, "hw:emulator_threads_policy": "x"}, {}, {}),
    ({"hw:cpu_realtime": "yes", "hw:cpu_realtime_mask": "^0"}, {}, {}),
    ({**PINNED, "hw:cpu_realtime": "yes"}, {}, {}),
    ({**PINNED, "hw:cpu_realtime": "yes", "hw:cpu_realtime_mask": "^0-3"}, {}, {}),
    ({"hw:numa_nodes": "0"}, {}, {}),
    ({"hw:numa_nodes": "3"}, {}, {}),
    (CELLS, {"hw_numa_nodes": "2"}, {}),
    ({**CELLS, "hw:numa_cpus.0": "0-1"}, {}, {}),
    ({**CELLS, "hw:numa_cpus.0": "0-1", "hw:numa_cpus.1": "2-9", "hw:numa_mem.0": "512",
      "hw:numa_mem.1": "512"}, {}, {}),
    ({**CELLS, "hw:numa_cpus.0": "0-1", "hw:numa_cpus.1": "1-3", "hw:numa_mem.0": "512",
      "hw:numa_mem.1": "512"}, {}, {}),
    ({**CELLS, "hw:numa_cpus.0": "0", "hw:numa_cpus.1": "1-2", "hw:numa_mem.0": "512",
      "hw:numa_mem.1": "512"}, {}, {}),
    ({**CELLS, "hw:numa_cpus.0": "0-1", "hw:numa_cpus.1": "2-3", "hw:numa_mem.0": "512",
      "hw:numa_mem.1": "500"}, {}, {}),
    (CELLS, {"hw_numa_cpus.0": "0-1", "hw_numa_cpus.1": "2-3"}, {}),
    ({"hw:mem_page_size": "x"}, {}, {}),
    ({"hw:mem_page_size": "small"}, {"hw_mem_page_size": "2048"}, {}),
    ({}, {"hw_mem_page_size": "2048"}, {}),
    ({"hw:serial_port_count": "2"}, {"hw_serial_port_count": "3"}, {}),
    ({"hw:serial_port_count": "x"}, {}, {}),
    ({"hw:cpu_max_sockets": "1", "hw:cpu_max_cores": "1", "hw:cpu_max_threads": "1"}, {}, {}),
    ({"hw:cpu_max_sockets": "2"}, {"hw_cpu_max_sockets": "4"}, {}),
    ({"hw:cpu_max_sockets": "2"}, {"hw_cpu_sockets": "4"}, {}),
    ({"hw:pmu": "true"}, {"hw_pmu": "false"}, {}),
    ({"hw:vif_multiqueue_enabled": "true"}, {"hw_vif_multiqueue_enabled": "false"}, {}),
    ({"hw:mem_encryption": "true"}, {"hw_mem_encryption": "false"}, {}),
    ({"hw:mem_encryption": "true"}, {"hw_firmware_type": "bios"}, {}),
    ({"hw:mem_encryption": "true"}, {"hw_firmware_type": "uefi", "hw_machine_type": "pc"}, {}),
    ({"hw:locked_memory": "true"}, {}, {}),
    ({"hw:locked_memory": "true", "hw:mem_page_size": "large"}, {"hw_locked_memory": "false"}, {}),
    ({"hw:pci_numa_affinity_policy": "x"}, {}, {}),
    ({"hw:pci_numa_affinity_policy": "required"}, {"hw_pci_numa_affinity_policy": "legacy"}, {}),
    ({"pci_passthrough:alias": "gpu:1"}, {}, {}),
    ({"pci_passthrough:alias": "nic:1"}, {}, {}),
    ({"pci_passthrough:alias": "gpu:x"}, {}, {}),
    ({"hw:tpm_version": "2.0", "hw:tpm_model": "tpm-crb"}, {"hw_tpm_model": "tpm-tis"}, {}),
    ({"hw:tpm_version": "2.0"}, {"hw_tpm_version": "1.2"}, {}),
    ({"hw:tpm_version": "1.2", "hw:tpm_model": "tpm-crb"}, {}, {}),
    ({"hw:tpm_model": "tpm-tis"}, {}, {}),
    ({"os:secure_boot": "required"}, {"os_secure_boot": "disabled"}, {}),
    ({"os:secure_boot": "x"}, {}, {}),
]
# Listed by the API, and met by none of these: of rebuilds, of bad configuration, a base class.
ELSEWHERE = {"ImageNUMATopologyRebuildConflict", "PciInvalidAlias", "FlavorDiskTooSmall"}


def refused_by_api(flavor, image):
    context = mock.Mock(can=mock.Mock(return_value=True))
    api.API._detect_nonbootable_image_from_properties("id", image)
    api.API._validate_flavor_image_nostatus(context, image, flavor, None, validate_numa=False)
    meta = api._get_image_meta_obj(image)
    hardware.numa_get_constraints(flavor, meta)
    policy = hardware.get_pci_numa_policy_constraint(flavor, meta)
    pci_request.get_pci_requests_from_flavor(flavor, affinity_policy=policy)
    return meta


def judge(vector):
    flavor = objects.Flavor(name="f", flavorid="f", **vector["flavor"])
    image = {"id": "33333333-3333-4333-a333-333333333333", "name": "img", "status": "active",
             **json.loads(json.dumps(vector["image"]))}
    try:
        meta = refused_by_api(flavor, image)
    except Exception as error:  # noqa: BLE001: whatever it is, it is the answer
        return {"error": type(error).__name__, "stage": "api"}
    try:
        spec = objects.RequestSpec(flavor=flavor, image=meta, is_bfv=False, requested_resources=[])
        spec.request_level_params = objects.RequestLevelParams()
        scheduler_utils.ResourceRequest.from_request_spec(spec)
    except Exception as error:  # noqa: BLE001
        return {"error": type(error).__name__, "stage": "schedule"}
    return {"error": None}


def main():
    rng = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 20261126)
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 150
    CONF([], project="nova", default_config_files=[])
    CONF.set_override("alias", ALIASES, "pci")
    objects.register_all()
    plain = {"vcpus": 4, "memory_mb": 1024, "root_gb": 10, "ephemeral_gb": 0, "swap": 0}
    vectors = [{"flavor": {**plain, "extra_specs": specs}, "image": {**image, "properties": properties}}
               for specs, properties, image in CASES]
    while len(vectors) < len(CASES) + count:
        one = constraints_input(rng)
        properties = one["image"]["properties"]
        if any("\n" in value for value in properties.values()):
            continue  # no name or value here has line ends
        try:
            objects.ImageMetaProps.from_dict(dict(properties))
        except Exception:  # noqa: BLE001: no such image can be registered
            continue
        vectors.append(one)
    for number, vector in enumerate(vectors):
        vector["id"] = "together-%04d" % number
        vector["result"] = judge(vector)
    met = {vector["result"]["error"] for vector in vectors}
    listed = set()
    for exception in servers.INVALID_FLAVOR_IMAGE_EXCEPTIONS:
        kinds = {exception, *exception.__subclasses__()}
        if not any(kind.__name__ in met for kind in kinds):
            listed.add(exception.__name__)
    print("not met:", sorted(listed - ELSEWHERE))
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        out.write('{"aliases": %s, "vectors": [\n' % json.dumps(ALIASES))
        out.write(",\n".join(json.dumps(vector, sort_keys=True) for vector in vectors) + "\n]}\n")
    counts = {}
    for vector in vectors:
        key = "%s %s" % (vector["result"].get("stage", ""), vector["result"]["error"])
        counts[key] = counts.get(key, 0) + 1
    print(counts)


main()
