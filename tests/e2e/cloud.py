# SPDX-License-Identifier: Apache-2.0
"""A whole cloud of real parts on this machine: RabbitMQ, libvirtd with QEMU, kilonova-scheduler and
one or more kilonova-agents, each in directories and on ports of its own.

    with Cloud(agents=["a"]) as cloud:
        cloud.seed()
        vm = cloud.create("vm1")
        cloud.wait_state(vm, "ACTIVE")

Every wait has a deadline and says what it saw last. Agents and the scheduler are restarted by
hand (`restart`), or by themselves when `supervise` is on, as an init system would.
"""
import base64
import fcntl
import functools
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from broker import Broker, free_port  # noqa: E402,F401
from daemon import PATIENCE, Daemon, poll  # noqa: E402,F401
from libvirtd import Libvirtd  # noqa: E402

BUILD = pathlib.Path(os.environ.get("KILONOVA_BUILD_DIR", ROOT / "build" / "dev"))
BIN = BUILD / "bin"


class CliError(Exception):
    def __init__(self, code, stderr):
        super().__init__(f"exit {code}: {stderr}")
        self.code, self.stderr = code, stderr
        match = re.search(r"kilonova: ([A-Z_]+): ", stderr)
        self.reason = match.group(1) if match else None


@functools.lru_cache(maxsize=None)
def guest_dir():
    """Kernel, initrd and disk of the talking guest; made once per build directory."""
    out = BUILD / "guest"
    script = ROOT / "deploy" / "guest-image.sh"
    stamp = out / "stamp"
    digest = hashlib.sha256(script.read_bytes()).hexdigest()
    # Tests run beside each other: one makes it, the others wait.
    with open(BUILD / "guest.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != digest:
            subprocess.run([str(script), str(out)], check=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
            stamp.write_text(digest)
    return out


def boot_sector(text=b"null guest\r\n"):
    """A 1 MiB disk that prints a line on the serial port and halts: costs no CPU."""
    code = bytearray([
        0xFA, 0x31, 0xC0, 0x8E, 0xD8, 0xFC,  # cli; ds = 0; cld
        0xBE, 0x00, 0x00,                    # mov si, text (patched)
        0xBA, 0xF8, 0x03,                    # mov dx, COM1
        0xAC, 0x84, 0xC0, 0x74, 0x03,        # lodsb; test al, al; jz halt
        0xEE, 0xEB, 0xF8,                    # out dx, al; jmp
        0xF4, 0xEB, 0xFD])                   # halt: hlt; jmp halt
    code[7:9] = (0x7C00 + len(code)).to_bytes(2, "little")
    sector = (bytes(code) + text + b"\0").ljust(446, b"\0")
    # One partition: as a raw image with a boot signature the inspector wants a sane table.
    sector += bytes([0x80, 0, 1, 0, 0x83, 0, 2, 0]) + (1).to_bytes(4, "little") + (100).to_bytes(4, "little")
    return (sector.ljust(510, b"\0") + b"\x55\xAA").ljust(1 << 20, b"\0")


class Cloud:
    def __init__(self, agents=("a",), scheduler_config="", agent_config="", console_bytes=None,
                 cpu_ratio=64.0, start=True, cells=1, pci=(), mdevs=()):
        # QEMU's user must be able to pass through.
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="kn-e2e-"))
        self.directory.chmod(0o755)
        self.names = list(agents)
        self.scheduler_config, self.agent_config = scheduler_config, agent_config
        self.cpu_ratio = cpu_ratio
        self.broker = Broker(start=False)
        self.libvirtd = Libvirtd(console_bytes=console_bytes, cells=cells, pci=pci, mdevs=mdevs)
        self._agents_inside = bool(mdevs)  # they write to sysfs themselves
        self.agents = {}
        self.scheduler = None
        self.bridge = None
        self._start = start
        self.images = {}

    # ---- life

    def __enter__(self):
        try:
            self.broker.start()
            self.libvirtd.start()
            self.bridge = self.libvirtd.add_bridge()
            if self._start:
                self.start_scheduler()
                for name in self.names:
                    self.start_agent(name)
                self.wait_hosts_up(self.names)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind, *_):
        for daemon in [*self.agents.values(), self.scheduler]:
            if daemon:
                daemon.unsupervise()
                if daemon.alive():
                    daemon.kill9()
        self.libvirtd.stop()
        self.broker.close()
        if kind is not None:
            for daemon in [self.scheduler, *self.agents.values()]:
                if daemon:
                    print(f"--- {daemon.name}:{daemon.tail(40)}")
        if "KILONOVA_TEST_KEEP" not in os.environ:
            shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def server(self):
        return f"unix:{self.directory}/scheduler.sock"

    def write_config(self, name, text):
        path = self.directory / f"{name}.yaml"
        path.write_text(text)
        path.chmod(0o600)
        return path

    def start_scheduler(self, **env):
        config = self.write_config("scheduler", f"""
listen: "{self.server}"
state_dir: "{self.directory}/scheduler"
amqp:
  url: "{self.broker.url}"
log:
  level: debug
{self.scheduler_config}""")
        self.scheduler = Daemon("scheduler", [str(BIN / "kilonova-scheduler"), "--config", str(config)],
                                self.directory, env)
        return self.scheduler.start()

    def start_agent(self, name, extra="", **env):
        state = self.directory / f"agent-{name}"
        config = self.write_config(f"agent-{name}", f"""
host: "{name}"
state_dir: "{state}"
libvirt:
  uri: "{self.libvirtd.uri}"
  virt_type: qemu
amqp:
  url: "{self.broker.url}"
scheduler:
  address: "{self.server}"
inventory:
  cpu_allocation_ratio: {self.cpu_ratio}
  reserved_host_memory_mb: 64
images:
  file_roots: ["{self.directory}", "{BUILD}"]
  allow_loopback: true
log:
  level: debug
{self.agent_config}
{extra}""")
        argv = [str(BIN / "kilonova-agent"), "--config", str(config)]
        if self._agents_inside:
            argv = self.libvirtd.around(*argv)
        self.agents[name] = Daemon(f"agent-{name}", argv, self.directory, env)
        return self.agents[name].start()

    # ---- the client

    def cli(self, *args, timeout=PATIENCE, json_out=True):
        argv = [str(BIN / "kilonova"), "--server", self.server, *map(str, args)]
        if json_out:
            argv += ["-o", "json"]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, check=False,
                              stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise CliError(done.returncode, done.stderr)
        return json.loads(done.stdout) if json_out and done.stdout.strip() else done.stdout

    def hosts(self):
        return {host["name"]: host for host in self.cli("host", "list")}

    def wait_hosts_up(self, names, seconds=PATIENCE):
        def up():
            try:
                hosts = self.hosts()
            except CliError:
                return False
            # Degraded: its queue or libvirt is not there yet, and it takes nothing.
            return all(name in hosts and hosts[name]["up"] and not hosts[name]["degraded"] for name in names)
        poll(up, lambda: f"hosts {names} up: {self.scheduler.tail()}"
             + "".join(a.tail() for a in self.agents.values()), seconds)

    def seed(self, guest=False):
        """Flavors, a network, and images: "null" halts at once, "guest" talks on its console."""
        self.cli("flavor", "create", "nano", "--id", "nano", "--vcpus", 1, "--memory", 64, "--disk", 1)
        self.cli("flavor", "create", "tiny", "--id", "tiny", "--vcpus", 1, "--memory", 128, "--disk", 1)
        self.cli("network", "create", "net", "--bridge", self.bridge, "--cidr", "10.77.0.0/24",
                 "--gateway", "10.77.0.1", "--mtu", 1450)
        disk = self.directory / "null.raw"
        disk.write_bytes(boot_sector())
        self.register("null", disk, "raw", os_shutdown_timeout=1)
        if guest:
            self.seed_guest()

    def seed_guest(self, name="guest", **properties):
        files = guest_dir()
        if "kernel" not in self.images:
            self.register("kernel", files / "vmlinuz", "aki")
            self.register("ramdisk", files / "initrd.gz", "ari")
        self.register(name, files / "disk.qcow2", "qcow2", kernel_id=self.images["kernel"],
                      ramdisk_id=self.images["ramdisk"],
                      **{"os_command_line": "console=ttyS0 quiet", "os_shutdown_timeout": 20, **properties})

    def register(self, name, source, disk_format, **properties):
        args = [x for key, value in properties.items() for x in ("--property", f"{key}={value}")]
        image = self.cli("image", "register", name, source, "--disk-format", disk_format, *args)
        self.images[name] = image["id"]
        return image

    def create(self, name, *args, flavor="nano", image="null", network="net", count=None):
        argv = ["instance", "create", name, "-f", flavor, "-i", image]
        argv += ["-n", network] if network else []
        argv += ["--count", count] if count else []
        made = self.cli(*argv, *args)
        return [i["uuid"] for i in made] if isinstance(made, list) else made["uuid"]

    def show(self, uuid):
        return self.cli("instance", "show", uuid)

    def state(self, uuid):
        return self.show(uuid)["vm_state"].removeprefix("VM_STATE_")

    def wait_state(self, uuid, *states, seconds=PATIENCE):
        """Until its vm_state is one of `states` with no task going on; returns the instance."""
        seen = {}

        def reached():
            try:
                seen["i"] = self.show(uuid)
            except CliError as error:
                if error.code == 3:
                    return None
                raise
            i = seen["i"]
            return i if i["vm_state"].removeprefix("VM_STATE_") in states and not i["task_state"] else None

        def saw():
            i = seen.get("i", {})
            return (f"{uuid} in {states}; it is {i.get('vm_state')} task={i.get('task_state')!r} "
                    f"fault={i.get('fault')} host={i.get('host')}" + self.scheduler.tail()
                    + "".join(agent.tail() for agent in self.agents.values()))
        return poll(reached, saw, seconds, every=0.1)

    def delete(self, uuid, seconds=PATIENCE):
        self.cli("instance", "delete", uuid)
        return self.wait_state(uuid, "DELETED", seconds=seconds)

    def hold(self, daemon, point):
        """Restarts it so that it waits at `point` until the returned file is removed."""
        file = self.directory / f"hold-{point}"
        file.touch()
        daemon.restart(KILONOVA_FAILPOINTS=f"{point}=while@{file}")
        self.wait_hosts_up(self.names)
        return file

    def settle(self):
        """Daemons that run without failpoints, and no instances: where a test begins and ends."""
        for daemon in (self.scheduler, *self.agents.values()):
            daemon.unsupervise()
            if daemon.env.pop("KILONOVA_FAILPOINTS", None) or not daemon.alive():
                daemon.restart()
        self.wait_hosts_up(self.names)
        for instance in self.cli("instance", "list"):
            self.delete(instance["uuid"])

    def console(self, uuid):
        return base64.b64decode(self.cli("instance", "console", uuid)["output"]).decode(errors="replace")

    def wait_console(self, uuid, text, seconds=300):
        seen = {"t": ""}

        def there():
            seen["t"] = self.console(uuid)
            return seen["t"] if text in seen["t"] else None
        return poll(there, lambda: f"{text!r} on the console, which says: {seen['t'][-2000:]}", seconds, every=0.5)

    # ---- what is really there

    def domains(self):
        """uuid -> running?, of every domain libvirt knows."""
        everything = self.libvirtd.virsh("list", "--all", "--uuid").split()
        running = self.libvirtd.virsh("list", "--uuid").split()
        return {uuid: uuid in running for uuid in everything}

    def taps(self):
        """Interfaces plugged into our bridge."""
        path = pathlib.Path(f"/sys/class/net/{self.bridge}/brif")
        return sorted(p.name for p in path.iterdir()) if path.exists() else []

    def instance_dirs(self, agent):
        path = self.directory / f"agent-{agent}" / "instances"
        return sorted(p.name for p in path.iterdir()) if path.exists() else []

    def downloads(self, agent):
        path = self.directory / f"agent-{agent}" / "images" / ".tmp"
        return sorted(p.name for p in path.iterdir()) if path.exists() else []

    def used(self, host):
        return {i["resource_class"]: int(i["used"]) for i in self.hosts()[host]["inventories"]}

    def leaks(self, live=()):
        """What is there and belongs to no instance of `live` (uuids): must be empty."""
        found = []
        live = set(live)
        for uuid in self.domains():
            if uuid not in live:
                found.append(f"domain {uuid}")
        for name in self.agents:
            found += [f"directory {name}/{d}" for d in self.instance_dirs(name) if d not in live]
            found += [f"download {name}/{d}" for d in self.downloads(name)]
        if len(self.taps()) > len(live):
            found.append(f"taps {self.taps()}")
        if not live:
            for name in self.hosts():
                claimed = {k: v for k, v in self.used(name).items() if v}
                if claimed:
                    found.append(f"claims on {name}: {claimed}")
        return found

    def delete_all(self):
        for instance in self.cli("instance", "list"):
            self.delete(instance["uuid"])

    def assert_no_leak(self, live=(), seconds=PATIENCE):
        poll(lambda: not self.leaks(live), lambda: f"no leaks; there are {self.leaks(live)}"
             + "".join(agent.tail() for agent in self.agents.values()), seconds, every=0.2)
