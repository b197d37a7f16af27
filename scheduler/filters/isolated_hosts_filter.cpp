// SPDX-License-Identifier: Apache-2.0
// IsolatedHostsFilter: isolated images run on isolated hosts only and, if so configured, isolated
// hosts run isolated images only.
#include <algorithm>

#include "scheduler/core/fleet.h"
#include "scheduler/filters/factories.h"

namespace kilonova::scheduler::filters {
namespace {

using core::Fleet;
using core::HostIndex;
using core::Judgement;

bool Has(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

class PreparedIsolatedFilter : public core::PreparedFilter {
 public:
  PreparedIsolatedFilter(const std::vector<std::string>& hosts, bool want_isolated,
                         bool want_others)
      : hosts_(hosts), want_isolated_(want_isolated), want_others_(want_others) {}

  Judgement Judge(const Fleet& fleet, HostIndex host) const override {
    const bool isolated = Has(hosts_, fleet.Record(host).host);
    return (isolated ? want_isolated_ : want_others_) ? Judgement::kPass : Judgement::kRefuse;
  }

  bool MayRaise(const Fleet& /*fleet*/) const override { return false; }

  void Describe(const Fleet& fleet, HostIndex host, core::FilterVerdict& verdict) const override {
    verdict.need = want_isolated_ ? "an isolated host, as the image is isolated"
                                  : "a host that is not isolated, as the image is not";
    verdict.have =
        Has(hosts_, fleet.Record(host).host) ? "an isolated host" : "a host that is not isolated";
  }

 private:
  const std::vector<std::string>& hosts_;  // the filter's
  bool want_isolated_, want_others_;
};

class IsolatedHostsFilter : public core::Filter {
 public:
  explicit IsolatedHostsFilter(const FilterOptions& options)
      : hosts_(options.isolated_hosts),
        images_(options.isolated_images),
        restrict_(options.restrict_isolated_hosts_to_isolated_images) {}
  std::string_view Name() const override { return "IsolatedHostsFilter"; }
  core::HostParts Reads() const override { return core::kOwnPart; }
  bool RunsOnRebuild() const override { return true; }
  Expected<std::unique_ptr<core::PreparedFilter>> Prepare(
      const Fleet& /*fleet*/, const core::PlacementRequest& request) const override {
    const bool isolated = !request.image_id.empty() && Has(images_, request.image_id);
    // Without isolated images no image is.
    const bool want_isolated = isolated || !restrict_;
    const bool want_others = !isolated;
    if (want_isolated && want_others) return nullptr;
    return std::make_unique<PreparedIsolatedFilter>(hosts_, want_isolated, want_others);
  }

 private:
  std::vector<std::string> hosts_, images_;
  bool restrict_;
};

}  // namespace

std::unique_ptr<core::Filter> MakeIsolatedHostsFilter(const FilterOptions& options) {
  return std::make_unique<IsolatedHostsFilter>(options);
}

}  // namespace kilonova::scheduler::filters
