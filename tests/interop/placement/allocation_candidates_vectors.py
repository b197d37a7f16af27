#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Asks real Placement, in this process on SQLite, which allocation candidates it finds.

  allocation_candidates_vectors.py --seed 1 --scenarios 40 --queries 20 > allocation_candidates.json

Random provider trees (nested providers, sharing providers, aggregates, traits, odd inventories,
usage) and random queries; written in the form of tests/vectors/allocation_candidates.json, which
the unit test reads.
"""
import argparse
import copy
import json
import logging
import random
import sys
import urllib.parse
import zlib

import webob
from oslo_config import cfg
from placement import conf as placement_conf
from placement import deploy
from placement.objects import allocation_candidate
from placement.objects import research_context

CLASSES = ["VCPU", "MEMORY_MB", "DISK_GB", "VGPU", "SRIOV_NET_VF", "CUSTOM_GOLD"]
TRAITS = ["HW_CPU_X86_AVX2", "HW_CPU_X86_VMX", "STORAGE_DISK_SSD", "CUSTOM_RED", "CUSTOM_BLUE",
          "COMPUTE_STATUS_DISABLED"]
SHARES = "MISC_SHARES_VIA_AGGREGATE"
SUFFIXES = ["1", "2", "_NET", "port-a"]


def uuid_of(name):
    """p3 -> a uuid that says so; aggregates likewise."""
    kind = {"p": 1, "a": 2, "c": 3}[name[0]]
    return f"{kind:08x}-0000-4000-a000-{int(name[1:]):012x}"


def name_of(uuid):
    return f"{'?pac'[int(uuid[:8], 16)]}{int(uuid[-12:], 16)}"


class Generator:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def some(self, names, chance):
        return sorted(n for n in names if self.r.random() < chance)

    def inventory(self, rc):
        r = self.r
        total = r.choice([2, 4, 8, 16]) if rc not in ("MEMORY_MB", "DISK_GB") else r.choice(
            [64, 100, 1000])
        inventory = {"total": total, "reserved": r.choice([0, 0, 0, 0, 0, 1, 1, total]),
                     "min_unit": r.choice([1, 1, 1, 1, 1, 2]), "max_unit": r.choice(
                         [total, total, total * 4, max(1, total // 2)]),
                     "step_size": r.choice([1, 1, 1, 1, 1, 2]),
                     "allocation_ratio": r.choice([1.0, 1.0, 1.5, 4.0, 16.0])}
        return inventory

    def provider(self, name, parent, classes, chance):
        r = self.r
        provider = {"name": name, "parent": parent, "inventories": {}, "traits": self.some(
            TRAITS, 0.4), "aggregates": self.some(["a1", "a2", "a3"], 0.25), "used": {}}
        for rc in classes:
            if r.random() < chance:
                provider["inventories"][rc] = self.inventory(rc)
        return provider

    def scenario(self):
        """Providers: one to four hosts, perhaps nested, perhaps with a shared pool."""
        r = self.r
        providers = []

        def add(parent, classes, chance):
            provider = self.provider(f"p{len(providers) + 1}", parent, classes, chance)
            providers.append(provider)
            return provider["name"]

        nested = r.random() < 0.7
        for _ in range(r.randint(1, 4)):
            root = add("", CLASSES, 0.75)
            parents = [root]
            for _ in range(r.randint(0, 4) if nested else 0):
                parents.append(add(r.choice(parents), CLASSES, 0.5))
        if r.random() < 0.45:
            for _ in range(r.randint(1, 2)):
                add("", ["DISK_GB", "CUSTOM_GOLD", "MEMORY_MB"], 0.7)
                providers[-1]["traits"].append(SHARES)
                providers[-1]["aggregates"] = self.some(["a1", "a2", "a3"], 0.6)
        return providers

    def group(self, suffix, names, bare):
        r = self.r
        wanted = [] if bare else r.sample(CLASSES, r.choice([1, 1, 2, 3]))
        amounts = {rc: r.choice([1, 1, 1, 2, 3, 4] if rc not in ("MEMORY_MB", "DISK_GB") else
                                [1, 1, 10, 64, 100, 500]) for rc in wanted}
        group = {"suffix": suffix, "resources": amounts, "required": [], "any": [], "forbidden": [],
                 "member_of": [], "forbidden_aggregates": [], "in_tree": ""}
        if bare or r.random() < 0.2:  # a group that says nothing at all is none
            group["required"] = r.sample(TRAITS, r.choice([1, 1, 2]))
        if r.random() < 0.15:
            group["any"] = [r.sample(TRAITS, 2)]
        if r.random() < 0.15:
            group["forbidden"] = r.sample(TRAITS, 1)
        if r.random() < 0.2:
            group["member_of"] = [r.sample(["a1", "a2", "a3"], r.choice([1, 2]))
                                  for _ in range(r.choice([1, 1, 2]))]
        if r.random() < 0.1:
            group["forbidden_aggregates"] = r.sample(["a1", "a2", "a3"], 1)
        if r.random() < 0.1:
            group["in_tree"] = r.choice(names + ["p99"])
        return group

    def request(self, providers):
        r = self.r
        names = [p["name"] for p in providers]
        suffixes = ([""] if r.random() < 0.8 else []) + r.sample(SUFFIXES, r.choice([0, 0, 1, 2, 2, 3]))
        if not suffixes:
            suffixes = [""]
        same_subtree = []
        numbered = [s for s in suffixes if s]
        if len(numbered) >= 2 and r.random() < 0.5:
            same_subtree = [r.sample(numbered, r.randint(2, len(numbered)))]
        groups = []
        for suffix in suffixes:
            bare = suffix and r.random() < (0.3 if any(suffix in s for s in same_subtree) else 0.03)
            groups.append(self.group(suffix, names, bare))
        return {"groups": groups,
                "group_policy": r.choice(["none", "none", "isolate", "isolate", ""])
                if len(numbered) > 1 else r.choice(["", "none", "isolate"]),
                "root_required": self.some(TRAITS, 0.03), "root_forbidden": self.some(TRAITS, 0.03),
                "same_subtree": same_subtree}


class Client:
    """The service without its socket."""

    def __init__(self, conf):
        self.app = deploy.loadapp(conf)

    def ask(self, method, path, body=None):
        request = webob.Request.blank(path, method=method, headers={
            "x-auth-token": "admin", "openstack-api-version": "placement latest"})
        if body is not None:
            request.content_type = "application/json"
            request.body = json.dumps(body).encode()
        return request.get_response(self.app)

    def get(self, path):
        return self.ask("GET", path)

    def put(self, path, json=None):
        return self.ask("PUT", path, json)

    def post(self, path, json):
        return self.ask("POST", path, json)

    def delete(self, path):
        return self.ask("DELETE", path)


class Placement:
    def __init__(self, client):
        self.client = client

    def put(self, path, body):
        answer = self.client.put(path, json=body)
        assert answer.status_code in (200, 201, 204), (path, body, answer.text)

    def load(self, providers, generator):
        for p in providers:
            body = {"name": p["name"], "uuid": uuid_of(p["name"])}
            if p["parent"]:
                body["parent_provider_uuid"] = uuid_of(p["parent"])
            answer = self.client.post("/resource_providers", json=body)
            assert answer.status_code == 200, answer.text
            at = f"/resource_providers/{uuid_of(p['name'])}"
            generation = 0
            if p["inventories"]:
                self.put(at + "/inventories", {"resource_provider_generation": generation,
                                               "inventories": p["inventories"]})
                generation += 1
            if p["traits"]:
                self.put(at + "/traits", {"resource_provider_generation": generation,
                                          "traits": p["traits"]})
                generation += 1
            if p["aggregates"]:
                self.put(at + "/aggregates", {"resource_provider_generation": generation,
                                              "aggregates": [uuid_of(a) for a in p["aggregates"]]})
            self.use(p, generator)

    def use(self, p, generator):
        """Some of what is there is taken already; Placement itself says what may be."""
        for rc, inventory in p["inventories"].items():
            if generator.r.random() < 0.6:
                continue
            amount = generator.r.randint(1, inventory["total"])
            answer = self.client.put(
                f"/allocations/{uuid_of('c' + str(zlib.crc32((p['name'] + rc).encode())))}", json={
                    "allocations": {uuid_of(p["name"]): {"resources": {rc: amount}}},
                    "project_id": "p", "user_id": "u", "consumer_generation": None,
                    "consumer_type": "INSTANCE"})
            if answer.status_code == 204:
                p["used"][rc] = amount

    def clear(self, providers):
        for p in reversed(providers):
            at = f"/resource_providers/{uuid_of(p['name'])}"
            for consumer in self.client.get(at + "/allocations").json["allocations"]:
                self.client.delete(f"/allocations/{consumer}")
            answer = self.client.delete(at)
            assert answer.status_code == 204, answer.text

    def candidates(self, request):
        answer = self.client.get("/allocation_candidates?" + query_of(request))
        if answer.status_code == 400:
            return {"error": 400}
        assert answer.status_code == 200, answer.text
        found = []
        for candidate in answer.json["allocation_requests"]:
            found.append({
                "allocations": {name_of(rp): a["resources"]
                                for rp, a in sorted(candidate["allocations"].items())},
                "mappings": {suffix: sorted(name_of(rp) for rp in rps)
                             for suffix, rps in sorted(candidate["mappings"].items())}})
        texts = {json.dumps(c, sort_keys=True) for c in found}
        return {"candidates": [json.loads(text) for text in sorted(texts)]}


def query_of(request):
    parameters = []
    for g in request["groups"]:
        s = g["suffix"]
        if g["resources"]:
            parameters.append((f"resources{s}", ",".join(f"{k}:{v}" for k, v in sorted(
                g["resources"].items()))))
        traits = g["required"] + ["!" + t for t in g["forbidden"]]
        if traits:
            parameters.append((f"required{s}", ",".join(traits)))
        parameters += [(f"required{s}", "in:" + ",".join(any_of)) for any_of in g["any"]]
        parameters += [(f"member_of{s}", "in:" + ",".join(map(uuid_of, any_of)))
                       for any_of in g["member_of"]]
        if g["forbidden_aggregates"]:
            parameters.append((f"member_of{s}", "!in:" + ",".join(
                map(uuid_of, g["forbidden_aggregates"]))))
        if g["in_tree"]:
            parameters.append((f"in_tree{s}", uuid_of(g["in_tree"])))
    if request["group_policy"]:
        parameters.append(("group_policy", request["group_policy"]))
    root = request["root_required"] + ["!" + t for t in request["root_forbidden"]]
    if root:
        parameters.append(("root_required", ",".join(root)))
    parameters += [("same_subtree", ",".join(s)) for s in request["same_subtree"]]
    return urllib.parse.urlencode(parameters)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scenarios", type=int, default=40)
    parser.add_argument("--queries", type=int, default=20)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    # Without policy "none" Placement 8 adds up amounts of groups that meet on a provider in an
    # object that several candidates share: what is one candidate's is then counted in the next.
    research_context.RequestWideSearchContext.copy_arr_if_needed = (
        lambda self, arr: copy.copy(arr))
    # And it keeps, of a group that a sharing provider serves alone, one of its anchors, whichever.
    equal = allocation_candidate.AllocationRequest.__eq__
    allocation_candidate.AllocationRequest.__eq__ = lambda self, other: (
        equal(self, other) and
        self.anchor_root_provider_uuid == other.anchor_root_provider_uuid)
    conf = cfg.ConfigOpts()
    placement_conf.register_opts(conf)
    conf.set_override("connection", "sqlite://", group="placement_database")
    conf.set_override("auth_strategy", "noauth2", group="api")
    conf.set_override("sync_on_startup", True, group="placement_database")
    conf([], default_config_files=[])
    generator = Generator(options.seed)
    vectors = []
    placement = Placement(Client(conf))
    for trait in TRAITS:
        if trait.startswith("CUSTOM_"):
            placement.client.put(f"/traits/{trait}")
    placement.client.put("/resource_classes/CUSTOM_GOLD")
    for scenario in range(options.scenarios):
        providers = generator.scenario()
        placement.load(providers, generator)
        queries = []
        for _ in range(options.queries):
            request = generator.request(providers)
            queries.append({"request": request, "result": placement.candidates(request)})
        placement.clear(providers)
        vectors.append({"id": f"ac-{scenario:03}", "providers": providers, "queries": queries})
    header = {"family": "allocation_candidates", "placement_version": "8.0.0", "schema": 1,
              "seed": options.seed}
    out = ["{" + ",".join(f"{json.dumps(k)}:{json.dumps(v)}" for k, v in header.items()) +
           ',"vectors":[']
    out.append(",\n".join(json.dumps(v, separators=(",", ":")) for v in vectors))
    out.append("]}")
    sys.stdout.write("\n".join(out) + "\n")


if __name__ == "__main__":
    main()
