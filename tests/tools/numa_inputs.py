# SPDX-License-Identifier: Apache-2.0
"""Random flavors, images, hosts, guests and devices for numa_vectors.py: mostly sound, often odd."""


def maybe(rng, chance, value):
    return value() if rng.random() < chance else None


def cpu_spec(rng, cpus):
    kind = rng.random()
    if kind < 0.25:
        low = rng.randrange(cpus)
        return f"{low}-{rng.randrange(low, cpus + rng.randrange(2))}"
    if kind < 0.5:
        return "^" + str(rng.randrange(cpus))
    if kind < 0.6:
        return f"0-{cpus - 1},^{rng.randrange(cpus)}"
    if kind < 0.9:
        return ",".join(str(rng.randrange(cpus)) for _ in range(rng.randrange(1, 4)))
    return rng.choice(["", " ", "x", "5-2", "0-3,^0-3", " ^1 , ^2", "0-1000", "1_0", "^0-63", "-1",
                       "\u0661", "^", "0,,1", "70"])


def numa_lists(rng, flavor, nodes, prefix, sep):
    """Cells that mostly add up, as extra specs or properties."""
    cpus = list(range(flavor["vcpus"]))
    if rng.random() < 0.3:
        rng.shuffle(cpus)
    out = {}
    for node in range(nodes):
        mine = cpus[node::nodes]
        if rng.random() < 0.08:
            mine = mine[1:]
        if rng.random() < 0.08:
            mine = mine + [rng.randrange(flavor["vcpus"] * 2)]
        memory = flavor["memory_mb"] // nodes
        if node == 0:
            memory += flavor["memory_mb"] % nodes
        if rng.random() < 0.05:
            memory += rng.choice([-1, 1, 512])
        text = ",".join(map(str, mine))
        if rng.random() < 0.05:
            text = cpu_spec(rng, flavor["vcpus"])
        if rng.random() < 0.95:
            out[f"{prefix}numa_cpus{sep}{node}"] = text
        if rng.random() < 0.95:
            out[f"{prefix}numa_mem{sep}{node}"] = \
                rng.choice(["x", "1.5", ""]) if rng.random() < 0.02 else str(memory)
    return out


BOOLS = ["true", "false", "True", "yes", "no", "1", "0", "on", "off", "maybe", " y ", ""]
PAGES = ["any", "large", "small", "4", "2048", "1048576", "2MB", "1GB", "1GiB", "2M", "0", "-5",
         "1.5", "2048KB", "512KB", "2Mb", "16Mbit", ".5MB", "1.5GB", "2 MB", "-2KB", "+4KiB", "1B",
         "0B", "5iB", "Any", "2MB\n", "\u0664", "4k", ""]
COUNTS = ["0", "1", "2", "3", "4", "8", "16", "-1", "x", "1.0", " 2 ", "1_0", ""]


def constraint_specs(rng, flavor):
    vcpus = flavor["vcpus"]
    one_of = rng.choice
    choices = {
        "hw:cpu_policy": (0.4, lambda: one_of(["dedicated"] * 4 + ["shared", "mixed", "mixed",
                                                                   "bogus", ""])),
        "hw:cpu_thread_policy": (0.2, lambda: one_of(["prefer", "isolate", "require", "bogus"])),
        "hw:emulator_threads_policy": (0.2, lambda: one_of(["share", "isolate", "isolate", "x",
                                                            ""])),
        "hw:cpu_realtime": (0.15, lambda: one_of(BOOLS)),
        "hw:cpu_realtime_mask": (0.15, lambda: cpu_spec(rng, vcpus)),
        "hw:cpu_dedicated_mask": (0.15, lambda: cpu_spec(rng, vcpus)),
        "hw:mem_page_size": (0.25, lambda: one_of(PAGES)),
        "hw:numa_nodes": (0.25, lambda: one_of(["1", "2", "2", "4", "3", "0", "-1", "x", "+1", "01",
                                                " 2", "200", ""])),
        "hw:locked_memory": (0.1, lambda: one_of(BOOLS)),
        "hw:mem_encryption": (0.1, lambda: one_of(BOOLS)),
        "hw:pmem": (0.1, lambda: one_of(["4GB,SMALL", "a, a", ",", "", " x "])),
        "hw:pmu": (0.1, lambda: one_of(BOOLS)),
        "hw:vif_multiqueue_enabled": (0.1, lambda: one_of(BOOLS)),
        "hw:tpm_version": (0.15, lambda: one_of(["1.2", "2.0", "2.0", "3", ""])),
        "hw:tpm_model": (0.15, lambda: one_of(["tpm-tis", "tpm-crb", "tpm-x", ""])),
        "os:secure_boot": (0.1, lambda: one_of(["required", "disabled", "optional", "x", ""])),
        "hw:serial_port_count": (0.1, lambda: one_of(COUNTS)),
        "hw:pci_numa_affinity_policy": (0.1, lambda: one_of(["required", "legacy", "preferred",
                                                             "socket", "x", ""])),
        "resources:VCPU": (0.05, lambda: str(one_of([0, vcpus, 2, "x"]))),
        "resources:PCPU": (0.08, lambda: str(one_of([vcpus, vcpus, vcpus + 1, 1, "x"]))),
        "resources2:PCPU": (0.03, lambda: str(one_of([vcpus, 1, -1]))),
        "resources01:PCPU": (0.02, lambda: "1"),
        "resources:VCPUS": (0.02, lambda: "1"),
        "trait:HW_CPU_HYPERTHREADING": (0.08, lambda: one_of(["required", "forbidden", "x", ""])),
        "trait3:HW_CPU_HYPERTHREADING": (0.02, lambda: one_of(["required", "forbidden"])),
    }
    for part in ("sockets", "cores", "threads"):
        choices[f"hw:cpu_{part}"] = (0.12, lambda: one_of(COUNTS))
        choices[f"hw:cpu_max_{part}"] = (0.08, lambda: one_of(COUNTS))
    return {k: make() for k, (chance, make) in choices.items() if rng.random() < chance}


def image_properties(rng, flavor):
    one_of = rng.choice
    choices = {
        "hw_cpu_policy": (0.15, lambda: one_of(["dedicated", "shared", "mixed"])),
        "hw_cpu_thread_policy": (0.12, lambda: one_of(["prefer", "isolate", "require"])),
        "hw_cpu_realtime_mask": (0.08, lambda: cpu_spec(rng, flavor["vcpus"])),
        "hw_mem_page_size": (0.1, lambda: one_of(PAGES)),
        "hw_numa_nodes": (0.1, lambda: one_of(["0", "1", "2", "-1", "4"])),
        "hw_locked_memory": (0.07, lambda: one_of(BOOLS)),
        "hw_mem_encryption": (0.07, lambda: one_of(BOOLS)),
        "hw_firmware_type": (0.3, lambda: one_of(["uefi", "bios"])),
        "hw_machine_type": (0.2, lambda: one_of(["q35", "pc", "pc-q35-6.2", ""])),
        "hw_pmu": (0.07, lambda: one_of(BOOLS)),
        "hw_vif_multiqueue_enabled": (0.07, lambda: one_of(BOOLS)),
        "hw_tpm_version": (0.1, lambda: one_of(["1.2", "2.0"])),
        "hw_tpm_model": (0.1, lambda: one_of(["tpm-tis", "tpm-crb"])),
        "os_secure_boot": (0.07, lambda: one_of(["required", "disabled", "optional"])),
        "hw_serial_port_count": (0.08, lambda: one_of(["0", "1", "2", "4", "-1", " 3"])),
        "hw_pci_numa_affinity_policy": (0.07, lambda: one_of(["required", "legacy", "socket"])),
        "trait:HW_CPU_HYPERTHREADING": (0.05, lambda: one_of(["required", "forbidden"])),
        # Now and then a property that no image may have, by itself or among others.
        "hw_disk_bus": (0.03, lambda: one_of(["virtio", "scsi", "SCSI", "bogus", ""])),
        "hw_vif_model": (0.02, lambda: one_of(["VirtualE1000", "e1000", "x"])),
        "hw_scsi_model": (0.02, lambda: one_of(["LSILogicSAS", "virtio-scsi", "x"])),
        "vmware_adaptertype": (0.02, lambda: one_of(["ide", "paraVirtual", "x", ""])),
        "architecture": (0.02, lambda: one_of(["amd64", "X86_32", "x"])),
        "hw_vm_mode": (0.02, lambda: one_of(["hv", "PV", "x"])),
        "os_type": (0.02, lambda: one_of(["Linux", "windows", "bsd"])),
        "img_hv_type": (0.02, lambda: one_of(["KVM", "xapi", "x"])),
        "img_hv_requested_version": (0.02, lambda: one_of([">=1.0", "1", ">=1.0,<2.0", "> 1.0b2",
                                                           ""])),
        "img_version": (0.02, lambda: one_of(["1", "x"])),
        "hw_video_model": (0.02, lambda: one_of(["qxl", "none", "x"])),
        "img_signature_hash_method": (0.01, lambda: one_of(["SHA-256", "MD5"])),
        "hw_rescue_device": (0.01, lambda: one_of(["cdrom", "tape"])),
        "img_config_drive": (0.01, lambda: one_of(["mandatory", "x"])),
    }
    for part in ("sockets", "cores", "threads"):
        choices[f"hw_cpu_{part}"] = (0.08, lambda: one_of(["0", "1", "2", "4", "8", "-1", "3"]))
        choices[f"hw_cpu_max_{part}"] = (0.08, lambda: one_of(["0", "1", "2", "4", "-1", "99"]))
    out = {k: make() for k, (chance, make) in choices.items() if rng.random() < chance}
    if rng.random() < 0.01:
        out["hw_cpu_cores"] = "x"
    return out


def constraints_input(rng):
    flavor = {"vcpus": rng.choice([1, 2, 3, 4, 6, 8, 12, 16, 24]),
              "memory_mb": rng.choice([512, 1024, 2048, 3000, 4096, 8191]),
              "root_gb": 10, "ephemeral_gb": 0, "swap": 0}
    specs = constraint_specs(rng, flavor)
    properties = image_properties(rng, flavor)
    if rng.random() < 0.3:
        nodes = rng.choice([1, 2, 2, 3])
        if rng.random() < 0.7:
            specs.update(numa_lists(rng, flavor, nodes, "hw:", "."))
            specs.setdefault("hw:numa_nodes", str(nodes))
        if rng.random() < 0.3:
            properties.update(numa_lists(rng, flavor, nodes, "hw_", "."))
            if "hw:numa_nodes" not in specs:
                properties.setdefault("hw_numa_nodes", str(nodes))
    flavor["extra_specs"] = dict(sorted(specs.items()))
    return {"flavor": flavor, "image": {"properties": dict(sorted(properties.items()))}}


def host_cell(rng, number, first, cpus, threads, shape):
    ids = list(range(first, first + cpus))
    if shape["spread"]:  # the threads of a core are far from each other
        ids = [number * cpus // threads + i + t * shape["stride"]
               for i in range(cpus // threads) for t in range(threads)]
    cores = [ids[i:i + threads] for i in range(0, len(ids), threads)]
    if rng.random() < 0.2:
        rng.shuffle(cores)
    everything = sorted(ids)
    cut = rng.randrange(len(everything) + 1)
    cpuset, pcpuset = everything[:cut], everything[cut:]
    kind = rng.random()
    if kind < 0.2:
        cpuset = pcpuset = everything
    elif kind < 0.5:
        cpuset, pcpuset = [], everything
    elif kind < 0.65:
        cpuset, pcpuset = everything, []
    if shape["easy"]:
        cpuset, pcpuset = rng.choice([(everything, everything), ([], everything),
                                      (everything[:cpus // 2], everything[cpus // 2:])])
    memory = 16384 if shape["easy"] else rng.choice([1024, 2048, 4096, 16384])
    pages = [{"size_kb": 4, "total": memory * 256, "used": 0, "reserved": rng.choice([0, 0, 100])}]
    for size in (2048, 1048576):
        if rng.random() < shape["huge"]:
            total = rng.choice([0, 1, 4, 128, 512]) if size == 2048 else rng.choice([0, 1, 2, 8])
            pages.append({"size_kb": size, "total": total, "used": rng.randrange(total + 1) // 2,
                          "reserved": rng.choice([0, 0, 0, 1])})
    if rng.random() < 0.05:
        pages[0]["used"] = pages[0]["total"]
    if rng.random() < 0.1:
        pages = pages[1:]
    rng.shuffle(pages)
    busy = shape["busy"] / 3 if shape["easy"] else shape["busy"]
    pinned = [c for c in pcpuset if rng.random() < busy]
    cell = {"id": number + shape["id_offset"], "cpuset": cpuset, "pcpuset": pcpuset,
            "memory": memory, "cpu_usage": rng.randrange(0, 2 * len(everything) + 1)
            if rng.random() < 0.5 else 0,
            "memory_usage": rng.choice([0, 0, 256, 512, 1024]), "pinned_cpus": pinned,
            "siblings": cores, "mempages": pages, "socket": shape["socket"](number)}
    if rng.random() < 0.02:
        cell["siblings"] = []
    if rng.random() < shape["networks"]:
        cell["network_metadata"] = networks(rng)
    return cell


def networks(rng):
    return {"physnets": sorted(rng.sample(["foo", "bar", "physnet0"], rng.randrange(3))),
            "tunneled": rng.random() < 0.5}


def host_input(rng):
    count = rng.choice([1, 1, 2, 2, 2, 3, 4, 4, 8])
    threads = rng.choice([1, 2, 2, 2, 4, 8])
    cpus = threads * rng.choice([1, 2, 4, 8])
    shape = {"easy": rng.random() < 0.6, "huge": rng.choice([0, 0.5, 0.9]), "busy": rng.choice([0, 0, 0.2, 0.6, 0.9]),
             "networks": rng.choice([0, 0, 0.6]), "spread": rng.random() < 0.4,
             "stride": max(1, count * cpus // threads), "id_offset": rng.choice([0, 0, 0, 0, 3]),
             "socket": rng.choice([lambda n: n, lambda n: 0, lambda n: n // 2, lambda n: None])}
    cells = [host_cell(rng, n, n * cpus, cpus, threads, shape) for n in range(count)]
    if rng.random() < 0.03:
        for cell in cells:
            cell["mempages"] = []
    return {"cells": cells}


def instance_input(rng, host):
    count = min(rng.choice([1, 1, 1, 2, 2, 3, 4]), len(host["cells"]) + (rng.random() < 0.1))
    policy = rng.choice([None, "shared", "dedicated", "dedicated", "dedicated", "mixed"])
    threads = rng.choice([None, None, "prefer", "isolate", "require"]) \
        if policy in ("dedicated", "mixed") else None
    pagesize = rng.choice([None] * 6 + [-1, -2, -3, -3, 4, 2048, 1048576, 0, 64])
    cells, first = [], 0
    for number in range(count):
        cpus = list(range(first, first + rng.choice([1, 1, 1, 2, 2, 3, 4, 6])))
        first = cpus[-1] + 1
        if rng.random() < 0.1:
            cpus = [c * 2 for c in cpus]
        pinned = {None: [], "shared": [], "dedicated": cpus,
                  "mixed": cpus[:rng.randrange(len(cpus) + 1)]}[policy]
        cells.append({"id": number, "cpuset": [c for c in cpus if c not in pinned],
                      "pcpuset": pinned, "memory": rng.choice([2, 128, 256, 512, 512, 1024, 1500]),
                      "pagesize": pagesize, "cpu_policy": policy, "cpu_thread_policy": threads})
    emulator = rng.choice([None, None, "share", "isolate", "isolate"])
    return {"cells": cells, "emulator_threads_policy": emulator}


def pci_input(rng, host):
    nodes = [c["id"] for c in host["cells"]] + [None]
    products = [("8086", "154d"), ("8086", "1520"), ("10de", "1db4")]
    pools = []
    for _ in range(rng.randrange(6)):
        vendor, product = rng.choice(products)
        tags = {}
        if rng.random() < 0.8:
            tags["dev_type"] = rng.choice(["type-PCI", "type-VF", "type-PF", "vdpa"])
        if rng.random() < 0.4:
            tags["physical_network"] = rng.choice(["physnet0", "PhysNet0", "foo", None])
        if rng.random() < 0.3:
            tags["remote_managed"] = rng.choice(["true", "false", "True"])
        pools.append({"vendor_id": vendor, "product_id": product, "numa_node": rng.choice(nodes),
                      "count": rng.choice([0, 1, 2, 4]), "tags": tags})
    requests = []
    for number in range(rng.choice([0, 0, 1, 1, 2])):
        specs = []
        for _ in range(rng.choice([1, 1, 2])):
            vendor, product = rng.choice(products)
            if pools and rng.random() < 0.7:  # a pool there is
                pool = rng.choice(pools)
                spec = {"product_id": pool["product_id"]}
                for tag in ("dev_type", "physical_network", "remote_managed"):
                    if tag in pool["tags"] and rng.random() < 0.8:
                        spec[tag] = pool["tags"][tag]
                specs.append(spec)
                continue
            spec = {"vendor_id": vendor}
            if rng.random() < 0.5:
                spec["product_id"] = product.upper()
            if rng.random() < 0.4:
                spec["dev_type"] = rng.choice(["type-PCI", "type-VF", "type-PF", "vdpa"])
            if rng.random() < 0.2:
                spec["physical_network"] = rng.choice(["physnet0", "foo", None])
            if rng.random() < 0.2:
                spec["remote_managed"] = rng.choice(["True", "false"])
            specs.append(spec)
        requests.append({"count": rng.choice([0, 1, 1, 1, 2, 3]), "spec": specs,
                         "alias_name": f"a{number}", "request_id": None,
                         "numa_policy": rng.choice([None, "required", "legacy", "preferred",
                                                    "socket"])})
    return requests, rng.choice([None, pools, pools])


def fit_input(rng):
    host = host_input(rng)
    requests, pools = pci_input(rng, host)
    limits = maybe(rng, 0.7, lambda: {"cpu_allocation_ratio": rng.choice([0.5, 1.0, 2.0, 16.0]),
                                      "ram_allocation_ratio": rng.choice([1.0, 1.5, 0.9])})
    if limits and rng.random() < 0.3:
        limits["network_metadata"] = networks(rng)
    return {"host": host, "instance": instance_input(rng, host), "limits": limits,
            "pci_requests": requests, "pci_device_pools": pools,
            "packing_host_numa_cells_allocation_strategy": rng.random() < 0.5}
