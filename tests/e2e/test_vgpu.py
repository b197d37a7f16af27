# SPDX-License-Identifier: Apache-2.0
"""Guests with mediated devices (vGPUs), from devices.enabled_mdev_types to the device's next guest.

The GPUs and their types are made up (tests/support/libvirtd.sh), and tests/support/mdev_kernel.py
makes the devices in the kernel's place: what the agent writes to sysfs, that libvirt then has the
device and gives it to the guest, and what libvirt tells QEMU is real. No driver of a GPU is: QEMU is
given a stand-in, so that a guest can use its device is not shown here."""
import collections
import pathlib
import re
import xml.etree.ElementTree as ET

import pytest

from cloud import Cloud, poll
from mdev_kernel import MdevKernel

NODES = ["/sys/devices/software", "/sys/kernel/iommu_groups", "/sys/bus/pci/devices"]
TWO, ONE = "00ff:00:18.0", "00ff:00:19.0"  # by how many devices it can make of the type it serves
PCI = [f"{TWO},10de,1db4,-1,-", f"{ONE},10de,1db4,-1,-"]
MDEVS = [f"{TWO},nvidia-35,2", f"{TWO},nvidia-36,1", f"{ONE},nvidia-35,2", f"{ONE},nvidia-36,1"]
CONFIG = f"""
devices:
  enabled_mdev_types: [nvidia-35, nvidia-36]
mdev_nvidia-35: {{device_addresses: ["{TWO}"]}}
mdev_nvidia-36: {{device_addresses: ["{ONE}"], traits: [CUSTOM_WHOLE]}}
"""


@pytest.fixture(scope="module")
def cloud():
    for path in NODES:
        if not pathlib.Path(path).exists():
            pytest.skip(f"devices cannot be made up here: no {path}")
    with Cloud(agents=["gpus", "none"], pci=PCI, mdevs=MDEVS, start=False) as one, \
            MdevKernel(one.libvirtd) as one.kernel:
        one.start_scheduler()
        one.start_agent("gpus", extra=CONFIG)
        one.start_agent("none")
        one.wait_hosts_up(one.names)
        one.seed()
        for name, *extra in (("any", "resources:VGPU=1"), ("both", "resources:VGPU=2"),
                             ("three", "resources:VGPU=3"),
                             ("whole", "resources:VGPU=1", "trait:CUSTOM_WHOLE=required")):
            args = [word for each in extra for word in ("--extra", each)]
            one.cli("flavor", "create", name, "--id", name, "--vcpus", 1, "--memory", 64, "--disk", 1, *args)
        yield one


@pytest.fixture(autouse=True)
def working_kernel(cloud, tidy):
    yield
    assert cloud.kernel.failure is None


def provider(gpu):
    return "pci_" + re.sub("[:.]", "_", gpu)


def vgpus(cloud, host="gpus"):
    """(total, used) of each GPU, by address."""
    found = {}
    for one in cloud.cli("host", "show", host)["providers"]:
        for inventory in one["inventories"]:
            if inventory["resource_class"] == "VGPU":
                gpu = next(gpu for gpu in (TWO, ONE) if one["name"].endswith("_" + provider(gpu)))
                found[gpu] = (int(inventory["total"]), int(inventory["used"]))
    return found


def devices(cloud, uuid):
    """What libvirt was asked for and what it told QEMU: they must be the same, and made."""
    domain = ET.fromstring(cloud.libvirtd.virsh("dumpxml", uuid))
    given = []
    for device in domain.findall("devices/hostdev"):
        assert (device.get("mode"), device.get("type"), device.get("model")) == ("subsystem", "mdev", "vfio-pci")
        given.append(device.find("source/address").get("uuid"))
    log = cloud.libvirtd.directory / "log" / "qemu" / f"{domain.findtext('name')}.log"
    last = log.read_text().rpartition("starting up")[2]
    assert re.findall(r'"sysfsdev":"/sys/bus/mdev/devices/([^"]+)"', last) == given
    assert set(given) <= set(made(cloud))
    return given


def made(cloud):
    """What the kernel was asked for: uuid -> (GPU, type)."""
    return {uuid: (gpu, kind) for gpu, kind, uuid in cloud.kernel.made}


def active(cloud, name, flavor):
    uuid = cloud.create(name, flavor=flavor)
    one = cloud.wait_state(uuid, "ACTIVE", "ERROR", seconds=120)
    assert one["vm_state"] == "VM_STATE_ACTIVE" and one["host"] == "gpus", (one, cloud.agents["gpus"].tail())
    return uuid


def refused(cloud, flavor):
    uuid = cloud.create("refused", flavor=flavor)
    fault = cloud.wait_state(uuid, "ERROR", seconds=120)["fault"]
    cloud.delete(uuid)
    assert fault["reason"] == "NO_VALID_HOST", fault


def test_each_gpu_is_a_provider_in_the_host(cloud):
    assert vgpus(cloud) == {TWO: (2, 0), ONE: (1, 0)}
    traits = {one["name"][-len(provider(TWO)):]: one.get("traits", [])
              for one in cloud.cli("host", "show", "gpus")["providers"]}
    assert "CUSTOM_WHOLE" in traits[provider(ONE)] and "CUSTOM_WHOLE" not in traits[provider(TWO)], traits
    assert not vgpus(cloud, "none")
    assert not made(cloud)  # none before a guest needs it


def test_a_build_that_was_killed_goes_on_with_its_device(cloud):
    """Killed when the device was promised, and when it was made: it is made once."""
    agent, guests = cloud.agents["gpus"], []
    for count, point in enumerate(("agent.build.host_claim.after", "agent.build.mdevs.after")):
        agent.restart(KILONOVA_FAILPOINTS=f"{point}=kill@{cloud.directory / point}")
        cloud.wait_hosts_up(cloud.names)
        guests.append(cloud.create(point.replace(".", "-"), flavor="any"))
        poll(lambda: not agent.alive(), f"{point} was not passed")
        # The agent's write returns before the device is there.
        want = count + (point == "agent.build.mdevs.after")
        poll(lambda: len(made(cloud)) == want, lambda: f"{want} devices, not {made(cloud)}")
        del agent.env["KILONOVA_FAILPOINTS"]
        agent.start()
        cloud.wait_state(guests[-1], "ACTIVE", seconds=120)
        assert len(cloud.kernel.made) == count + 1
    assert sorted(one for uuid in guests for one in devices(cloud, uuid)) == sorted(made(cloud))


def test_a_guest_has_its_device_until_it_is_deleted(cloud):
    guests = [active(cloud, f"vm{i}", "any") for i in range(3)]
    held = {uuid: devices(cloud, uuid) for uuid in guests}
    everything = [one for each in held.values() for one in each]
    assert sorted(everything) == sorted(made(cloud)) and len(everything) == 3
    assert collections.Counter(made(cloud).values()) == {(TWO, "nvidia-35"): 2, (ONE, "nvidia-36"): 1}
    poll(lambda: vgpus(cloud) == {TWO: (2, 2), ONE: (1, 1)}, lambda: vgpus(cloud))
    refused(cloud, "any")

    # Neither the agent's death, nor libvirt's, nor a guest's stop frees one.
    cloud.agents["gpus"].kill9()
    cloud.libvirtd.kill9()
    cloud.libvirtd.restart()
    cloud.agents["gpus"].start()
    cloud.wait_hosts_up(cloud.names)
    cloud.cli("instance", "stop", guests[0])
    cloud.wait_state(guests[0], "STOPPED")
    refused(cloud, "any")
    cloud.cli("instance", "start", guests[0])
    cloud.wait_state(guests[0], "ACTIVE")
    assert {uuid: devices(cloud, uuid) for uuid in guests} == held

    # It stays for the next guest.
    cloud.delete(guests[1])
    assert devices(cloud, active(cloud, "next", "any")) == held[guests[1]]
    assert len(made(cloud)) == 3


def test_two_of_one_gpu_and_never_of_two(cloud):
    refused(cloud, "three")
    pair = devices(cloud, active(cloud, "pair", "both"))
    assert len(set(pair)) == 2 and {made(cloud)[one] for one in pair} == {(TWO, "nvidia-35")}
    refused(cloud, "both")
    assert made(cloud)[devices(cloud, active(cloud, "other", "any"))[0]][0] == ONE


def test_a_gpu_is_asked_for_by_its_trait(cloud):
    assert made(cloud)[devices(cloud, active(cloud, "whole", "whole"))[0]] == (ONE, "nvidia-36")
    refused(cloud, "whole")


def test_the_same_devices_after_the_machine_was_started_anew(cloud):
    guests = {uuid: devices(cloud, uuid) for uuid in (active(cloud, "one", "both"), active(cloud, "two", "any"))}
    held = {one: made(cloud)[one] for each in guests.values() for one in each}
    agent = cloud.agents["gpus"]
    agent.kill9()
    for uuid in guests:
        cloud.libvirtd.virsh("destroy", uuid)
    cloud.kernel.forget()
    poll(lambda: not cloud.libvirtd.virsh("nodedev-list", "--cap", "mdev"), "libvirt knows some still")
    agent.start()
    cloud.wait_hosts_up(cloud.names)
    poll(lambda: made(cloud) == held, lambda: f"{held}; there are {made(cloud)}" + agent.tail())
    for uuid, had in guests.items():
        cloud.wait_state(uuid, "STOPPED")
        cloud.cli("instance", "start", uuid)
        cloud.wait_state(uuid, "ACTIVE")
        assert devices(cloud, uuid) == had
