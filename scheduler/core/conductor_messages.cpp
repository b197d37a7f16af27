// SPDX-License-Identifier: Apache-2.0
// From a decision to the row of the outbox that carries it out.
#include <algorithm>
#include <utility>

#include "common/model/methods.h"
#include "scheduler/core/conductor_impl.h"
#include "scheduler/core/provider_trees.h"

namespace kilonova::scheduler::core {
namespace {

std::string NewUniqueId() {
  std::string id = Uuid::Random().str();
  std::erase(id, '-');
  return id;
}

// What of it is of providers nested in the host; the host's own share and what hosts share the
// host need not be told.
std::map<std::string, model::Resources> NestedOf(const model::Resources& claimed) {
  std::map<std::string, model::Resources> allocations;
  for (const auto& [name, amount] : claimed) {
    const std::size_t at = name.find(kAtProvider);
    if (at == std::string::npos || amount <= 0) continue;
    const std::string provider = name.substr(at + 1);
    if (!provider.starts_with(kAtProvider)) allocations[provider][name.substr(0, at)] = amount;
  }
  return allocations;
}

}  // namespace

// As the host is told them: which of its devices it takes is its own affair.
Expected<std::vector<model::PciDeviceRequest>> Conductor::Impl::PciRequestsOf(
    const InstanceRecord& record) const {
  std::vector<model::PciDeviceRequest> requests;
  if (!record.flavor->extra_specs.contains(std::string(hardware::kPciAliasSpec))) return requests;
  ASSIGN_OR_RETURN(const auto image, hardware::ImageProps::From(record.image->properties));
  ASSIGN_OR_RETURN(const auto asked, PciRequestsOf(*record.flavor, image));
  for (const hardware::PciRequest& from : asked) {
    model::PciDeviceRequest& to = requests.emplace_back();
    to.count = from.count;
    to.alias_name = from.alias_name;
    to.request_id = Uuid::Random().str();
    to.numa_policy = hardware::ToText(from.numa_policy);
    for (const hardware::PciSpec& spec : from.spec) {
      auto& properties = to.spec.emplace_back();
      for (const auto& [name, value] : spec) properties[name] = value.value_or("");
    }
  }
  return requests;
}

void Conductor::Impl::AddOutboxRow(Change& change, OutboxRow row) {
  {
    absl::MutexLock lock(&mutex_);
    row.id = ++last_outbox_id_;
  }
  row.created_at = clock_.Now();
  OutboxRow known = row;
  known.body.clear();
  change.ops.emplace_back(AddOutbox{std::move(row)});
  change.on_commit.emplace_back([this, known = std::move(known)] { outbox_.Add(known); });
}

Status Conductor::Impl::AddBuild(Change& change, const InstanceRecord& record,
                                 const std::string& admin_password) {
  model::BuildRequest request;
  request.instance = record.spec;
  request.instance.admin_password = admin_password;
  request.flavor = *record.flavor;
  request.image = *record.image;
  if (record.kernel) request.kernel = *record.kernel;
  if (record.ramdisk) request.ramdisk = *record.ramdisk;
  request.nics = record.nics;
  request.claim = {record.claim_id, record.generation};
  request.attempt = static_cast<std::int64_t>(record.tried_hosts.size());
  for (const HostRef& ref : record.alternates) request.alternates.emplace_back(ref.host, ref.node);
  ASSIGN_OR_RETURN(request.pci_requests, PciRequestsOf(record));
  if (const auto claim = engine_.GetClaim(record.uuid())) {
    request.allocations = NestedOf(claim->resources);
  }
  OutboxRow row{.host = record.host, .instance = record.uuid(), .generation = record.generation};
  row.method = model::kBuildMethod;
  row.unique_id = NewUniqueId();
  ASSIGN_OR_RETURN(
      row.body,
      encoder_.EncodeBuild(
          {request, record, {record.host, record.node}, row.unique_id, record.request_id}));
  AddOutboxRow(change, std::move(row));
  return OkStatus();
}

Status Conductor::Impl::AddAction(Change& change, const InstanceRecord& record,
                                  model::ActionRequest action) {
  action.instance_uuid = record.uuid();
  action.instance_id = record.spec.id;
  action.generation = record.generation;
  OutboxRow row{.host = record.host, .instance = record.uuid(), .generation = record.generation};
  row.method = model::MethodOf(action.kind);
  row.unique_id = NewUniqueId();
  ASSIGN_OR_RETURN(
      row.body, encoder_.EncodeAction({action, record, row.unique_id, record.action_request_id}));
  AddOutboxRow(change, std::move(row));
  return OkStatus();
}

}  // namespace kilonova::scheduler::core
