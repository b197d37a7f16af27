// SPDX-License-Identifier: Apache-2.0
// ImagePropertiesWeigher, of Nova 2025.1: counts, of the host's instances, the image properties
// they share with the image asked for. A positive multiplier packs what is alike, a negative one
// spreads it. The configured multiplier 0 turns it off, whatever aggregates say.
#include <algorithm>
#include <map>

#include "scheduler/core/fleet.h"
#include "scheduler/core/metric_settings.h"
#include "scheduler/weighers/factories.h"
#include "scheduler/weighers/multiplied_weigher.h"

namespace kilonova::scheduler::weighers {
namespace {

class ImagePropertiesWeigher : public MultipliedWeigher {
 public:
  ImagePropertiesWeigher(double multiplier, const core::MetricSettings& settings)
      : MultipliedWeigher("ImagePropertiesWeigher", "image_props_weight_multiplier", multiplier),
        on_(multiplier != 0) {
    for (const auto& [name, ratio] : settings) ratios_[name] = ratio;
  }
  bool ReadsImages() const override { return on_; }
  core::WeigherScope Scope(const core::PlacementRequest& request) const override {
    return on_ && !request.image_properties.empty() ? core::WeigherScope::kAnything
                                                    : core::WeigherScope::kSame;
  }
  void Weigh(const core::Fleet& fleet, const core::PlacementRequest& request,
             std::span<const core::HostIndex> hosts, std::span<double> raw) const override {
    std::ranges::fill(raw, 0.0);
    if (Scope(request) == core::WeigherScope::kSame) return;
    const core::ImagePairs asked = core::PairsOfImage(request.image_properties);
    const auto worths = fleet.images.Worths([&](const core::ImagePairs& pairs) {
      double worth = 0;
      for (const auto& pair : pairs) {
        if (std::ranges::binary_search(asked, pair)) worth += RatioOf(pair.first);
      }
      return worth;
    });
    for (std::size_t i = 0; i < hosts.size(); ++i) raw[i] = fleet.images.Sum(hosts[i], worths);
  }

 private:
  // Once any property is named, those that are not count for nothing.
  double RatioOf(const std::string& property) const {
    if (ratios_.empty()) return 1.0;
    const auto found = ratios_.find(property);
    return found == ratios_.end() ? 0.0 : found->second;
  }

  bool on_;
  std::map<std::string, double> ratios_;
};

}  // namespace

std::unique_ptr<core::Weigher> MakeImagePropertiesWeigher(double multiplier,
                                                          const WeigherOptions& options) {
  return std::make_unique<ImagePropertiesWeigher>(
      multiplier, core::ParseMetricSettings(options.image_props_weight_setting));
}

}  // namespace kilonova::scheduler::weighers
