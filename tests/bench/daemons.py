#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times and sizes of the real daemons on real parts, for docs/performance.md:

    KILONOVA_BUILD_DIR=build/release /usr/bin/python3 tests/bench/daemons.py [BUILDS]

Prints, as Markdown: start time and memory of both daemons, and what the agent does in a build, step
by step, libvirt's own calls apart. Guests halt at once, so that QEMU does not compete for the CPU.
"""
import pathlib
import re
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from cloud import Cloud  # noqa: E402

BUILDS = int(sys.argv[1]) if len(sys.argv) > 1 else 30
# Steps that are calls into libvirt; the others are the agent's own work and the tools it runs.
LIBVIRT = {"define", "start", "wait_running", "destroy", "undefine"}


def quantile(values, q):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def idle_cpu(daemon, seconds=10):
    def ticks():
        fields = pathlib.Path(f"/proc/{daemon.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])
    before = ticks()
    time.sleep(seconds)
    return (ticks() - before) / seconds  # clock ticks of 10 ms a second: percent of a core


def restarts(daemon, times=5):
    took = []
    for _ in range(times):
        daemon.stop()
        began = time.monotonic()
        daemon.start()
        took.append(time.monotonic() - began)
    return statistics.median(took)


def main():
    with Cloud(agents=["a"]) as cloud:
        cloud.seed()
        agent, scheduler = cloud.agents["a"], cloud.scheduler
        rows = []
        for daemon in (scheduler, agent):
            start = restarts(daemon)
            cloud.wait_hosts_up(["a"])
            rows.append((daemon.name, start, daemon.rss_kb() / 1024, idle_cpu(daemon)))
        print("| daemon | start to ready, median of 5 | RSS, no VMs | idle CPU of one core |")
        print("|---|---|---|---|")
        for name, start, rss, cpu in rows:
            print(f"| {name} | {start * 1000:.0f} ms | {rss:.1f} MiB | {cpu:.2f} % |")

        warm = cloud.create("warm", "--config-drive")
        cloud.wait_state(warm, "ACTIVE")
        cloud.delete(warm)
        walls = []
        for drive in (False, True):
            seen = len(agent.log.read_text())
            for number in range(BUILDS):
                began = time.monotonic()
                uuid = cloud.create(f"b{number}", *(["--config-drive"] if drive else []))
                cloud.wait_state(uuid, "ACTIVE")
                walls.append(time.monotonic() - began)
                cloud.delete(uuid)
            text = agent.log.read_text()[seen:]
            report(text, "with a config drive" if drive else "without a config drive")
        print(f"\nclient's create to ACTIVE seen (polled every 0.1 s): p50 {quantile(walls, .5):.2f} s")

        many = cloud.create("many", "--config-drive", count=10)
        for uuid in many:
            cloud.wait_state(uuid, "ACTIVE", seconds=180)
        print(f"\nagent RSS with 10 VMs: {agent.rss_kb() / 1024:.1f} MiB, "
              f"scheduler: {scheduler.rss_kb() / 1024:.1f} MiB")


def report(text, what):
    steps, own, whole = {}, [], []
    for line in re.findall(r'instance built .*?steps="([^"]+)"', text):
        values = {k: int(v) / 1000 for k, v in re.findall(r"(\S+)=(\d+)us", line)}
        for key, value in values.items():
            steps.setdefault(key, []).append(value)
        own.append(sum(v for k, v in values.items() if k not in LIBVIRT))
        whole.append(sum(values.values()))
    print(f"\n{len(own)} builds {what}, milliseconds:\n\n| step | p50 | p99 | whose |\n|---|---|---|---|")
    for key, values in steps.items():
        whose = "libvirt" if key in LIBVIRT else "agent"
        print(f"| {key} | {quantile(values, .5):.2f} | {quantile(values, .99):.2f} | {whose} |")
    print(f"| **agent's own** | **{quantile(own, .5):.1f}** | **{quantile(own, .99):.1f}** | |")
    print(f"| everything | {quantile(whole, .5):.1f} | {quantile(whole, .99):.1f} | |")


if __name__ == "__main__":
    main()
