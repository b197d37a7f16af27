# SPDX-License-Identifier: Apache-2.0
"""Two hosts: re-scheduling, hosts without a queue, hosts that go away."""
import pytest

from cloud import Cloud, CliError, poll


@pytest.fixture(scope="module")
def cloud():
    with Cloud(agents=["a", "b"]) as one:
        one.seed()
        yield one


def test_spreads_over_hosts_and_honours_hints(cloud):
    first = cloud.create("first")
    one = cloud.wait_state(first, "ACTIVE")
    other = cloud.create("other", "--hint", f"different_host={first}")
    two = cloud.wait_state(other, "ACTIVE")
    assert {one["host"], two["host"]} == {"a", "b"}
    same = cloud.create("same", "--hint", f"same_host={first}")
    assert cloud.wait_state(same, "ACTIVE")["host"] == one["host"]
    forced = cloud.create("forced", "--availability-zone", f"nova:{two['host']}")
    assert cloud.wait_state(forced, "ACTIVE")["host"] == two["host"]
    for uuid in (first, other, same, forced):
        cloud.delete(uuid)
    cloud.assert_no_leak()


def test_what_hosts_share_is_given_away_once(cloud):
    """A pool of an aggregate's host: counted over its guests, over a death of the scheduler, and
    given back."""
    cloud.cli("aggregate", "create", "rack")
    cloud.cli("aggregate", "add-host", "rack", "a")
    cloud.cli("sharing-provider", "create", "pool", "--aggregate", "rack", "--inventory",
              "CUSTOM_LICENSE=10")
    cloud.cli("flavor", "create", "licensed", "--id", "licensed", "--vcpus", 1, "--memory", 64,
              "--disk", 1, "--extra", "resources:CUSTOM_LICENSE=6")

    def used():
        return int(cloud.cli("sharing-provider", "show", "pool")["inventories"][0]["used"])

    first = cloud.create("first", flavor="licensed")
    assert cloud.wait_state(first, "ACTIVE")["host"] == "a", "b is in no aggregate of the pool's"
    assert used() == 6
    cloud.scheduler.kill9()
    cloud.scheduler.start()
    cloud.wait_hosts_up(["a", "b"])
    assert used() == 6
    second = cloud.create("second", flavor="licensed")
    assert cloud.wait_state(second, "ERROR")["fault"]["reason"] == "NO_VALID_HOST"
    with pytest.raises(CliError):
        cloud.cli("sharing-provider", "delete", "pool")
    cloud.delete(first)
    poll(lambda: used() == 0, "the pool is free again")
    third = cloud.create("third", flavor="licensed")
    cloud.wait_state(third, "ACTIVE")
    for uuid in (second, third):
        cloud.delete(uuid)
    poll(lambda: used() == 0, "the pool is free again")
    cloud.cli("sharing-provider", "delete", "pool")
    cloud.cli("aggregate", "remove-host", "rack", "a")
    cloud.cli("aggregate", "delete", "rack")
    cloud.assert_no_leak()


def test_host_without_a_queue_is_noticed_and_the_build_goes_elsewhere(cloud):
    # The session is up, so the scheduler trusts both; the queue of one is gone.
    cloud.broker.ctl("delete_queue", "compute.a")
    uuids = cloud.create("vm", count=4)
    built = [cloud.wait_state(uuid, "ACTIVE") for uuid in uuids]
    # The agent makes its queue again by itself; whatever came before that went to b.
    assert {i["host"] for i in built} <= {"a", "b"}
    moved = [i for i in built if i["attempts"]]
    for instance in moved:
        assert instance["attempts"][0]["reason"] == "HOST_UNROUTABLE"
        assert int(instance["generation"]) == 2
    for uuid in uuids:
        cloud.delete(uuid)
    cloud.assert_no_leak()


def test_host_whose_agent_and_queue_are_gone(cloud):
    """The agent dies with its queue between the decision and the dispatch."""
    cloud.cli("host", "disable", "b", "--reason", "so that a is chosen")
    held = cloud.hold(cloud.scheduler, "scheduler.outbox.publish.before")
    uuid = cloud.create("vm")
    cloud.cli("host", "enable", "b")
    cloud.agents["a"].kill9()
    cloud.broker.ctl("delete_queue", "compute.a")
    held.unlink()
    built = cloud.wait_state(uuid, "ACTIVE", "ERROR")
    assert built["vm_state"] == "VM_STATE_ACTIVE" and built["host"] == "b", built
    assert built["attempts"][0]["reason"] == "HOST_UNROUTABLE"
    cloud.scheduler.env.pop("KILONOVA_FAILPOINTS")
    cloud.scheduler.restart()
    cloud.agents["a"].start()
    cloud.wait_hosts_up(["a", "b"])
    cloud.delete(uuid)
    cloud.assert_no_leak()


def test_failure_of_one_host_moves_the_build_with_its_reason(cloud):
    # The bridge exists on both (one machine): make host a fail by a failpoint error instead.
    cloud.agents["a"].restart(KILONOVA_FAILPOINTS="agent.build.disk.before=error")
    cloud.cli("host", "disable", "b", "--reason", "x")
    cloud.wait_hosts_up(["a", "b"])
    try:
        uuid = cloud.create("vm", "--availability-zone", "nova")
        failed = cloud.wait_state(uuid, "ERROR")
        assert failed["fault"]["reason"], failed
        cloud.delete(uuid)
        cloud.assert_no_leak()
    finally:
        cloud.cli("host", "enable", "b")
        cloud.agents["a"].env.pop("KILONOVA_FAILPOINTS")
        cloud.agents["a"].restart()
    cloud.wait_hosts_up(["a", "b"])


def test_down_host_gets_nothing_and_keeps_its_instances(cloud):
    first = cloud.create("first", "--availability-zone", "nova:a")
    cloud.wait_state(first, "ACTIVE")
    cloud.agents["a"].kill9()
    poll(lambda: not cloud.hosts()["a"]["up"], "a is down")
    uuids = cloud.create("vm", count=3)
    assert {cloud.wait_state(uuid, "ACTIVE")["host"] for uuid in uuids} == {"b"}
    assert cloud.state(first) == "ACTIVE" and cloud.domains()[first]
    with pytest.raises(CliError) as error:
        cloud.cli("instance", "console", first)
    assert error.value.reason == "HOST_DOWN" and error.value.code == 4
    # A delete waits for the host; it is done when the host is back.
    cloud.cli("instance", "delete", first)
    assert cloud.show(first)["task_state"] == "deleting"
    cloud.agents["a"].start()
    cloud.wait_state(first, "DELETED")
    for uuid in uuids:
        cloud.delete(uuid)
    cloud.assert_no_leak()


def test_lost_scheduler_never_starts_a_guest_without_permission(cloud):
    cloud.cli("host", "disable", "b", "--reason", "x")
    held = cloud.hold(cloud.agents["a"], "agent.build.start_permission.before")
    uuid = cloud.create("vm")
    poll(lambda: uuid in cloud.domains(), "the domain is defined")
    cloud.scheduler.kill9()
    held.unlink()
    # Asked, not answered, not started.
    assert not any(cloud.domains().get(uuid) for _ in range(30))
    cloud.scheduler.start()
    cloud.wait_state(uuid, "ACTIVE")
    cloud.cli("host", "enable", "b")
    cloud.agents["a"].env.pop("KILONOVA_FAILPOINTS")
    cloud.delete(uuid)
    cloud.assert_no_leak()
