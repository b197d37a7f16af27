// SPDX-License-Identifier: Apache-2.0
// Builds that fail: the next host, or the end.
#include <utility>

#include "common/base/log.h"
#include "scheduler/core/conductor_impl.h"

namespace kilonova::scheduler::core {

void Conductor::Impl::GiveUp(Change& change, InstanceRecord& record, FaultRecord fault) {
  Step(record, model::InstanceEvent::kGiveUp);
  record.fault = std::move(fault);
  record.host.clear();
  record.node.clear();
  record.availability_zone = record.spec.availability_zone;
  record.claim_id = {};
  record.alternates.clear();
  const Uuid uuid = record.uuid();
  change.ops.emplace_back(DropClaim{uuid});
  change.on_commit.emplace_back([this, uuid] { engine_.Release(uuid); });
  LogInfo("build given up", {F("instance", uuid), F("request", record.request_id),
                             F("reason", record.fault->reason)});
}

// Moves the claim to the next host that takes it. Until the change is durable the old host keeps a
// claim of the same size under another name: its room is not given away early.
bool Conductor::Impl::NextHost(Change& change, InstanceRecord& record) {
  const Uuid uuid = record.uuid();
  const auto claim = engine_.GetClaim(uuid);
  if (!claim) return false;
  const Uuid shadow = Uuid::Random();
  const std::string old_host = claim->host;
  const model::Resources resources = claim->resources;
  if (!engine_.Claim(shadow, old_host, *record.flavor, resources, ClaimCheck::kLoading).ok()) {
    return false;
  }
  model::Resources taken = resources;
  HostRef next;
  const GroupLock decision(*this, record.server_group);
  std::vector<HostRef> left = record.alternates;
  // Alternates were judged with the members where they were then: the policy is to be asked again.
  if (!record.server_group.empty()) left.clear();
  while (!left.empty() && next.host.empty()) {
    const HostRef candidate = left.front();
    left.erase(left.begin());
    {
      absl::MutexLock lock(&mutex_);
      if (!HostIsUp(candidate.host)) continue;
    }
    if (engine_.MoveClaim(uuid, candidate.host).ok()) next = candidate;
  }
  if (next.host.empty()) {
    PlacementRequest again;
    again.flavor = *record.flavor;
    again.image_id = record.image->id.str();
    again.image_properties = record.image->properties;
    again.availability_zone = record.spec.availability_zone;
    again.hints = record.hints;
    again.ignore_hosts = record.tried_hosts;
    again.project_id = record.spec.project_id;
    again.instances = {uuid};
    // What is asked for may have become something nobody serves; then as much as before is.
    {
      absl::MutexLock lock(&mutex_);
      const Status asked = AskPlacement(record.image->disk_format, again);
      if (!asked.ok()) again.resources = resources;
    }
    (void)FillGroup(again, record.server_group, uuid, 0);
    engine_.Release(uuid);
    const auto placed =
        engine_.Place(again, {.alternates = static_cast<std::size_t>(options_.max_attempts - 1)});
    if (placed.ok() && placed->placed()) {
      next = placed->selections[0].chosen;
      left = placed->selections[0].alternates;
      taken = placed->selections[0].resources;
    }
  }
  const auto restore = [this, uuid, shadow, old_host, resources, flavor = record.flavor,
                        image = record.image, group = record.server_group] {
    engine_.Release(uuid);
    const Status back = engine_.Claim(uuid, old_host, *flavor, resources, ClaimCheck::kLoading);
    engine_.SetImage(uuid, image->properties);
    if (!back.ok()) LogError("claim lost", {F("instance", uuid), F("error", back)});
    engine_.Release(shadow);
    JoinGroup(group, uuid, old_host);
  };
  if (next.host.empty()) {
    restore();
    return false;
  }
  JoinGroup(record.server_group, uuid, next.host);
  change.on_failure.emplace_back(restore);
  change.on_commit.emplace_back([this, shadow] { engine_.Release(shadow); });
  PutOn(record, next, std::move(left));
  change.ops.emplace_back(PutClaim{
      {record.claim_id, uuid, record.host, record.generation, taken, engine_.HardwareOf(uuid)}});
  return true;
}

Status Conductor::Impl::Reschedule(Change& change, InstanceRecord& record, FaultRecord fault,
                                   bool retryable) {
  record.attempts.push_back(fault);
  record.updated_at = clock_.Now();
  // Nova does not look further when the user forced the host.
  if (!retryable || !record.forced_host.empty()) {
    GiveUp(change, record, std::move(fault));
    return OkStatus();
  }
  if (static_cast<std::int64_t>(record.tried_hosts.size()) >= options_.max_attempts) {
    std::string text = "gave up after " + std::to_string(record.tried_hosts.size()) +
                       " hosts; the last one said " + fault.reason + ": " + fault.message;
    GiveUp(change, record,
           {std::string(reason::kMaxRetriesExceeded.name), std::move(text), fault.host, fault.at});
    return OkStatus();
  }
  ASSIGN_OR_RETURN(const std::string password, store_.AdminPassword(record.uuid()));
  if (!NextHost(change, record)) {
    std::string text =
        "no other host has room; the last one said " + fault.reason + ": " + fault.message;
    GiveUp(change, record,
           {std::string(reason::kMaxRetriesExceeded.name), std::move(text), fault.host, fault.at});
    return OkStatus();
  }
  Step(record, model::InstanceEvent::kReschedule);
  record.power_state = model::PowerState::kNoState;
  LogInfo("build goes to another host",
          {F("instance", record.uuid()), F("request", record.request_id), F("host", record.host),
           F("generation", record.generation), F("reason", fault.reason)});
  return AddBuild(change, record, password);
}

}  // namespace kilonova::scheduler::core
