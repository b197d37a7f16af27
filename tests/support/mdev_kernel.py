# SPDX-License-Identifier: Apache-2.0
"""Makes mediated devices in the made-up sysfs of a test's libvirtd, where the kernel would: a thread
that serves the `create` files libvirtd.sh made.

With the kernel the device is there when the write returns. So a lease is held on each file: who opens
it waits until libvirtd stands still, which goes on once the device is made. Then libvirtd is told,
as udev would tell it.
"""
import fcntl
import itertools
import os
import shutil
import signal
import socket
import struct
import threading
import uuid

_NETLINK_KOBJECT_UEVENT, _UDEV_GROUP, _MAGIC = 15, 2, 0xFEEDCAFE


class MdevKernel:
    def __init__(self, libvirtd):
        self.made = []  # (parent's PCI address, type, uuid), in order
        self.failure = None
        self._libvirtd = libvirtd
        self._pci = libvirtd.directory / "pci"
        self._numbers = itertools.count(1)
        self._groups = itertools.count(len(list((self._pci / "groups").iterdir())) + 1)
        self._writes = itertools.count()
        self._files = {}  # one that may be opened next, and its type's directory
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        signal.signal(signal.SIGIO, signal.SIG_IGN)  # of a lease that is to end; it is asked for below
        for create in self._pci.glob("devices/*/mdev_supported_types/*/create"):
            self._arm(create.parent)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        for fd in self._files:
            os.close(fd)

    def forget(self):
        """What a start of the machine does: there are no devices any more."""
        for parent, kind, name in self.made:
            at = self._pci / "devices" / parent / name
            left = at.parent / "mdev_supported_types" / kind / "available_instances"
            left.write_text(f"{int(left.read_text()) + 1}\n")
            (self._pci / "mdev" / "devices" / name).unlink()
            shutil.rmtree(at)
            self._tell("remove", at)
        self.made = []

    def _run(self):
        while not self._stop.wait(0.02):
            for fd, kind in list(self._files.items()):
                if fcntl.fcntl(fd, fcntl.F_GETLEASE) == fcntl.F_UNLCK:
                    try:
                        self._serve(fd, kind)
                    except Exception as error:  # pylint: disable=broad-except
                        self.failure = error
                        return

    def _arm(self, kind):
        """Each write has a file of its own, so that none overwrites another."""
        file = kind / f".create{next(self._writes)}"
        file.touch()
        fd = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        self._files[fd] = kind
        (kind / ".next").symlink_to(file.name)
        (kind / ".next").rename(kind / "create")

    def _serve(self, fd, kind):
        self._libvirtd.pause()
        try:
            del self._files[fd]
            self._arm(kind)
            fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
            while len(written := os.pread(fd, 64, 0).decode()) < 36:
                if self._stop.wait(0.001):
                    return
            os.close(fd)
            made = self._make(kind, str(uuid.UUID(written)))
        finally:
            self._libvirtd.unpause()
        self._tell("add", made)

    def _make(self, kind, name):
        left = int((kind / "available_instances").read_text())
        assert left > 0, f"{name}: {kind} can make no more"
        (kind / "available_instances").write_text(f"{left - 1}\n")
        parent = kind.parent.parent
        group = str(next(self._groups))
        at = parent / name
        at.mkdir()
        (at / "uevent").write_text("DRIVER=vfio_mdev\n")
        (at / "subsystem").symlink_to("../../../../bus/mdev")
        (at / "mdev_type").symlink_to(f"../mdev_supported_types/{kind.name}")
        (at / "iommu_group").symlink_to(f"../../../../kernel/iommu_groups/{group}")
        (self._pci / "groups" / group / "devices").mkdir(parents=True)
        (self._pci / "vfio" / group).touch()
        (self._pci / "mdev" / "devices" / name).symlink_to(f"../../../devices/software/{parent.name}/{name}")
        self.made.append((parent.name, kind.name, name))
        return at

    def _tell(self, action, device):
        """The message udevd sends to who listens, for it does not run here."""
        text = b"".join(f"{line}\0".encode() for line in (
            f"ACTION={action}", f"DEVPATH=/devices/software/{device.parent.name}/{device.name}",
            "SUBSYSTEM=mdev", "DRIVER=vfio_mdev", f"SEQNUM={next(self._numbers)}"))
        header = struct.pack("=8s4s7I", b"libudev\0", struct.pack(">I", _MAGIC), 40, 40, len(text), 0, 0, 0, 0)
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_KOBJECT_UEVENT) as netlink:
            netlink.sendto(header + text, (0, _UDEV_GROUP))
