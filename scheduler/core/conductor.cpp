// SPDX-License-Identifier: Apache-2.0
// The conductor's face: every call goes to the part that does it.
#include "scheduler/core/conductor.h"

#include <utility>

#include "scheduler/core/conductor_impl.h"
#include "scheduler/core/validate.h"

namespace kilonova::scheduler::core {

Conductor::Conductor(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Conductor::~Conductor() { Stop(); }

Expected<std::unique_ptr<Conductor>> Conductor::Open(Store& store, Engine& engine,
                                                     const MessageEncoder& encoder,
                                                     const Clock& clock,
                                                     const ConductorOptions& options) {
  auto impl = std::make_unique<Impl>(store, engine, encoder, clock, options);
  RETURN_IF_ERROR(impl->Load());
  return std::unique_ptr<Conductor>(new Conductor(std::move(impl)));
}

Expected<std::vector<InstancePtr>> Conductor::CreateInstances(const CreateRequest& request) {
  return impl_->CreateInstances(request);
}
Expected<InstancePtr> Conductor::GetInstance(const std::string& instance) const {
  return impl_->GetInstance(instance);
}
Expected<Page<InstancePtr>> Conductor::ListInstances(const InstanceFilter& filter,
                                                     const PageRequest& page) const {
  return impl_->ListInstances(filter, page);
}
Expected<InstancePtr> Conductor::DeleteInstance(const std::string& instance,
                                                const std::string& request_id) {
  return impl_->Delete(instance, request_id);
}
Expected<InstancePtr> Conductor::StartInstance(const std::string& instance,
                                               const std::string& request_id) {
  return impl_->Act(instance, request_id, model::InstanceEvent::kStart,
                    {.kind = model::ActionKind::kStart});
}
Expected<InstancePtr> Conductor::StopInstance(const std::string& instance,
                                              const std::string& request_id) {
  return impl_->Act(instance, request_id, model::InstanceEvent::kStop,
                    {.kind = model::ActionKind::kStop});
}
Expected<InstancePtr> Conductor::RebootInstance(const std::string& instance, model::RebootType type,
                                                const std::string& request_id) {
  const bool soft = type == model::RebootType::kSoft;
  return impl_->Act(instance, request_id,
                    soft ? model::InstanceEvent::kSoftReboot : model::InstanceEvent::kHardReboot,
                    {.kind = model::ActionKind::kReboot, .reboot_type = type});
}
WatchSource& Conductor::watch() { return impl_->hub_; }

Expected<Explanation> Conductor::Explain(const InstanceTemplate& instance,
                                         std::size_t most_hosts) const {
  ASSIGN_OR_RETURN(const PlacementRequest request, impl_->PlacementFor(instance, 1));
  ASSIGN_OR_RETURN(Explanation explanation, impl_->engine_.Explain(request, most_hosts));
  if (explanation.passed == 0) impl_->AddRemedies(request, explanation);
  return explanation;
}
Expected<std::vector<Conductor::FlavorRoom>> Conductor::WhatFits(
    const InstanceTemplate& instance) const {
  return impl_->WhatFits(instance);
}
Expected<Explanation> Conductor::ExplainInstance(const std::string& instance) const {
  ASSIGN_OR_RETURN(const InstancePtr record, impl_->GetInstance(instance));
  if (record->explanation != nullptr) return *record->explanation;
  return Error(Code::kNotFound, reason::kInstanceNotFound,
               "no explanation is kept: a host was found for this instance");
}
Expected<PlaceResult> Conductor::DryRun(const InstanceTemplate& instance,
                                        std::int64_t count) const {
  if (count == 0) count = 1;
  const std::int64_t most = impl_->options_.most_count;
  if (count < 1 || count > most) {
    return Error(Code::kInvalidArgument, reason::kInvalidArgument,
                 "count must be 1 to " + std::to_string(most), {{"field", "count"}});
  }
  ASSIGN_OR_RETURN(const PlacementRequest request, impl_->PlacementFor(instance, count));
  return impl_->engine_.DryRun(
      request, {.alternates = static_cast<std::size_t>(impl_->options_.max_attempts - 1)});
}

Expected<model::Flavor> Conductor::CreateFlavor(model::Flavor flavor) {
  return impl_->CreateFlavor(std::move(flavor));
}
Expected<model::Flavor> Conductor::GetFlavor(const std::string& flavor) const {
  return impl_->GetFlavor(flavor);
}
Expected<Page<model::Flavor>> Conductor::ListFlavors(const PageRequest& page) const {
  return impl_->ListFlavors(page);
}
Expected<model::Flavor> Conductor::UpdateFlavor(const std::string& flavor,
                                                model::ExtraSpecs extra_specs,
                                                std::string description) {
  return impl_->UpdateFlavor(flavor, std::move(extra_specs), std::move(description));
}
Status Conductor::DeleteFlavor(const std::string& flavor) { return impl_->DeleteFlavor(flavor); }
FlavorSet Conductor::Flavors() const { return impl_->Flavors(); }
void Conductor::OnFlavorsChanged(std::function<void()> listener) {
  impl_->flavors_changed_ = std::move(listener);
}

Expected<ImageRecord> Conductor::RegisterImage(model::ImageSource image) {
  return impl_->RegisterImage(std::move(image));
}
Expected<ImageRecord> Conductor::GetImage(const std::string& image) const {
  return impl_->GetImage(image);
}
Expected<Page<ImageRecord>> Conductor::ListImages(const PageRequest& page) const {
  return impl_->ListImages(page);
}
Status Conductor::DeleteImage(const std::string& image) { return impl_->DeleteImage(image); }

Expected<NetworkRecord> Conductor::CreateNetwork(NetworkRecord network) {
  return impl_->CreateNetwork(std::move(network));
}
Expected<NetworkRecord> Conductor::GetNetwork(const std::string& network) const {
  return impl_->GetNetwork(network);
}
Expected<Page<NetworkRecord>> Conductor::ListNetworks(const PageRequest& page) const {
  return impl_->ListNetworks(page);
}
Status Conductor::DeleteNetwork(const std::string& network) {
  return impl_->DeleteNetwork(network);
}

Expected<HostView> Conductor::GetHost(const std::string& host) const {
  return impl_->GetHost(host);
}
Expected<Page<HostView>> Conductor::ListHosts(const PageRequest& page) const {
  return impl_->ListHosts(page);
}
Expected<HostView> Conductor::EnableHost(const std::string& host) {
  return impl_->SetEnabled(host, true, "");
}
Expected<HostView> Conductor::DisableHost(const std::string& host, const std::string& reason) {
  RETURN_IF_ERROR(CheckText("reason", reason, 1, 255));
  return impl_->SetEnabled(host, false, reason);
}

Expected<AggregateRecord> Conductor::CreateAggregate(const std::string& name,
                                                     const std::string& zone) {
  return impl_->CreateAggregate(name, zone);
}
Expected<AggregateRecord> Conductor::GetAggregate(const std::string& aggregate) const {
  return impl_->GetAggregate(aggregate);
}
Expected<Page<AggregateRecord>> Conductor::ListAggregates(const PageRequest& page) const {
  return impl_->ListAggregates(page);
}
Expected<AggregateRecord> Conductor::UpdateAggregate(const std::string& aggregate,
                                                     const std::string& name,
                                                     const std::string& zone) {
  return impl_->UpdateAggregate(aggregate, name, zone);
}
Status Conductor::DeleteAggregate(const std::string& aggregate) {
  return impl_->DeleteAggregate(aggregate);
}
Expected<AggregateRecord> Conductor::AddHostToAggregate(const std::string& aggregate,
                                                        const std::string& host) {
  return impl_->SetAggregateHost(aggregate, host, true);
}
Expected<AggregateRecord> Conductor::RemoveHostFromAggregate(const std::string& aggregate,
                                                             const std::string& host) {
  return impl_->SetAggregateHost(aggregate, host, false);
}
Expected<AggregateRecord> Conductor::SetAggregateMetadata(const std::string& aggregate,
                                                          const MetadataChange& change) {
  return impl_->SetAggregateMetadata(aggregate, change);
}
Expected<Page<ZoneView>> Conductor::ListZones(const PageRequest& page) const {
  return impl_->ListZones(page);
}
Expected<SharingProviderView> Conductor::CreateSharingProvider(
    const SharingProviderRecord& provider, const std::vector<std::string>& aggregates) {
  return impl_->CreateSharingProvider(provider, aggregates);
}
Expected<SharingProviderView> Conductor::GetSharingProvider(const std::string& name) const {
  return impl_->GetSharingProvider(name);
}
Expected<Page<SharingProviderView>> Conductor::ListSharingProviders(const PageRequest& page) const {
  return impl_->ListSharingProviders(page);
}
Status Conductor::DeleteSharingProvider(const std::string& name) {
  return impl_->DeleteSharingProvider(name);
}
Expected<ServerGroupView> Conductor::CreateServerGroup(ServerGroupRecord group) {
  return impl_->CreateServerGroup(std::move(group));
}
Expected<ServerGroupView> Conductor::GetServerGroup(const std::string& group) const {
  return impl_->GetServerGroup(group);
}
Expected<Page<ServerGroupView>> Conductor::ListServerGroups(const std::string& project_id,
                                                            const PageRequest& page) const {
  return impl_->ListServerGroups(project_id, page);
}
Status Conductor::DeleteServerGroup(const std::string& group) {
  return impl_->DeleteServerGroup(group);
}

Expected<HostWelcome> Conductor::HostUp(const HostHello& hello) { return impl_->HostUp(hello); }
Status Conductor::HostReported(const Uuid& session, const HostUpdate& update) {
  return impl_->HostReported(session, update);
}
Status Conductor::HostHeartbeat(const Uuid& session,
                                const std::map<std::string, std::int64_t>& counters) {
  return impl_->HostHeartbeat(session, counters);
}
void Conductor::SessionEnded(const Uuid& session) { impl_->SessionEnded(session); }
Expected<std::int64_t> Conductor::HandleStateReports(const Uuid& session,
                                                     std::span<const model::StateReport> reports) {
  return impl_->HandleStateReports(session, reports);
}
Status Conductor::ConfirmStart(const std::string& host, const Uuid& instance,
                               std::int64_t generation) {
  return impl_->ConfirmStart(host, instance, generation);
}
Outbox& Conductor::outbox() { return impl_->outbox_; }
void Conductor::Tick() { impl_->Tick(); }
void Conductor::Stop() {
  impl_->EndHold();
  impl_->outbox_.Stop();
  impl_->hub_.Stop();
}

}  // namespace kilonova::scheduler::core
