// SPDX-License-Identifier: Apache-2.0
#include "common/hardware/reported.h"

#include <set>
#include <string>

#include "common/model/bounds.h"

namespace kilonova::hardware {
namespace {

Status Invalid(const std::string& field, const std::string& message) {
  return Error(Code::kInvalidArgument, reason::kInvalidArgument, field + " " + message,
               {{"field", field}});
}

Status ReadCpus(const std::string& text, const std::string& field, CpuSet& out) {
  auto cpus = ParseCpuSpec(text);
  if (!cpus.ok()) return Invalid(field, "is no set of CPUs");
  out = *std::move(cpus);
  return OkStatus();
}

Expected<HostNumaCell> ReadCell(const model::HostNumaCell& in) {
  const std::string field = "numa_cells." + std::to_string(in.id) + ".";
  HostNumaCell out;
  out.id = in.id;
  RETURN_IF_ERROR(ReadCpus(in.cpuset, field + "cpuset", out.cpuset));
  RETURN_IF_ERROR(ReadCpus(in.pcpuset, field + "pcpuset", out.pcpuset));
  RETURN_IF_ERROR(ReadCpus(in.pinned_cpus, field + "pinned_cpus", out.pinned_cpus));
  if (in.memory_mb < 0 || in.cpu_usage < 0 || in.memory_usage_mb < 0) {
    return Invalid(field + "memory_mb", "is negative");
  }
  out.memory = in.memory_mb;
  out.cpu_usage = in.cpu_usage;
  out.memory_usage = in.memory_usage_mb;
  if (in.siblings.size() > model::kMostHostCores)
    return Invalid(field + "siblings", "are too many");
  for (const std::string& core : in.siblings) {
    RETURN_IF_ERROR(ReadCpus(core, field + "siblings", out.siblings.emplace_back()));
  }
  if (in.pages.size() > model::kMostPageSizes) return Invalid(field + "pages", "are too many");
  for (const model::HostNumaPages& pages : in.pages) {
    if (pages.size_kb <= 0 || pages.total < 0 || pages.used < 0 || pages.reserved < 0) {
      return Invalid(field + "pages", "are out of bounds");
    }
    out.mempages.push_back({pages.size_kb, pages.total, pages.used, pages.reserved});
  }
  out.socket = in.socket;
  return out;
}

}  // namespace

std::vector<model::HostNumaCell> ToReport(const HostNumaTopology& topology) {
  std::vector<model::HostNumaCell> cells;
  for (const HostNumaCell& cell : topology.cells) {
    model::HostNumaCell& out = cells.emplace_back();
    out.id = cell.id;
    out.cpuset = FormatCpuSpec(cell.cpuset);
    out.pcpuset = FormatCpuSpec(cell.pcpuset);
    out.memory_mb = cell.memory;
    out.cpu_usage = cell.cpu_usage;
    out.memory_usage_mb = cell.memory_usage;
    out.pinned_cpus = FormatCpuSpec(cell.pinned_cpus);
    for (const CpuSet& core : cell.siblings) out.siblings.push_back(FormatCpuSpec(core));
    for (const HostPages& pages : cell.mempages) {
      out.pages.push_back({pages.size_kb, pages.total, pages.used, pages.reserved});
    }
    out.socket = cell.socket;
  }
  return cells;
}

Expected<HostNumaTopology> FromReport(const std::vector<model::HostNumaCell>& cells) {
  if (cells.size() > model::kMostHostCells) return Invalid("numa_cells", "are too many");
  HostNumaTopology topology;
  std::set<std::int64_t> ids;
  for (const model::HostNumaCell& cell : cells) {
    if (!ids.insert(cell.id).second) return Invalid("numa_cells", "give an id twice");
    ASSIGN_OR_RETURN(topology.cells.emplace_back(), ReadCell(cell));
  }
  return topology;
}

}  // namespace kilonova::hardware
