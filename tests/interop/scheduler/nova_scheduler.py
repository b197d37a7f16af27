# SPDX-License-Identifier: Apache-2.0
"""Nova's scheduler in this process, on hosts and requests as tests/vectors spells them."""

import collections
import contextlib
import datetime
import json
import logging
import unittest.mock as mock

import nova.conf
from nova import objects
from nova.scheduler import filters, host_manager, manager, weights
from nova.scheduler import utils as scheduler_utils
from nova.scheduler.filters import utils as filters_utils
from oslo_utils import timeutils

CONF = nova.conf.CONF
NOW = datetime.datetime(2023, 6, 1, 12, 0, 0)


def start():
    CONF([], project="nova", default_config_files=[])
    logging.disable(logging.CRITICAL)
    objects.register_all()
    timeutils.set_time_override(NOW)


@contextlib.contextmanager
def options(config):
    """nova.conf with "group.option": value over its defaults."""
    names = []
    for key, value in config.items():
        group, name = key.split(".", 1)
        group = None if group == "DEFAULT" else group
        if isinstance(value, str) and value in ("nan", "inf", "-inf"):
            value = float(value)
        CONF.set_override(name, value, group)
        names.append((name, group))
    try:
        yield
    finally:
        for name, group in names:
            CONF.clear_override(name, group)


def merged(base, over, deep):
    result = dict(base)
    for key, value in over.items():
        if key in deep and isinstance(result.get(key), dict) and isinstance(value, dict):
            result[key] = {**result[key], **value}
        else:
            result[key] = value
    return result


def host_numa(topology):
    cells = []
    for cell in topology["cells"]:
        made = objects.NUMACell(
            id=cell["id"], cpuset=set(cell["cpuset"]), pcpuset=set(cell["pcpuset"]),
            memory=cell["memory"], cpu_usage=cell["cpu_usage"],
            memory_usage=cell["memory_usage"], pinned_cpus=set(cell["pinned_cpus"]),
            siblings=[set(core) for core in cell["siblings"]], socket=cell.get("socket"),
            mempages=[objects.NUMAPagesTopology(
                size_kb=pages["size_kb"], total=pages["total"], used=pages["used"],
                reserved=pages.get("reserved", 0)) for pages in cell["mempages"]])
        if cell.get("network_metadata"):
            made.network_metadata = network(cell["network_metadata"])
        cells.append(made)
    return objects.NUMATopology(cells=cells)


def network(metadata):
    return objects.NetworkMetadata(
        physnets=set(metadata["physnets"]), tunneled=metadata["tunneled"])


def host_state(h):
    compute = objects.ComputeNode(
        uuid=h["uuid"], host=h["host"], hypervisor_hostname=h["node"],
        memory_mb=h["memory_mb"], free_ram_mb=h["free_ram_mb"], local_gb=h["local_gb"],
        local_gb_used=h["local_gb_used"], free_disk_gb=h["free_disk_gb"],
        disk_available_least=h["disk_available_least"], vcpus=h["vcpus"],
        vcpus_used=h["vcpus_used"], stats=h["stats"], host_ip=h["host_ip"],
        hypervisor_type=h["hypervisor_type"], hypervisor_version=h["hypervisor_version"],
        cpu_info=h["cpu_info"], updated_at=None,
        supported_hv_specs=[objects.HVSpec.from_list(spec) for spec in h["supported_hv_specs"]],
        metrics=json.dumps([{**metric, "timestamp": "2023-06-01T12:00:00", "source": "s"}
                            for metric in h["metrics"]]),
        cpu_allocation_ratio=h["cpu_allocation_ratio"],
        ram_allocation_ratio=h["ram_allocation_ratio"],
        disk_allocation_ratio=h["disk_allocation_ratio"],
        numa_topology=host_numa(h["numa_topology"])._to_json() if h["numa_topology"] else None,
        pci_device_pools=objects.PciDevicePoolList(objects=[
            objects.PciDevicePool(vendor_id=pool["vendor_id"], product_id=pool["product_id"],
                                  numa_node=pool["numa_node"], count=pool["count"],
                                  tags=pool["tags"]) for pool in h["pci_device_pools"]]))
    service = h["service"]
    seen = NOW - datetime.timedelta(seconds=service["last_seen_up_age_s"])
    state = host_manager.HostState(h["host"], h["node"], h["cell_uuid"])
    state.update(
        compute=compute,
        service={"host": h["host"], "disabled": service["disabled"],
                 "disabled_reason": service.get("disabled_reason"),
                 "forced_down": service.get("forced_down", False), "last_seen_up": seen,
                 "created_at": NOW, "updated_at": seen, "binary": "nova-compute",
                 "topic": "compute"},
        aggregates=[objects.Aggregate(id=a["id"], name=a["name"], metadata=a["metadata"])
                    for a in h["aggregates"]],
        inst_dict={uuid: objects.Instance(uuid=uuid) for uuid in h["instances"]})
    return state


def guest_numa(topology):
    return objects.InstanceNUMATopology(
        emulator_threads_policy=topology["emulator_threads_policy"],
        cells=[objects.InstanceNUMACell(
            id=cell["id"], cpuset=set(cell["cpuset"]), pcpuset=set(cell["pcpuset"]),
            memory=cell["memory"], pagesize=cell["pagesize"], cpu_policy=cell["cpu_policy"],
            cpu_thread_policy=cell["cpu_thread_policy"]) for cell in topology["cells"]])


def destination(d):
    made = objects.Destination()
    for key in ("host", "node", "allow_cross_cell_move"):
        if key in d:
            setattr(made, key, d[key])
    if "cell" in d:
        made.cell = objects.CellMapping(uuid=d["cell"]) if d["cell"] else None
    return made


def group(g):
    return objects.InstanceGroup(
        uuid=g["uuid"], policy=g["policy"], policies=[g["policy"]] if g["policy"] else [],
        _rules={key: str(value) for key, value in (g.get("rules") or {}).items()},
        members=list(g["members"]), hosts=list(g["hosts"]))


def request_spec(s):
    flavor = s["flavor"]
    image = None
    if s["image"] is not None:
        image = objects.ImageMeta.from_dict({"name": "img", **s["image"]})
    spec = objects.RequestSpec(
        image=image,
        flavor=objects.Flavor(
            flavorid=flavor["flavorid"], name=flavor["name"], vcpus=flavor["vcpus"],
            memory_mb=flavor["memory_mb"], root_gb=flavor["root_gb"],
            ephemeral_gb=flavor["ephemeral_gb"], swap=flavor["swap"],
            extra_specs=flavor["extra_specs"]),
        project_id=s["project_id"], user_id=s["user_id"], instance_uuid=s["instance_uuid"],
        availability_zone=s["availability_zone"], num_instances=s["num_instances"],
        ignore_hosts=s["ignore_hosts"], force_hosts=s["force_hosts"],
        force_nodes=s["force_nodes"], scheduler_hints=s["scheduler_hints"],
        retry=None, limits=objects.SchedulerLimits(),
        instance_group=group(s["instance_group"]) if s["instance_group"] else None,
        requested_destination=(destination(s["requested_destination"])
                               if s["requested_destination"] is not None else None),
        numa_topology=guest_numa(s["numa_topology"]) if s["numa_topology"] else None,
        pci_requests=objects.InstancePCIRequests(requests=[
            objects.InstancePCIRequest(
                count=r["count"], spec=r["spec"], alias_name=r["alias_name"],
                request_id=r["request_id"], numa_policy=r["numa_policy"])
            for r in s["pci_requests"]]))
    if s["network_metadata"] is not None:
        spec.network_metadata = network(s["network_metadata"])
    return spec


def classes(handler):
    return {cls.__name__: cls for cls in handler.get_all_classes()}


def sorted_metadata(host, key=None):
    metadata = unsorted_metadata(host, key)
    return {name: sorted(values) for name, values in metadata.items()}


unsorted_metadata = filters_utils.aggregate_metadata_get_by_host


def judge(file, vector):
    """A vector of filters.json: its result. Sets of aggregate values are walked in order."""
    with options(vector["config"]), \
            mock.patch.object(filters_utils, "aggregate_metadata_get_by_host", sorted_metadata):
        flt = classes(filters.HostFilterHandler())[vector["filter"]]()
        try:
            request_spec(spec_of(file, vector))
        except Exception as error:
            return {"input_error": type(error).__name__}
        result = {"passes": [], "errors": {}}
        for host in hosts_of(file, vector):
            try:
                if flt._filter_one(host_state(host), request_spec(spec_of(file, vector))):
                    result["passes"].append(host["host"])
            except Exception as error:
                result["errors"][host["host"]] = type(error).__name__
        return result


def number(value):
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return repr(value)
    return value


def weigh(file, vector):
    """A vector of weighers.json: its result."""
    with options(vector["config"]):
        known = classes(weights.HostWeightHandler())
        weighers = [known[name]() for name in vector["enabled"]]
        states = [host_state(host) for host in hosts_of(file, vector)]
        spec = request_spec(spec_of(file, vector))
        result = {"weighers": {}}
        try:
            for weigher in weighers:
                objs = [weights.WeighedHost(state, 0.0) for state in states]
                raw = weigher.weigh_objects(objs, spec)
                normal = list(nova_normalize(raw, weigher))
                result["weighers"][type(weigher).__name__] = {
                    "raw": [number(x) for x in raw], "normalized": [number(x) for x in normal],
                    "multiplier": [number(weigher.weight_multiplier(s)) for s in states]}
            weighed = weights.HostWeightHandler().get_weighed_objects(weighers, states, spec)
        except Exception as error:
            return {"error": type(error).__name__}
        result["order"] = [w.obj.host for w in weighed]
        result["weights"] = [number(w.weight) for w in weighed]
        return result


def nova_normalize(raw, weigher):
    from nova import weights as base
    return base.normalize(raw, minval=weigher.minval, maxval=weigher.maxval)


def select(file, vector):
    """A vector of select.json: its result."""
    config = {"filter_scheduler.enabled_filters": file["default_enabled_filters"],
              **vector["config"]}
    limits = dict(vector["claim_limits"])
    states = []
    with options(config):
        hosts = host_manager.HostManager.__new__(host_manager.HostManager)
        known = classes(filters.HostFilterHandler())
        hosts.filter_handler = filters.HostFilterHandler()
        hosts.enabled_filters = [known[n]() for n in CONF.filter_scheduler.enabled_filters]
        hosts.weight_handler = weights.HostWeightHandler()
        every = classes(hosts.weight_handler)
        hosts.weighers = [every[n]() for n in file["weighers_order"]]
        scheduler = manager.SchedulerManager.__new__(manager.SchedulerManager)
        scheduler.host_manager = hosts
        scheduler.placement_client = mock.MagicMock()
        states = [host_state(host) for host in hosts_of(file, vector)]
        by_uuid = {state.uuid: state for state in states}
        offers = collections.defaultdict(list)
        for state in states:
            if limits.get(state.host) != "no_candidate":
                offers[state.uuid] = [{"allocations": {state.uuid: {"resources": {}}}}]
        # Nova asks with "in", which a defaultdict answers well, and never adds.
        offers = dict(offers)

        def claim(_context, _client, _spec, _uuid, offer, **_kwargs):
            host = by_uuid[next(iter(offer["allocations"]))].host
            left = limits.get(host)
            if left is None:
                return True
            limits[host] = left - 1
            return left > 0

        spec = request_spec(spec_of(file, vector))
        result = {}
        with mock.patch.object(scheduler_utils, "claim_resources", claim), \
                mock.patch.object(scheduler, "_get_all_host_states",
                                  lambda *args, **kwargs: list(states)):
            try:
                selections = scheduler._schedule(
                    mock.MagicMock(), spec, vector["instance_uuids"], offers, {}, "1.36",
                    vector["return_alternates"])
                result["selections"] = [[s.service_host for s in picked] for picked in selections]
            except Exception as error:
                result["error"] = type(error).__name__
    result["hosts_after"] = {state.host: after(state) for state in states}
    return result


def after(state):
    told = {"free_ram_mb": state.free_ram_mb, "free_disk_mb": state.free_disk_mb,
            "vcpus_used": state.vcpus_used, "num_instances": state.num_instances,
            "num_io_ops": state.num_io_ops, "instances": sorted(state.instances)}
    if state.numa_topology is not None:
        told["numa_topology"] = {"cells": [{
            "id": cell.id, "cpuset": sorted(cell.cpuset), "pcpuset": sorted(cell.pcpuset),
            "memory": cell.memory, "cpu_usage": cell.cpu_usage,
            "memory_usage": cell.memory_usage, "pinned_cpus": sorted(cell.pinned_cpus),
            "siblings": [sorted(core) for core in cell.siblings], "socket": cell.socket,
            "mempages": [{"size_kb": p.size_kb, "total": p.total, "used": p.used,
                          "reserved": p.reserved} for p in cell.mempages]}
            for cell in state.numa_topology.cells]}
    return told


def hosts_of(file, vector):
    return [merged(file["host_defaults"], host, ("service",)) for host in vector["hosts"]]


def spec_of(file, vector):
    return merged(file["spec_defaults"], vector["spec"], ("flavor", "image"))
