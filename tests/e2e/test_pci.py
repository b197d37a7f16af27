# SPDX-License-Identifier: Apache-2.0
"""Guests with PCI devices of the host, from pci.device_spec to the freed device.

The devices are made up: libvirt sees them (tests/support/libvirtd.sh), and QEMU is given a stand-in
for each, for this needs no IOMMU. So everything up to the command line libvirt makes is real, and
that a guest can use a device is not shown here."""
import json
import os
import pathlib
import re
import threading
import xml.etree.ElementTree as ET

import pytest

from cloud import Cloud, poll

NODES = ["/sys/devices/software", "/sys/kernel/iommu_groups", "/sys/bus/pci/devices"]
GPUS = ["00ff:00:10.0", "00ff:00:11.0"]  # one on each NUMA node
PF, VFS = "00ff:00:12.0", ["00ff:00:12.1", "00ff:00:12.2"]
PCI = [f"{GPUS[0]},10de,1db4,0,-", f"{GPUS[1]},10de,1db4,1,-", f"{PF},8086,1520,-1,pf",
       *[f"{vf},8086,1521,-1,{PF}" for vf in VFS],
       "00ff:00:13.0,1002,66a1,-1,loose",  # libvirt cannot give it to a guest
       "00ff:00:14.0,10de,1db5,0,-"]      # no entry takes it
SPEC = [{"vendor_id": "10de", "product_id": "1db4", "address": "00ff:*:*.*"},
        {"vendor_id": "8086", "address": "00ff:*:*.*", "physical_network": "physnet1"},
        {"vendor_id": "1002", "address": "00ff:00:13.0"}]
ALIASES = [{"name": "gpu", "vendor_id": "10de", "product_id": "1db4"},
           {"name": "vf", "vendor_id": "8086", "device_type": "type-VF"},
           {"name": "pf", "vendor_id": "8086", "device_type": "type-PF"},
           {"name": "loose", "vendor_id": "1002"}]


def yaml_list(objects):
    return "[" + ", ".join(f"'{json.dumps(each)}'" for each in objects) + "]"

pytestmark = pytest.mark.usefixtures("tidy")


@pytest.fixture(scope="module")
def cloud():
    if os.cpu_count() < 2:
        pytest.skip("a machine of one CPU cannot be shown as two NUMA nodes")
    for path in NODES:
        if not pathlib.Path(path).exists():
            pytest.skip(f"devices cannot be made up here: no {path}")
    with Cloud(agents=["gpus", "none"], cells=2, pci=PCI, start=False,
               scheduler_config=f"pci: {{alias: {yaml_list(ALIASES)}}}\n") as one:
        one.start_scheduler()
        one.start_agent("gpus", extra=f"pci: {{device_spec: {yaml_list(SPEC)}}}\n")
        one.start_agent("none")
        one.wait_hosts_up(one.names)
        one.seed()
        for alias in ALIASES:
            flavor(one, alias["name"], f"pci_passthrough:alias={alias['name']}:1")
        yield one


def flavor(cloud, name, *extra):
    args = [word for one in extra for word in ("--extra", one)]
    cloud.cli("flavor", "create", name, "--id", name, "--vcpus", 1, "--memory", 64, "--disk", 1, *args)


def free(cloud, host="gpus"):
    """Free devices by product, as the host last reported them."""
    pools = cloud.cli("host", "show", host).get("pci_pools", [])
    return {p["product_id"]: sum(int(q.get("count", 0)) for q in pools if q["product_id"] == p["product_id"])
            for p in pools}


def wait_free(cloud, **products):
    want = {name.lstrip("_"): count for name, count in products.items()}
    poll(lambda: all(free(cloud).get(name, 0) == count for name, count in want.items()),
         lambda: f"free {want}; the host says {free(cloud)}" + cloud.agents["gpus"].tail())


def devices(cloud, uuid):
    """What libvirt was asked for and what it told QEMU: they must be the same."""
    domain = ET.fromstring(cloud.libvirtd.virsh("dumpxml", uuid))
    given = []
    for device in domain.findall("devices/hostdev"):
        assert (device.get("mode"), device.get("type"), device.get("managed")) == ("subsystem", "pci", "yes")
        at = device.find("source/address")
        domain_, bus, slot, function = (int(at.get(k), 16) for k in ("domain", "bus", "slot", "function"))
        given.append(f"{domain_:04x}:{bus:02x}:{slot:02x}.{function:x}")
    log = cloud.libvirtd.directory / "log" / "qemu" / f"{domain.findtext('name')}.log"
    assert re.findall(r'"vfio-pci","host":"([^"]+)"', log.read_text()) == given
    return given


def active(cloud, name, flavor_id, *args):
    uuid = cloud.create(name, *args, flavor=flavor_id)
    cloud.wait_state(uuid, "ACTIVE", seconds=120)
    return uuid


def refused(cloud, name, flavor_id, *args):
    uuid = cloud.create(name, *args, flavor=flavor_id)
    fault = cloud.wait_state(uuid, "ERROR", seconds=120)["fault"]
    cloud.delete(uuid)
    return fault


def test_the_host_reports_what_it_may_give(cloud):
    pools = cloud.cli("host", "show", "gpus")["pci_pools"]
    seen = sorted((p["vendor_id"], p["product_id"], p["numa_node"], int(p["count"]), p["tags"]["dev_type"],
                   p["tags"].get("physical_network"), p["tags"].get("remote_managed")) for p in pools)
    assert seen == [("1002", "66a1", -1, 1, "type-PCI", None, None),
                    ("10de", "1db4", 0, 1, "type-PCI", None, None),
                    ("10de", "1db4", 1, 1, "type-PCI", None, None),
                    ("8086", "1520", -1, 1, "type-PF", "physnet1", "false"),
                    ("8086", "1521", -1, 2, "type-VF", "physnet1", "false")], pools
    assert not cloud.cli("host", "show", "none").get("pci_pools")


def test_each_guest_has_its_own_device_until_it_is_deleted(cloud):
    first, second = active(cloud, "first", "gpu"), active(cloud, "second", "gpu")
    assert cloud.show(first)["host"] == cloud.show(second)["host"] == "gpus"
    held = devices(cloud, first)
    assert sorted(held + devices(cloud, second)) == GPUS
    wait_free(cloud, _1db4=0, _1521=2)
    fault = refused(cloud, "third", "gpu")
    assert fault["reason"] == "NO_VALID_HOST" and "PciPassthroughFilter" in fault["message"], fault

    # Neither an agent's death nor a guest's stop frees a device.
    cloud.agents["gpus"].kill9()
    cloud.agents["gpus"].start()
    cloud.wait_hosts_up(cloud.names)
    cloud.cli("instance", "stop", second)
    cloud.wait_state(second, "STOPPED")
    wait_free(cloud, _1db4=0)
    assert refused(cloud, "third", "gpu")["reason"] == "NO_VALID_HOST"
    cloud.cli("instance", "start", second)
    cloud.wait_state(second, "ACTIVE")

    cloud.delete(first)
    wait_free(cloud, _1db4=1)
    assert devices(cloud, active(cloud, "third", "gpu")) == held


def test_a_physical_function_and_its_virtual_ones_exclude_each_other(cloud):
    virtual = active(cloud, "virtual", "vf")
    assert devices(cloud, virtual)[0] in VFS
    wait_free(cloud, _1520=0, _1521=1)
    assert refused(cloud, "physical", "pf")["reason"] == "NO_VALID_HOST"
    cloud.delete(virtual)
    wait_free(cloud, _1520=1, _1521=2)
    assert devices(cloud, active(cloud, "physical", "pf")) == [PF]
    wait_free(cloud, _1520=0, _1521=0)


def test_of_two_that_exclude_each_other_one_wins(cloud):
    """The scheduler counts pools and learns only from the host's report that a device excludes
    another; the host refuses the second."""
    made = {}

    def create(kind):
        made[kind] = cloud.create(kind, flavor=kind)
    threads = [threading.Thread(target=create, args=(kind,)) for kind in ("vf", "pf")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ended = {kind: cloud.wait_state(uuid, "ACTIVE", "ERROR", seconds=120) for kind, uuid in made.items()}
    states = sorted(one["vm_state"].removeprefix("VM_STATE_") for one in ended.values())
    assert states == ["ACTIVE", "ERROR"], ended
    fault = next(one["fault"] for one in ended.values() if one.get("fault"))
    assert fault["reason"] in ("NO_VALID_HOST", "MAX_RETRIES_EXCEEDED", "HOST_RESOURCES_EXHAUSTED"), fault


def test_a_device_libvirt_cannot_give_is_given_back(cloud):
    fault = refused(cloud, "loose", "loose")
    assert fault["reason"] in ("HYPERVISOR_REFUSED", "MAX_RETRIES_EXCEEDED", "NO_VALID_HOST"), fault
    assert "starting the guest failed" in fault["message"], fault
    wait_free(cloud, _66a1=1)


def test_a_device_on_the_guest_s_own_node(cloud):
    flavor(cloud, "near", "pci_passthrough:alias=gpu:1", "hw:numa_nodes=1",
           "hw:pci_numa_affinity_policy=required")
    placed = {}
    for name in ("near0", "near1"):
        uuid = active(cloud, name, "near")
        domain = ET.fromstring(cloud.libvirtd.virsh("dumpxml", uuid))
        placed[domain.find("numatune/memnode").get("nodeset")] = devices(cloud, uuid)
    assert placed == {"0": [GPUS[0]], "1": [GPUS[1]]}


def test_a_device_on_the_guest_s_own_socket(cloud):
    """The policy that Placement is asked a trait for."""
    flavor(cloud, "socket", "pci_passthrough:alias=gpu:1", "hw:numa_nodes=1",
           "hw:pci_numa_affinity_policy=socket")
    assert devices(cloud, active(cloud, "socket", "socket"))[0] in GPUS
