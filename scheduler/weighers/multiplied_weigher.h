// SPDX-License-Identifier: Apache-2.0
// What all weighers share: a name, a multiplier, and the key aggregates override it by.
#pragma once

#include <string_view>

#include "scheduler/core/pipeline.h"

namespace kilonova::scheduler::weighers {

class MultipliedWeigher : public core::Weigher {
 public:
  // The texts outlive the weigher.
  MultipliedWeigher(std::string_view name, std::string_view multiplier_key, double multiplier)
      : name_(name), multiplier_key_(multiplier_key), multiplier_(multiplier) {}
  std::string_view Name() const override { return name_; }
  std::string_view MultiplierKey() const override { return multiplier_key_; }
  double Multiplier() const override { return multiplier_; }
  // Nova bounds few of its weighers.
  std::optional<double> Minimum() const override { return std::nullopt; }

 private:
  std::string_view name_, multiplier_key_;
  double multiplier_;
};

}  // namespace kilonova::scheduler::weighers
