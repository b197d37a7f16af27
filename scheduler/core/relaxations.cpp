// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/relaxations.h"

#include <utility>

namespace kilonova::scheduler::core {
namespace {

class Relaxer {
 public:
  explicit Relaxer(const PlacementRequest& request) : request_(request) {}

  std::vector<Relaxation> All() && {
    Places();
    Group();
    for (const auto& [name, values] : request_.hints) {
      if (name == "group") continue;
      With("without the hint " + name, [&name = name](auto& r) { r.hints.erase(name); });
    }
    for (const auto& [name, value] : request_.flavor.extra_specs) {
      With(WithoutSpec(name, value), [&name = name](auto& r) { r.flavor.extra_specs.erase(name); });
    }
    for (const auto& [name, value] : request_.image_properties) {
      With("without image property " + name + "=" + value,
           [&name = name](auto& r) { r.image_properties.erase(name); });
    }
    return std::move(all_);
  }

 private:
  template <class Edit>
  void With(std::string change, const Edit& edit) {
    if (all_.size() >= kMostRelaxations) return;
    edit(all_.emplace_back(Relaxation{std::move(change), request_}).request);
  }

  void Places() {
    if (!request_.availability_zone.empty()) {
      With("any zone instead of " + request_.availability_zone,
           [](auto& r) { r.availability_zone.clear(); });
    }
    if (!request_.forced_host.empty() || !request_.forced_node.empty()) {
      With("without the forced host", [](auto& r) {
        r.forced_host.clear();
        r.forced_node.clear();
      });
    }
    if (request_.requested_destination) {
      With("any host instead of " + request_.requested_destination->host,
           [](auto& r) { r.requested_destination.reset(); });
    }
  }

  void Group() {
    if (!request_.instance_group) return;
    With("without the server group", [](auto& r) {
      r.instance_group.reset();
      r.hints.erase("group");
    });
    if (request_.instance_group->policy != "anti-affinity") return;
    const auto most = request_.instance_group->max_server_per_host.value_or(1) + 1;
    With("max_server_per_host " + std::to_string(most),
         [most](auto& r) { r.instance_group->max_server_per_host = most; });
  }

  static std::string WithoutSpec(const std::string& name, const std::string& value) {
    const auto colon = name.find(':');
    if (!name.starts_with("trait") || colon == std::string::npos) {
      return "without extra spec " + name + "=" + value;
    }
    return (value == "forbidden" ? "with trait " : "without trait ") + name.substr(colon + 1);
  }

  const PlacementRequest& request_;
  std::vector<Relaxation> all_;
};

}  // namespace

std::vector<Relaxation> RelaxationsOf(const PlacementRequest& request) {
  return Relaxer(request).All();
}

}  // namespace kilonova::scheduler::core
