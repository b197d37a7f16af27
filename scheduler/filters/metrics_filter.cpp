// SPDX-License-Identifier: Apache-2.0
// MetricsFilter: hosts that report every metric the MetricsWeigher is set to weigh.
#include "scheduler/core/fleet.h"
#include "scheduler/core/metric_settings.h"
#include "scheduler/filters/factories.h"

namespace kilonova::scheduler::filters {
namespace {

using core::Fleet;
using core::HostIndex;
using core::Judgement;

class PreparedMetricsFilter : public core::PreparedFilter {
 public:
  explicit PreparedMetricsFilter(const core::MetricSettings& settings) : settings_(settings) {}

  Judgement Judge(const Fleet& fleet, HostIndex host) const override {
    return Missing(fleet, host).empty() ? Judgement::kPass : Judgement::kRefuse;
  }

  bool MayRaise(const Fleet& /*fleet*/) const override { return false; }

  void Describe(const Fleet& fleet, HostIndex host, core::FilterVerdict& verdict) const override {
    const std::string missing = Missing(fleet, host);
    verdict.have = missing.empty() ? "all of them" : "no " + missing;
    for (const auto& [name, ratio] : settings_) {
      verdict.need += (verdict.need.empty() ? "the metrics " : ", ") + name;
    }
  }

 private:
  std::string Missing(const Fleet& fleet, HostIndex host) const {
    const auto& metrics = fleet.Record(host).metrics;
    for (const auto& [name, ratio] : settings_) {
      if (!metrics.contains(name)) return name;
    }
    return "";
  }

  const core::MetricSettings& settings_;  // the filter's
};

class MetricsFilter : public core::Filter {
 public:
  explicit MetricsFilter(const std::vector<std::string>& weight_setting)
      : settings_(core::ParseMetricSettings(weight_setting)) {}
  std::string_view Name() const override { return "MetricsFilter"; }
  bool OncePerRequest() const override { return false; }
  core::HostParts Reads() const override { return core::kOwnPart; }
  Expected<std::unique_ptr<core::PreparedFilter>> Prepare(
      const Fleet& /*fleet*/, const core::PlacementRequest& /*request*/) const override {
    if (settings_.empty()) return nullptr;
    return std::make_unique<PreparedMetricsFilter>(settings_);
  }

 private:
  core::MetricSettings settings_;
};

}  // namespace

std::unique_ptr<core::Filter> MakeMetricsFilter(const FilterOptions& options) {
  return std::make_unique<MetricsFilter>(options.metrics_weight_setting);
}

}  // namespace kilonova::scheduler::filters
