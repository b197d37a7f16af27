# SPDX-License-Identifier: Apache-2.0
"""What users get wrong or do on purpose: a clear reason, the claim released, nothing left behind."""
import hashlib
import http.server
import subprocess
import threading

import pytest

from cloud import Cloud, CliError, boot_sector


@pytest.fixture(scope="module")
def cloud():
    with Cloud(agents=["a"], agent_config="") as one:
        one.seed()
        yield one


class Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/good":
            body = boot_sector(b"from http\r\n")
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        elif self.path == "/stall":
            self.send_response(200)
            self.send_header("Content-Length", "1048576")
            self.end_headers()
            self.wfile.write(b"x" * 1000)
            self.wfile.flush()
            self.server.released.wait(120)
        else:
            self.send_error(404)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def http_url():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.released = threading.Event()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.released.set()
    server.shutdown()


def refused(cloud, *args, **kwargs):
    with pytest.raises(CliError) as error:
        cloud.create(*args, **kwargs)
    assert cloud.cli("instance", "list") == []
    return error.value.reason


def fails(cloud, *args, **kwargs):
    uuid = cloud.create(*args, **kwargs)
    instance = cloud.wait_state(uuid, "ERROR", seconds=120)
    # Before the user cleans up: the claim is gone, the host is clean.
    cloud.assert_no_leak()
    cloud.delete(uuid)
    return instance["fault"]["reason"]


def test_unknown_things_are_named(cloud):
    assert refused(cloud, "x", flavor="nope") == "FLAVOR_NOT_FOUND"
    assert refused(cloud, "x", image="nope") == "IMAGE_NOT_FOUND"
    assert refused(cloud, "x", network="nope") == "NETWORK_NOT_FOUND"
    with pytest.raises(CliError) as error:
        cloud.cli("instance", "show", "nope")
    assert error.value.reason == "INSTANCE_NOT_FOUND" and error.value.code == 2


def test_flavor_larger_than_any_host(cloud):
    cloud.cli("flavor", "create", "huge", "--id", "huge", "--vcpus", 1, "--memory", 2**30, "--disk", 1)
    assert fails(cloud, "x", flavor="huge") == "NO_VALID_HOST"


def test_disk_smaller_than_the_image(cloud):
    path = cloud.directory / "large.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(path), "3G"], check=True)
    cloud.register("large", path, "qcow2")
    assert fails(cloud, "x", image="large") in ("FLAVOR_DISK_TOO_SMALL", "IMAGE_TOO_BIG_FOR_FLAVOR")
    cloud.cli("image", "register", "min", path, "--min-disk", 9)
    assert refused(cloud, "x", image="min") == "FLAVOR_DISK_TOO_SMALL"
    cloud.cli("image", "register", "ram", path, "--min-ram", 4096)
    assert refused(cloud, "x", image="ram") == "FLAVOR_MEMORY_TOO_SMALL"


def test_wrong_digest(cloud):
    path = cloud.directory / "null.raw"
    cloud.cli("image", "register", "wrong", path, "--disk-format", "raw", "--sha256", "0" * 64)
    assert fails(cloud, "x", image="wrong") == "IMAGE_CHECKSUM_MISMATCH"


def test_http_image_and_its_failures(cloud, http_url):
    digest = hashlib.sha256(boot_sector(b"from http\r\n")).hexdigest()
    for name in ("good", "absent", "stall"):
        cloud.cli("image", "register", name, f"{http_url}/{name}", "--disk-format", "raw", "--sha256", digest)
    uuid = cloud.create("x", image="good")
    cloud.wait_state(uuid, "ACTIVE")
    cloud.wait_console(uuid, "from http")
    cloud.delete(uuid)
    # The digest is cached now; another digest makes another image.
    other = hashlib.sha256(b"other").hexdigest()
    for name in ("absent", "stall"):
        cloud.cli("image", "register", name + "2", f"{http_url}/{name}", "--disk-format", "raw", "--sha256", other)
        reason = fails(cloud, "x", image=name + "2")
        assert reason in ("IMAGE_FETCH_FAILED", "MAX_RETRIES_EXCEEDED"), (name, reason)


def test_hostile_images_are_refused_from_their_bytes(cloud):
    canary = cloud.directory / "canary"
    canary.write_bytes(b"secret of the host" * 1000)
    hostile = cloud.directory / "hostile.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(canary), str(hostile)],
                   check=True)
    cloud.register("backed", hostile, "qcow2")
    assert fails(cloud, "x", image="backed") == "IMAGE_UNSAFE"
    cloud.register("disguised", hostile, "raw")
    assert fails(cloud, "x", image="disguised") in ("IMAGE_FORMAT_MISMATCH", "IMAGE_UNSAFE")
    vdi = cloud.directory / "x.vdi"
    subprocess.run(["qemu-img", "create", "-q", "-f", "vdi", str(vdi), "1M"], check=True)
    try:
        cloud.register("vdi", vdi, "vdi")
    except CliError as error:
        assert error.reason == "IMAGE_INVALID"
    else:
        assert fails(cloud, "x", image="vdi") == "IMAGE_FORMAT_NOT_SERVED"


NASTY = ['"/><disk type="file"/>', "]]>", "&#0;", "&lt;x&amp;", "../../../../etc/passwd", "$(reboot)",
         "`id`", "%s%n%x", "';drop table instances;--", "\u202etxt.exe", "a" * 255, "名前", "{{7*7}}"]


@pytest.mark.parametrize("name", NASTY)
def test_hostile_names_and_metadata_stay_text(cloud, name):
    uuid = cloud.create(name, "--meta", f"evil={name}", "--config-drive", network=None)
    instance = cloud.wait_state(uuid, "ACTIVE")
    assert instance["name"] == name and instance["metadata"] == {"evil": name}
    xml = cloud.libvirtd.virsh("dumpxml", uuid)
    assert xml.count("<disk ") == 2, "a root disk and the config drive, nothing injected"
    cloud.delete(uuid)
    cloud.assert_no_leak()


@pytest.mark.parametrize("name", ["", "a\nb", "a\x1b[31m", "a" * 256, "\x7f"])
def test_names_with_control_characters_are_refused(cloud, name):
    assert refused(cloud, name) == "INVALID_ARGUMENT"


def test_hints_cannot_reach_internals(cloud):
    for hint in ("_nova_check_type=rebuild", "group=web", "cidr=24", "kilonova=x", "unknown=1"):
        assert refused(cloud, "x", "--hint", hint) == "INVALID_ARGUMENT"
    many = [x for i in range(101) for x in ("--hint", f"different_host=00000000-0000-4000-8000-{i:012d}")]
    assert refused(cloud, "x", *many) == "INVALID_ARGUMENT"
    for hint in ("same_host=../../x", "different_host=not-a-uuid"):
        reason = refused(cloud, "x", "--hint", hint)
        assert reason == "INVALID_ARGUMENT"


def test_features_not_served_are_refused_not_ignored(cloud):
    cloud.cli("flavor", "create", "limited", "--id", "limited", "--vcpus", 1, "--memory", 64, "--disk", 1,
              "--extra", "quota:memory_limit=64")
    assert fails(cloud, "x", flavor="limited") == "FEATURE_NOT_SERVED"
    # What Nova asks Placement for by a trait is refused there: swtpm is not enabled on the host, which
    # therefore does not say it has it.
    cloud.cli("flavor", "create", "tpm", "--id", "tpm", "--vcpus", 1, "--memory", 64, "--disk", 1,
              "--extra", "hw:tpm_version=2.0", "--extra", "hw:tpm_model=tpm-crb")
    assert fails(cloud, "x", flavor="tpm") == "NO_VALID_HOST"


def test_limits(cloud):
    meta = [x for i in range(129) for x in ("--meta", f"k{i}=v")]
    assert refused(cloud, "x", *meta) == "INVALID_ARGUMENT"
    assert refused(cloud, "x", "--meta", "k=" + "v" * 256) == "INVALID_ARGUMENT"
    nics = [x for _ in range(32) for x in ("-n", "net")]
    assert refused(cloud, "x", *nics) == "INVALID_ARGUMENT"
    with pytest.raises(CliError) as error:
        cloud.cli("network", "create", "bad", "--bridge", "br0; reboot", "--cidr", "10.0.0.0/24")
    assert error.value.reason == "NETWORK_INVALID"
    with pytest.raises(CliError) as error:
        cloud.cli("network", "delete", "nope")
    assert error.value.reason == "NETWORK_NOT_FOUND"


def test_pool_of_addresses_runs_out(cloud):
    cloud.cli("network", "create", "small", "--bridge", cloud.bridge, "--cidr", "10.78.0.0/29",
              "--gateway", "10.78.0.1", "--pool-start", "10.78.0.2", "--pool-end", "10.78.0.3")
    uuids = cloud.create("x", network="small", count=2)
    assert_reason = None
    with pytest.raises(CliError) as error:
        cloud.create("y", network="small")
    assert_reason = error.value.reason
    assert assert_reason == "NETWORK_ADDRESSES_EXHAUSTED"
    with pytest.raises(CliError) as error:
        cloud.cli("network", "delete", "small")
    assert error.value.reason == "NETWORK_IN_USE"
    for uuid in uuids:
        cloud.wait_state(uuid, "ACTIVE")
        cloud.delete(uuid)
    cloud.cli("network", "delete", "small")
    cloud.assert_no_leak()


def test_state_conflicts_are_refused(cloud):
    uuid = cloud.create("x")
    cloud.wait_state(uuid, "ACTIVE")
    with pytest.raises(CliError) as error:
        cloud.cli("instance", "start", uuid)
    assert error.value.reason == "INSTANCE_STATE_CONFLICT"
    cloud.delete(uuid)
    assert cloud.cli("instance", "delete", uuid)["vm_state"] == "VM_STATE_DELETED", "idempotent"
