#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Nova's scheduler and Kilonova's engine on the same hosts and requests, in one run.

  KILONOVA_BUILD_DIR=build/release /usr/bin/python3 tests/bench/nova_scheduler.py [HOSTS...]

Nova's SchedulerManager runs in this process with its default filters. Placement is a dictionary
here: what it would refuse is taken out before the clock starts, and every claim succeeds. The
weighers are summed in Kilonova's order, as Nova's is that of a directory. Each decision keeps what
it claims. Both must choose the same hosts and the same alternates; then the times are compared.
"""

import datetime
import json
import logging
import os
import random
import subprocess
import sys
import tempfile
import time
import uuid
from unittest import mock

import nova.conf
from nova import context, exception, objects
from nova.scheduler import filters, host_manager, manager, utils, weights

CONF = nova.conf.CONF
SKUS = [(64, 256, 2000), (32, 256, 1000), (128, 256, 2000), (64, 512, 4000), (32, 128, 8000)]
FLAVORS = [(1, 1, 10), (1, 2, 20), (2, 4, 20), (2, 8, 40), (4, 8, 40), (4, 16, 80), (8, 16, 80),
           (8, 32, 160)]
ALTERNATES = 2


def make_input(hosts, requests, seed):
    rng = random.Random(seed)
    made = {"alternates": ALTERNATES, "hosts": [], "requests": []}
    for number in range(hosts):
        vcpus, memory_gb, disk_gb = SKUS[number % len(SKUS)]
        made["hosts"].append({
            "host": f"compute-{number}", "uuid": str(uuid.UUID(int=rng.getrandbits(128))),
            "cell": "6a1dc3b5-8a24-4b4c-9f0a-5a6f5f2f0d01", "up": rng.randrange(50) != 0,
            "vcpus": vcpus, "memory_mb": memory_gb * 1024, "disk_gb": disk_gb,
            "cpu_allocation_ratio": 4.0, "ram_allocation_ratio": 1.0,
            "disk_allocation_ratio": 1.0})
    for _ in range(requests):
        number = rng.randrange(len(FLAVORS))
        vcpus, memory_gb, disk_gb = FLAVORS[number]
        made["requests"].append({
            "flavor": f"m{number}", "vcpus": vcpus, "memory_mb": memory_gb * 1024,
            "root_gb": disk_gb, "count": 3 if rng.randrange(10) == 0 else 1})
    return made


def host_state(host):
    compute = objects.ComputeNode(
        uuid=host["uuid"], host=host["host"], hypervisor_hostname=host["host"],
        memory_mb=host["memory_mb"], free_ram_mb=host["memory_mb"], local_gb=host["disk_gb"],
        local_gb_used=0, free_disk_gb=host["disk_gb"], disk_available_least=None,
        vcpus=host["vcpus"], vcpus_used=0, stats={}, host_ip="192.0.2.1", hypervisor_type="QEMU",
        hypervisor_version=7002000, cpu_info="", updated_at=None,
        supported_hv_specs=[objects.HVSpec.from_list(["x86_64", "qemu", "hvm"]),
                            objects.HVSpec.from_list(["x86_64", "kvm", "hvm"])],
        metrics="[]", numa_topology=None, pci_device_pools=objects.PciDevicePoolList(objects=[]),
        cpu_allocation_ratio=host["cpu_allocation_ratio"],
        ram_allocation_ratio=host["ram_allocation_ratio"],
        disk_allocation_ratio=host["disk_allocation_ratio"])
    now = datetime.datetime.utcnow()
    state = host_manager.HostState(host["host"], host["host"], host["cell"])
    state.update(compute=compute, aggregates=[], inst_dict={},
                 service={"host": host["host"], "disabled": False, "disabled_reason": None,
                          "forced_down": not host["up"], "last_seen_up": now, "created_at": now,
                          "updated_at": now, "binary": "nova-compute", "topic": "compute"})
    return state


def request_spec(request):
    return objects.RequestSpec(
        image=objects.ImageMeta.from_dict(
            {"name": "img", "properties": {"hw_architecture": "x86_64"}}),
        flavor=objects.Flavor(
            flavorid=request["flavor"], name=request["flavor"], vcpus=request["vcpus"],
            memory_mb=request["memory_mb"], root_gb=request["root_gb"], ephemeral_gb=0, swap=0,
            extra_specs={}),
        project_id="p", user_id="u", instance_uuid=str(uuid.uuid4()), availability_zone=None,
        num_instances=request["count"], ignore_hosts=None, force_hosts=None, force_nodes=None,
        scheduler_hints={}, retry=None, limits=objects.SchedulerLimits(), instance_group=None,
        requested_destination=None, numa_topology=None,
        pci_requests=objects.InstancePCIRequests(requests=[]))


class Placement:
    """Inventories and allocations of the three classes."""

    def __init__(self, hosts):
        self.left = {host["uuid"]: [int(host["vcpus"] * host["cpu_allocation_ratio"]),
                                    host["memory_mb"], host["disk_gb"]] for host in hosts}
        self.claimed = []

    @staticmethod
    def amounts(spec):
        return (spec.flavor.vcpus, spec.flavor.memory_mb, spec.flavor.root_gb)

    def fits(self, host, amounts):
        return all(have >= want for have, want in zip(self.left[host], amounts))

    def claim(self, _context, _client, spec, _uuid, alloc_req, **_kwargs):
        amounts = self.amounts(spec)
        if not self.fits(alloc_req, amounts):
            return False
        self.left[alloc_req] = [have - want for have, want in zip(self.left[alloc_req], amounts)]
        self.claimed.append((alloc_req, amounts))
        return True


def make_manager(weigher_names):
    hosts = host_manager.HostManager.__new__(host_manager.HostManager)
    hosts.filter_handler = filters.HostFilterHandler()
    known = {cls.__name__: cls for cls in hosts.filter_handler.get_all_classes()}
    hosts.enabled_filters = [known[name]() for name in CONF.filter_scheduler.enabled_filters]
    hosts.weight_handler = weights.HostWeightHandler()
    known = {cls.__name__: cls for cls in hosts.weight_handler.get_all_classes()}
    hosts.weighers = [known[name]() for name in weigher_names]
    scheduler = manager.SchedulerManager.__new__(manager.SchedulerManager)
    scheduler.host_manager = hosts
    scheduler.placement_client = None
    return scheduler


def run_nova(made, weigher_names):
    scheduler = make_manager(weigher_names)
    states = [host_state(host) for host in made["hosts"]]
    placement = Placement(made["hosts"])
    chosen, seconds = [], []
    admin = context.get_admin_context()
    for request in made["requests"]:
        spec = request_spec(request)
        amounts = placement.amounts(spec)
        offered = [state for state in states if placement.fits(state.uuid, amounts)]
        allocations = {state.uuid: [state.uuid] for state in offered}
        uuids = [str(uuid.uuid4()) for _ in range(request["count"])]
        with mock.patch.object(utils, "claim_resources", placement.claim), \
                mock.patch.object(objects.Selection, "from_host_state",
                                  lambda host, *_args, **_kwargs: host.host), \
                mock.patch.object(scheduler, "_get_all_host_states",
                                  lambda *_args: iter(offered)):
            start = time.perf_counter()
            try:
                selections = scheduler._schedule(
                    admin, spec, uuids, allocations, {}, "1.36", return_alternates=True)
            except exception.NoValidHost:
                selections = []
            seconds.append(time.perf_counter() - start)
        chosen.append([list(selection) for selection in selections])
    return chosen, seconds


def run_kilonova(made):
    build = os.environ.get("KILONOVA_BUILD_DIR", "build/release")
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(made, file)
        file.flush()
        done = subprocess.run([os.path.join(build, "bench", "scheduler_decide_bench"), file.name],
                              check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def compare(hosts, requests):
    made = make_input(hosts, requests, seed=hosts)
    ours = run_kilonova(made)
    chosen, nova_seconds = run_nova(made, ours["weighers"])
    for number, (nova_chose, we_chose) in enumerate(zip(chosen, ours["chosen"])):
        if nova_chose != we_chose:
            print(f"request {number} {made['requests'][number]}:\n"
                  f"  Nova     {nova_chose}\n  Kilonova {we_chose}")
            return False
    # One request at a time, and the middle one of each: neither warm-up nor a hiccup counts.
    middle = len(nova_seconds) // 2
    nova, kilonova = sorted(nova_seconds)[middle], sorted(ours["seconds"])[middle]
    total = sum(nova_seconds) / sum(ours["seconds"])
    print(f"{hosts} hosts, {requests} requests, all {sum(map(len, chosen))} instances alike: "
          f"p50 Nova {nova * 1e3:.1f} ms, Kilonova {kilonova * 1e6:.1f} us, "
          f"{nova / kilonova:,.0f} times; of the sums {total:,.0f} times", flush=True)
    return True


def main():
    CONF([], project="nova", default_config_files=[])
    CONF.set_override("service_down_time", 86400)  # hosts are up for as long as this runs
    logging.disable(logging.CRITICAL)
    objects.register_all()
    sizes = [int(size) for size in sys.argv[1:]] or [100, 1000, 10000]
    fine = [compare(size, max(20, min(300, 200_000 // size))) for size in sizes]
    return 0 if all(fine) else 1


if __name__ == "__main__":
    sys.exit(main())
