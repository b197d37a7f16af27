# SPDX-License-Identifier: Apache-2.0
"""What may arrive on a host's queue beside honest requests: rows F6 to F13 of the failure matrix.
Each is refused or has one effect, is counted and dead-lettered, and the agent lives on."""
import copy
import hashlib
import json
import pathlib
import uuid as uuids

import pika
import pytest

from cloud import Cloud, poll


@pytest.fixture(scope="module")
def cloud():
    with Cloud(agents=["a"]) as one:
        one.seed()
        yield one


class Tap:
    """Publishes to a host's queue, and reads the dead letters; a copy of honest traffic comes from a
    queue bound beside the host's."""

    def __init__(self, cloud):
        self.connection = pika.BlockingConnection(pika.URLParameters(cloud.broker.url))
        self.channel = self.connection.channel()
        self.channel.confirm_delivery()
        self.copies = self.channel.queue_declare("", exclusive=True).method.queue
        self.channel.queue_bind(self.copies, "nova", "compute.a")

    def send(self, body, key="compute.a"):
        body = body if isinstance(body, bytes) else body.encode()
        self.channel.basic_publish("nova", key, body, pika.BasicProperties(
            delivery_mode=2, content_type="application/json", content_encoding="utf-8"), mandatory=True)

    def dead(self):
        out = []
        while True:
            method, _, body = self.channel.basic_get("nova.dead", auto_ack=True)
            if method is None:
                return out
            out.append(body)

    def honest(self, method):
        """The newest copy of a message of ours with this method."""
        found = []

        def look():
            while True:
                frame, properties, body = self.channel.basic_get(self.copies, auto_ack=True)
                if frame is None:
                    return found
                if (properties.headers or {}).get("kilonova-probe"):
                    continue
                if json.loads(json.loads(body)["oslo.message"])["method"] == method:
                    found.append(body)
        poll(look, f"a {method} message")
        return found[-1]

    def close(self):
        self.connection.close()


@pytest.fixture(autouse=True)
def settled(cloud):
    """Ends with daemons that run without failpoints and a cloud without instances."""
    yield
    cloud.settle()


@pytest.fixture()
def tap(cloud):
    one = Tap(cloud)
    one.dead()
    yield one
    one.close()


@pytest.fixture(scope="module")
def honest(cloud):
    """An honest build message, as a dictionary, and the instance it built and deleted since."""
    tap = Tap(cloud)
    uuid = cloud.create("honest")
    cloud.wait_state(uuid, "ACTIVE")
    body = tap.honest("build_and_run_instance")
    cloud.delete(uuid)
    tap.close()
    return body


def unwrap(body):
    return json.loads(json.loads(body)["oslo.message"])


def wrap(message, version="2.0"):
    return json.dumps({"oslo.version": version, "oslo.message": json.dumps(message)})


def counters(cloud):
    return {k: int(v) for k, v in cloud.cli("host", "show", "a")["counters"].items()}


def refused(cloud, reason):
    return sum(v for k, v in counters(cloud).items() if "refused" in k and k.endswith(reason))


def assert_refused(cloud, tap, body, reason):
    before = refused(cloud, reason)
    pid = cloud.agents["a"].process.pid
    tap.send(body)
    dead = poll(tap.dead, lambda: f"the dead letter for {reason}" + cloud.agents["a"].tail())
    assert dead == [body if isinstance(body, bytes) else body.encode()]
    poll(lambda: refused(cloud, reason) == before + 1,
         lambda: f"{reason} counted: {counters(cloud)}", every=0.2)
    assert cloud.agents["a"].alive() and cloud.agents["a"].process.pid == pid
    assert cloud.domains() == {}


def fresh(honest, **changes):
    """The honest message for another instance nobody claimed."""
    message = unwrap(honest)
    text = json.dumps(message).replace(message["args"]["instance"]["nova_object.data"]["uuid"], str(uuids.uuid4()))
    message = json.loads(text)
    message["_unique_id"] = uuids.uuid4().hex
    message.update(changes)
    return message


MALFORMED = {
    "not json": (b"hello", "MESSAGE_MALFORMED"),
    "empty": (b"", "MESSAGE_MALFORMED"),
    "truncated": (b'{"oslo.version": "2.0", "oslo.mess', "MESSAGE_MALFORMED"),
    "invalid utf-8": (b'{"oslo.version": "2.0", "oslo.message": "\xff\xfe"}', "MESSAGE_MALFORMED"),
    "message not a string": (b'{"oslo.version": "2.0", "oslo.message": {}}', "MESSAGE_MALFORMED"),
    "message missing": (b'{"oslo.version": "2.0"}', "MESSAGE_MALFORMED"),
    "envelope 3.0": (b'{"oslo.version": "3.0", "oslo.message": "{}"}', "ENVELOPE_VERSION"),
    "no envelope": (b'{"method": "build_and_run_instance", "args": {}}', "ENVELOPE_VERSION"),
    "duplicate keys": (b'{"oslo.version": "2.0", "oslo.message": "{}", "oslo.message": "{}"}',
                       "MESSAGE_DUPLICATE_KEY"),
    "nan": (b'{"oslo.version": "2.0", "oslo.message": "{\\"x\\": NaN}"}', "MESSAGE_MALFORMED"),
    "1e309": (b'{"oslo.version": "2.0", "oslo.message": "{\\"x\\": 1e309}"}', "MESSAGE_MALFORMED"),
    "deep outside": (b'{"oslo.version": "2.0", "oslo.message": ' + b"[" * 10000 + b"]" * 10000 + b"}",
                     "MESSAGE_TOO_DEEP"),
    "deep inside": (wrap([]).replace("[]", "[" * 10000 + "]" * 10000).encode(), "MESSAGE_TOO_DEEP"),
    "nul": (b'{"oslo.version": "2.0", "oslo.message": "{}"}\0', "MESSAGE_MALFORMED"),
    "15.9 MiB": (b" " * int(15.9 * 2**20), "MESSAGE_TOO_LARGE"),
    "just over 1 MiB": (b" " * (2**20 + 1), "MESSAGE_TOO_LARGE"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_bodies(cloud, tap, name):
    body, reason = MALFORMED[name]
    rss = cloud.agents["a"].rss_kb()
    assert_refused(cloud, tap, body, reason)
    assert cloud.agents["a"].rss_kb() - rss < 2 * max(len(body), 2**20) / 1024 + 8192


def test_versions_and_objects(cloud, tap, honest):
    assert_refused(cloud, tap, wrap(fresh(honest, version="99.0")), "RPC_VERSION_UNSUPPORTED")
    assert_refused(cloud, tap, wrap(fresh(honest, version="6.99")), "RPC_VERSION_UNSUPPORTED")
    for method in ("_destroy", "__init__", "rm_rf", "build"):
        assert_refused(cloud, tap, wrap(fresh(honest, method=method)), "RPC_METHOD_UNKNOWN")
    newer = fresh(honest)
    newer["args"]["instance"]["nova_object.version"] = "2.99"
    assert_refused(cloud, tap, wrap(newer), "OBJECT_VERSION_INCOMPATIBLE")
    unknown = fresh(honest)
    unknown["args"]["instance"]["nova_object.name"] = "Instanz"
    assert_refused(cloud, tap, wrap(unknown), "OBJECT_UNKNOWN")
    wrong = fresh(honest)
    wrong["args"]["instance"]["nova_object.data"]["flavor"]["nova_object.data"]["vcpus"] = "one"
    assert_refused(cloud, tap, wrap(wrong), "OBJECT_INVALID")


def test_a_build_without_a_claim_is_refused(cloud, tap, honest):
    message = fresh(honest)
    del message["args"]["filter_properties"]["kilonova"]
    assert_refused(cloud, tap, wrap(message), "CLAIM_MISSING")
    # In the user's own fields the ticket has no meaning.
    ticket = fresh(honest)["args"]["filter_properties"]["kilonova"]
    message["args"]["instance"]["nova_object.data"]["metadata"] = {"kilonova": json.dumps(ticket)[:255]}
    message["_unique_id"] = uuids.uuid4().hex
    assert_refused(cloud, tap, wrap(message), "CLAIM_MISSING")


def test_a_forged_claim_never_starts_a_guest(cloud, tap, honest):
    """Well-formed, but nobody claimed it: the scheduler says no to the start."""
    message = fresh(honest)
    uuid = message["args"]["instance"]["nova_object.data"]["uuid"]
    tap.send(wrap(message))
    poll(lambda: uuid in cloud.agents["a"].log.read_text(), "the agent took it up")
    poll(lambda: "CLAIM_STALE" in cloud.agents["a"].log.read_text(),
         lambda: "start refused" + cloud.agents["a"].tail(), every=0.2)
    cloud.assert_no_leak()
    assert not any(cloud.domains().values())
    log = cloud.libvirtd.directory / "log" / "qemu"
    assert all(uuid not in p.read_text(errors="replace") for p in log.glob("*.log"))


def test_duplicates_have_one_effect(cloud, tap):
    uuid = cloud.create("dup")
    instance = cloud.wait_state(uuid, "ACTIVE")
    body = tap.honest("build_and_run_instance")
    for _ in range(200):
        tap.send(body)
    marker = json.dumps({"oslo.version": "2.0"}).encode()
    tap.send(marker)  # in order behind them: when it is dead, they are done
    poll(tap.dead, "the last of them")
    assert cloud.domains() == {uuid: True}
    log = cloud.libvirtd.directory / "log" / "qemu" / ("instance-%08x.log" % int(instance["id"]))
    assert log.read_text(errors="replace").count(": starting up") == 1
    # The same id with another payload is refused, and the first effect untouched.
    other = unwrap(body)
    other["args"]["instance"]["nova_object.data"]["display_name"] = "other"
    before = refused(cloud, "MESSAGE_CONFLICT")
    tap.send(wrap(other))
    poll(tap.dead, "the dead letter")
    poll(lambda: refused(cloud, "MESSAGE_CONFLICT") == before + 1, "counted", every=0.2)
    assert cloud.domains() == {uuid: True}
    # After the delete a late copy of the build does nothing; nor does a new message of that generation.
    cloud.delete(uuid)
    tap.send(body)
    late = unwrap(body)
    late["_unique_id"] = uuids.uuid4().hex
    tap.send(wrap(late))
    tap.send(marker)
    poll(tap.dead, "the last of them")
    cloud.assert_no_leak()


def test_delete_overtakes_build(cloud, tap):
    """The build arrives after the delete of its instance: a tombstone stands."""
    agent = cloud.agents["a"]
    held = cloud.hold(cloud.scheduler, "scheduler.outbox.publish.before")
    uuid = cloud.create("late")
    agent.stop()
    held.unlink()
    build = tap.honest("build_and_run_instance")
    poll(lambda: "compute.a 1" in " ".join(cloud.broker.ctl("list_queues", "name", "messages_ready").split()),
         lambda: "the build waits: " + cloud.broker.ctl("list_queues", "name", "messages_ready"))
    cloud.broker.ctl("purge_queue", "compute.a")
    cloud.cli("instance", "delete", uuid)
    agent.start()
    cloud.wait_hosts_up(["a"])
    cloud.wait_state(uuid, "DELETED")
    tap.send(build)
    tap.send(b"{}")
    poll(tap.dead, "the message behind it")
    cloud.assert_no_leak()


# Before the journal has it, and after some steps: the start that came that far does not count.
@pytest.mark.parametrize("point,deaths", [("agent.parse.before", 3), ("agent.build.xml.before", 4)])
def test_poison_is_given_up_after_three_attempts_that_come_no_further(cloud, tap, point, deaths):
    agent = cloud.agents["a"]
    agent.restart(KILONOVA_FAILPOINTS=f"{point}=abort")
    agent.exits.clear()
    agent.supervise()
    cloud.wait_hosts_up(["a"])
    uuid = cloud.create("poison")
    instance = cloud.wait_state(uuid, "ERROR")
    assert instance["fault"]["reason"] == "BUILD_ABANDONED", instance
    assert len(agent.exits) == deaths, agent.exits
    agent.unsupervise()
    agent.env.pop("KILONOVA_FAILPOINTS")
    agent.restart()
    cloud.wait_hosts_up(["a"])
    cloud.delete(uuid)
    good = cloud.create("good")
    cloud.wait_state(good, "ACTIVE")
    cloud.delete(good)
    cloud.assert_no_leak()


def test_next_good_message_is_served_at_once_after_bad_ones(cloud, tap):
    for body, _ in MALFORMED.values():
        if len(body) < 2**20:
            tap.send(body)
    uuid = cloud.create("good")
    cloud.wait_state(uuid, "ACTIVE")
    cloud.delete(uuid)
    dead, bad = [], sum(len(body) < 2**20 for body, _ in MALFORMED.values())
    poll(lambda: dead.extend(tap.dead()) or len(dead) >= bad, lambda: f"{bad} dead letters, not {len(dead)}")
    assert len(dead) == bad
