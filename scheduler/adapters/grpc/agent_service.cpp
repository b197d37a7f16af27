// SPDX-License-Identifier: Apache-2.0
#include <kilonova/v1/agent.grpc.pb.h>

#include <atomic>
#include <utility>

#include "proto/grpc/flavor.h"
#include "scheduler/adapters/grpc/agent_stream.h"
#include "scheduler/adapters/grpc/peer.h"
#include "scheduler/adapters/grpc/services.h"
#include "scheduler/adapters/grpc/unary.h"

namespace kilonova::scheduler::adapters::grpc {
namespace {

class AgentServiceImpl final : public v1::AgentService::CallbackService, public ConsoleRoute {
 public:
  explicit AgentServiceImpl(ApiContext& context)
      : desk_{.context = context,
              .sessions = {},
              .console = ConsoleBroker(context.clock),
              .sync_flavors = [this](AgentSession* session, const std::string& hash) {
                SyncFlavors(session, hash);
              }} {}

  ::grpc::ServerBidiReactor<v1::SessionRequest, v1::SessionResponse>* Session(
      ::grpc::CallbackServerContext* call) override {
    return StartAgentStream(desk_, call);
  }

  ::grpc::ServerUnaryReactor* ConfirmStart(::grpc::CallbackServerContext* call,
                                           const v1::ConfirmStartRequest* request,
                                           v1::ConfirmStartResponse*) override {
    return Serve(desk_.context, desk_.context.agents, "ConfirmStart", call, *request,
                 [this, call, request]() -> Status {
                   if (desk_.context.check_host_identity) {
                     RETURN_IF_ERROR(CheckPeerIsHost(*call, request->host()));
                   }
                   ASSIGN_OR_RETURN(const Uuid instance, Uuid::Parse(request->instance_uuid()));
                   return desk_.context.conductor.ConfirmStart(request->host(), instance,
                                                               request->generation());
                 });
  }

  void Ask(const std::string& host, const Uuid& instance, std::int32_t max_bytes,
           std::chrono::milliseconds deadline, ConsoleCallback done) override {
    const SessionRegistry::Session session = desk_.sessions.Find(host);
    if (session == nullptr) {
      done(Error(Code::kUnavailable, reason::kHostDown, "the instance's host is down"));
      return;
    }
    const std::int64_t id = desk_.console.Ask(session->id(), deadline, std::move(done));
    if (id == 0) return;
    auto message = std::make_shared<v1::SessionResponse>();
    message->mutable_console()->set_query_id(id);
    message->mutable_console()->set_instance_uuid(instance.str());
    message->mutable_console()->set_max_bytes(max_bytes);
    session->Send(std::move(message));
    // It may have ended between Find and Ask, and told the broker already.
    if (desk_.sessions.Find(host) != session) desk_.console.SessionEnded(session->id());
  }

  void FlavorsChanged() {
    // Many changes in a row are told once.
    if (flavors_dirty_.exchange(true)) return;
    desk_.context.agents.Submit([this] {
      flavors_dirty_ = false;
      SyncFlavors(nullptr, {});
    });
  }

  void Stop() {
    for (const auto& session : desk_.sessions.All()) {
      session->End(Error(Code::kUnavailable, reason::kUnavailable, "the scheduler is stopping"));
    }
    desk_.console.Stop();
  }

 private:
  // One at a time, so that no session is told an older set after a newer one.
  void SyncFlavors(AgentSession* only, const std::string& hash) ABSL_LOCKS_EXCLUDED(sync_mutex_) {
    absl::MutexLock lock(&sync_mutex_);
    const core::FlavorSet set = desk_.context.conductor.Flavors();
    if (only != nullptr && set.hash == hash) return;
    auto message = std::make_shared<v1::SessionResponse>();
    message->mutable_flavors()->set_flavors_hash(set.hash);
    for (const model::Flavor& flavor : set.flavors) {
      v1::Flavor* told = message->mutable_flavors()->add_flavors();
      wire::ToProto(flavor, told);
      told->clear_description();  // decides nothing on a host and may be 64 KiB each
    }
    if (only != nullptr) {
      only->Send(std::move(message));
      return;
    }
    for (const auto& session : desk_.sessions.All()) session->Send(message);
  }

  AgentDesk desk_;
  absl::Mutex sync_mutex_;
  std::atomic<bool> flavors_dirty_{false};
};

}  // namespace

AgentApi MakeAgentService(ApiContext& context) {
  auto service = std::make_unique<AgentServiceImpl>(context);
  AgentServiceImpl* raw = service.get();
  return {.service = std::move(service),
          .console = raw,
          .flavors_changed = [raw] { raw->FlavorsChanged(); },
          .stop = [raw] { raw->Stop(); }};
}

}  // namespace kilonova::scheduler::adapters::grpc
