// SPDX-License-Identifier: Apache-2.0
// PciPassthroughFilter: hosts with the PCI devices the request asks for.
#include "scheduler/core/fleet.h"
#include "scheduler/filters/factories.h"

namespace kilonova::scheduler::filters {
namespace {

using core::Fleet;
using core::HostIndex;
using core::Judgement;

std::string TextOf(const hardware::PciRequest& request) {
  std::string text = std::to_string(request.count) + " of ";
  if (!request.alias_name.empty()) return text + request.alias_name;
  std::string devices;
  for (const auto& spec : request.spec) {
    devices += devices.empty() ? "" : " or ";
    std::string properties;
    for (const auto& [name, value] : spec) {
      properties += (properties.empty() ? "" : " ") + name + "=" + value.value_or("none");
    }
    devices += properties;
  }
  return text + devices;
}

class PreparedPciFilter : public core::PreparedFilter {
 public:
  explicit PreparedPciFilter(const std::vector<hardware::PciRequest>& requests)
      : requests_(requests) {}

  Judgement Judge(const Fleet& fleet, HostIndex host) const override {
    const auto* hardware = fleet.Record(host).hardware.get();
    const bool passes = hardware != nullptr && hardware->pci().Supports(requests_);
    return passes ? Judgement::kPass : Judgement::kRefuse;
  }

  bool MayRaise(const Fleet& /*fleet*/) const override { return false; }

  double Nearness(const Fleet& fleet, HostIndex host) const override {
    return static_cast<double>(fleet.Numbers(host).free_pci_devices);
  }

  void Describe(const Fleet& fleet, HostIndex host, core::FilterVerdict& verdict) const override {
    for (const auto& request : requests_) {
      verdict.need += (verdict.need.empty() ? "" : ", ") + TextOf(request);
    }
    if (const auto* hardware = fleet.Record(host).hardware.get()) {
      for (const auto& pool : hardware->pci().Pools()) {
        verdict.have += (verdict.have.empty() ? "" : ", ") + std::to_string(pool.count) + " of " +
                        pool.vendor_id + ":" + pool.product_id;
      }
    }
    if (verdict.have.empty()) verdict.have = "no PCI devices";
  }

 private:
  const std::vector<hardware::PciRequest>& requests_;  // the request's
};

class PciPassthroughFilter : public core::Filter {
 public:
  std::string_view Name() const override { return "PciPassthroughFilter"; }
  bool OncePerRequest() const override { return false; }
  core::HostParts Reads() const override { return core::kOwnPart; }
  Expected<std::unique_ptr<core::PreparedFilter>> Prepare(
      const Fleet& /*fleet*/, const core::PlacementRequest& request) const override {
    if (request.pci_requests.empty()) return nullptr;
    return std::make_unique<PreparedPciFilter>(request.pci_requests);
  }
};

}  // namespace

std::unique_ptr<core::Filter> MakePciPassthroughFilter(const FilterOptions& /*options*/) {
  return std::make_unique<PciPassthroughFilter>();
}

}  // namespace kilonova::scheduler::filters
