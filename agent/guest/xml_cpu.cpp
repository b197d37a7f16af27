// SPDX-License-Identifier: Apache-2.0
#include "agent/guest/xml_parts.h"

namespace kilonova::agent::guest {

void WriteCpuTune(XmlWriter& xml, pugi::xml_node root, const CpuTune& tune) {
  auto node = xml.Add(root, "cputune");
  if (tune.shares) xml.AddNumber(node, "shares", *tune.shares);
  if (tune.quota) xml.AddNumber(node, "quota", *tune.quota);
  if (tune.period) xml.AddNumber(node, "period", *tune.period);
  if (tune.emulator) {
    xml.Set(xml.Add(node, "emulatorpin"), "cpuset", hardware::FormatCpuSpec(*tune.emulator));
  }
  for (const VcpuPin& pin : tune.pins) {
    auto vcpupin = xml.Add(node, "vcpupin");
    xml.SetNumber(vcpupin, "vcpu", pin.vcpu);
    xml.Set(vcpupin, "cpuset", hardware::FormatCpuSpec(pin.cpus));
  }
  if (!tune.realtime) return;
  auto sched = xml.Add(node, "vcpusched");
  xml.Set(sched, "vcpus", hardware::FormatCpuSpec(tune.realtime->vcpus));
  xml.SetWord(sched, "scheduler", "fifo");
  xml.SetNumber(sched, "priority", tune.realtime->priority);
}

void WriteCpu(XmlWriter& xml, pugi::xml_node root, const Cpu& cpu) {
  auto node = xml.Add(root, "cpu");
  xml.SetIf(node, "mode", cpu.mode);
  xml.SetWord(node, "match", "exact");
  if (!cpu.model.empty()) xml.AddText(node, "model", cpu.model);
  auto topology = xml.Add(node, "topology");
  xml.SetNumber(topology, "sockets", cpu.topology.sockets);
  xml.SetNumber(topology, "cores", cpu.topology.cores);
  xml.SetNumber(topology, "threads", cpu.topology.threads);
  for (const CpuFeature& feature : cpu.features) {
    auto child = xml.Add(node, "feature");
    xml.Set(child, "name", feature.name);
    xml.Set(child, "policy", feature.policy);
  }
  if (cpu.cells.empty()) return;
  auto numa = xml.Add(node, "numa");
  for (const CpuCell& cell : cpu.cells) {
    auto child = xml.Add(numa, "cell");
    xml.SetNumber(child, "id", cell.id);
    xml.Set(child, "cpus", hardware::FormatCpuSpec(cell.cpus));
    xml.SetNumber(child, "memory", cell.memory_kib);
    if (cell.shared) xml.SetWord(child, "memAccess", "shared");
  }
}

}  // namespace kilonova::agent::guest
