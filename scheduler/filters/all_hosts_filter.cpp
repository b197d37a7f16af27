// SPDX-License-Identifier: Apache-2.0
// AllHostsFilter: every host.
#include "scheduler/filters/factories.h"

namespace kilonova::scheduler::filters {
namespace {

class AllHostsFilter : public core::Filter {
 public:
  std::string_view Name() const override { return "AllHostsFilter"; }
  Expected<std::unique_ptr<core::PreparedFilter>> Prepare(
      const core::Fleet& /*fleet*/, const core::PlacementRequest& /*request*/) const override {
    return nullptr;
  }
};

}  // namespace

std::unique_ptr<core::Filter> MakeAllHostsFilter(const FilterOptions& /*options*/) {
  return std::make_unique<AllHostsFilter>();
}

}  // namespace kilonova::scheduler::filters
