# SPDX-License-Identifier: Apache-2.0
"""Guests with NUMA cells, pinned CPUs, huge pages and memory in files, on a host of two NUMA nodes.
libvirt is shown the second node (tests/support/libvirtd.sh); the kernel may not know it, and then
the memory of a guest's second cell is not really bound. Everything else is as on any machine."""
import os
import pathlib
import re
import xml.etree.ElementTree as ET

import pytest

from cloud import Cloud

BOOT = 500
PAGES = 64  # of 2 MiB
NR_HUGEPAGES = pathlib.Path("/proc/sys/vm/nr_hugepages")

pytestmark = pytest.mark.usefixtures("tidy")


@pytest.fixture(scope="module")
def reserved():
    """How many huge pages the kernel gave us."""
    before = int(NR_HUGEPAGES.read_text())
    try:
        NR_HUGEPAGES.write_text(str(before + PAGES))
        got = int(NR_HUGEPAGES.read_text()) - before
    except OSError as error:
        print(f"no huge pages can be reserved: {error}")
        got = 0
    yield got
    if got:
        NR_HUGEPAGES.write_text(str(before))


@pytest.fixture(scope="module")
def cloud(reserved):
    if os.cpu_count() < 2:
        pytest.skip("a machine of one CPU cannot be shown as two NUMA nodes")
    with Cloud(agents=["pinning", "pages", "files"], cells=2, start=False) as one:
        one.start_scheduler()
        one.start_agent("pinning", extra='compute: {cpu_dedicated_set: "0-1"}\n')
        one.start_agent("pages")
        one.start_agent("files", KILONOVA_LIBVIRT_FILE_BACKED_MEMORY="4096",
                        KILONOVA_INVENTORY_RAM_ALLOCATION_RATIO="1.0")
        one.wait_hosts_up(one.names)
        one.seed(guest=True)
        yield one


def create_on(cloud, host, name, flavor, image="null"):
    return cloud.create(name, "--host", host, "--config-drive", flavor=flavor, image=image)


def qemu(cloud, uuid, script):
    """Runs a shell script on $p, the guest's QEMU in the namespace."""
    name = cloud.libvirtd.virsh("domname", uuid)
    pid = cloud.libvirtd.qemu_pid(name)
    return cloud.libvirtd.inside("sh", "-c", f"p={pid}; {script}")


def test_two_cells_with_pinned_cpus(cloud):
    cloud.cli("flavor", "create", "cells", "--id", "cells", "--vcpus", 2, "--memory", 256, "--disk", 1,
              "--extra", "hw:numa_nodes=2", "--extra", "hw:cpu_policy=dedicated")
    uuid = create_on(cloud, "pinning", "cells", "cells", "guest")
    cloud.wait_state(uuid, "ACTIVE", seconds=120)

    # The host gave it what it asked for.
    xml = ET.fromstring(cloud.libvirtd.virsh("dumpxml", uuid))
    pins = {pin.get("vcpu"): pin.get("cpuset") for pin in xml.findall("cputune/vcpupin")}
    assert sorted(pins.values()) == ["0", "1"], pins
    memnodes = {m.get("cellid"): m.get("nodeset") for m in xml.findall("numatune/memnode")}
    assert sorted(memnodes.values()) == ["0", "1"], memnodes
    threads = qemu(cloud, uuid, 'for t in /proc/$p/task/*; do echo "$(cat $t/comm): '
                                '$(sed -n "s/^Cpus_allowed_list:\\t//p" $t/status)"; done')
    allowed = dict(re.findall(r"^CPU (\d)/TCG: (\S+)$", threads, re.M))
    assert allowed == pins, threads
    assert cloud.used("pinning")["PCPU"] == 2
    assert_second_pinned_guest_finds_no_cpus(cloud)

    # And the guest sees it.
    console = cloud.wait_console(uuid, "guest: ready", seconds=BOOT).replace("\r", "")
    nodes = re.findall(r"guest: numa node(\d) cpus (\S+) memory_kb (\d+)", console)
    assert [(node, cpus) for node, cpus, _ in nodes] == [("0", "0"), ("1", "1")], console
    assert all(64 * 1024 < int(kb) <= 128 * 1024 for _, _, kb in nodes), nodes


def test_huge_pages(cloud, reserved):
    if not reserved:
        pytest.skip("the kernel gave no huge pages")
    cloud.cli("flavor", "create", "pages", "--id", "pages", "--vcpus", 1, "--memory", 64, "--disk", 1,
              "--extra", "hw:mem_page_size=2MB")
    uuid = create_on(cloud, "pages", "huge", "pages")
    cloud.wait_state(uuid, "ACTIVE", seconds=120)
    page = ET.fromstring(cloud.libvirtd.virsh("dumpxml", uuid)).find("memoryBacking/hugepages/page")
    assert page.get("size") == "2048" and page.get("unit") == "KiB"
    smaps = qemu(cloud, uuid, "sed -n '/hugepages/,/^VmFlags/p' /proc/$p/smaps")
    used = sum(int(kb) for kb in re.findall(r"^(?:Private|Shared)_Hugetlb: +(\d+) kB", smaps, re.M))
    assert used == 64 * 1024, smaps
    # Where memory is in files there are none to be had.
    late = create_on(cloud, "files", "late", "pages")
    fault = cloud.wait_state(late, "ERROR", seconds=120)["fault"]
    assert fault["reason"] in ("NO_VALID_HOST", "MAX_RETRIES_EXCEEDED", "HOST_RESOURCES_EXHAUSTED"), fault
    assert "files" in fault["message"], fault


def assert_second_pinned_guest_finds_no_cpus(cloud):
    cloud.cli("flavor", "create", "one", "--id", "one", "--vcpus", 1, "--memory", 64, "--disk", 1,
              "--extra", "hw:cpu_policy=dedicated")
    uuid = create_on(cloud, "pinning", "late", "one")
    fault = cloud.wait_state(uuid, "ERROR")["fault"]
    assert fault["reason"] == "NO_VALID_HOST", fault
    cloud.delete(uuid)


def test_memory_in_files(cloud):
    inventory = {i["resource_class"]: i for i in cloud.hosts()["files"]["inventories"]}
    assert int(inventory["MEMORY_MB"]["total"]) == 4096, "what is configured, not what the machine has"
    uuid = create_on(cloud, "files", "files", "nano")
    cloud.wait_state(uuid, "ACTIVE", seconds=120)
    backing = ET.fromstring(cloud.libvirtd.virsh("dumpxml", uuid)).find("memoryBacking")
    assert backing.find("source").get("type") == "file"
    assert backing.find("access").get("mode") == "shared"
    assert backing.find("allocation").get("mode") == "immediate"
    assert backing.find("discard") is not None
    maps = qemu(cloud, uuid, "grep /var/lib/libvirt/qemu/ram/ /proc/$p/maps")
    sizes = [int(end, 16) - int(begin, 16) for begin, end in re.findall(r"^(\w+)-(\w+) rw-s", maps, re.M)]
    assert 64 << 20 in sizes, maps
