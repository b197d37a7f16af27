// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/journal/numa_text.h"

#include <nlohmann/json.hpp>

namespace kilonova::agent::adapters::journal {
namespace {

using nlohmann::json;

constexpr std::size_t kMostBytes = 1 << 20;

Status BadRow(std::string_view what) {
  return Error(Code::kDataLoss, reason::kJournalFailed, "a row of the journal is damaged",
               {{"field", "numa"}, {kOperatorDetail, std::string(what)}});
}

json CellJson(const hardware::InstanceNumaCell& cell) {
  json out = {{"id", cell.id},
              {"cpuset", hardware::FormatCpuSpec(cell.cpuset)},
              {"pcpuset", hardware::FormatCpuSpec(cell.pcpuset)},
              {"memory", cell.memory},
              {"cpu_policy", hardware::ToText(cell.cpu_policy)},
              {"cpu_thread_policy", hardware::ToText(cell.cpu_thread_policy)},
              {"cpuset_reserved", hardware::FormatCpuSpec(cell.cpuset_reserved)}};
  if (cell.pagesize) out["pagesize"] = *cell.pagesize;
  json pins = json::array();
  for (const auto& [guest, host] : cell.cpu_pinning) pins.push_back({guest, host});
  out["cpu_pinning"] = std::move(pins);
  return out;
}

// Throws json::exception for what is missing or of another type.
Expected<hardware::InstanceNumaCell> CellFrom(const json& in) {
  hardware::InstanceNumaCell cell;
  cell.id = in.at("id").get<std::int64_t>();
  ASSIGN_OR_RETURN(cell.cpuset, hardware::ParseCpuSpec(in.at("cpuset").get<std::string>()));
  ASSIGN_OR_RETURN(cell.pcpuset, hardware::ParseCpuSpec(in.at("pcpuset").get<std::string>()));
  ASSIGN_OR_RETURN(cell.cpuset_reserved,
                   hardware::ParseCpuSpec(in.at("cpuset_reserved").get<std::string>()));
  cell.memory = in.at("memory").get<std::int64_t>();
  if (in.contains("pagesize")) cell.pagesize = in.at("pagesize").get<std::int64_t>();
  const auto policy = hardware::CpuPolicyFrom(in.at("cpu_policy").get<std::string>());
  const auto threads = hardware::CpuThreadPolicyFrom(in.at("cpu_thread_policy").get<std::string>());
  if (!policy || !threads) return BadRow("policy");
  cell.cpu_policy = *policy;
  cell.cpu_thread_policy = *threads;
  for (const json& pin : in.at("cpu_pinning")) {
    cell.cpu_pinning.emplace_back(pin.at(0).get<hardware::CpuId>(),
                                  pin.at(1).get<hardware::CpuId>());
  }
  return cell;
}

}  // namespace

std::string WriteNuma(const std::optional<hardware::InstanceNumaTopology>& numa) {
  if (!numa) return "";
  json cells = json::array();
  for (const auto& cell : numa->cells) cells.push_back(CellJson(cell));
  return json{{"cells", std::move(cells)},
              {"emulator_threads_policy", hardware::ToText(numa->emulator_threads_policy)}}
      .dump();
}

Expected<std::optional<hardware::InstanceNumaTopology>> ReadNuma(const std::string& text) {
  std::optional<hardware::InstanceNumaTopology> numa;
  if (text.empty()) return numa;
  if (text.size() > kMostBytes) return BadRow("too long");
  try {
    const json in = json::parse(text);
    numa.emplace();
    for (const json& cell : in.at("cells")) {
      ASSIGN_OR_RETURN(numa->cells.emplace_back(), CellFrom(cell));
    }
    const auto policy =
        hardware::EmulatorThreadsPolicyFrom(in.at("emulator_threads_policy").get<std::string>());
    if (!policy) return BadRow("emulator_threads_policy");
    numa->emulator_threads_policy = *policy;
  } catch (const json::exception& e) {
    return BadRow(e.what());
  }
  return numa;
}

}  // namespace kilonova::agent::adapters::journal
