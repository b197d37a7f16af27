// SPDX-License-Identifier: Apache-2.0
// CrossCellWeigher: of a move that may leave its cell, hosts of the preferred cell are the better.
#include "scheduler/core/fleet.h"
#include "scheduler/weighers/factories.h"
#include "scheduler/weighers/multiplied_weigher.h"

namespace kilonova::scheduler::weighers {
namespace {

class CrossCellWeigher : public MultipliedWeigher {
 public:
  explicit CrossCellWeigher(double multiplier)
      : MultipliedWeigher("CrossCellWeigher", "cross_cell_move_weight_multiplier", multiplier) {}

  core::WeigherScope Scope(const core::PlacementRequest& request) const override {
    return HasSay(request) ? core::WeigherScope::kAnything : core::WeigherScope::kSame;
  }

  void Weigh(const core::Fleet& fleet, const core::PlacementRequest& request,
             std::span<const core::HostIndex> hosts, std::span<double> raw) const override {
    const bool say = HasSay(request);
    for (std::size_t i = 0; i < hosts.size(); ++i) {
      raw[i] = 0;
      if (!say) continue;
      raw[i] = fleet.texts[fleet.cell[hosts[i]]] == request.requested_destination->cell ? 1 : -1;
    }
  }

 private:
  static bool HasSay(const core::PlacementRequest& request) {
    const auto& destination = request.requested_destination;
    return destination && !destination->cell.empty() && destination->allow_cross_cell_move;
  }
};

}  // namespace

std::unique_ptr<core::Weigher> MakeCrossCellWeigher(double multiplier,
                                                    const WeigherOptions& /*options*/) {
  return std::make_unique<CrossCellWeigher>(multiplier);
}

}  // namespace kilonova::scheduler::weighers
