# SPDX-License-Identifier: Apache-2.0
"""Guests that see what their flavor and image ask for: each boots under emulation and says on its
console what it finds (deploy/guest-image.sh), which is compared with what was ordered. Several
features share a guest, since booting is what costs."""
import os
import pathlib
import re
import socket
import subprocess
import xml.etree.ElementTree as ET

import pytest

from cloud import PATIENCE, Cloud, boot_sector, poll

BOOT = 500  # seconds: UEFI on an emulated CPU, on a machine that does other things too

pytestmark = pytest.mark.usefixtures("tidy")


@pytest.fixture(scope="module")
def cloud():
    with Cloud(agents=["a", "b"], start=False) as one:
        # The first host gives guests TPMs; the second one serial consoles, writes config drives of
        # vfat and keeps no raw images.
        one.start_scheduler()
        one.start_agent("a", KILONOVA_LIBVIRT_SWTPM_ENABLED="true")
        one.start_agent("b", extra="config_drive_format: vfat\nforce_raw_images: false\n"
                                   "serial_console: {enabled: true}\nvnc: {enabled: true}\n")
        one.wait_hosts_up(["a", "b"])
        one.seed(guest=True)
        yield one


def boot(cloud, host, name, *args, **kwargs):
    """An instance on that host; returns it and what it said."""
    others = [h for h in cloud.names if h != host]
    for other in others:
        cloud.cli("host", "disable", other, "--reason", "the other one is meant")
    try:
        uuid = cloud.create(name, "--config-drive", *args, **kwargs)
        cloud.wait_state(uuid, "ACTIVE", seconds=120)
    finally:
        for other in others:
            cloud.cli("host", "enable", other)
    console = cloud.wait_console(uuid, "guest: ready", seconds=BOOT).replace("\r", "")
    return uuid, [line[7:] for line in console.splitlines() if line.startswith("guest: ")]


def disks(said):
    return {m[1]: m.groups()[1:] for line in said
            if (m := re.match(r"disk (\w+) sectors (\d+) bus ([\w-]+) holds ?(.*)", line))}


def qemu_threads(uuid):
    """The process of a guest and the threads of its CPUs, in their order."""
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            if b"-uuid" not in words or words[words.index(b"-uuid") + 1].decode() != uuid:
                continue
            names = {int(task.name): (task / "comm").read_text() for task in (process / "task").iterdir()}
        except OSError:
            continue  # ended while it was looked at
        cpus = {int(m[1]): task for task, name in names.items() if (m := re.match(r"CPU (\d+)/", name))}
        return int(process.name), [cpus[i] for i in sorted(cpus)]
    raise AssertionError(f"no QEMU of {uuid}")


def host_nodes():
    return len(list(pathlib.Path("/sys/devices/system/node").glob("node[0-9]*"))) or 1


def test_more_numa_cells_than_the_host_has_are_refused(cloud):
    cells = host_nodes() + 1
    cloud.cli("flavor", "create", "cells", "--id", "cells", "--vcpus", cells, "--memory", 64 * cells,
              "--disk", 1, "--extra", f"hw:numa_nodes={cells}")
    uuid = cloud.create("cells", flavor="cells")
    fault = cloud.wait_state(uuid, "ERROR")["fault"]
    assert fault["reason"] in ("NO_VALID_HOST", "MAX_RETRIES_EXCEEDED", "HOST_RESOURCES_EXHAUSTED"), fault
    cloud.delete(uuid)
    cloud.assert_no_leak()


def test_uefi_numa_scsi_and_cdrom(cloud):
    # A guest's cells are the host's: no more of them than this machine has.
    cells = min(2, host_nodes())
    cloud.cli("flavor", "create", "big", "--id", "big", "--vcpus", 2, "--memory", 256, "--disk", 1,
              "--extra", f"hw:numa_nodes={cells}", "--extra", "quota:disk_total_iops_sec=5000",
              "--extra", "hw:watchdog_action=poweroff", "--extra", "hw:tpm_version=2.0", "--extra",
              "hw:tpm_model=tpm-crb")
    cloud.seed_guest("uefi", hw_machine_type="q35", hw_firmware_type="uefi", hw_disk_bus="scsi",
                     hw_scsi_model="virtio-scsi", hw_cdrom_bus="scsi", hw_rng_model="virtio",
                     os_command_line="console=ttyS0 quiet kilonova.watchdog")
    uuid, said = boot(cloud, "a", "uefi", flavor="big", image="uefi")
    # It arms its watchdog and leaves it alone, and is switched off for it.
    cloud.wait_console(uuid, "guest: watchdog armed")
    stopped = cloud.wait_state(uuid, "STOPPED")
    assert stopped["power_state"] == "POWER_STATE_SHUTDOWN", stopped
    assert "firmware efi" in said
    assert "cpus 2" in said
    nodes = [m for line in said if (m := re.match(r"numa node(\d) cpus (\S+) memory_kb (\d+)", line))]
    assert [(m[1], m[2]) for m in nodes] == ([("0", "0"), ("1", "1")] if cells == 2 else [("0", "0-1")])
    assert all(int(m[3]) <= 256 * 1024 // cells for m in nodes), said
    found = disks(said)
    assert found["sda"][:2] == ("2097152", "virtio-scsi"), said
    assert "config drive sr0 iso9660 config-2" in [line.strip() for line in said]
    assert f"uuid {uuid}" in said
    assert "rng virtio_rng.0" in said
    assert "pci 0x8086:0x25ab" in said, "the watchdog; Debian's cloud kernel has no driver for it"
    assert "tpm version 2" in said, said
    random = next(line.split()[2] for line in said if line.startswith("tpm random "))
    assert re.fullmatch("80010000001400000000" "0008" "[0-9a-f]{16}", random), "TPM_RC_SUCCESS and 8 bytes"
    xml = cloud.libvirtd.virsh("dumpxml", uuid)
    assert len(re.findall(r"<cell id='\d' cpus=", xml)) == cells, xml
    assert "<numatune>" in xml
    assert "<total_iops_sec>5000</total_iops_sec>" in xml
    assert re.search(r"<watchdog model='\w+' action='poweroff'", xml)
    # libvirt had the passphrase only while the guest started; the agent has it for the next time, and
    # swtpm would refuse any other.
    assert secrets(cloud) == []
    kept = cloud.directory / "agent-a" / "instances" / uuid / "vtpm.secret"
    assert kept.stat().st_mode & 0o777 == 0o600 and kept.stat().st_size == 512
    cloud.libvirtd.kill9()
    cloud.libvirtd.restart()
    cloud.wait_hosts_up(["a", "b"])
    cloud.cli("instance", "start", uuid)
    cloud.wait_state(uuid, "ACTIVE", seconds=120)
    assert secrets(cloud) == []
    find = "find /var/lib/libvirt/qemu/nvram /var/lib/libvirt/swtpm -mindepth 1 2>/dev/null || true"
    left = cloud.libvirtd.inside("sh", "-c", find)
    assert "/nvram/" in left and "/swtpm/" in left, "UEFI keeps its variables, the TPM its state"
    cloud.delete(uuid)
    assert not cloud.libvirtd.inside("sh", "-c", find).strip(), "and they go with their guest"
    cloud.assert_no_leak()


def test_tpm_goes_where_swtpm_is_enabled(cloud):
    cloud.cli("flavor", "create", "tpm12", "--id", "tpm12", "--vcpus", 1, "--memory", 64, "--disk", 1,
              "--extra", "hw:tpm_version=1.2")
    uuid = cloud.create("tpm", flavor="tpm12")
    assert cloud.wait_state(uuid, "ACTIVE", seconds=120)["host"] == "a"
    tpm = ET.fromstring(cloud.libvirtd.virsh("dumpxml", uuid)).find("devices/tpm")
    assert tpm.get("model") == "tpm-tis" and tpm.find("backend").get("version") == "1.2"
    assert tpm.find("backend/encryption").get("secret") == uuid
    assert secrets(cloud) == []
    cloud.delete(uuid)
    cloud.assert_no_leak()
    cloud.cli("host", "disable", "a", "--reason", "no other has TPMs")
    try:
        uuid = cloud.create("tpm", flavor="tpm12")
        assert cloud.wait_state(uuid, "ERROR")["fault"]["reason"] == "NO_VALID_HOST"
    finally:
        cloud.cli("host", "enable", "a")


@pytest.mark.parametrize("point", ["agent.build.tpm_secret.after", "agent.build.start.after"])
def test_tpm_of_a_build_that_was_killed(cloud, point):
    """The passphrase is made once: the TPM's state of a first start opens at the next."""
    cloud.cli("flavor", "create", point, "--id", point, "--vcpus", 1, "--memory", 64, "--disk", 1,
              "--extra", "hw:tpm_version=2.0")
    marker = cloud.directory / point
    cloud.agents["a"].restart(KILONOVA_FAILPOINTS=f"{point}=kill@{marker}")
    cloud.wait_hosts_up(["a"])
    uuid = cloud.create("tpm", flavor=point)
    poll(lambda: not cloud.agents["a"].alive(), f"{point} was not passed")
    kept = cloud.directory / "agent-a" / "instances" / uuid / "vtpm.secret"
    passphrase = kept.read_bytes()
    del cloud.agents["a"].env["KILONOVA_FAILPOINTS"]
    cloud.agents["a"].start()
    cloud.wait_state(uuid, "ACTIVE", seconds=120)
    assert kept.read_bytes() == passphrase
    assert secrets(cloud) == []
    cloud.cli("instance", "reboot", uuid, "--hard", "--wait", timeout=120)
    assert cloud.state(uuid) == "ACTIVE"
    cloud.delete(uuid)
    cloud.assert_no_leak()


def secrets(cloud):
    return cloud.libvirtd.virsh("secret-list").split()


def ask(port, text, answer):
    """Sends a line to a serial port until the guest has answered it."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as line:
        line.settimeout(2)
        heard = b""
        for _ in range(PATIENCE // 2):
            line.sendall(text + b"\n")
            try:
                heard += line.recv(4096)
            except TimeoutError:
                continue
            if answer in heard:
                return
    raise AssertionError(f"{answer} on port {port}, which says {heard}")


def vnc_greeting(cloud, uuid):
    graphics = ET.fromstring(cloud.libvirtd.virsh("dumpxml", uuid)).find("devices/graphics[@type='vnc']")
    with socket.create_connection((graphics.get("listen"), int(graphics.get("port"))), timeout=PATIENCE) as screen:
        return screen.recv(12)


def test_ephemeral_swap_vfat_and_serial_port(cloud):
    cloud.cli("flavor", "create", "disks", "--id", "disks", "--vcpus", 1, "--memory", 128, "--disk", 1,
              "--ephemeral", 1, "--swap", 64, "--extra", "hw:serial_port_count=2", "--extra",
              "hw_rng:allowed=false")
    cloud.seed_guest("linux", os_type="linux", hw_rng_model="virtio")
    uuid, said = boot(cloud, "b", "disks", flavor="disks", image="linux")
    assert "firmware bios" in said
    assert not any(line.startswith("tpm") for line in said)
    found = disks(said)
    assert found["vda"][0] == "2097152"
    contents = {name: what[2].split() for name, what in found.items()}
    assert ["ext4", "ephemeral0"] in contents.values(), said
    assert ["swap"] in contents.values(), said
    assert {what[0] for name, what in found.items() if "swap" in contents[name]} == {str(64 * 2048)}
    drive = next(name for name, what in contents.items() if what[:1] == ["vfat"])
    assert f"config drive {drive} vfat config-2" in [line.strip() for line in said]
    assert f"uuid {uuid}" in said
    assert "serial ports 2" in said
    serials = ET.fromstring(cloud.libvirtd.virsh("dumpxml", uuid)).findall("devices/serial")
    ports = [int(serial.find("source").get("service")) for serial in serials]
    assert len(set(ports)) == 2 and all(10000 <= port < 20000 for port in ports)
    told = [f"127.0.0.1:{port}" for port in ports]
    assert cloud.cli("instance", "console", uuid, "--serial")["serial_consoles"] == told
    assert cloud.cli("instance", "console", uuid, "--serial", json_out=False).split() == told
    ask(ports[1], b"hello", b"guest: heard hello")
    assert vnc_greeting(cloud, uuid).startswith(b"RFB 003.")
    # Another guest, which has one port unasked, gets another.
    cloud.cli("host", "disable", "a", "--reason", "the other one is meant")
    other = cloud.create("other")
    cloud.wait_state(other, "ACTIVE")
    cloud.cli("host", "enable", "a")
    source = ET.fromstring(cloud.libvirtd.virsh("dumpxml", other)).find("devices/serial[@type='tcp']/source")
    assert int(source.get("service")) not in ports
    cloud.wait_console(other, "null guest")
    cloud.delete(other)
    assert not any("virtio_rng" in line for line in said), "the flavor forbids it"
    assert cloud.used("b")["DISK_GB"] == 3, "root, ephemeral, and swap rounded up"
    # What was made is found again, not made again: a hard reboot keeps it.
    cloud.cli("instance", "reboot", uuid, "--hard", "--wait", timeout=120)
    again = ET.fromstring(cloud.libvirtd.virsh("dumpxml", uuid)).findall("devices/serial/source")
    assert [int(source.get("service")) for source in again] == ports
    cloud.delete(uuid)
    cloud.assert_no_leak()


def test_iso_image_boots_from_its_cdrom(cloud):
    """An El Torito disc that says one line; the disc itself is the root disk, as in Nova."""
    files = cloud.directory / "disc"
    files.mkdir()
    (files / "boot.bin").write_bytes(boot_sector(b"from a disc\r\n")[:2048])
    disc = cloud.directory / "disc.iso"
    subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-no-emul-boot", "-boot-load-size", "4",
                    "-b", "boot.bin", "-o", str(disc), str(files)], check=True)
    cloud.register("disc", disc, "iso")
    uuid = cloud.create("disc", image="disc", flavor="nano")
    cloud.wait_state(uuid, "ACTIVE", seconds=120)
    cloud.wait_console(uuid, "from a disc")
    xml = cloud.libvirtd.virsh("dumpxml", uuid)
    assert re.search(r"<disk type='file' device='cdrom'>(?:(?!</disk>).)*/disk'", xml, re.S), xml
    cloud.delete(uuid)
    cloud.register("mislabelled", disc, "raw")
    uuid = cloud.create("mislabelled", image="mislabelled", flavor="nano")
    fault = cloud.wait_state(uuid, "ERROR")["fault"]
    assert fault["reason"] in ("IMAGE_FORMAT_MISMATCH", "IMAGE_UNSAFE"), fault
    cloud.delete(uuid)
    cloud.assert_no_leak()


def may_lock_memory():
    """libvirt lifts the limit of a guest whose memory is locked to this, which takes
    CAP_SYS_RESOURCE."""
    lift = subprocess.run(["prlimit", f"--memlock={2**53 - 1}", "true"], stderr=subprocess.DEVNULL)
    return lift.returncode == 0


@pytest.mark.skipif(not may_lock_memory(), reason="nothing here may raise RLIMIT_MEMLOCK")
def test_realtime_cpu_on_locked_memory(cloud):
    cloud.agents["b"].stop()
    cloud.start_agent("b", extra="compute: {cpu_shared_set: '0', cpu_dedicated_set: '1'}\n")
    cloud.wait_hosts_up(["b"])
    cloud.cli("flavor", "create", "realtime", "--id", "realtime", "--vcpus", 1, "--memory", 128,
              "--disk", 1, "--extra", "hw:cpu_policy=dedicated", "--extra", "hw:cpu_realtime=true",
              "--extra", "hw:emulator_threads_policy=share", "--extra", "hw:mem_page_size=small",
              "--extra", "hw:locked_memory=true")
    uuid, said = boot(cloud, "b", "realtime", flavor="realtime")
    assert "cpus 1" in said
    assert cloud.used("b") == {"PCPU": 1, "MEMORY_MB": 128, "DISK_GB": 1}
    pid, (vcpu,) = qemu_threads(uuid)
    assert os.sched_getscheduler(vcpu) == os.SCHED_FIFO
    assert os.sched_getparam(vcpu).sched_priority == 1
    assert os.sched_getaffinity(vcpu) == {1}
    assert os.sched_getaffinity(pid) == {0}, "the emulator is on the shared CPUs"
    locked = re.search(r"VmLck:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text())
    assert int(locked[1]) >= 128 * 1024, "the guest's memory is locked"
    cloud.delete(uuid)
    cloud.assert_no_leak()
