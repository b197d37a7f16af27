#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Fits the same guests to the same hosts with real Nova, in process, and with Kilonova.

    /usr/bin/python3 tests/bench/nova_numa.py build/release/bench/hardware_fit_bench

prints microseconds a fit and the ratio, after checking that both give the same answer to each case
of tests/bench/hardware/cases.json (--write-cases makes that file). Needs Debian's python3-nova.
"""
import argparse
import json
import logging
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CASES = ROOT / "tests/bench/hardware/cases.json"
sys.path.insert(0, str(ROOT / "tests/tools"))


def host(cells, busy=()):
    """16 threads in 8 cores and 64 GiB a cell, 48 GiB of it huge pages; four cells a socket."""
    out = []
    for number in range(cells):
        cores = [[core, cells * 8 + core] for core in range(number * 8, number * 8 + 8)]
        cpus = sorted(cpu for core in cores for cpu in core)
        out.append({"id": number, "cpuset": cpus, "pcpuset": cpus, "memory": 65536, "cpu_usage": 0,
                    "memory_usage": 0, "siblings": cores, "socket": number // 4,
                    "pinned_cpus": [cpu for i, core in enumerate(cores) for cpu in core
                                    if i in busy],
                    "mempages": [{"size_kb": 4, "total": 16 * 262144, "used": 0, "reserved": 0},
                                 {"size_kb": 2048, "total": 16384, "used": 0, "reserved": 0},
                                 {"size_kb": 1048576, "total": 16, "used": 0, "reserved": 0}]})
    return {"cells": out}


def guest(cells, vcpus, policy, pagesize=None):
    out = []
    for number in range(cells):
        cpus = list(range(number * vcpus, (number + 1) * vcpus))
        pinned = cpus if policy == "dedicated" else []
        out.append({"id": number, "cpuset": [c for c in cpus if c not in pinned],
                    "pcpuset": pinned, "memory": 4096, "pagesize": pagesize, "cpu_policy": policy,
                    "cpu_thread_policy": None})
    return {"cells": out, "emulator_threads_policy": None}


def case(name, host_, guest_, requests=(), pools=None):
    return {"id": name, "host": host_, "instance": guest_,
            "limits": {"cpu_allocation_ratio": 4.0, "ram_allocation_ratio": 1.0},
            "pci_requests": list(requests), "pci_device_pools": pools,
            "packing_host_numa_cells_allocation_strategy": False}


def make_cases():
    device = {"count": 1, "spec": [{"vendor_id": "8086", "product_id": "154d"}], "alias_name": "a",
              "request_id": None, "numa_policy": "required"}
    pools = [{"vendor_id": "8086", "product_id": "154d", "numa_node": 7, "count": 4, "tags": {}}]
    half = (0, 2, 4, 6)
    return [
        case("2 cells, 4 shared CPUs", host(2), guest(1, 4, "shared")),
        case("2 cells, 4 dedicated CPUs", host(2, half), guest(1, 4, "dedicated")),
        case("2 cells, 2 guest cells of 4 dedicated CPUs, large pages", host(2, half),
             guest(2, 4, "dedicated", -2)),
        case("8 cells, 8 dedicated CPUs, any pages", host(8, half), guest(1, 8, "dedicated", -3)),
        case("8 cells, 4 guest cells of 8 dedicated CPUs, large pages", host(8, half),
             guest(4, 8, "dedicated", -2)),
        case("8 cells, 4 guest cells of 8 shared CPUs and a device of cell 7", host(8, half),
             guest(4, 8, "shared"), [device], pools),
        case("8 cells, full: 4 guest cells of 8 dedicated CPUs refused", host(8, (0, 1, 2, 3, 4)),
             guest(4, 8, "dedicated")),
    ]


def nova_times(cases, seconds):
    import numa_vectors as nova_side
    from nova import objects
    from nova.virt import hardware
    logging.disable(logging.CRITICAL)
    objects.register_all()
    nova_side.CONF([], project="nova", default_config_files=[])
    out = {}
    for case_ in cases:
        host_ = nova_side.make_host(case_["host"])
        limits = nova_side.make_limits(case_["limits"])
        requests = nova_side.make_requests(case_["pci_requests"])
        stats = nova_side.make_stats(case_["pci_device_pools"], host_)
        rounds, spent, fitted = 0, 0.0, None
        while spent < seconds or rounds < 3:
            instance = nova_side.make_instance(case_["instance"])  # fitting changes it
            start = time.process_time()
            fitted = hardware.numa_fit_instance_to_host(host_, instance, limits, requests, stats)
            spent += time.process_time() - start
            rounds += 1
        out[case_["id"]] = (spent / rounds * 1e6, fitted and nova_side.instance_json(fitted))
    return out


def kilonova_times(bench, cases):
    result = subprocess.run([bench, "--benchmark_format=json"], check=True, capture_output=True,
                            text=True)
    runs = {run["name"]: run for run in json.loads(result.stdout)["benchmarks"]}
    answers = json.loads(subprocess.run([bench, "--answers"], check=True, capture_output=True,
                                        text=True).stdout)
    return {c["id"]: (runs["Fit/" + c["id"]]["cpu_time"] / 1e3, answers[c["id"]]) for c in cases}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bench", nargs="?")
    parser.add_argument("--seconds", type=float, default=1.0, help="of Nova's time for each case")
    parser.add_argument("--write-cases", action="store_true")
    arguments = parser.parse_args()
    if arguments.write_cases:
        lines = ",\n".join(json.dumps(c) for c in make_cases())
        CASES.write_text('{"cases": [\n' + lines + "\n]}\n", encoding="utf-8")
        return 0
    cases = json.loads(CASES.read_text(encoding="utf-8"))["cases"]
    theirs, ours = nova_times(cases, arguments.seconds), kilonova_times(arguments.bench, cases)
    differ = 0
    print("| case | Nova, us | Kilonova, us | ratio |\n|---|---|---|---|")
    for name, (nova_us, nova_answer) in theirs.items():
        us, answer = ours[name]
        print(f"| {name} | {nova_us:,.0f} | {us:.2f} | {nova_us / us:,.0f} |")
        if answer != nova_answer:
            differ += 1
            print(f"different answers to {name}:\n  {nova_answer}\n  {answer}", file=sys.stderr)
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
