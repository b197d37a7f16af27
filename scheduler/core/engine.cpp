// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/engine.h"

#include "scheduler/core/engine_impl.h"
#include "scheduler/core/host_check.h"
#include "scheduler/core/inventory_check.h"

namespace kilonova::scheduler::core {

Engine::Engine(Pipeline pipeline) : impl_(std::make_unique<Impl>(std::move(pipeline))) {}
Engine::~Engine() = default;

Status Engine::UpsertHost(const HostState& state) {
  RETURN_IF_ERROR(ValidateHost(state));
  const absl::MutexLock lock(&impl_->mutex_);
  return impl_->fleet_.Upsert(state).status();
}

Status Engine::UpsertSharingProvider(const SharingProvider& provider) {
  if (!IsValidHostName(provider.name) || provider.name.size() > 200) {
    return Error(Code::kInvalidArgument, reason::kInvalidArgument,
                 "a name has 1 to 200 of letters, digits, '.', '_' and '-'", {{"field", "name"}});
  }
  if (provider.inventories.empty()) {
    return Error(Code::kInvalidArgument, reason::kInvalidArgument, "a provider shares something",
                 {{"field", "inventories"}});
  }
  RETURN_IF_ERROR(ValidateInventories(provider.inventories));
  const absl::MutexLock lock(&impl_->mutex_);
  impl_->fleet_.Share(provider);
  return OkStatus();
}

Status Engine::RemoveSharingProvider(std::string_view name) {
  const absl::MutexLock lock(&impl_->mutex_);
  if (impl_->fleet_.Unshare(name)) return OkStatus();
  if (!impl_->fleet_.provider_trees().UsedOfShared(name).empty()) {
    return Error(Code::kFailedPrecondition, reason::kInstanceStateConflict,
                 "instances hold something of it", {{"name", std::string(name)}});
  }
  return Error(Code::kNotFound, reason::kProviderNotFound, "no such sharing provider",
               {{"name", std::string(name.substr(0, 255))}});
}

std::vector<std::pair<SharingProvider, model::Resources>> Engine::SharingProviders() const {
  const absl::MutexLock lock(&impl_->mutex_);
  const ProviderTrees& trees = impl_->fleet_.provider_trees();
  std::vector<std::pair<SharingProvider, model::Resources>> all;
  for (SharingProvider& provider : trees.Shared()) {
    model::Resources used = trees.UsedOfShared(provider.name);
    all.emplace_back(std::move(provider), std::move(used));
  }
  return all;
}

Status Engine::SetHostUp(std::string_view host, bool up) {
  const absl::MutexLock lock(&impl_->mutex_);
  ASSIGN_OR_RETURN(const HostIndex index, impl_->FindHost(host));
  impl_->fleet_.SetUp(index, up);
  return OkStatus();
}

Status Engine::SetHostEnabled(std::string_view host, bool enabled, std::string_view reason) {
  const absl::MutexLock lock(&impl_->mutex_);
  ASSIGN_OR_RETURN(const HostIndex index, impl_->FindHost(host));
  impl_->fleet_.SetEnabled(index, enabled, reason);
  return OkStatus();
}

Status Engine::RemoveHost(std::string_view host) {
  const absl::MutexLock lock(&impl_->mutex_);
  ASSIGN_OR_RETURN(const HostIndex index, impl_->FindHost(host));
  if (impl_->fleet_.Numbers(index).claims > 0) {
    return Error(Code::kFailedPrecondition, reason::kInstanceStateConflict,
                 "the host still has instances", {{"host", std::string(host)}});
  }
  impl_->fleet_.Remove(index);
  return OkStatus();
}

std::optional<HostSnapshot> Engine::GetHost(std::string_view host) const {
  const absl::MutexLock lock(&impl_->mutex_);
  const auto index = impl_->fleet_.Find(host);
  if (!index) return std::nullopt;
  return impl_->fleet_.Snapshot(*index);
}

std::vector<HostSnapshot> Engine::ListHosts(std::string_view after, std::size_t limit) const {
  const absl::MutexLock lock(&impl_->mutex_);
  std::vector<HostSnapshot> hosts;
  const auto& by_name = impl_->fleet_.ByName();
  for (auto at = by_name.upper_bound(after); at != by_name.end() && hosts.size() < limit; ++at) {
    hosts.push_back(impl_->fleet_.Snapshot(at->second));
  }
  return hosts;
}

std::size_t Engine::HostCount() const {
  const absl::MutexLock lock(&impl_->mutex_);
  return impl_->fleet_.Count();
}

Status Engine::Claim(const Uuid& instance, std::string_view host, const model::Flavor& flavor,
                     const model::Resources& resources, ClaimCheck check) {
  const absl::MutexLock lock(&impl_->mutex_);
  Fleet& fleet = impl_->fleet_;
  ASSIGN_OR_RETURN(const HostIndex index, impl_->FindHost(host));
  ASSIGN_OR_RETURN(const auto id,
                   impl_->HoldFootprint(flavor, resources,
                                        check == ClaimCheck::kLoading ? Fleet::NewClasses::kAdd
                                                                      : Fleet::NewClasses::kNone));
  const FootprintHold footprint(fleet, id);
  const UuidKey key = KeyOf(instance);
  if (const auto* held = fleet.FindClaim(key)) {
    if (held->host == index && held->footprint == id) return OkStatus();
    return Error(Code::kAlreadyExists, reason::kInstanceStateConflict,
                 "the instance has a place already", {{"instance", instance.str()}});
  }
  if (check == ClaimCheck::kCapacity && !fleet.Fits(index, *footprint)) {
    return Error(Code::kResourceExhausted, reason::kHostResourcesExhausted,
                 "the host has no room left", {{"host", std::string(host)}});
  }
  fleet.AddClaim(key, index, id, check == ClaimCheck::kCapacity);
  return OkStatus();
}

void Engine::SetImage(const Uuid& instance, const std::map<std::string, std::string>& properties) {
  const absl::MutexLock lock(&impl_->mutex_);
  if (!impl_->fleet_.images.kept()) return;
  impl_->fleet_.SetImage(KeyOf(instance), PairsOfInstance(properties));
}

void Engine::BuildFinished(const Uuid& instance) {
  const absl::MutexLock lock(&impl_->mutex_);
  impl_->fleet_.EndBuilding(KeyOf(instance));
}

bool Engine::Release(const Uuid& instance) {
  const absl::MutexLock lock(&impl_->mutex_);
  return impl_->fleet_.DropClaim(KeyOf(instance));
}

Status Engine::MoveClaim(const Uuid& instance, std::string_view host) {
  const absl::MutexLock lock(&impl_->mutex_);
  Fleet& fleet = impl_->fleet_;
  ASSIGN_OR_RETURN(const HostIndex index, impl_->FindHost(host));
  const UuidKey key = KeyOf(instance);
  const auto* held = fleet.FindClaim(key);
  if (held == nullptr) {
    return Error(Code::kNotFound, reason::kClaimMissing, "the instance has no place",
                 {{"instance", instance.str()}});
  }
  if (held->host == index) return OkStatus();
  const auto id = held->footprint;
  // Which of the other host's nested providers would serve it, only the whole request can tell.
  const bool nested = !fleet.FootprintAt(id).nested.empty();
  if (nested || !fleet.Fits(index, fleet.FootprintAt(id))) {
    return Error(Code::kResourceExhausted, reason::kHostResourcesExhausted,
                 "the host has no room left", {{"host", std::string(host)}});
  }
  fleet.MoveClaim(key, index);
  return OkStatus();
}

std::optional<ClaimRecord> Engine::GetClaim(const Uuid& instance) const {
  const absl::MutexLock lock(&impl_->mutex_);
  const auto* held = impl_->fleet_.FindClaim(KeyOf(instance));
  if (held == nullptr) return std::nullopt;
  return ClaimRecord{instance, impl_->fleet_.Record(held->host).host,
                     impl_->fleet_.FootprintAt(held->footprint).resources};
}

std::optional<HardwareUse> Engine::HardwareOf(const Uuid& instance) const {
  const absl::MutexLock lock(&impl_->mutex_);
  const HardwareUse* use = impl_->fleet_.HardwareOf(KeyOf(instance));
  if (use == nullptr) return std::nullopt;
  return *use;
}

void Engine::RestoreHardware(const Uuid& instance, HardwareUse use) {
  const absl::MutexLock lock(&impl_->mutex_);
  impl_->fleet_.RestoreHardware(KeyOf(instance), std::move(use));
}

Expected<model::Resources> Engine::Usage(std::string_view host) const {
  const absl::MutexLock lock(&impl_->mutex_);
  ASSIGN_OR_RETURN(const HostIndex index, impl_->FindHost(host));
  return impl_->fleet_.UsedOn(index);
}

std::size_t Engine::MemoryBytes() const {
  const absl::MutexLock lock(&impl_->mutex_);
  return impl_->fleet_.MemoryBytes() + impl_->fast_.MemoryBytes();
}

}  // namespace kilonova::scheduler::core
