// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/libvirt/domains.h"

#include <array>
#include <pugixml.hpp>
#include <span>

#include "agent/adapters/libvirt/errors.h"
#include "agent/adapters/libvirt/node_devices.h"

namespace kilonova::agent::adapters::libvirt {
namespace {

model::PowerState PowerOf(int state) {
  switch (state) {
    case VIR_DOMAIN_RUNNING:
    case VIR_DOMAIN_BLOCKED:
      return model::PowerState::kRunning;
    case VIR_DOMAIN_PAUSED:
      return model::PowerState::kPaused;
    case VIR_DOMAIN_SHUTDOWN:
    case VIR_DOMAIN_SHUTOFF:
      return model::PowerState::kShutdown;
    case VIR_DOMAIN_CRASHED:
      return model::PowerState::kCrashed;
    case VIR_DOMAIN_PMSUSPENDED:
      return model::PowerState::kSuspended;
    default:
      return model::PowerState::kNoState;
  }
}

bool IsNoDomain(const Status& status) { return HasReason(status, reason::kDomainNotFound); }

Status NotOurs() {
  return Error(Code::kFailedPrecondition, reason::kHypervisorRefused,
               "a guest of this id is on the host but does not belong to it");
}

// 1 active, 0 not, -1 unknown.
int Active(virDomainPtr domain) { return virDomainIsActive(domain); }

// The guest has switched itself off and counts as off, but its process has not ended yet: libvirt
// takes the domain for active for that long, and it would be off a moment after a "start".
bool IsGoingDown(virDomainPtr domain) {
  int state = VIR_DOMAIN_NOSTATE;
  return virDomainGetState(domain, &state, nullptr, 0) == 0 && state == VIR_DOMAIN_SHUTDOWN;
}

// Every kind of thing libvirt may keep beside a definition; drivers that know less take the rest.
constexpr unsigned kUndefineAll =
    VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA |
    VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA | VIR_DOMAIN_UNDEFINE_NVRAM | VIR_DOMAIN_UNDEFINE_TPM;
constexpr unsigned kUndefineSome =
    VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA;

Expected<Uuid> UuidOf(virDomainPtr domain) {
  std::array<char, VIR_UUID_STRING_BUFLEN> text{};
  if (virDomainGetUUIDString(domain, text.data()) < 0) return LastError("a guest has no id");
  return Uuid::Parse(text.data());
}

// The domains of virConnectListAllDomains, all freed.
struct DomainList {
  virDomainPtr* domains = nullptr;
  int count = 0;
  DomainList() = default;
  DomainList(const DomainList&) = delete;
  DomainList& operator=(const DomainList&) = delete;
  ~DomainList() {
    for (const virDomainPtr domain : All()) virDomainFree(domain);
    std::free(domains);
  }
  std::span<virDomainPtr> All() const {
    return {domains, count > 0 ? static_cast<std::size_t>(count) : 0};
  }
};

}  // namespace

Expected<DomainHandle> Domains::Find(const Uuid& uuid) {
  DomainHandle domain(virDomainLookupByUUIDString(connect_, uuid.str().c_str()));
  if (!domain) return LastError("looking the guest up failed");
  ASSIGN_OR_RETURN(const auto tag, owners_.Of(domain.get(), uuid));
  if (!tag || tag->host != host_) return NotOurs();
  return domain;
}

bool Domains::IsOurs(const Uuid& uuid) { return Find(uuid).ok(); }

void Domains::RefreshOwner(const Uuid& uuid) {
  const DomainHandle domain(virDomainLookupByUUIDString(connect_, uuid.str().c_str()));
  if (domain) owners_.Refresh(domain.get(), uuid).status().IgnoreError();
}

Status Domains::Define(const std::string& xml) {
  pugi::xml_document document;
  if (!document.load_buffer(xml.data(), xml.size())) {
    return Error(Code::kInvalidArgument, reason::kHypervisorRefused,
                 "the guest's definition is not XML");
  }
  ASSIGN_OR_RETURN(const auto uuid, Uuid::Parse(document.child("domain").child_value("uuid")));
  // libvirt replaces whatever has the uuid: a domain that is not ours must survive that.
  if (const auto there = Find(uuid); !there.ok() && !IsNoDomain(there.status())) {
    return there.status();
  }
  const DomainHandle domain(virDomainDefineXMLFlags(connect_, xml.c_str(), 0));
  if (!domain) return LastError("defining the guest failed");
  // Known at once: the first events of the domain may be its last.
  return owners_.Refresh(domain.get(), uuid).status();
}

Status Domains::Start(const Uuid& uuid) {
  ASSIGN_OR_RETURN(const auto domain, Find(uuid));
  if (IsGoingDown(domain.get())) virDomainDestroy(domain.get());
  if (Active(domain.get()) == 1) return OkStatus();
  if (virDomainCreate(domain.get()) == 0) return OkStatus();
  const Status error = LastError("starting the guest failed");
  return Active(domain.get()) == 1 ? OkStatus() : error;
}

Status Domains::Shutdown(const Uuid& uuid) {
  ASSIGN_OR_RETURN(const auto domain, Find(uuid));
  if (Active(domain.get()) == 0) return OkStatus();
  if (virDomainShutdown(domain.get()) == 0) return OkStatus();
  const Status error = LastError("asking the guest to shut down failed");
  return Active(domain.get()) == 0 ? OkStatus() : error;
}

Status Domains::Destroy(const Uuid& uuid) {
  const auto domain = Find(uuid);
  if (!domain.ok()) return IsNoDomain(domain.status()) ? OkStatus() : domain.status();
  if (Active(domain->get()) == 0) return OkStatus();
  if (virDomainDestroy(domain->get()) == 0) return OkStatus();
  Status error = LastError("switching the guest off failed");
  if (IsNoDomain(error) || Active(domain->get()) == 0) return OkStatus();
  return error;
}

Status Domains::Undefine(const Uuid& uuid) {
  const auto domain = Find(uuid);
  if (!domain.ok()) return IsNoDomain(domain.status()) ? OkStatus() : domain.status();
  int done = virDomainUndefineFlags(domain->get(), kUndefineAll);
  if (done < 0 &&
      (LastErrorCode() == VIR_ERR_INVALID_ARG || LastErrorCode() == VIR_ERR_NO_SUPPORT)) {
    done = virDomainUndefineFlags(domain->get(), kUndefineSome);
  }
  if (done < 0) {
    Status error = LastError("removing the guest's definition failed");
    if (!IsNoDomain(error)) return error;
  }
  return OkStatus();
}

Expected<core::DomainInfo> Domains::Describe(virDomainPtr domain, const Uuid& uuid,
                                             core::OwnerTag tag) {
  int state = VIR_DOMAIN_NOSTATE;
  if (virDomainGetState(domain, &state, nullptr, 0) < 0) {
    return LastError("reading the guest's state failed");
  }
  core::DomainInfo info;
  info.uuid = uuid;
  const char* name = virDomainGetName(domain);
  info.name = name == nullptr ? "" : name;
  info.power = PowerOf(state);
  info.owner = std::move(tag);
  return info;
}

Expected<core::DomainInfo> Domains::State(const Uuid& uuid) {
  ASSIGN_OR_RETURN(const auto domain, Find(uuid));
  ASSIGN_OR_RETURN(auto tag, owners_.Of(domain.get(), uuid));
  return Describe(domain.get(), uuid, tag.value_or(core::OwnerTag{}));
}

Expected<core::HeldDevices> Domains::DevicesOf(const Uuid& uuid) {
  ASSIGN_OR_RETURN(const auto domain, Find(uuid));
  char* text = virDomainGetXMLDesc(domain.get(), 0);
  if (text == nullptr) return LastError("reading the guest's definition failed");
  return ParseHeldDevices(TakeText(text));
}

Expected<std::vector<core::DomainInfo>> Domains::List() {
  DomainList list;
  list.count = virConnectListAllDomains(connect_, &list.domains, 0);
  if (list.count < 0) return LastError("listing the guests failed");
  std::vector<core::DomainInfo> infos;
  for (const virDomainPtr domain : list.All()) {
    ASSIGN_OR_RETURN(const auto uuid, UuidOf(domain));
    auto tag = owners_.Of(domain, uuid);
    // It may have gone since it was listed.
    if (!tag.ok() && IsNoDomain(tag.status())) continue;
    if (!tag.ok()) return tag.status();
    if (!*tag || (*tag)->host != host_) continue;
    auto info = Describe(domain, uuid, **tag);
    if (!info.ok() && IsNoDomain(info.status())) continue;
    if (!info.ok()) return info.status();
    infos.push_back(std::move(info).value());
  }
  return infos;
}

}  // namespace kilonova::agent::adapters::libvirt
