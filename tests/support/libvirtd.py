# SPDX-License-Identifier: Apache-2.0
"""A real libvirtd and QEMU of a test's own; the twin of libvirtd.h.

    with Libvirtd() as libvirtd:
        libvirtd.add_network("kn-test")
        ... libvirtd.uri ...
        libvirtd.kill9(); libvirtd.restart()

By default it shares the machine's network namespace, so that an agent outside sees its bridges;
own_net=True gives it one of its own. cells=2: it sees a machine with two NUMA nodes and has huge
pages; pci: it sees these PCI devices too, all of domain 00ff, and mdevs: which of them make mediated
devices (libvirtd.sh says how). Needs root. Its directory is kept if KILONOVA_TEST_KEEP is set.
"""

import fcntl
import os
import pathlib
import secrets
import shutil
import subprocess
import tempfile
import time

_SCRIPT = str(pathlib.Path(__file__).with_name("libvirtd.sh"))


def _borrow(path):
    """A directory to mount something over, made if it is not there. Where one was removed the kernel
    unmounts it in all namespaces, so it stays until nobody holds the lock."""
    while True:
        os.makedirs(path, exist_ok=True)
        try:
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        fcntl.flock(fd, fcntl.LOCK_SH)
        if os.path.exists(path) and os.path.samestat(os.fstat(fd), os.stat(path)):
            return fd
        os.close(fd)


def _give_back(path, fd):
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.rmdir(path)
    except OSError:
        pass  # others use it, or it is the machine's own
    os.close(fd)


class Libvirtd:
    def __init__(self, own_net=False, console_bytes=None, cells=1, pci=(), mdevs=()):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="kn-lv-"))
        self.own_net = own_net
        self.dhcp_prefix = f"10.213.{secrets.randbelow(256)}"  # others may run beside it
        self.uri = f"qemu+unix:///system?socket={self.directory}/sock/libvirt-sock"
        self._console_bytes = console_bytes
        self._cells = cells
        self._pci = pci
        self._mdevs = mdevs
        self._borrowed = {}  # directories of the machine that something is mounted over
        self._holder = None
        self._init = None
        self._networks = []
        self._bridges = []

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self, patience=120):
        os.chmod(self.directory, 0o755)
        for path in (["/dev/vfio"] if self._pci else []) + (["/run/udev"] if self._mdevs else []):
            self._borrowed[path] = _borrow(path)
        env = dict(os.environ, KILONOVA_TEST_CELLS=str(self._cells), KILONOVA_TEST_PCI=" ".join(self._pci),
                   KILONOVA_TEST_MDEVS=" ".join(self._mdevs))
        if self._console_bytes:
            env["KILONOVA_TEST_CONSOLE_BYTES"] = str(self._console_bytes)
        command = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--propagation",
                   "private", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"]
        command += ["--net"] if self.own_net else []
        with open(self.directory / "hold.err", "ab") as err:
            self._holder = subprocess.Popen(command + [_SCRIPT, "hold", str(self.directory)],
                                            stdin=subprocess.DEVNULL, stdout=err, stderr=err, env=env)
        until = time.monotonic() + patience
        while not (self.directory / "held").exists():
            if time.monotonic() > until or self._holder.poll() is not None:
                raise RuntimeError((self.directory / "hold.err").read_text())
            time.sleep(0.02)
        pid = self._holder.pid
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        self._init = int(children[0])
        self.restart()

    def inside(self, *command, check=True):
        """Runs a command in the namespaces; returns its output."""
        net = ["--net"] if self.own_net else []
        done = subprocess.run(["nsenter", "-t", str(self._init), "--mount", "--pid", *net, *command],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
        if check and done.returncode != 0:
            raise RuntimeError(f"{command}: {done.stdout}{done.stderr}")
        return done.stdout

    def around(self, *command):
        """The same command, run where the made devices are but among the machine's processes: it is
        the process it becomes."""
        return ["nsenter", "-t", str(self._init), "--mount", "unshare", "--mount", "--propagation", "private",
                "sh", "-c", 'mount -t proc proc /proc && exec "$@"', "sh", *command]

    def virsh(self, *arguments, check=True):
        return self.inside("virsh", "-q", "-c", self.uri, *arguments, check=check).strip()

    def restart(self):
        """Starts what does not run; guests and their state are as they were."""
        self.inside(_SCRIPT, "start", str(self.directory))

    def pid(self, daemon="libvirtd"):
        """Its number in the namespace."""
        return int((self.directory / f"{daemon}.pid").read_text())

    def _signal(self, name):
        self.inside("kill", f"-{name}", str(self.pid()), check=False)

    def kill9(self):
        self._signal("KILL")
        # Gone, not merely told: restart looks for it.
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if not self.inside("sh", "-c", f"kill -0 {self.pid()} 2>&1 || echo gone").strip() == "":
                return
            time.sleep(0.02)

    def pause(self):
        self._signal("STOP")

    def unpause(self):
        self._signal("CONT")

    def qemu_pid(self, domain_name):
        """The guest's QEMU in the namespace, None when it does not run."""
        path = self.directory / "run" / "qemu" / f"{domain_name}.pid"
        if not path.exists():
            return None
        pid = int(path.read_text())
        alive = self.inside("sh", "-c", f"kill -0 {pid} 2>/dev/null && echo yes || true").strip()
        return pid if alive == "yes" else None

    def add_bridge(self, name=None):
        """A Linux bridge nothing else is plugged into; removed by stop."""
        name = name or "kn" + secrets.token_hex(4)
        self.inside("ip", "link", "add", name, "type", "bridge")
        self.inside("ip", "link", "set", name, "up")
        self._bridges.append(name)
        return name

    def add_network(self, name, bridge=None, dhcp=False):
        """An active libvirt network that leads nowhere; removed by stop. dhcp: libvirt's dnsmasq
        gives 100 to 200 of `dhcp_prefix` on it."""
        bridge = bridge or "kn" + secrets.token_hex(4)
        ip = ""
        if dhcp:
            ip = (f"<ip address='{self.dhcp_prefix}.1' netmask='255.255.255.0'><dhcp>"
                  f"<range start='{self.dhcp_prefix}.100' end='{self.dhcp_prefix}.200'/></dhcp></ip>")
        path = self.directory / f"{bridge}.xml"
        path.write_text(f"<network><name>{name}</name><bridge name='{bridge}'/>{ip}</network>")
        self.virsh("net-define", str(path))
        self.virsh("net-start", name)
        self.virsh("net-autostart", name)
        self._networks.append(name)
        return bridge

    def stop(self):
        """Ends its guests, its daemons and nothing else."""
        if self._holder is None:
            return
        if not self.own_net:
            self._clean_shared_net()
        self._holder.kill()  # and with it, by the kernel, everything in the namespace
        self._holder.wait()
        self._holder = None
        for path, fd in self._borrowed.items():
            _give_back(path, fd)
        self._borrowed = {}
        if "KILONOVA_TEST_KEEP" not in os.environ:
            shutil.rmtree(self.directory, ignore_errors=True)

    def _clean_shared_net(self):
        """Interfaces of the machine's own namespace do not go with ours."""
        try:
            self.unpause()
            self.restart()
            for domain in self.virsh("list", "--uuid").split():
                self.virsh("destroy", domain, check=False)
            for name in self._networks:
                self.virsh("net-destroy", name, check=False)
        except (RuntimeError, subprocess.TimeoutExpired, FileNotFoundError):
            pass  # the interfaces by name, below
        for name in self._bridges:
            self.inside("ip", "link", "del", name, check=False)
