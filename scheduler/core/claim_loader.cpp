// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/claim_loader.h"

#include "scheduler/core/engine_impl.h"

namespace kilonova::scheduler::core {

ClaimLoader::~ClaimLoader() {
  const absl::MutexLock lock(&engine_.impl_->mutex_);
  Fleet& fleet = engine_.impl_->fleet_;
  for (const auto& [of, id] : footprints_) fleet.ReleaseFootprint(id);
  for (const auto& [of, set] : images_) {
    if (set) fleet.images.Release(*set);
  }
}

void ClaimLoader::Reserve(std::size_t claims) {
  const absl::MutexLock lock(&engine_.impl_->mutex_);
  engine_.impl_->fleet_.ReserveClaims(claims);
}

Status ClaimLoader::Load(std::span<const KnownClaim> claims) {
  Engine::Impl& impl = *engine_.impl_;
  const absl::MutexLock lock(&impl.mutex_);
  Fleet& fleet = impl.fleet_;
  const bool images = fleet.images.kept();
  for (const KnownClaim& claim : claims) fleet.PrefetchClaim(claim.instance);
  for (const KnownClaim& claim : claims) {
    auto host = hosts_.find(claim.host);
    if (host == hosts_.end()) {
      ASSIGN_OR_RETURN(const HostIndex index, impl.FindHost(claim.host));
      host = hosts_.emplace(fleet.Record(index).host, index).first;
    }
    auto print = footprints_.find(std::pair(claim.flavor, claim.resources));
    if (print == footprints_.end()) {
      ASSIGN_OR_RETURN(const auto id, impl.HoldFootprint(*claim.flavor, *claim.resources,
                                                         Fleet::NewClasses::kAdd));
      print = footprints_.emplace(std::pair(claim.flavor, claim.resources), id).first;
    }
    if (!fleet.AddClaim(claim.instance, host->second, print->second, false)) {
      return Error(Code::kAlreadyExists, reason::kInstanceStateConflict,
                   "the instance has a place already",
                   {{"instance", UuidOf(claim.instance).str()}});
    }
    if (images) {
      const auto [image, fresh] = images_.try_emplace(claim.image_properties);
      if (fresh) image->second = fleet.images.Hold(PairsOfInstance(*claim.image_properties));
      if (image->second) fleet.images.Add(claim.instance, host->second, *image->second);
    }
    if (claim.hardware != nullptr) fleet.RestoreHardware(claim.instance, *claim.hardware);
  }
  return OkStatus();
}

}  // namespace kilonova::scheduler::core
