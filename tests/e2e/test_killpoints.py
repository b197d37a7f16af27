# SPDX-License-Identifier: Apache-2.0
"""kill -9 at every named point of a build, an undo, a delete and of the scheduler's commit and
dispatch, and of RabbitMQ and libvirtd in the middle of a build: each time everything converges
to one VM or a clean ERROR, and nothing is left over. How long that took is in the table; on a machine
of its own it is less than 30 s.

Every point must really be hit: a run whose process did not die there fails. Results go to
killpoints-*.json in the build directory (tests/e2e/killpoint_table.py
makes a table of them); docs/reliability.md shows the table.
"""
import itertools
import json
import os
import subprocess
import threading
import time

import pytest

from cloud import BIN, BUILD, Cloud, CliError, boot_sector, poll

RESULTS = []


def points(program):
    out = subprocess.run([str(BIN / program), "--list-failpoints"], capture_output=True, text=True, check=True)
    names = out.stdout.split()
    assert names, f"{program} was built without failpoints"
    return names


AGENT, SCHEDULER = points("kilonova-agent"), points("kilonova-scheduler")
BUILD_POINTS = [p for p in AGENT if p.startswith(("agent.build.", "agent.recv.", "agent.parse.", "agent.journal",
                                                  "agent.ack."))]
DELETE_POINTS = [p for p in AGENT if p.startswith(("agent.delete.", "agent.recv.", "agent.parse.", "agent.journal",
                                                   "agent.ack."))]
UNDO_POINTS = [p for p in AGENT if p.startswith("agent.undo.")]
POWER_POINTS = [p for p in AGENT if p.startswith(("agent.start.", "agent.stop.", "agent.reboot."))]
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def cloud():
    with Cloud(agents=["a"], agent_config="shutdown:\n  soft_reboot_timeout: 1s\n") as one:
        one.seed()
        yield one
    shard = os.environ.get("KILONOVA_SHARD", "0/1").split("/")[0]
    (BUILD / f"killpoints-{shard}.json").write_text(json.dumps(RESULTS, indent=1))


@pytest.fixture(autouse=True)
def settled(cloud):
    """Begins and ends with daemons that run without failpoints and a cloud without instances."""
    yield
    cloud.settle()
    cloud.assert_no_leak()


def fresh_image(cloud, **register):
    """An image no cache knows, so that every step of fetching it runs."""
    number = next(numbers)
    path = cloud.directory / f"image-{number}.raw"
    path.write_bytes(boot_sector(b"image %d\r\n" % number))
    return cloud.cli("image", "register", f"image-{number}", path, "--disk-format", "raw",
                     "--property", "os_shutdown_timeout=1",
                     *[x for k, v in register.items() for x in (f"--{k}", v)])["id"]


class Armed:
    """A daemon that will kill itself at `point`, once, from the moment `now` is called."""

    def __init__(self, cloud, daemon, point):
        self.daemon, self.point = daemon, point
        self.file = cloud.directory / f"arm-{next(numbers)}"
        daemon.restart(KILONOVA_FAILPOINTS=f"{point}=killif@{self.file}")
        cloud.wait_hosts_up(["a"])
        daemon.exits.clear()
        daemon.supervise()

    def now(self):
        self.file.touch()

    def wait_hit(self):
        poll(lambda: not self.file.exists() and self.daemon.exits,
             lambda: f"{self.point} was passed" + self.daemon.tail())
        assert self.daemon.exits == [-9]


def boots(cloud, instance):
    """How often libvirt started this domain."""
    log = cloud.libvirtd.directory / "log" / "qemu" / ("instance-%08x.log" % int(instance["id"]))
    return log.read_text(errors="replace").count(": starting up") if log.exists() else 0


def note(kind, point, began, outcome):
    RESULTS.append({"kind": kind, "point": point, "outcome": outcome,
                    "seconds": round(time.monotonic() - began, 2)})


def converge(cloud, uuid, *states):
    instance = cloud.wait_state(uuid, *states)
    if instance["vm_state"] == "VM_STATE_ACTIVE":
        assert cloud.domains() == {uuid: True}
        assert boots(cloud, instance) == 1, "started once, and once only"
        cloud.assert_no_leak(live=[uuid])
    else:
        cloud.assert_no_leak()
    return instance["vm_state"].removeprefix("VM_STATE_")


@pytest.mark.parametrize("point", BUILD_POINTS)
def test_agent_killed_while_building(cloud, point):
    image = fresh_image(cloud)
    armed = Armed(cloud, cloud.agents["a"], point)
    armed.now()
    uuid = cloud.create("vm", "--config-drive", image=image)
    armed.wait_hit()
    began = time.monotonic()
    outcome = converge(cloud, uuid, "ACTIVE", "ERROR")
    note("build", point, began, outcome)


@pytest.mark.parametrize("point", DELETE_POINTS)
def test_agent_killed_while_deleting(cloud, point):
    uuid = cloud.create("vm", "--config-drive")
    cloud.wait_state(uuid, "ACTIVE")
    armed = Armed(cloud, cloud.agents["a"], point)
    armed.now()
    cloud.cli("instance", "delete", uuid)
    armed.wait_hit()
    began = time.monotonic()
    note("delete", point, began, converge(cloud, uuid, "DELETED"))


@pytest.mark.parametrize("point", UNDO_POINTS)
def test_agent_killed_while_undoing_a_failed_build(cloud, point):
    image = fresh_image(cloud, sha256="0" * 64)
    armed = Armed(cloud, cloud.agents["a"], point)
    armed.now()
    uuid = cloud.create("vm", image=image)
    armed.wait_hit()
    began = time.monotonic()
    note("undo", point, began, converge(cloud, uuid, "ERROR"))


@pytest.mark.parametrize("point", POWER_POINTS)
def test_agent_killed_while_starting_stopping_or_rebooting(cloud, point):
    uuid = cloud.create("vm")
    cloud.wait_state(uuid, "ACTIVE")
    verb = point.split(".")[1]
    if verb == "start":
        cloud.cli("instance", "stop", uuid, "--wait")
    armed = Armed(cloud, cloud.agents["a"], point)
    armed.now()
    # "null" ignores the power button, so stop and soft reboot run into their time-out of 1 s and
    # pass every step.
    cloud.cli("instance", verb, uuid)
    armed.wait_hit()
    began = time.monotonic()
    state = "STOPPED" if verb == "stop" else "ACTIVE"
    cloud.wait_state(uuid, state)
    assert cloud.domains() == {uuid: verb != "stop"}
    note(verb, point, began, state)


@pytest.mark.parametrize("point", SCHEDULER)
def test_scheduler_killed(cloud, point):
    image = fresh_image(cloud)
    armed = Armed(cloud, cloud.scheduler, point)
    request = f"kill-{next(numbers)}"
    made = []

    def create():
        try:
            made.append(cloud.create("vm", "--request-id", request, image=image))
            return True
        except CliError as error:
            assert error.code in (3, 4), error
            return False
    armed.now()
    create()
    armed.wait_hit()
    began = time.monotonic()
    # The client does not know; it asks again under the same id.
    poll(create, "the scheduler answers again", every=0.2)
    assert len(set(made)) == 1
    outcome = converge(cloud, made[0], "ACTIVE", "ERROR")
    assert [i["uuid"] for i in cloud.cli("instance", "list")] == [made[0]]
    note("scheduler", point, began, outcome)


SLOW = ["agent.build.image.before", "agent.build.define.before", "agent.build.define.after",
        "agent.build.start.before", "agent.build.start.after", "agent.build.wait_running.before",
        "agent.build.report.before"]


@pytest.mark.parametrize("point", SLOW)
def test_libvirtd_killed_during_a_build(cloud, point):
    cloud.agents["a"].restart(KILONOVA_FAILPOINTS=f"{point}=sleep(1200)")
    cloud.wait_hosts_up(["a"])
    uuid = cloud.create("vm", image=fresh_image(cloud))
    poll(lambda: cloud.state(uuid) != "BUILDING" or cloud.show(uuid)["task_state"] == "spawning", "spawning")
    began = time.monotonic()
    cloud.libvirtd.kill9()
    time.sleep(0.5)  # the fault itself: half a second without libvirtd
    cloud.libvirtd.restart()
    note("libvirtd", point, began, converge(cloud, uuid, "ACTIVE", "ERROR"))


@pytest.mark.parametrize("point", ["scheduler.outbox.publish.before", "scheduler.outbox.confirm.before",
                                   "agent.recv.before", "agent.ack.before", "agent.build.image.before"])
def test_rabbitmq_killed_during_a_build(cloud, point):
    daemon = cloud.scheduler if point.startswith("scheduler") else cloud.agents["a"]
    daemon.restart(KILONOVA_FAILPOINTS=f"{point}=sleep(1500)")
    cloud.wait_hosts_up(["a"])
    image = fresh_image(cloud)
    uuid = cloud.create("vm", image=image)
    began = time.monotonic()
    cloud.broker.kill9()
    cloud.broker.restart()
    note("rabbitmq", point, began, converge(cloud, uuid, "ACTIVE", "ERROR"))


def test_delete_overtakes_and_races_the_build(cloud):
    """Deletes at many moments of a build: no VM survives its delete."""
    for delay in [0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8]:
        uuid = cloud.create("vm", image=fresh_image(cloud))
        threading.Event().wait(delay)
        cloud.cli("instance", "delete", uuid)
        cloud.wait_state(uuid, "DELETED")
        cloud.assert_no_leak()
