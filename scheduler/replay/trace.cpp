// SPDX-License-Identifier: Apache-2.0
#include "scheduler/replay/trace.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <utility>

namespace kilonova::scheduler::replay {
namespace {

constexpr std::size_t kMostLines = 20'000'000;
constexpr int kLongestLine = 1'000;
constexpr std::string_view kHeader = "vmId,tenantId,cores,ram,vmTypeId,starttime,endtime";
constexpr std::int64_t kRamStepMb = 256;
constexpr double kMostUnits = 1e9;

struct CloseGz {
  void operator()(gzFile file) const { gzclose(file); }
};
using GzHandle = std::unique_ptr<std::remove_pointer_t<gzFile>, CloseGz>;

Status Bad(const std::string& what) {
  return Error(Code::kInvalidArgument, reason::kInvalidArgument, what);
}

bool ReadDouble(absl::string_view text, double& value) {
  return absl::SimpleAtod(text, &value) && !std::isnan(value);
}

bool ReadAmount(absl::string_view text, double& value) {
  return ReadDouble(text, value) && value > 0 && value <= kMostUnits;
}

}  // namespace

Expected<TraceVm> ParseTraceLine(std::string_view line) {
  const std::vector<absl::string_view> cells =
      absl::StrSplit(absl::string_view(line.data(), line.size()), ',');
  if (cells.size() != 7) return Bad("expected 7 columns, got " + std::to_string(cells.size()));
  TraceVm vm;
  double cores = 0;
  double ram = 0;
  if (!absl::SimpleAtoi(cells[0], &vm.id)) return Bad("vmId is no number");
  if (!absl::SimpleAtoi(cells[1], &vm.tenant)) return Bad("tenantId is no number");
  if (!ReadAmount(cells[2], cores)) return Bad("cores must be more than 0 and at most 1e9");
  if (!ReadAmount(cells[3], ram)) return Bad("ram must be more than 0 and at most 1e9");
  if (cells[4] != "0" && cells[4] != "1") return Bad("vmTypeId must be 0 or 1");
  if (!ReadDouble(cells[5], vm.start) || std::isinf(vm.start)) return Bad("starttime is no number");
  if (!ReadDouble(cells[6], vm.end)) return Bad("endtime is neither a number nor inf");
  if (vm.end < vm.start) return Bad("endtime is before starttime");
  vm.centicores = std::max<std::int64_t>(1, std::llround(cores));
  vm.memory_mb = std::max<std::int64_t>(1, std::llround(ram * kRamStepMb));
  vm.low_priority = cells[4] == "1";
  return vm;
}

Expected<std::vector<TraceVm>> ReadTrace(const std::string& path) {
  const GzHandle file(gzopen(path.c_str(), "rb"));
  if (!file) return Error(Code::kNotFound, reason::kInvalidArgument, "cannot open " + path);
  std::vector<TraceVm> vms;
  std::array<char, kLongestLine + 2> buffer{};
  std::size_t number = 0;
  while (gzgets(file.get(), buffer.data(), static_cast<int>(buffer.size())) != nullptr) {
    const std::string where = path + ":" + std::to_string(++number) + ": ";
    std::string_view line(buffer.data());
    if (!line.ends_with('\n') && gzeof(file.get()) == 0) return Bad(where + "the line is too long");
    while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
    if (number == 1 && line == kHeader) continue;
    if (number > kMostLines) return Bad(where + "too many lines");
    auto vm = ParseTraceLine(line);
    if (!vm.ok()) return Bad(where + Message(vm.status()));
    vms.push_back(*std::move(vm));
  }
  int code = Z_OK;
  const char* why = gzerror(file.get(), &code);
  if (code != Z_OK && code != Z_STREAM_END) return Bad(path + ": " + why);
  std::ranges::stable_sort(vms, {}, &TraceVm::start);
  return vms;
}

Demand PeakDemand(const std::vector<TraceVm>& vms) {
  std::vector<std::pair<double, const TraceVm*>> ends;
  for (const auto& vm : vms) {
    if (vm.end != kNever) ends.emplace_back(vm.end, &vm);
  }
  std::ranges::stable_sort(ends, {}, &std::pair<double, const TraceVm*>::first);
  Demand now;
  Demand peak;
  std::size_t ended = 0;
  for (const auto& vm : vms) {
    for (; ended < ends.size() && ends[ended].first <= vm.start; ++ended) {
      now.centicores -= static_cast<double>(ends[ended].second->centicores);
      now.memory_mb -= static_cast<double>(ends[ended].second->memory_mb);
    }
    now.centicores += static_cast<double>(vm.centicores);
    now.memory_mb += static_cast<double>(vm.memory_mb);
    peak.centicores = std::max(peak.centicores, now.centicores);
    peak.memory_mb = std::max(peak.memory_mb, now.memory_mb);
  }
  return peak;
}

}  // namespace kilonova::scheduler::replay
