// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/libvirt/owners.h"

#include "agent/adapters/libvirt/capabilities.h"
#include "agent/adapters/libvirt/errors.h"

namespace kilonova::agent::adapters::libvirt {
namespace {

constexpr std::size_t kMaxRemembered = 100'000;

Expected<std::optional<core::OwnerTag>> Read(virDomainPtr domain) {
  char* text =
      virDomainGetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, core::kOwnerTagNamespace, 0);
  if (text == nullptr) {
    if (LastErrorCode() == VIR_ERR_NO_DOMAIN_METADATA) return std::optional<core::OwnerTag>();
    return LastError("reading the guest's owner failed");
  }
  auto tag = ParseOwnerTag(TakeText(text));
  // Somebody else's idea of our tag is no tag of ours.
  if (!tag.ok()) return std::optional<core::OwnerTag>();
  return std::optional<core::OwnerTag>(std::move(tag).value());
}

}  // namespace

Expected<std::optional<core::OwnerTag>> Owners::Of(virDomainPtr domain, const Uuid& uuid) {
  if (auto known = Known(uuid)) return *known;
  return Refresh(domain, uuid);
}

Expected<std::optional<core::OwnerTag>> Owners::Refresh(virDomainPtr domain, const Uuid& uuid) {
  ASSIGN_OR_RETURN(auto tag, Read(domain));
  const absl::MutexLock lock(&mutex_);
  if (tags_.size() >= kMaxRemembered) tags_.clear();
  tags_[uuid] = tag;
  return tag;
}

std::optional<std::optional<core::OwnerTag>> Owners::Known(const Uuid& uuid) const {
  const absl::MutexLock lock(&mutex_);
  const auto at = tags_.find(uuid);
  if (at == tags_.end()) return std::nullopt;
  return at->second;
}

void Owners::Forget(const Uuid& uuid) {
  const absl::MutexLock lock(&mutex_);
  tags_.erase(uuid);
}

void Owners::ForgetAll() {
  const absl::MutexLock lock(&mutex_);
  tags_.clear();
}

}  // namespace kilonova::agent::adapters::libvirt
