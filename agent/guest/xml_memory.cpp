// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "agent/guest/xml_parts.h"

namespace kilonova::agent::guest {
namespace {

std::string Cells(const std::vector<std::int64_t>& ids) {
  CpuSet set;
  for (const std::int64_t id : ids) set.Add(static_cast<hardware::CpuId>(id));
  return hardware::FormatCpuSpec(set);
}

}  // namespace

void WriteMemoryBacking(XmlWriter& xml, pugi::xml_node root, const MemoryBacking& backing) {
  auto node = xml.Add(root, "memoryBacking");
  if (!backing.hugepages.empty()) {
    auto hugepages = xml.Add(node, "hugepages");
    for (const MemoryPages& pages : backing.hugepages) {
      auto page = xml.Add(hugepages, "page");
      xml.SetNumber(page, "size", pages.size_kib);
      xml.SetNumber(page, "nodeset", pages.cell);
      xml.SetWord(page, "unit", "KiB");
    }
  }
  if (backing.nosharepages) xml.Add(node, "nosharepages");
  if (backing.locked) xml.Add(node, "locked");
  if (!backing.file) return;
  xml.SetWord(xml.Add(node, "source"), "type", "file");
  xml.SetWord(xml.Add(node, "access"), "mode", "shared");
  xml.SetWord(xml.Add(node, "allocation"), "mode", "immediate");
  xml.Add(node, "discard");
}

void WriteNumaTune(XmlWriter& xml, pugi::xml_node root, const NumaTune& tune) {
  auto node = xml.Add(root, "numatune");
  auto memory = xml.Add(node, "memory");
  xml.SetWord(memory, "mode", "strict");
  xml.Set(memory, "nodeset", Cells(tune.host_cells));
  for (const MemNode& cell : tune.nodes) {
    auto memnode = xml.Add(node, "memnode");
    xml.SetNumber(memnode, "cellid", cell.cell);
    xml.SetWord(memnode, "mode", "strict");
    xml.SetNumber(memnode, "nodeset", cell.host_cell);
  }
}

}  // namespace kilonova::agent::guest
