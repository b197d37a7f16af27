// SPDX-License-Identifier: Apache-2.0
// AggregateImagePropertiesIsolation: a host of aggregates with an image property as metadata takes
// images with one of the values named there, or without that property. With a namespace configured
// only metadata of that prefix counts.
#include "common/base/python_text.h"
#include "common/hardware/image_props.h"
#include "scheduler/filters/aggregate_metadata.h"
#include "scheduler/filters/factories.h"

namespace kilonova::scheduler::filters {
namespace {

using core::Judgement;
using Wishes = std::map<std::string, std::string>;

std::string ListOf(const std::vector<std::string>& items) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "" : ", ") + item;
  return "[" + text + "]";
}

std::string SetOf(const hardware::CpuSet& cpus) {
  if (cpus.Empty()) return "set()";
  std::string text;
  cpus.ForEach(
      [&text](hardware::CpuId cpu) { text += (text.empty() ? "" : ", ") + std::to_string(cpu); });
  return "{" + text + "}";
}

// The properties as Python prints them typed; what it takes for false is no wish.
Wishes WishesOf(const hardware::ImageProps& image) {
  Wishes wishes;
  for (const auto& [name, value] : image.Values()) {
    if (const auto* text = std::get_if<std::string>(&value)) {
      if (!text->empty()) wishes.emplace(name, *text);
    } else if (const auto* number = std::get_if<std::int64_t>(&value)) {
      if (*number != 0) wishes.emplace(name, std::to_string(*number));
    } else if (std::get<bool>(value)) {
      wishes.emplace(name, "True");
    }
  }
  std::vector<std::string> items;
  for (const auto& trait : image.TraitsRequired()) {
    items.push_back(PyRepr(std::string_view(trait)));
  }
  if (!items.empty()) wishes.emplace("traits_required", ListOf(items));
  items.clear();
  if (image.NumaMem()) {
    for (const auto memory : *image.NumaMem()) items.push_back(std::to_string(memory));
  }
  if (!items.empty()) wishes.emplace("hw_numa_mem", ListOf(items));
  items.clear();
  if (image.NumaCpus()) {
    for (const auto& cpus : *image.NumaCpus()) items.push_back(SetOf(cpus));
  }
  if (!items.empty()) wishes.emplace("hw_numa_cpus", ListOf(items));
  return wishes;
}

Judgement JudgeImage(const Aggregates& aggregates, const Wishes& wishes,
                     const std::string& prefix) {
  const auto metadata = MetadataOf(aggregates);
  for (const auto& [name, value] : wishes) {
    const auto values = metadata.find(name);
    if (values == metadata.end() || !name.starts_with(prefix)) continue;
    if (!values->second.contains(value)) return Judgement::kRefuse;
  }
  return Judgement::kPass;
}

class PreparedImageIsolation : public PreparedAggregateFilter {
 public:
  PreparedImageIsolation(const core::Fleet& fleet, Wishes wishes, const std::string& prefix)
      : PreparedAggregateFilter(
            fleet, [&](const Aggregates& list) { return JudgeImage(list, wishes, prefix); }),
        wishes_(std::move(wishes)),
        prefix_(prefix) {}

  void Describe(const core::Fleet& fleet, core::HostIndex host,
                core::FilterVerdict& verdict) const override {
    const auto metadata = MetadataOf(fleet.aggregate_lists[fleet.aggregates[host]]);
    for (const auto& [name, value] : wishes_) {
      const auto values = metadata.find(name);
      if (values == metadata.end() || !name.starts_with(prefix_)) continue;
      verdict.need += (verdict.need.empty() ? "" : "; ") + name + " " + value;
      verdict.have += (verdict.have.empty() ? "" : "; ") + name + " " + Listed(values->second, "");
    }
  }

 private:
  Wishes wishes_;
  std::string prefix_;
};

class AggregateImagePropertiesIsolation : public core::Filter {
 public:
  AggregateImagePropertiesIsolation(const std::string& name_space, const std::string& separator)
      : prefix_(name_space.empty() ? "" : name_space + separator) {}
  std::string_view Name() const override { return "AggregateImagePropertiesIsolation"; }
  core::HostParts Reads() const override { return core::kAggregatesPart; }
  bool RunsOnRebuild() const override { return true; }
  Expected<std::unique_ptr<core::PreparedFilter>> Prepare(
      const core::Fleet& fleet, const core::PlacementRequest& request) const override {
    ASSIGN_OR_RETURN(const auto image, hardware::ImageProps::From(request.image_properties));
    Wishes wishes = WishesOf(image);
    if (wishes.empty()) return nullptr;
    return std::make_unique<PreparedImageIsolation>(fleet, std::move(wishes), prefix_);
  }

 private:
  std::string prefix_;  // of the metadata that counts
};

}  // namespace

std::unique_ptr<core::Filter> MakeAggregateImagePropertiesIsolation(const FilterOptions& options) {
  return std::make_unique<AggregateImagePropertiesIsolation>(
      options.aggregate_image_properties_isolation_namespace,
      options.aggregate_image_properties_isolation_separator);
}

}  // namespace kilonova::scheduler::filters
