# SPDX-License-Identifier: Apache-2.0
"""Real Nova reads our messages, and we read real Nova's.

Run with Debian's /usr/bin/python3 (python3-nova); KILONOVA_BUILD_DIR says where oslo_golden is.
"""
import inspect
import json
import os
import subprocess

import pytest

pytest.importorskip("nova")

import oslo_messaging  # noqa: E402
from nova import conf  # noqa: E402
from nova import context as nova_context  # noqa: E402
from nova import objects, rpc  # noqa: E402
from nova.compute import manager  # noqa: E402
from nova.compute import rpcapi as compute_rpcapi  # noqa: E402
from nova.objects import base as objects_base  # noqa: E402
from oslo_messaging._drivers import common as driver_common  # noqa: E402
from oslo_serialization import jsonutils  # noqa: E402
from oslo_utils import timeutils  # noqa: E402

objects.register_all()
conf.CONF([], project="nova", default_config_files=[])  # nothing of this machine's /etc

TOOL = os.path.join(os.environ["KILONOVA_BUILD_DIR"], "bin", "oslo_golden")
SERIALIZER = rpc.RequestContextSerializer(objects_base.NovaObjectSerializer())
UUID = "37115a31-5420-4af9-9389-69e3a9f7e483"
IMAGE = "977d50f1-4961-4b10-b7f9-5c9ce4bd4a41"


def opened(body):
    """As oslo.messaging's AMQP driver opens a body."""
    return driver_common.deserialize_msg(json.loads(body))


def received(body):
    """(method, version, context, args) as Nova's RPC server would have them."""
    message = opened(body)
    context = {
        key[len("_context_"):]: value
        for key, value in message.items()
        if key.startswith("_context_")
    }
    ctxt = SERIALIZER.deserialize_context(context)
    args = {
        key: SERIALIZER.deserialize_entity(ctxt, value)
        for key, value in message["args"].items()
    }
    return message["method"], message["version"], ctxt, args


@pytest.fixture(scope="module")
def ours():
    out = subprocess.run([TOOL, "encode"], check=True, capture_output=True, text=True)
    return out.stdout.splitlines()


def understood(bodies):
    out = subprocess.run(
        [TOOL, "decode"],
        input="\n".join(bodies) + "\n",
        check=True,
        capture_output=True,
        text=True,
    )
    return [json.loads(line) for line in out.stdout.splitlines()]


def test_build_is_what_nova_expects(ours):
    method, version, ctxt, args = received(ours[0])
    assert (method, version) == ("build_and_run_instance", "6.0")
    assert ctxt.request_id == "req-975d7e40-c10b-448a-b5ba-7b8724ef099c"
    assert ctxt.project_name == "shop" and ctxt.user_name == "ann"
    assert ctxt.auth_token is None and ctxt.is_admin is False

    instance = args["instance"]
    assert isinstance(instance, objects.Instance) and instance.VERSION == "2.7"
    assert instance.uuid == UUID and instance.id == 7
    assert instance.display_name == "w\u00e9b <1>"
    assert instance.vm_state == "building" and instance.task_state == "scheduling"
    assert instance.host is None and instance.availability_zone == "az1"
    assert instance.metadata == {"colour": "blue"}
    assert instance.config_drive == "True"
    assert instance.created_at.isoformat() == "2026-11-22T14:44:28+00:00"
    assert instance.kernel_id == "4ab613bc-88dc-4021-8c58-97d247f0b9a2"
    assert instance.keypairs[0].public_key == "ssh-ed25519 AAAA ann"
    assert instance.pci_requests.requests == []
    assert instance.ec2_ids.instance_id == "i-00000007"
    flavor = instance.flavor
    assert isinstance(flavor, objects.Flavor) and flavor.VERSION == "1.2"
    assert (flavor.vcpus, flavor.memory_mb, flavor.root_gb) == (1, 128, 1)
    assert (flavor.ephemeral_gb, flavor.swap, flavor.rxtx_factor) == (2, 64, 1.0)
    assert flavor.extra_specs == {"hw:rng": "1"}
    # Every field that Nova's conductor sends is set, so nothing is fetched over RPC for it.
    for field in ("info_cache", "security_groups", "numa_topology", "device_metadata", "tags",
                  "old_flavor", "new_flavor", "vcpu_model", "trusted_certs", "resources"):
        assert instance.obj_attr_is_set(field), field

    spec = args["request_spec"]
    assert isinstance(spec, objects.RequestSpec) and spec.VERSION == "1.14"
    assert spec.instance_uuid == UUID and spec.num_instances == 1
    assert spec.flavor.flavorid == "l1"
    assert spec.image.id == IMAGE and spec.image.size == 17170432
    assert spec.image.properties.hw_machine_type == "q35"
    assert spec.image.properties.hw_cpu_cores == 2
    assert spec.image.properties.hw_pmu is True
    assert spec.limits.memory_mb is None

    networks = args["requested_networks"]
    assert isinstance(networks, objects.NetworkRequestList) and len(networks) == 1
    assert networks[0].network_id == "b61bc2f4-e433-47b7-a80b-294ee14474e4"
    assert str(networks[0].address) == "10.20.0.5"
    assert not networks.no_allocate

    devices = args["block_device_mapping"]
    assert [(d.source_type, d.destination_type, d.boot_index) for d in devices] == [
        ("image", "local", 0), ("blank", "local", -1), ("blank", "local", -1)]
    assert devices[0].is_image and devices[0].image_id == IMAGE
    assert devices[2].guest_format == "swap"

    assert args["filter_properties"]["retry"] == {"num_attempts": 2,
                                                 "hosts": [["host1", "node1"]]}
    ticket = args["filter_properties"]["kilonova"]
    assert ticket["generation"] == 3 and len(ticket["flavor_hash"]) == 64
    assert args["node"] == "node1" and args["injected_files"] == []
    # What nova-compute makes of the image dictionary.
    assert objects.ImageMeta.from_dict(args["image"]).disk_format == "qcow2"


def test_build_without_networks_is_nova_s_none(ours):
    _, _, _, args = received(ours[1])
    assert args["requested_networks"].no_allocate
    assert args["instance"].keypairs.objects == []


@pytest.mark.parametrize("line", range(6))
def test_arguments_fit_the_compute_manager(ours, line):
    method, version, ctxt, args = received(ours[line])
    function = inspect.unwrap(getattr(manager.ComputeManager, method))
    inspect.signature(function).bind(None, ctxt, **args)
    target = manager.ComputeManager.target
    major, minor = (int(part) for part in version.split("."))
    assert major == int(target.version.split(".")[0])
    assert minor <= int(target.version.split(".")[1])


@pytest.mark.parametrize(
    "line,method,extra",
    [(2, "terminate_instance", {"bdms"}), (3, "start_instance", set()),
     (4, "stop_instance", {"clean_shutdown"}),
     (5, "reboot_instance", {"block_device_info", "reboot_type"})])
def test_actions_are_what_nova_expects(ours, line, method, extra):
    got, _, _, args = received(ours[line])
    assert got == method and set(args) == {"instance"} | extra
    instance = args["instance"]
    assert isinstance(instance, objects.Instance) and instance.uuid == UUID
    assert instance.host == "host1" and instance.node == "node1"
    assert instance.vm_state == "active" and instance.power_state == 1
    assert instance.system_metadata["kilonova_generation"] == "3"
    assert instance.launched_at.isoformat() == "2026-11-22T14:45:00+00:00"
    # Nova reads the image back from system_metadata.
    assert instance.image_meta.properties.hw_cpu_cores == 2


def test_objects_serialise_again_in_nova(ours):
    """Nova's own serialisation of what it read has our values, field by field."""
    def values(entity):
        if isinstance(entity, dict):
            return {k: values(v) for k, v in entity.items() if k != "nova_object.changes"}
        if isinstance(entity, list):
            return [values(v) for v in entity]
        return entity

    for body in ours[:6]:
        sent = opened(body)["args"]
        _, _, ctxt, args = received(body)
        for key, value in args.items():
            again = jsonutils.to_primitive(SERIALIZER.serialize_entity(ctxt, value))
            assert values(again) == values(sent[key]), key


def test_failure_reply_raises_what_the_caller_knows(ours):
    reply = opened(ours[6])
    assert reply["_msg_id"] == "m1" and reply["ending"] is True
    failure = driver_common.deserialize_remote_exception(
        reply["failure"], ["oslo_messaging.rpc.dispatcher"])
    assert isinstance(failure, oslo_messaging.UnsupportedVersion)


class Recorder:
    """A transport's end: keeps what a Nova client would put on the wire."""

    def __init__(self):
        self.bodies = []

    def send(self, ctxt, version, method, **kwargs):
        message = {
            "method": method,
            "args": {k: SERIALIZER.serialize_entity(ctxt, v) for k, v in kwargs.items()},
            "version": version,
        }
        for key, value in SERIALIZER.serialize_context(ctxt).items():
            message["_context_" + key] = value
        message["_unique_id"] = "0123456789abcdef0123456789abcdef"
        self.bodies.append(json.dumps(driver_common.serialize_msg(message)))


@pytest.fixture
def client(monkeypatch):
    """Nova's own compute RPC client with its transport replaced by a Recorder."""
    recorder = Recorder()

    class Prepared:
        def __init__(self, version):
            self.version = version

        def cast(self, ctxt, method, **kwargs):
            recorder.send(ctxt, self.version, method, **kwargs)

        call = cast

    class Client:
        def can_send_version(self, version):
            return True

        def prepare(self, server=None, version=None, **_):
            assert server == "host1"
            return Prepared(version)

    api = compute_rpcapi.ComputeAPI.__new__(compute_rpcapi.ComputeAPI)

    class Router:
        def client(self, ctxt):
            return Client()

    monkeypatch.setattr(compute_rpcapi.ComputeAPI, "router", Router(), raising=False)
    return api, recorder


def make_instance(ctxt):
    now = timeutils.parse_isotime("2026-11-22T14:44:28Z")
    flavor = objects.Flavor(
        ctxt, id=5, name="m1.odd", flavorid="odd", vcpus=3, memory_mb=1536, root_gb=7,
        ephemeral_gb=0, swap=128, rxtx_factor=1.25, vcpu_weight=0, disabled=False, is_public=True,
        extra_specs={"hw:cpu_max_sockets": "1"}, description=None)
    instance = objects.Instance(
        ctxt, id=4242, uuid="9a1f1f5e-25de-4f3a-9a60-111213141516", user_id="u" * 32,
        project_id="p" * 32, display_name="\u043c\u0438\u0440 & peace", hostname="peace",
        image_ref=IMAGE, kernel_id="", ramdisk_id="", vm_state="building",
        task_state="scheduling", power_state=0, launch_index=0, user_data="IyEvYmluL3NoCg==",
        config_drive="", created_at=now, metadata={"a": "b\nc"}, system_metadata={},
        key_name=None, key_data=None, reservation_id="r-00000001", host="host1", node="node1",
        flavor=flavor, numa_topology=None, trusted_certs=None, resources=None,
        pci_requests=objects.InstancePCIRequests(requests=[]))
    return instance, flavor


def test_we_read_what_nova_sends(client):
    api, recorder = client
    ctxt = nova_context.RequestContext("u" * 32, "p" * 32, request_id="req-" + UUID)
    instance, flavor = make_instance(ctxt)
    networks = objects.NetworkRequestList(objects=[
        objects.NetworkRequest(network_id="b61bc2f4-e433-47b7-a80b-294ee14474e4")])
    devices = objects.BlockDeviceMappingList(objects=[objects.BlockDeviceMapping(
        source_type="image", destination_type="local", boot_index=0, image_id=IMAGE,
        device_type="disk", delete_on_termination=True, instance_uuid=instance.uuid)])
    image = {"id": IMAGE, "name": "tiny", "disk_format": "raw", "container_format": "bare",
             "size": 4096, "min_ram": 0, "min_disk": 0, "properties": {"hw_disk_bus": "scsi"}}
    spec = objects.RequestSpec(
        ctxt, flavor=flavor, image=objects.ImageMeta.from_dict(image), num_instances=1,
        project_id="p" * 32, instance_uuid=instance.uuid, numa_topology=None, is_bfv=False,
        pci_requests=objects.InstancePCIRequests(requests=[]),
        requested_networks=networks, availability_zone=None)
    api.build_and_run_instance(
        ctxt, instance, "host1", image, spec, {"retry": {"num_attempts": 2, "hosts": []}},
        admin_password="pw", injected_files=[], requested_networks=networks,
        security_groups=["default"], block_device_mapping=devices, node="node1", limits={},
        host_list=[], accel_uuids=[])
    api.terminate_instance(ctxt, instance, devices)
    api.start_instance(ctxt, instance)
    api.stop_instance(ctxt, instance, clean_shutdown=False)
    api.reboot_instance(ctxt, instance, None, "HARD")

    build, terminate, start, stop, reboot = understood(recorder.bodies)
    assert build["method"] == "build_and_run_instance", build
    assert build["request_id"] == "req-" + UUID
    assert build["unique_id"] == "0123456789abcdef0123456789abcdef"
    assert build["body"] == {
        "uuid": instance.uuid, "id": 4242, "display_name": "\u043c\u0438\u0440 & peace",
        "hostname": "peace", "project_id": "p" * 32, "user_data": "IyEvYmluL3NoCg==",
        "admin_password": "pw", "config_drive": False, "created_at": "2026-11-22T14:44:28Z",
        "metadata": {"a": "b\nc"}, "flavorid": "odd", "vcpus": 3, "memory_mb": 1536,
        "root_gb": 7, "swap": 128, "rxtx_factor": 1.25,
        "extra_specs": {"hw:cpu_max_sockets": "1"}, "image": IMAGE, "image_size": 4096,
        "image_properties": {"hw_disk_bus": "scsi"}, "kernel": None, "attempt": 2,
        "nics": [{"network_id": "b61bc2f4-e433-47b7-a80b-294ee14474e4", "port_id": ""}]}
    assert terminate["method"] == "terminate_instance", terminate
    assert start["body"] == {"uuid": instance.uuid, "id": 4242, "clean_shutdown": True,
                             "hard": False}
    assert stop["body"]["clean_shutdown"] is False
    assert reboot["body"]["hard"] is True


def test_volumes_of_nova_are_refused(client):
    api, recorder = client
    ctxt = nova_context.RequestContext("u" * 32, "p" * 32)
    instance, flavor = make_instance(ctxt)
    devices = objects.BlockDeviceMappingList(objects=[objects.BlockDeviceMapping(
        source_type="volume", destination_type="volume", boot_index=0,
        volume_id=IMAGE, instance_uuid=instance.uuid)])
    spec = objects.RequestSpec(ctxt, flavor=flavor, num_instances=1, instance_uuid=instance.uuid,
                               is_bfv=True)
    api.build_and_run_instance(
        ctxt, instance, "host1", {}, spec, {}, block_device_mapping=devices, accel_uuids=[])
    (answer,) = understood(recorder.bodies)
    assert "FEATURE_NOT_SERVED" in answer["error"]
