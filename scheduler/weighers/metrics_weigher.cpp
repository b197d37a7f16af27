// SPDX-License-Identifier: Apache-2.0
// MetricsWeigher: the sum of the host's metrics, each times what metrics.weight_setting gives it.
#include <optional>

#include "scheduler/core/fleet.h"
#include "scheduler/core/metric_settings.h"
#include "scheduler/core/scoring.h"
#include "scheduler/weighers/factories.h"
#include "scheduler/weighers/multiplied_weigher.h"

namespace kilonova::scheduler::weighers {
namespace {

class MetricsWeigher : public MultipliedWeigher {
 public:
  MetricsWeigher(double multiplier, const WeigherOptions& options)
      : MultipliedWeigher("MetricsWeigher", "metrics_weight_multiplier", multiplier),
        settings_(core::ParseMetricSettings(options.metrics_weight_setting)),
        required_(options.metrics_required),
        of_unavailable_(options.metrics_weight_of_unavailable) {}

  core::WeigherScope Scope(const core::PlacementRequest& /*request*/) const override {
    if (settings_.empty()) return core::WeigherScope::kSame;
    return required_ ? core::WeigherScope::kAnything : core::WeigherScope::kHostAlone;
  }

  Status Check(const core::Fleet& fleet, std::span<const core::HostIndex> hosts) const override {
    if (!required_ || settings_.empty()) return OkStatus();
    for (const core::HostIndex host : hosts) {
      const auto& record = fleet.Record(host);
      for (const auto& [name, ratio] : settings_) {
        if (record.metrics.contains(name)) continue;
        return Error(Code::kFailedPrecondition, reason::kConfigInvalid,
                     "metrics.required is set and a host does not report a metric that is weighed",
                     {{"host", record.host}, {"metric", name}});
      }
    }
    return OkStatus();
  }

  void Weigh(const core::Fleet& fleet, const core::PlacementRequest& /*request*/,
             std::span<const core::HostIndex> hosts, std::span<double> raw) const override {
    for (std::size_t i = 0; i < hosts.size(); ++i) raw[i] = WeighOne(fleet, hosts[i]);
  }

 private:
  double WeighOne(const core::Fleet& fleet, core::HostIndex host) const {
    const auto& metrics = fleet.Record(host).metrics;
    double sum = 0;
    for (const auto& [name, ratio] : settings_) {
      if (const auto found = metrics.find(name); found != metrics.end()) {
        sum += found->second * ratio;
        continue;
      }
      // One that does not count is not missed.
      const auto& aggregates = fleet.aggregate_lists[fleet.aggregates[host]];
      if (ratio * core::MultiplierFor(aggregates, *this) != 0) return of_unavailable_;
    }
    return sum;
  }

  core::MetricSettings settings_;
  bool required_;
  double of_unavailable_;
};

}  // namespace

std::unique_ptr<core::Weigher> MakeMetricsWeigher(double multiplier,
                                                  const WeigherOptions& options) {
  return std::make_unique<MetricsWeigher>(multiplier, options);
}

}  // namespace kilonova::scheduler::weighers
