#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Asks the installed Nova what domains it makes of recombined and changed requests.

    /usr/bin/python3 tests/tools/libvirt_xml_vectors.py --seed 7 --count 500 \
        --from tests/vectors/libvirt_xml.json --out DIR
    KILONOVA_VECTORS=DIR build/dev/tests/unit/agent/guest/agent_guest_vectors_test

writes DIR/libvirt_xml.json, of the same kind as the file it starts from. With --check it asks Nova
about that file's own requests and compares: the harness here must be the one of the recording.
Needs Debian's python3-nova with its tests.
"""
import argparse
import copy
import itertools
import json
import logging
import os
import pathlib
import random
import sys
import types
from unittest import mock

import fixtures

import nova.conf
from nova import context as nova_context
from nova import objects
from nova.conf import neutron as neutron_options
from nova.network import model as network_model
from nova.virt import fake
from nova.virt import hardware
from nova.virt.libvirt import blockinfo
from nova.virt.libvirt import driver as libvirt_driver

# The fake of libvirt alone: the package around it wants test tools that nobody installs.
_PACKAGE = types.ModuleType("nova.tests.fixtures")
_PACKAGE.__path__ = [os.path.join(os.path.dirname(objects.__file__), "../tests/fixtures")]
sys.modules["nova.tests.fixtures"] = _PACKAGE
from nova.tests.fixtures import libvirt as fakelibvirt  # noqa: E402

CONF = nova.conf.CONF
SECRET = "ffffffff-0000-4000-a000-00000000000a"
SERIAL = "dddddddd-0000-4000-a000-00000000000f"
FLAVOR_SPECS = {
    "hw:mem_page_size": ["small", "large", "any", "2048", "1GB"],
    "hw:locked_memory": ["true", "false"],
    "hw:emulator_threads_policy": ["share", "isolate"],
    "hw:cpu_policy": ["dedicated", "shared", "mixed"],
    "hw:cpu_thread_policy": ["prefer", "isolate", "require"],
    "hw:cpu_dedicated_mask": ["0", "1", "^0", "0-1"],
    "hw:cpu_realtime": ["yes"],
    "hw:cpu_realtime_mask": ["^0", "^0-1", "1"],
    "hw:numa_nodes": ["1", "2"],
    "hw:viommu_model": ["auto", "intel", "virtio", "smmuv3"],
    "hw:watchdog_action": ["none", "reset", "disabled", "explode"],
    "hw:serial_port_count": ["1", "2", "4", "5"],
    "hw:tpm_version": ["1.2", "2.0"],
    "hw:tpm_model": ["tpm-tis", "tpm-crb"],
    "hw:vif_multiqueue_enabled": ["true", "no"],
    "hw_rng:rate_bytes": ["0", "77"],
    "hw_rng:rate_period": ["0", "9"],
    "hw_video:ram_max_mb": ["8", "256"],
    "hide_hypervisor_id": ["1"],
    "trait:HW_CPU_X86_SSE42": ["required"],
    "trait1:HW_CPU_X86_SSE2": ["required"],
    "trait:HW_CPU_X86_SVM": ["required"],
    "quota:vif_inbound_average": ["1"],
    "quota:cpu_shares": ["0", "-5", "x"],
    "quota:cpu_quota": ["-1", "0", " 7 "],
    "quota:disk_write_iops_sec": ["0", "9"],
    "quota:vif_outbound_peak": ["0"],
    "hw:boot_menu": ["true", "perhaps"],
    "hw:pmu": ["true", "no", "perhaps"],
    "hw:hide_hypervisor_id": ["true"],
    "hw:mem_encryption": ["true"],
    "os:secure_boot": ["required", "optional", "disabled", "perhaps"],
    "hw:cpu_sockets": ["1", "2", "3"],
    "hw:cpu_cores": ["2"],
    "hw:cpu_max_sockets": ["1", "2"],
    "hw:cpu_max_threads": ["1"],
    "hw_rng:allowed": ["", "off", "Perhaps"],
    "resources:PCPU": ["1", "2", "4"],
    "trait:HW_CPU_HYPERTHREADING": ["required", "forbidden"],
    "trait:HW_CPU_X86_SSE41": ["required", "forbidden"],
    "trait_X:HW_CPU_X86_SSSE3": ["required"],
    "trait!:HW_CPU_X86_SSE42": ["required"],
}
PROPERTIES = {
    "hw_disk_bus": ["virtio", "scsi", "ide", "sata", "usb", "fdc", "xen", "lxc", "nonsense"],
    "hw_cdrom_bus": ["sata", "ide", "scsi", "usb", "fdc", "uml"],
    "hw_scsi_model": ["virtio-scsi", "lsilogic", "lsisas1068", "paravirtual", "VirtIO-SCSI"],
    "hw_machine_type": ["pc", "q35", "pc-q35-2.11", "pc-i440fx-2.11", "nonsense", "virt"],
    "hw_vif_model": ["virtio", "VirtualE1000", "netfront", "lan9118", "sriov"],
    "hw_firmware_type": ["uefi", "bios", "uboot"],
    "os_secure_boot": ["required", "optional", "disabled"],
    "hw_architecture": ["x86_64", "amd64", "i686"],
    "architecture": ["i386", "x86_64"],
    "hw_video_model": ["virtio", "qxl", "vmvga", "xen", "none"],
    "hw_video_ram": ["0", "8", "many"],
    "hw_qemu_guest_agent": ["yes", "maybe"],
    "hw_rescue_device": ["disk", "cdrom", "floppy", "lun", "fs"],
    "hw_rescue_bus": ["virtio", "usb", "scsi", "xen"],
    "hw_input_bus": ["usb", "virtio"],
    "hw_pmu": ["true", "false"],
    "hw_boot_menu": ["true", "no"],
    "hw_tpm_version": ["1.2", "2.0"],
    "hw_cpu_sockets": ["2", "-1"],
    "hw_viommu_model": ["auto", "intel"],
    "vm_mode": ["hvm", "hv"],
    "os_require_quiesce": ["yes"],
    "hw_emulation_architecture": ["x86_64", "AMD64"],
    "hw_time_hpet": ["true", "perhaps"],
    "hw_watchdog_action": ["pause", "disabled"],
    "hw_vif_multiqueue_enabled": ["true", "0"],
    "hw_locked_memory": ["true"],
    "hw_mem_page_size": ["large", "2MB"],
    "hw_numa_nodes": ["1", "2"],
    "hw_cpu_policy": ["dedicated", "shared", "mixed"],
    "hw_cpu_thread_policy": ["prefer", "isolate", "require"],
    "hw_cpu_cores": ["1", "2", "0"],
    "hw_cpu_max_cores": ["1", "4"],
    "hw_serial_port_count": ["1", "2", "4", "0"],
    "hw_pointer_model": ["usbtablet"],
    "hw_tpm_model": ["tpm-tis", "tpm-crb"],
    "img_hide_hypervisor_id": ["yes", "perhaps"],
    "os_command_line": ["", "quiet <&> 'x'"],
    "vmware_adaptertype": ["ide", "lsiLogicsas", "paraVirtual", ""],
    "hw_floppy_bus": ["fdc", "scsi"],
    "hw_mem_encryption": ["true", "false"],
    "os_type": ["linux", "Windows"],
    "trait:HW_CPU_X86_SSE41": ["required"],
}
PERF_EVENTS = ["cache_misses", "cpu_clock", "mbmt"]
SEV = {"cbitpos": 47, "reduced_phys_bits": 1}
CPU_FEATURES = {"Nehalem": ["sse4.1", "sse4.2", "ssse3"], "Penryn": ["sse4.1", "ssse3"],
                "qemu64": ["sse2", "svm"]}
VOLUME_TYPES = ["iscsi", "iser", "fibre_channel", "local", "nvmeof", "lightos", "rbd", "nfs",
                "smbfs", "gpfs", "scaleio", "storpool", "nonsense"]
OPTIONS = {
    "libvirt.file_backed_memory": [4096],
    "libvirt.images_type": ["raw", "flat", "qcow2", "default"],
    "DEFAULT.preallocate_images": ["space"],
    "workarounds.libvirt_disable_apic": [True],
    "libvirt.realtime_scheduler_priority": [7],
    "libvirt.sysinfo_serial": ["hardware", "none", "unique"],
    "libvirt.max_queues": [2],
    "compute.max_disk_devices_to_attach": [1, 2, 3],
    "libvirt.disk_prefix": ["vd", "xvd"],
    "libvirt.num_pcie_ports": [3],
    "libvirt.cpu_mode": ["host-model", "none", "custom", "host-passthrough"],
    "libvirt.cpu_models": [["nehalem"], ["Penryn", "qemu64"], ["QEMU64", "Nehalem", "penryn"]],
    "libvirt.cpu_model_extra_flags": [["-PCID", "+ssbd"], ["vmx", "VMX"], ["+Pdpe1gb"], []],
    "libvirt.virt_type": ["kvm", "qemu"],
    "serial_console.enabled": [True],
    "libvirt.enabled_perf_events": [["cpu_clock", "cache_misses", "mbmt", "nonsense"], []],
    "libvirt.hw_machine_type": [["aarch64=virt", "x86_64=q35"], ["x86_64=pc-q35-2.11"],
                                ["aarch64=virt"], ["x86_64=pc", "x86_64=q35"]],
    "libvirt.disk_cachemodes": [["file=writethrough", "block=writeback"], ["network=none"]],
    "libvirt.hw_disk_discard": ["unmap", "ignore"],
    "libvirt.mem_stats_period_seconds": [0, -1, 30],
    "libvirt.rng_dev_path": ["", "/dev/urandom", "/dev/hwrng"],
    "libvirt.rx_queue_size": [256, 1024],
    "libvirt.tx_queue_size": [256],
    "libvirt.use_virtio_for_bridges": [False, True],
    "vnc.enabled": [False, True],
    "vnc.server_listen": ["::1"],
    "spice.enabled": [True],
    "spice.agent_enabled": [True, False],
    "spice.server_listen": ["10.0.0.9"],
    "DEFAULT.pointer_model": ["ps2mouse", "usbtablet"],
    "DEFAULT.config_drive_format": ["vfat", "iso9660"],
    "compute.cpu_shared_set": ["0-1", "0-1,8-9"],
}


# ---- Nova ------------------------------------------------------------------------------------

class Volume(dict):
    def save(self):
        pass


class Nova(fixtures.Fixture):
    """One request put to Nova's libvirt driver on its own fake of libvirt."""

    def __init__(self, family, vector):
        super().__init__()
        self.family, self.vector = family, vector

    def answer(self):
        with self:
            return self._answer()

    def patch(self, target, **kwargs):
        self.useFixture(fixtures.MonkeyPatch(target, mock.Mock(**kwargs)))

    def option(self, group, name, value):
        group = None if group == "DEFAULT" else group
        CONF.set_override(name, value, group)
        self.addCleanup(CONF.clear_override, name, group)

    def _driver(self):
        shape = dict(self.family["host_kinds"][self.vector["host_kind"]])
        mempages = None
        if self.vector["host_kind"] == "numa":
            cell = shape["kB_mem"] // shape["cpu_nodes"]
            small = (cell - 2048 * 2048 - 2 * 1048576) // 4
            mempages = {i: fakelibvirt.create_mempages([(4, small), (2048, 2048), (1048576, 2)])
                        for i in range(shape["cpu_nodes"])}
        version = self.vector["libvirt_version"]
        number = (version[0] * 1000000 + version[1] * 1000 + version[2] if version
                  else self.family["host"]["libvirt_version_default"])
        info = fakelibvirt.HostInfo(mempages=mempages, **shape)
        connection = fakelibvirt.Connection(
            "qemu:///system", version=number,
            hv_version=self.family["host"]["qemu_version_default"], host_info=info)
        self.patch("nova.virt.libvirt.host.Host.get_connection", return_value=connection)
        self.patch("nova.virt.libvirt.host.Host._get_new_connection", return_value=connection)
        driver = libvirt_driver.LibvirtDriver(fake.FakeVirtAPI(), False)
        driver.capabilities["supports_secure_boot"] = True
        for event in PERF_EVENTS:  # the fake has none of libvirt's
            setattr(libvirt_driver.libvirt, "VIR_PERF_PARAM_" + event.upper(), event)
        driver._supported_perf_events = driver._get_supported_perf_events()
        return driver

    def _prepare(self):
        self.useFixture(fakelibvirt.LibvirtFixture())
        here = "nova.virt.libvirt.driver.LibvirtDriver."
        for name, value in (("_connect_volume", None), ("_serial_ports_already_defined", False),
                            ("_get_host_sysinfo_serial_hardware", SERIAL)):
            self.patch(here + name, return_value=value)
        self.patch("nova.virt.libvirt.host.Host.is_cpu_control_policy_capable", return_value=True)
        secret = self.vector.get("volume_secret")
        found = mock.Mock(UUIDString=mock.Mock(return_value=secret)) if secret else None
        self.patch("nova.virt.libvirt.host.Host.find_secret", return_value=found)
        if self.vector.get("sev"):
            self.useFixture(fixtures.MonkeyPatch(
                "nova.virt.libvirt.host.Host.supports_amd_sev", True))
            self.patch(here + "_find_sev_feature", return_value=mock.Mock(**SEV))
        self.patch(here + "_get_guest_baseline_cpu_features", side_effect=baseline)
        self.patch("nova.privsep.utils.supports_direct_io", return_value=True)
        self.useFixture(fixtures.MonkeyPatch(
            "nova.virt.libvirt.imagebackend.Image.resolve_driver_format",
            lambda image: image.driver_format))
        self.patch("nova.version.version_string_with_package",
                   return_value=self.family["nova_version"])
        self.patch("time.time", return_value=self.family["creation_time"])
        ports = itertools.count(10000)
        self.patch("nova.console.serial.acquire_port", side_effect=lambda host: next(ports))
        exists = os.path.exists
        self.patch("os.path.exists", side_effect=lambda path: str(path) in (
            "/dev/urandom", "/dev/hwrng") or exists(path))
        for key, value in self.vector["config"].items():
            group, name = key.split(".", 1)
            self.option(group, name, value)
        self.option("DEFAULT", "instances_path", self.family["instances_path"])
        self.option("DEFAULT", "my_ip", self.family["my_ip"])

    def _instance(self):
        vector, given = self.vector, self.vector["instance"]
        flavor = objects.Flavor(**vector["flavor"], id=1, rxtx_factor=1.0, is_public=True,
                                disabled=False, vcpu_weight=0)
        properties = (vector["image"] or {}).get("properties", {})
        system = {"owner_user_name": given["user_name"],
                  "owner_project_name": given["project_name"], "vtpm_secret_uuid": SECRET}
        system.update({"image_" + name: value for name, value in properties.items()})
        fields = {name: given[name] for name in (
            "id", "uuid", "display_name", "user_id", "project_id", "config_drive", "os_type",
            "kernel_id", "ramdisk_id", "image_ref")}
        instance = objects.Instance(
            **{name: value for name, value in fields.items()}, flavor=flavor,
            system_metadata=system, vm_mode=None, launched_at=None, numa_topology=None,
            vcpu_model=None, resources=None, ephemeral_gb=flavor.ephemeral_gb,
            root_gb=flavor.root_gb, root_device_name=None, old_flavor=None, new_flavor=None,
            memory_mb=flavor.memory_mb, vcpus=flavor.vcpus, host="h", node="n", metadata={},
            default_ephemeral_device=None, default_swap_device=None, project_name=None)
        devices = [objects.PciDevice(address=one["address"]) for one in vector["pci_devices"]]
        self.patch("nova.objects.Instance.get_pci_devices", return_value=devices)
        return instance, flavor

    def _network_info(self):
        vifs = []
        for one in self.vector["vifs"]:
            subnet = network_model.Subnet(cidr="10.0.0.0/16", dns=[], gateway=None, routes=[],
                                          ips=[network_model.FixedIP(address=address)
                                               for address in one["ips"]])
            network = network_model.Network(id=one["id"], bridge=one["bridge"], label="n",
                                            subnets=[subnet], mtu=one["mtu"])
            vifs.append(network_model.VIF(
                id=one["id"], address=one["address"], network=network, type=one["type"],
                details=one["details"], devname=one["devname"], vnic_type=one["vnic_type"],
                profile=one["profile"], delegate_create=one.get("delegate_create", True)))
        return network_model.NetworkInfo(vifs)

    def _answer(self):
        self._prepare()
        driver = self._driver()
        result, stage = {}, "input"
        try:
            image = objects.ImageMeta.from_dict(copy.deepcopy(self.vector["image"]))
            instance, flavor = self._instance()
            stage = "numa_get_constraints"
            wanted = hardware.numa_get_constraints(flavor, image)
            if wanted:
                stage = "numa_fit"
                host = driver._get_host_numa_topology()
                fitted = hardware.numa_fit_instance_to_host(host, wanted)
                if not fitted:
                    return {"stage": stage, "error": "does not fit"}
                instance.numa_topology = fitted
                result["instance_numa_topology"] = instance_numa(fitted)
                result["host_numa_topology"] = host_numa(host)
            stage = "get_disk_info"
            given = copy.deepcopy(self.vector.get("block_devices", {}))
            blocks = {"root_device_name": given.get("root_device_name"),
                      "swap": given.get("swap"),
                      "image": [given["image"]] if "image" in given else [],
                      "ephemerals": copy.deepcopy(self.vector["ephemerals"]),
                      "block_device_mapping": [
                          Volume(copy.deepcopy(one)) for one in self.vector["volumes"]]}
            rescue = self.vector["rescue"]
            info = blockinfo.get_disk_info(
                driver_virt_type(), instance, image, block_device_info=blocks,
                rescue=bool(rescue), rescue_image_meta=(
                    image if rescue and not self.vector.get("legacy_rescue") else None))
            result["disk_info"] = copy.deepcopy(info)
            stage = "get_guest_config"
            guest = driver._get_guest_config(
                instance, self._network_info(), image, info, rescue=rescue,
                block_device_info=blocks, context=nova_context.get_admin_context(),
                mdevs=self.vector.get("mdevs"))
            result["xml"] = guest.to_xml()
        except Exception as error:  # whatever Nova raises is the answer
            if "--trace" in sys.argv:
                logging.exception("stage %s", stage)
            result.update(stage=stage, error=type(error).__name__)
        return result


def baseline(xml):
    model = xml[xml.index("<model>") + 7:xml.index("</model>")]
    features = "".join(f'<feature name="{name}"/>' for name in CPU_FEATURES.get(model, []))
    return f"<cpu><arch>x86_64</arch><model>{model}</model>{features}</cpu>"


def driver_virt_type():
    return CONF.libvirt.virt_type


def instance_numa(topology):
    return {"cells": [{
        "id": cell.id, "cpuset": sorted(cell.cpuset), "pcpuset": sorted(cell.pcpuset),
        "memory": cell.memory, "pagesize": cell.pagesize, "cpu_policy": cell.cpu_policy,
        "cpu_thread_policy": cell.cpu_thread_policy,
        "cpu_pinning": ({str(k): v for k, v in sorted(cell.cpu_pinning.items())}
                        if cell.cpu_pinning else None),
        "cpuset_reserved": sorted(cell.cpuset_reserved) if cell.cpuset_reserved else None,
    } for cell in topology.cells], "emulator_threads_policy": topology.emulator_threads_policy}


def host_numa(topology):
    return {"cells": [{
        "id": cell.id, "cpuset": sorted(cell.cpuset), "pcpuset": sorted(cell.pcpuset),
        "memory": cell.memory, "cpu_usage": cell.cpu_usage, "memory_usage": cell.memory_usage,
        "pinned_cpus": sorted(cell.pinned_cpus),
        "siblings": [sorted(core) for core in cell.siblings],
        "mempages": [{"size_kb": page.size_kb, "total": page.total, "used": page.used,
                      "reserved": page.reserved} for page in cell.mempages],
        "socket": cell.socket} for cell in topology.cells]}


# ---- inputs ----------------------------------------------------------------------------------

PARTS = ("config", "flavor", "image", "instance", "vifs", "volumes", "ephemerals", "rescue",
         "pci_devices", "host_kind", "libvirt_version")


def other_port(rng, vif):
    details, profile = vif["details"], vif["profile"]
    kind = rng.choice(["ovs", "ovs-direct", "ovs-plug", "vhostuser", "vrouter", "ivs", "iovisor",
                       "midonet", "qbh", "agilio", "macvtap", "unbound", "nonsense"])
    profile["pci_slot"] = "0000:0c:01.2"
    if kind == "ovs":
        vif.update(type="ovs", delegate_create=False)
    elif kind == "ovs-direct":
        vif.update(type="ovs", vnic_type=rng.choice(["direct", "remote-managed"]))
    elif kind == "ovs-plug":
        vif.update(type="vhostuser")
        details.update(vhostuser_ovs_plug=True, vhostuser_socket="/run/x")
    elif kind == "vhostuser":
        vif.update(type="vhostuser")
    elif kind in ("vrouter", "ivs"):
        vif.update(type=kind)
    elif kind in ("iovisor", "midonet"):
        vif.update(type=kind)
    elif kind == "qbh":
        vif.update(type="802.1qbh", vnic_type=rng.choice(["direct", "macvtap"]))
        details["profileid"] = "p1"
    elif kind == "agilio":
        vif.update(type="agilio_ovs",
                   vnic_type=rng.choice(["normal", "direct", "virtio-forwarder"]))
    elif kind == "macvtap":
        vif.update(type="macvtap")
    else:
        vif.update(type=kind)


def other_blocks(rng, vector):
    """What the recorded requests never have."""
    def device(name):
        return {"device_name": rng.choice([None, name]), "guest_format": rng.choice([None, "ext4"]),
                "device_type": rng.choice([None, "disk", "lun"]),
                "disk_bus": rng.choice([None, "virtio", "scsi", "usb", "xen"])}
    blocks = {}
    if rng.random() < 0.15:
        blocks["root_device_name"] = rng.choice(["/dev/vda", "/dev/sdb", "hdc"])
    if rng.random() < 0.1:
        blocks["swap"] = {**device("/dev/vde"), "swap_size": 512}
    if rng.random() < 0.1:
        blocks["image"] = {**device("/dev/vda"), "boot_index": 0}
    if blocks:
        vector["block_devices"] = blocks
    if vector["rescue"] and rng.random() < 0.5:
        vector["legacy_rescue"] = True
    if rng.random() < 0.1:
        vector["mdevs"] = ["aaaaaaaa-0000-4000-a000-000000000001"]
    if rng.random() < 0.1:
        vector["volume_secret"] = "eeeeeeee-0000-4000-a000-000000000001"
    if rng.random() < 0.1:
        vector["sev"] = True
        vector["flavor"]["extra_specs"]["hw:mem_encryption"] = "true"
        vector["config"]["libvirt.cpu_mode"] = "host-model"  # Nova fails itself over "custom"
        if rng.random() < 0.8:
            vector["image"]["properties"].update(hw_firmware_type="uefi", hw_machine_type="q35")
            vector["image"]["properties"].pop("architecture", None)
    for one in vector["ephemerals"]:
        if rng.random() < 0.2:
            one.update(device("/dev/vdf"))


def settle(vector):
    """Takes out what most recombinations are refused for, so that more of the rest is seen."""
    specs, properties = vector["flavor"]["extra_specs"], vector["image"]["properties"]
    if "hw_video_ram" in properties:
        specs["hw_video:ram_max_mb"] = "64"
    if specs.get("hw:cpu_policy") == "mixed":
        specs["hw:cpu_dedicated_mask"] = "0"
        if vector["flavor"]["vcpus"] < 2:
            specs.pop("hw:cpu_policy")
    if specs.get("hw:cpu_policy") != "mixed":
        specs.pop("hw:cpu_dedicated_mask", None)
    if specs.get("hw:cpu_policy") not in ("dedicated", "mixed"):
        for name in ("hw:cpu_thread_policy", "hw:cpu_realtime", "hw:cpu_realtime_mask",
                     "trait:HW_CPU_HYPERTHREADING"):
            specs.pop(name, None)
        properties.pop("hw_cpu_thread_policy", None)
        if specs.get("hw:emulator_threads_policy") == "isolate":
            specs.pop("hw:emulator_threads_policy")
    else:
        specs.pop("resources:PCPU", None)
        properties.pop("hw_cpu_policy", None)
    if not any(key in specs for key in ("hw:numa_nodes", "hw:cpu_policy", "hw:mem_page_size")):
        specs.pop("hw:locked_memory", None)
        properties.pop("hw_locked_memory", None)
    if "hw:viommu_model" in specs or "hw_viommu_model" in properties:
        properties["hw_machine_type"] = "q35"
    for table, name in ((specs, "hw:mem_encryption"), (properties, "hw_mem_encryption")):
        if not vector.get("sev"):
            table.pop(name, None)


def recombined(rng, vectors, number):
    """Each part from another request, then a few changed values."""
    vector = {"id": f"xml-{number:04d}"}
    for part in PARTS:
        vector[part] = copy.deepcopy(rng.choice(vectors)[part])
    if vector["instance"]["image_ref"] == "" and not any(
            one["boot_index"] == 0 for one in vector["volumes"]):
        vector["volumes"] = copy.deepcopy(rng.choice(
            [v for v in vectors if any(one["boot_index"] == 0 for one in v["volumes"])])["volumes"])
    for table, into in ((FLAVOR_SPECS, vector["flavor"]["extra_specs"]),
                        (PROPERTIES, vector["image"]["properties"]),
                        (OPTIONS, vector["config"])):
        for key in rng.sample(sorted(table), rng.choice([0, 0, 1, 2])):
            into[key] = rng.choice(table[key])
    for one in vector["vifs"]:
        if rng.random() < 0.3:
            other_port(rng, one)
    for one in vector["volumes"]:
        if rng.random() < 0.2:
            one["connection_info"]["driver_volume_type"] = rng.choice(VOLUME_TYPES)
            one["connection_info"]["data"].setdefault("device_path", "/dev/x")
        if rng.random() < 0.1:
            one["connection_info"]["data"].update(
                logical_block_size="4096", physical_block_size="4096")
        if rng.random() < 0.1:
            one.update(device_type=rng.choice(["cdrom", "lun", "floppy", "tape", None]),
                       disk_bus=rng.choice(["virtio", "xen", None]))
    other_blocks(rng, vector)
    # Fewer that merely do not fit.
    if rng.random() < 0.6:
        for name in ("hw:cpu_policy", "hw:numa_nodes", "hw:mem_page_size"):
            if rng.random() < 0.5:
                vector["flavor"]["extra_specs"].pop(name, None)
    if rng.random() < 0.7:
        settle(vector)
    if rng.random() < 0.1:
        vector["instance"]["os_type"] = rng.choice(["windows", "Windows", "linux", None])
    if vector["config"].get("libvirt.cpu_mode") != "custom":
        vector["config"].pop("libvirt.cpu_models", None)
    elif "libvirt.cpu_models" not in vector["config"]:
        vector["config"]["libvirt.cpu_models"] = ["qemu64"]
    return vector


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--from", dest="source", required=True)
    parser.add_argument("--out")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--trace", action="store_true")
    arguments = parser.parse_args()
    family = json.loads(pathlib.Path(arguments.source).read_text())
    vectors = family["vectors"]
    CONF([], project="nova", default_config_files=[])
    neutron_options.register_dynamic_opts(CONF)
    objects.register_all()
    if arguments.check:
        wrong = 0
        for vector in vectors[:arguments.count]:
            answer = json.loads(json.dumps(Nova(family, vector).answer()))
            for key in sorted(set(answer) | set(vector["result"])):
                if answer.get(key) != vector["result"].get(key):
                    wrong += 1
                    print(vector["id"], key, "\n have", answer.get(key), "\n want",
                          vector["result"].get(key))
        print(f"{wrong} differences")
        return wrong != 0
    rng = random.Random(arguments.seed)
    made = []
    for number in range(arguments.count):
        vector = recombined(rng, vectors, number)
        vector["result"] = Nova(family, vector).answer()
        made.append(vector)
    family.update(vectors=made, seed=arguments.seed)
    out = pathlib.Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "libvirt_xml.json").write_text(json.dumps(family))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
