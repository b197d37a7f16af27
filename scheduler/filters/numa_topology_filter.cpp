// SPDX-License-Identifier: Apache-2.0
// NUMATopologyFilter: hosts whose NUMA cells can take the guest's, with its pinned CPUs, pages,
// devices and networks.
#include <algorithm>

#include "common/hardware/fit.h"
#include "common/hardware/image_props.h"
#include "common/hardware/misfit.h"
#include "scheduler/core/fleet.h"
#include "scheduler/filters/factories.h"

namespace kilonova::scheduler::filters {
namespace {

using core::Fleet;
using core::HostIndex;
using core::Judgement;

enum class Threads { kAny, kRequired };  // pinned CPUs that want to be threads of one core

class PreparedNumaFilter : public core::PreparedFilter {
 public:
  PreparedNumaFilter(const core::PlacementRequest& request, Threads threads,
                     hardware::CellOrder order)
      : request_(request), threads_(threads), order_(order) {}

  Judgement Judge(const Fleet& fleet, HostIndex host) const override {
    const auto* numa = NumaOf(fleet, host);
    if (LacksThreads(numa)) return Judgement::kRefuse;
    if (!Wanted()) return Judgement::kPass;
    if (numa == nullptr) return Judgement::kRefuse;
    const auto limits = fleet.NumaLimitsOf(host, request_);
    const auto fitted = hardware::FitInstanceToHost(Fit(fleet, host, limits));
    if (!fitted.ok()) return Judgement::kError;
    return *fitted ? Judgement::kPass : Judgement::kRefuse;
  }

  bool MayRaise(const Fleet& fleet) const override { return fleet.RefusesNuma(); }

  void Describe(const Fleet& fleet, HostIndex host, core::FilterVerdict& verdict) const override {
    const auto* numa = NumaOf(fleet, host);
    Append(verdict.need, threads_ == Threads::kRequired ? "hardware threads" : "");
    if (!Wanted()) {
      Append(verdict.need, "no NUMA topology");
    } else {
      for (const auto& cell : request_.numa_topology->cells) {
        Append(verdict.need, "cell of " + std::to_string(cell.cpuset.Size()) + " shared, " +
                                 std::to_string(cell.pcpuset.Size()) + " pinned CPUs, " +
                                 std::to_string(cell.memory) + " MiB" + hardware::PagesText(cell));
      }
    }
    if (numa == nullptr) {
      verdict.have = "no NUMA topology";
      return;
    }
    if (!verdict.passed && Wanted() && !LacksThreads(numa)) {
      const auto limits = fleet.NumaLimitsOf(host, request_);
      const hardware::Misfit misfit = hardware::ExplainMisfit(Fit(fleet, host, limits));
      verdict.need = misfit.need;
      verdict.have = misfit.have;
      return;
    }
    Append(verdict.have, numa->HasThreads() ? "hardware threads" : "no hardware threads");
    for (const auto& cell : numa->cells) {
      Append(verdict.have, "cell of " + std::to_string(cell.cpuset.Size()) + " shared CPUs, " +
                               std::to_string(cell.FreePcpus().Size()) + " free to pin, " +
                               std::to_string(cell.AvailMemory()) + " MiB free");
    }
  }

 private:
  static void Append(std::string& text, const std::string& piece) {
    if (!text.empty() && !piece.empty()) text += "; ";
    text += piece;
  }

  static const hardware::HostNumaTopology* NumaOf(const Fleet& fleet, HostIndex host) {
    const auto* hardware = fleet.Record(host).hardware.get();
    return hardware == nullptr ? nullptr : hardware->numa();
  }

  // Of a host with NUMA cells and a request that wants some.
  hardware::FitRequest Fit(const Fleet& fleet, HostIndex host,
                           const hardware::NumaLimits& limits) const {
    const core::HostHardware& hardware = *fleet.Record(host).hardware;
    return {.host = *hardware.numa(),
            .instance = *request_.numa_topology,
            .limits = &limits,
            .pci_requests = request_.pci_requests.empty() ? nullptr : &request_.pci_requests,
            .pci_stats = &hardware.pci(),
            .order = order_};
  }

  bool LacksThreads(const hardware::HostNumaTopology* numa) const {
    return threads_ == Threads::kRequired && numa != nullptr && !numa->HasThreads();
  }

  // Changes from one instance of the request to the next.
  bool Wanted() const { return request_.numa_topology && !request_.numa_topology->cells.empty(); }

  const core::PlacementRequest& request_;
  Threads threads_;
  hardware::CellOrder order_;
};

class NumaTopologyFilter : public core::Filter {
 public:
  explicit NumaTopologyFilter(hardware::CellOrder order) : order_(order) {}
  std::string_view Name() const override { return "NUMATopologyFilter"; }
  bool OncePerRequest() const override { return false; }
  core::HostParts Reads() const override { return core::kOwnPart; }

  Expected<std::unique_ptr<core::PreparedFilter>> Prepare(
      const Fleet& /*fleet*/, const core::PlacementRequest& request) const override {
    const auto& specs = request.flavor.extra_specs;
    const auto says = [&](const std::string& spec, std::string_view value) {
      const auto found = specs.find(spec);
      return found != specs.end() && found->second == value;
    };
    ASSIGN_OR_RETURN(const auto image, hardware::ImageProps::From(request.image_properties));
    const bool dedicated = says("hw:cpu_policy", "dedicated") ||
                           image.Text("hw_cpu_policy").value_or("") == "dedicated";
    const bool require = says("hw:cpu_thread_policy", "require") ||
                         image.Text("hw_cpu_thread_policy").value_or("") == "require";
    const Threads threads = dedicated && require ? Threads::kRequired : Threads::kAny;
    if (!request.numa_topology && threads == Threads::kAny) return nullptr;
    return std::make_unique<PreparedNumaFilter>(request, threads, order_);
  }

 private:
  hardware::CellOrder order_;
};

}  // namespace

std::unique_ptr<core::Filter> MakeNumaTopologyFilter(const FilterOptions& options) {
  return std::make_unique<NumaTopologyFilter>(options.packing_host_numa_cells_allocation_strategy
                                                  ? hardware::CellOrder::kPack
                                                  : hardware::CellOrder::kSpread);
}

}  // namespace kilonova::scheduler::filters
