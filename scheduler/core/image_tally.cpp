// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/image_tally.h"

#include <absl/strings/str_join.h>

#include <algorithm>

#include "common/hardware/image_props.h"

namespace kilonova::scheduler::core {
namespace {

constexpr std::size_t kMostText = 255;  // bytes of a value in Nova's system metadata

// Equal exactly where Python's str() of the two values is.
std::string TextOf(const hardware::ImageProps::Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "True" : "False";
  return std::to_string(std::get<std::int64_t>(value));
}

void CutAtCharacter(std::string& text, std::size_t most) {
  if (text.size() <= most) return;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0U) == 0x80U) --most;
  text.resize(most);
}

std::string KeyOf(const ImagePairs& pairs) {
  std::string key;
  for (const auto& [name, value] : pairs) {
    key += name + "=" + std::to_string(value.size()) + ":" + value;
  }
  return key;
}

}  // namespace

ImagePairs PairsOfImage(const ImageTexts& properties) {
  ImagePairs pairs;
  const auto props = hardware::ImageProps::From(properties);
  if (!props.ok()) return pairs;
  for (const auto& [name, value] : props->Values()) pairs.emplace_back(name, TextOf(value));
  if (const auto& cpus = props->NumaCpus()) {
    std::vector<std::string> cells;
    for (const auto& cell : *cpus) cells.push_back(hardware::FormatCpuSpec(cell));
    pairs.emplace_back("hw_numa_cpus", absl::StrJoin(cells, ";"));
  }
  if (const auto& memory = props->NumaMem()) {
    pairs.emplace_back("hw_numa_mem", absl::StrJoin(*memory, ","));
  }
  if (!props->TraitsRequired().empty()) {
    pairs.emplace_back("traits_required", absl::StrJoin(props->TraitsRequired(), ","));
  }
  std::ranges::sort(pairs);
  return pairs;
}

ImagePairs PairsOfInstance(const ImageTexts& properties) {
  ImageTexts kept = properties;
  kept.erase("mappings");
  kept.erase("block_device_mapping");
  for (auto& [name, value] : kept) CutAtCharacter(value, kMostText);
  return PairsOfImage(kept);
}

void ImageTally::Count(HostIndex host, SetId set, std::int64_t sign) {
  if (on_.size() <= host) on_.resize(host + 1);
  auto& counts = on_[host];
  const auto found = std::ranges::find(counts, set, [](const auto& entry) { return entry.first; });
  if (found == counts.end()) {
    counts.emplace_back(set, sign);
  } else if ((found->second += sign) == 0) {
    counts.erase(found);
  }
}

std::optional<ImageTally::SetId> ImageTally::Hold(ImagePairs pairs) {
  if (!kept_ || pairs.empty()) return std::nullopt;
  const std::string key = KeyOf(pairs);
  return sets_.Acquire(key, std::move(pairs));
}

void ImageTally::Add(const UuidKey& instance, HostIndex host, SetId set) {
  if (!of_.emplace(instance, set).second) return;
  sets_.Hold(set);
  Count(host, set, 1);
}

void ImageTally::Add(const UuidKey& instance, HostIndex host, ImagePairs pairs) {
  const auto set = Hold(std::move(pairs));
  if (!set) return;
  Add(instance, host, *set);
  Release(*set);
}

void ImageTally::Drop(const UuidKey& instance, HostIndex host) {
  const auto found = of_.find(instance);
  if (found == of_.end()) return;
  Count(host, found->second, -1);
  sets_.Release(found->second);
  of_.erase(found);
}

void ImageTally::Move(const UuidKey& instance, HostIndex from, HostIndex to) {
  const auto found = of_.find(instance);
  if (found == of_.end()) return;
  Count(from, found->second, -1);
  Count(to, found->second, 1);
}

std::vector<double> ImageTally::Worths(absl::FunctionRef<double(const ImagePairs&)> worth) const {
  std::vector<double> worths(sets_.Size());
  for (SetId set = 0; set < worths.size(); ++set) {
    if (const ImagePairs* pairs = sets_.Find(set)) worths[set] = worth(*pairs);
  }
  return worths;
}

double ImageTally::Sum(HostIndex host, const std::vector<double>& worths) const {
  double sum = 0;
  if (host >= on_.size()) return sum;
  for (const auto& [set, count] : on_[host]) sum += worths[set] * static_cast<double>(count);
  return sum;
}

std::size_t ImageTally::MemoryBytes() const {
  std::size_t bytes = of_.capacity() * (sizeof(UuidKey) + sizeof(SetId) + 1);
  bytes += on_.size() * sizeof(decltype(on_)::value_type);
  for (const auto& counts : on_) bytes += counts.capacity() * sizeof(counts[0]);
  return bytes;
}

}  // namespace kilonova::scheduler::core
