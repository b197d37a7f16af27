#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""New decisions of real Nova: what tests/vectors has, taken apart, mixed at random and judged anew.

  scheduler_vectors.py --seed 7 --count 400 --source tests/vectors --out DIR

writes filters.json, weighers.json and select.json as the files they come from are written.
"""

import argparse
import json
import pathlib
import random
import uuid

import nova_scheduler

ABSENT = object()


class Pool:
    """The values a key had in the vectors at hand, absence among them."""

    def __init__(self, dicts):
        dicts = list(dicts)
        self.values = {}
        for key in sorted({key for d in dicts for key in d}):
            self.values[key] = [d.get(key, ABSENT) for d in dicts]

    def draw(self, rng):
        drawn = {key: rng.choice(values) for key, values in self.values.items()}
        return {key: value for key, value in drawn.items() if value is not ABSENT}

    def pairs(self, rng, most):
        """A few keys, with values that may be another key's."""
        keys = sorted(self.values)
        every = [v for values in self.values.values() for v in values if v is not ABSENT]
        chosen = rng.sample(keys, min(len(keys), rng.randint(0, most)))
        own = {k: [v for v in self.values[k] if v is not ABSENT] for k in chosen}
        return {k: rng.choice(own[k] if rng.random() < 0.7 else every) for k in sorted(chosen)}


class Mixer:
    def __init__(self, vectors, rng):
        self.rng = rng
        specs = [v["spec"] for v in vectors]
        hosts = [h for v in vectors for h in v["hosts"]]
        self.spec = Pool(specs)
        self.host = Pool(hosts)
        self.config = Pool(v["config"] for v in vectors)
        self.hints = Pool(s.get("scheduler_hints", {}) for s in specs)
        self.extra_specs = Pool(s.get("flavor", {}).get("extra_specs", {}) for s in specs)
        self.properties = Pool((s.get("image") or {}).get("properties", {}) for s in specs)
        self.metadata = Pool(a["metadata"] for h in hosts for a in h.get("aggregates", []))
        self.instances = sorted({i for h in hosts for i in h.get("instances", [])})

    def new_spec(self):
        rng = self.rng
        spec = self.spec.draw(rng)
        if "scheduler_hints" in spec:
            spec["scheduler_hints"] = self.hints.draw(rng)
        if "extra_specs" in spec.get("flavor", {}) and rng.random() < 0.7:
            spec["flavor"] = {**spec["flavor"], "extra_specs": self.extra_specs.pairs(rng, 3)}
        if (spec.get("image") or {}).get("properties") and rng.random() < 0.7:
            spec["image"] = {**spec["image"], "properties": self.properties.pairs(rng, 4)}
        if spec.get("instance_group") and self.instances:
            group = dict(spec["instance_group"])
            members = rng.sample(self.instances, min(len(self.instances), rng.randint(0, 6)))
            group["members"] = group["members"][:2] + members
            spec["instance_group"] = group
        return spec

    def new_host(self, index):
        rng = self.rng
        host = self.host.draw(rng)
        host["host"] = host["node"] = "host%d" % index
        host["uuid"] = str(uuid.UUID(int=rng.getrandbits(128), version=4))
        if host.get("aggregates") and rng.random() < 0.6:
            host["aggregates"] = [
                {"id": i, "name": "agg%d" % i, "metadata": self.metadata.pairs(rng, 3)}
                for i in range(rng.randint(1, 3))]
        if "free_disk_gb" in host:
            # A host that says both says them of one disk; the vectors' hosts leave one out.
            host["local_gb_used"] = host.get("local_gb", 1000) - host["free_disk_gb"]
        return host

    def new_hosts(self, most):
        return [self.new_host(i) for i in range(self.rng.randint(1, most))]


OPERANDS = [0, 1, 4, 1.5, -1, 1024, True, False, None, "", "x", "4", "host0", "$", "$nope", "$host",
            "$host.x", "$free_ram_mb", "$free_disk_mb", "$vcpus_used", "$vcpus_total", "$num_io_ops",
            "$stats.gen", "$stats.zz", "$stats", "$limits", "$limits.x", "$service.disabled",
            "$service.host", "$service.zz.y", "$cpu_allocation_ratio", "$supported_instances",
            "$hypervisor_version", "$hypervisor_type", "$uuid", "$aggregates.x", "$updated",
            "$num_instances", "$failed_builds", "$total_usable_ram_mb", "$disk_mb_used"]


def query(rng, depth):
    op = rng.choice(["and", "or", "not"] if depth else ["=", "<", ">", "in", "<=", ">="])
    if rng.random() < 0.05:
        op = rng.choice(["xor", "", "=", 5, None])
    args = []
    for _ in range(rng.randint(0, 3)):
        nested = depth and rng.random() < 0.8
        args.append(query(rng, depth - 1) if nested else rng.choice(OPERANDS))
    return [op] + args


def new_filters(file, count, rng):
    by_filter = {}
    for vector in file["vectors"]:
        by_filter.setdefault(vector["filter"], []).append(vector)
    for name, vectors in sorted(by_filter.items()):
        mixer = Mixer(vectors, rng)
        made = 0
        while made < count:
            vector = {"id": "%s-%04d" % (name, made), "filter": name, "config": mixer.config.draw(rng),
                      "spec": mixer.new_spec(), "hosts": mixer.new_hosts(5)}
            if name == "JsonFilter" and rng.random() < 0.8:
                text = json.dumps(query(rng, rng.randint(0, 3)))
                vector["spec"]["scheduler_hints"] = {"query": [text]}
            vector["result"] = nova_scheduler.judge(file, vector)
            # Elsewhere bad image properties are refused before any filter is asked.
            if "input_error" in vector["result"] and name != "ImagePropertiesFilter":
                continue
            made += 1
            yield vector


def new_weighers(file, count, rng):
    mixer = Mixer(file["vectors"], rng)
    everything = file["all_weighers_order"]
    for index in range(count * 5):
        enabled = everything if rng.random() < 0.4 else [rng.choice(everything)]
        vector = {"id": "weighers-%04d" % index, "enabled": enabled,
                  "config": mixer.config.draw(rng), "spec": mixer.new_spec(),
                  "hosts": mixer.new_hosts(8)}
        if rng.random() < 0.7:
            vector["config"]["metrics.required"] = False
        vector["result"] = nova_scheduler.weigh(file, vector)
        yield vector


def destinations(spec, hosts, rng):
    """Hosts and nodes named by the request: in any case, unknown ones, those of moves."""
    def name():
        known = rng.choice(hosts)["host"] if rng.random() < 0.9 else "nowhere"
        return known.upper() if rng.random() < 0.2 else known

    for key, most in (("force_hosts", 1), ("force_nodes", 1), ("ignore_hosts", 3)):
        spec.pop(key, None)
        if rng.random() < 0.15:
            spec[key] = [name() for _ in range(rng.randint(1, most))]
    if rng.random() < 0.2:
        spec["requested_destination"] = {
            "host": name(), "node": rng.choice([None, rng.choice(hosts)["node"]]),
            "cell": rng.choice([None, hosts[0].get("cell_uuid")]),
            "allow_cross_cell_move": rng.random() < 0.5}
    if rng.random() < 0.15:
        spec["scheduler_hints"] = {**spec.get("scheduler_hints", {}),
                                   "_nova_check_type": [rng.choice(["rebuild", "evacuate"])]}


def new_select(file, count, rng):
    mixer = Mixer(file["vectors"], rng)
    for index in range(count * 2):
        spec = mixer.new_spec()
        hosts = mixer.new_hosts(10)
        for host in hosts:
            host["service"] = {"disabled": rng.random() < 0.05, "last_seen_up_age_s": 5}
            # An infinite multiplier of zero is no number, and no order is one of such.
            for aggregate in host.get("aggregates", []):
                aggregate["metadata"] = {
                    key: "2.0" if value.strip().lower().lstrip("+-")[:3] in ("inf", "nan") else value
                    for key, value in aggregate["metadata"].items()}
        uuids = [str(uuid.UUID(int=rng.getrandbits(128), version=4))
                 for _ in range(rng.choice([1, 1, 2, 3, 5]))]
        spec["num_instances"] = len(uuids)
        spec["instance_uuid"] = uuids[0]
        if spec.get("instance_group"):
            group = spec["instance_group"]
            group["members"] = group["members"] + uuids
            if group["hosts"]:
                group["hosts"] = [rng.choice(hosts)["host"]]
        destinations(spec, hosts, rng)
        limits = {host["host"]: rng.choice([0, 1, 2, "no_candidate"])
                  for host in hosts if rng.random() < 0.15}
        vector = {"id": "select-%04d" % index, "config": mixer.config.draw(rng), "hosts": hosts,
                  "spec": spec, "instance_uuids": uuids, "claim_limits": limits,
                  "return_alternates": rng.random() < 0.7}
        vector["result"] = nova_scheduler.select(file, vector)
        yield vector


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, default=100, help="vectors per filter")
    parser.add_argument("--source", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    args = parser.parse_args()
    nova_scheduler.start()
    for name, make in (("filters", new_filters), ("weighers", new_weighers),
                       ("select", new_select)):
        file = json.loads((args.source / (name + ".json")).read_text())
        rng = random.Random("%s %d" % (name, args.seed))
        file["seed"] = args.seed
        file["vectors"] = list(make(file, args.count, rng))
        (args.out / (name + ".json")).write_text(json.dumps(file))


if __name__ == "__main__":
    main()
