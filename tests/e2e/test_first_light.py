# SPDX-License-Identifier: Apache-2.0
"""A request becomes a running VM, and everything a user may do to it then."""
import json
import re
import subprocess
import threading

import pytest

from cloud import BIN, Cloud, CliError, poll

pytestmark = pytest.mark.usefixtures("tidy")


@pytest.fixture(scope="module")
def cloud():
    with Cloud(agents=["a"]) as one:
        one.seed(guest=True)
        yield one


def test_guest_sees_what_was_asked_for(cloud):
    uuid = cloud.create("first light", "--config-drive", "--meta", "colour=blue", flavor="tiny",
                        image="guest")
    instance = cloud.wait_state(uuid, "ACTIVE")
    assert instance["power_state"] == "POWER_STATE_RUNNING"
    assert instance["host"] == "a" and int(instance["generation"]) == 1
    assert int(instance["launched_at_us"]) >= int(instance["created_at_us"])
    nic = instance["interfaces"][0]
    console = cloud.wait_console(uuid, "guest: ready")
    assert f"guest: uuid {uuid}" in console
    assert f"guest: smbios uuid {uuid}" in console
    assert "OpenStack Foundation, OpenStack Nova" in console
    assert f"guest: hostname {instance['hostname']}" in console
    assert "guest: cpus 1\r" in console
    memory = int(re.search(r"memory_kb (\d+)", console).group(1))
    assert 64 * 1024 < memory <= 128 * 1024
    assert "guest: disk vda sectors 2097152" in console, "root disk is the flavor's 1 GiB"
    assert f"mac {nic['mac']}" in console
    assert nic["mac"].startswith("fa:16:3e:") and nic["mtu"] == 1450
    assert f"guest: address {nic['fixed_ips'][0]['address']}/24" in console
    assert "guest: rng virtio_rng.0" in console
    assert cloud.domains() == {uuid: True}
    assert cloud.used("a") == {"VCPU": 1, "MEMORY_MB": 128, "DISK_GB": 1}

    # Soft reboot goes through the guest's own shutdown and back.
    before = cloud.libvirtd.virsh("dumpxml", uuid)
    cloud.cli("instance", "reboot", uuid, "--wait", timeout=120)
    assert cloud.domains() == {uuid: True}
    # Stop asks the guest, too; the domain is off, its definition stays.
    cloud.wait_console(uuid, "guest: ready")
    stopped = cloud.cli("instance", "stop", uuid, "--wait", timeout=120)
    assert stopped["vm_state"] == "VM_STATE_STOPPED"
    assert stopped["power_state"] == "POWER_STATE_SHUTDOWN"
    assert cloud.domains() == {uuid: False}
    assert cloud.used("a")["VCPU"] == 1, "a stopped instance keeps its claim"
    started = cloud.cli("instance", "start", uuid, "--wait", timeout=120)
    assert started["vm_state"] == "VM_STATE_ACTIVE"
    assert cloud.domains() == {uuid: True}
    hard = cloud.cli("instance", "reboot", uuid, "--hard", "--wait", timeout=120)
    assert hard["vm_state"] == "VM_STATE_ACTIVE"
    assert re.search(r"<uuid>.*</uuid>", cloud.libvirtd.virsh("dumpxml", uuid)).group() in before
    cloud.delete(uuid)
    cloud.assert_no_leak()


def test_q35_machine_and_libvirt_network_with_dhcp(cloud):
    cloud.libvirtd.add_network("kn-dhcp", dhcp=True)
    cloud.cli("network", "create", "dhcp", "--libvirt-network", "kn-dhcp", "--dhcp")
    cloud.seed_guest("guest-q35", hw_machine_type="q35")
    uuid = cloud.create("q35", "--config-drive", flavor="tiny", image="guest-q35", network="dhcp")
    cloud.wait_state(uuid, "ACTIVE")
    console = cloud.wait_console(uuid, "guest: ready")
    xml = cloud.libvirtd.virsh("dumpxml", uuid)
    # Nova puts a q35's config drive on SATA; Debian's cloud kernel has no driver to look at it.
    assert "machine='pc-q35" in xml and re.search(r"<target dev='sda' bus='sata'/>", xml), xml
    assert f"guest: address {cloud.libvirtd.dhcp_prefix}." in console, console[-1500:]
    assert f"guest: smbios uuid {uuid}" in console
    cloud.delete(uuid)
    cloud.assert_no_leak()


def test_guest_that_switches_itself_off_is_seen_stopped(cloud):
    uuid = cloud.create("off", image="null")
    cloud.wait_state(uuid, "ACTIVE")
    cloud.libvirtd.virsh("destroy", uuid)
    instance = cloud.wait_state(uuid, "STOPPED")
    assert instance["power_state"] == "POWER_STATE_SHUTDOWN"
    cloud.delete(uuid)
    cloud.assert_no_leak()


def test_count_and_request_id_are_idempotent(cloud):
    uuids = cloud.create("many", "--request-id", "same", count=3)
    assert len(set(uuids)) == 3
    assert cloud.create("many", "--request-id", "same", count=3) == uuids
    with pytest.raises(CliError) as other:
        cloud.create("other", "--request-id", "same", count=3)
    assert other.value.reason == "REQUEST_ID_REUSED"
    for uuid in uuids:
        cloud.wait_state(uuid, "ACTIVE")
    names = sorted(i["name"] for i in cloud.cli("instance", "list"))
    assert names == ["many-1", "many-2", "many-3"]
    assert sorted(cloud.domains()) == sorted(uuids)
    for uuid in uuids:
        cloud.cli("instance", "delete", uuid)
    for uuid in uuids:
        cloud.wait_state(uuid, "DELETED")
    cloud.assert_no_leak()


def test_watch_tells_every_step_and_resumes(cloud):
    watcher = subprocess.Popen([str(BIN / "kilonova"), "--server", cloud.server, "watch", "-o", "json"],
                               stdout=subprocess.PIPE, text=True)
    events = []
    reader = threading.Thread(target=lambda: events.extend(json.loads(x) for x in watcher.stdout),
                              daemon=True)
    reader.start()
    poll(lambda: any(e["bookmark"] for e in events), "a bookmark")
    uuid = cloud.create("watched")
    cloud.wait_state(uuid, "ACTIVE")
    cloud.delete(uuid)

    def states(of):
        return [e["instance"]["vm_state"] for e in of if e.get("instance", {}).get("uuid") == uuid]
    poll(lambda: "VM_STATE_DELETED" in states(events), lambda: f"deletion seen: {states(events)}")
    watcher.terminate()
    watcher.wait()
    seen = states(events)
    assert seen[0] == "VM_STATE_BUILDING" and "VM_STATE_ACTIVE" in seen
    cursors = [int(e["cursor"]) for e in events if e.get("instance", {}).get("uuid") == uuid]
    assert cursors == sorted(cursors)
    # From the first cursor on, the same again.
    again = subprocess.Popen([str(BIN / "kilonova"), "--server", cloud.server, "watch", "--cursor",
                              str(cursors[0]), uuid, "-o", "json"], stdout=subprocess.PIPE, text=True)
    replay = []
    thread = threading.Thread(target=lambda: replay.extend(json.loads(x) for x in again.stdout), daemon=True)
    thread.start()
    poll(lambda: "VM_STATE_DELETED" in states(replay), "the replay")
    again.terminate()
    again.wait()
    assert states(replay) == seen[1:]


def test_explain_and_dry_run_change_nothing(cloud):
    before = cloud.used("a")
    dry = cloud.cli("dry-run", "-f", "nano", "-i", "null", "-n", "net", "--count", 2)
    assert [p["host"] for p in dry["placements"]] == ["a", "a"]
    explained = cloud.cli("explain", "-f", "nano", "-i", "null")
    assert explained["passed"] == "1" and explained["explanations"][0]["host"] == "a"
    assert cloud.used("a") == before
    cloud.cli("flavor", "create", "huge", "--id", "huge", "--vcpus", 1000, "--memory", 64, "--disk", 1)
    uuid = cloud.create("too big", flavor="huge")
    failed = cloud.wait_state(uuid, "ERROR")
    assert failed["fault"]["reason"] == "NO_VALID_HOST"
    kept = cloud.cli("explain", uuid)
    assert kept["passed"] == "0" and "VCPU" in json.dumps(kept)
    cloud.delete(uuid)
    cloud.cli("flavor", "delete", "huge")


def test_disabled_host_takes_nothing_new(cloud):
    cloud.cli("host", "disable", "a", "--reason", "new disks")
    try:
        uuid = cloud.create("nowhere")
        failed = cloud.wait_state(uuid, "ERROR")
        assert failed["fault"]["reason"] == "NO_VALID_HOST"
        assert cloud.hosts()["a"]["disabled_reason"] == "new disks"
        cloud.delete(uuid)
    finally:
        cloud.cli("host", "enable", "a")
    uuid = cloud.create("somewhere")
    cloud.wait_state(uuid, "ACTIVE")
    cloud.delete(uuid)
    cloud.assert_no_leak()


def test_restart_of_both_daemons_is_not_noticed_by_guests(cloud):
    uuid = cloud.create("steady")
    instance = cloud.wait_state(uuid, "ACTIVE")
    name = "instance-%08x" % int(instance["id"])
    qemu = cloud.libvirtd.qemu_pid(name)
    assert qemu
    assert cloud.agents["a"].stop() == 0, "drained on SIGTERM"
    poll(lambda: not cloud.hosts()["a"]["up"], "host down after its session ended")
    assert cloud.state(uuid) == "ACTIVE", "its instances stay"
    cloud.agents["a"].start()
    assert cloud.scheduler.stop() == 0
    cloud.scheduler.start()
    cloud.wait_hosts_up(["a"])
    assert cloud.libvirtd.qemu_pid(name) == qemu
    again = cloud.show(uuid)
    assert {k: again[k] for k in ("vm_state", "host", "generation", "interfaces")} == \
           {k: instance[k] for k in ("vm_state", "host", "generation", "interfaces")}
    stopped = cloud.cli("instance", "stop", uuid, "--wait")
    assert stopped["vm_state"] == "VM_STATE_STOPPED"
    cloud.delete(uuid)
    cloud.assert_no_leak()


def test_console_log_is_bounded(cloud):
    uuid = cloud.create("console")
    cloud.wait_state(uuid, "ACTIVE")
    cloud.wait_console(uuid, "null guest")
    small = cloud.cli("instance", "console", uuid, "--bytes", 4)
    assert small["truncated"] is True
    cloud.delete(uuid)
