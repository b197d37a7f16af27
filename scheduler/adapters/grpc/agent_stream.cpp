// SPDX-License-Identifier: Apache-2.0
#include "scheduler/adapters/grpc/agent_stream.h"

#include <deque>
#include <exception>
#include <map>
#include <utility>
#include <vector>

#include "common/base/log.h"
#include "proto/grpc/host_report.h"
#include "proto/grpc/state_report.h"
#include "proto/grpc/status.h"
#include "scheduler/adapters/grpc/peer.h"

namespace kilonova::scheduler::adapters::grpc {
namespace {

namespace wire = ::kilonova::grpc;
using Request = v1::SessionRequest;
using Response = v1::SessionResponse;
using Counters = std::map<std::string, std::int64_t>;

constexpr std::size_t kMostInbox = 256;    // then reading waits: the agent feels it
constexpr std::size_t kMostOutbox = 1024;  // then the agent does not read: its session ends

Status Invalid(const char* message) {
  return Error(Code::kInvalidArgument, reason::kInvalidArgument, message);
}

Expected<Counters> CountersFrom(const google::protobuf::Map<std::string, std::int64_t>& map) {
  if (map.size() > wire::kMostCounters) return Invalid("too many counters");
  return Counters(map.begin(), map.end());
}

class AgentStream final : public ::grpc::ServerBidiReactor<Request, Response>,
                          public AgentSession,
                          public std::enable_shared_from_this<AgentStream> {
 public:
  AgentStream(AgentDesk& desk, ::grpc::CallbackServerContext* call) : desk_(desk), call_(call) {}

  void Begin() {
    self_ = shared_from_this();
    desk_.context.streams.Add();
    StartRead(&incoming_);
  }

  // ---- AgentSession
  void Send(SharedResponse message) override {
    bool full = false;
    {
      absl::MutexLock lock(&mutex_);
      if (ended_) return;
      full = outbox_.size() >= kMostOutbox;
      if (!full) {
        outbox_.push_back(std::move(message));
        if (outbox_.size() == 1) StartWrite(outbox_.front().get());
      }
    }
    if (full) {
      End(Error(Code::kResourceExhausted, reason::kUnavailable, "the agent does not read"));
    }
  }

  void End(const Status& status) override {
    absl::MutexLock lock(&mutex_);
    if (std::exchange(ended_, true)) return;
    inbox_.clear();
    Finish(wire::ToGrpc(status));
  }

  const Uuid& id() const override { return id_; }

  // ---- gRPC's threads
  void OnReadDone(bool ok) override {
    {
      absl::MutexLock lock(&mutex_);
      if (ended_) return;
      if (ok) {
        inbox_.push_back(std::move(incoming_));
        incoming_ = Request();
        if (inbox_.size() < kMostInbox) {
          StartRead(&incoming_);
        } else {
          read_paused_ = true;
        }
        Schedule();
        return;
      }
    }
    End(OkStatus());  // the agent has said all it had to say
  }

  void OnWriteDone(bool ok) override {
    absl::MutexLock lock(&mutex_);
    outbox_.pop_front();
    if (ok && !ended_ && !outbox_.empty()) StartWrite(outbox_.front().get());
  }

  void OnCancel() override {
    End(Error(Code::kCancelled, reason::kUnavailable, "the agent went away"));
  }

  void OnDone() override {
    absl::MutexLock lock(&mutex_);
    done_ = true;
    Schedule();  // what remains may wait for a disk
  }

 private:
  void Schedule() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (std::exchange(scheduled_, true)) return;
    if (!desk_.context.agents.Submit([this] { Run(); })) {
      LogError("no room for an agent's session", {F("host", host_)});
      scheduled_ = false;
    }
  }

  // ---- on the pool, never twice at once
  void Run() {
    while (true) {
      std::deque<Request> batch;
      {
        absl::MutexLock lock(&mutex_);
        batch.swap(inbox_);
        if (batch.empty()) {
          if (done_) break;
          scheduled_ = false;
          return;
        }
        if (std::exchange(read_paused_, false) && !ended_) StartRead(&incoming_);
      }
      Status status;
      try {
        status = Process(batch);
      } catch (const std::exception& e) {
        LogError("agent's session failed", {F("host", host_), F("why", e.what())});
        status = Error(Code::kInternal, reason::kInternal, "internal error");
      }
      if (!status.ok()) {
        LogWarn("agent's session ended", {F("host", host_), F("session", id_), F("why", status)});
        End(status);
      }
    }
    Leave();
  }

  void Leave() {
    if (!id_.empty()) {
      desk_.sessions.Remove(host_, self_);
      desk_.console.SessionEnded(id_);
      desk_.context.conductor.SessionEnded(id_);
      LogInfo("agent's session over", {F("host", host_), F("session", id_)});
    }
    OpenStreams& streams = desk_.context.streams;
    self_.reset();  // often the end of this
    streams.Remove();
  }

  Status Process(const std::deque<Request>& batch) {
    std::vector<model::StateReport> reports;
    for (const Request& message : batch) {
      if (message.message_case() == Request::kState && !id_.empty()) {
        auto report = wire::FromProto(message.state());
        // One report nobody can read must not hold up all that come after it.
        if (report.ok()) {
          reports.push_back(*std::move(report));
        } else {
          LogError("state report passed over",
                   {F("host", host_), F("seq", message.state().seq()), F("why", report.status())});
        }
        continue;
      }
      RETURN_IF_ERROR(Apply(&reports));
      RETURN_IF_ERROR(One(message));
    }
    return Apply(&reports);
  }

  // A run of reports shares one transaction and one acknowledgement.
  Status Apply(std::vector<model::StateReport>* reports) {
    if (reports->empty()) return OkStatus();
    ASSIGN_OR_RETURN(const std::int64_t seq,
                     desk_.context.conductor.HandleStateReports(id_, *reports));
    reports->clear();
    auto response = std::make_shared<Response>();
    response->mutable_ack()->set_seq(seq);
    Send(std::move(response));
    return OkStatus();
  }

  Status One(const Request& message) {
    core::Conductor& conductor = desk_.context.conductor;
    if (id_.empty()) {
      if (message.message_case() != Request::kHello) return Invalid("a session begins with Hello");
      return Greet(message.hello());
    }
    switch (message.message_case()) {
      case Request::kHeartbeat: {
        ASSIGN_OR_RETURN(const Counters counters, CountersFrom(message.heartbeat().counters()));
        return conductor.HostHeartbeat(id_, counters);
      }
      case Request::kHost: {
        core::HostUpdate update;
        ASSIGN_OR_RETURN(update.report, wire::FromProto(host_, message.host()));
        AddAddress(update.report);
        ASSIGN_OR_RETURN(update.instances, wire::InstancesFromProto(message.host()));
        ASSIGN_OR_RETURN(update.counters, CountersFrom(message.host().counters()));
        return conductor.HostReported(id_, update);
      }
      case Request::kConsole: {
        const v1::ConsoleAnswer& answer = message.console();
        Expected<ConsoleOutput> output =
            ConsoleOutput{answer.output(),
                          answer.truncated(),
                          {answer.serial_consoles().begin(), answer.serial_consoles().end()}};
        if (!answer.error_reason().empty()) {
          output = Error(Code::kUnavailable, Reason{answer.error_reason()}, answer.error_message());
        }
        desk_.console.Answer(id_, answer.query_id(), std::move(output));
        return conductor.HostHeartbeat(id_, {});
      }
      case Request::kFlavors:
        LogDebug("agent has the flavors",
                 {F("host", host_), F("hash", message.flavors().flavors_hash())});
        return conductor.HostHeartbeat(id_, {});
      default:
        return Invalid("a session message of no known kind");
    }
  }

  // Nova's host_ip, where the agent does not say another: the address its session comes from.
  void AddAddress(model::HostReport& report) const {
    std::string address = AddressOfPeer(*call_);
    if (!address.empty()) report.stats.try_emplace("host_ip", std::move(address));
  }

  Status Greet(const v1::Hello& hello) {
    if (desk_.context.draining) {
      return Error(Code::kUnavailable, reason::kUnavailable, "the scheduler is stopping");
    }
    if (!IsValidHostName(hello.host())) return Invalid("host must be 1 to 255 of [A-Za-z0-9._-]");
    if (desk_.context.check_host_identity) {
      RETURN_IF_ERROR(CheckPeerIsHost(*call_, hello.host()));
    }
    if (hello.agent_version().size() > 64) return Invalid("agent_version is too long");
    if (hello.instances_size() > wire::kMostHostInstances) return Invalid("too many instances");
    RETURN_IF_ERROR(Uuid::Parse(hello.journal_id()).status());
    core::HostHello greeting{.agent_version = hello.agent_version(),
                             .journal_id = hello.journal_id(),
                             .report = {},
                             .instances = {}};
    ASSIGN_OR_RETURN(greeting.report, wire::FromProto(hello.host(), hello.report()));
    AddAddress(greeting.report);
    for (const auto& instance : hello.instances()) {
      ASSIGN_OR_RETURN(auto one, wire::FromProto(instance));
      greeting.instances.push_back(std::move(one));
    }
    ASSIGN_OR_RETURN(const core::HostWelcome welcome, desk_.context.conductor.HostUp(greeting));
    host_ = hello.host();
    id_ = welcome.session;
    SendWelcome(welcome);
    LogInfo("agent's session open",
            {F("host", host_), F("session", id_), F("version", greeting.agent_version),
             F("instances", greeting.instances.size())});
    if (const auto old = desk_.sessions.Replace(host_, self_)) {
      old->End(Error(Code::kAborted, reason::kUnavailable,
                     "a newer session of this host has taken over"));
    }
    desk_.sync_flavors(this, hello.flavors_hash());
    return OkStatus();
  }

  void SendWelcome(const core::HostWelcome& welcome) {
    auto response = std::make_shared<Response>();
    v1::Welcome* to = response->mutable_welcome();
    to->set_lease_ms(welcome.lease.count());
    to->set_session_id(welcome.session.str());
    to->set_last_seq(welcome.last_seq);
    for (const core::StaleInstance& stale : welcome.stale) {
      auto* one = to->add_stale();
      one->set_uuid(stale.uuid.str());
      one->set_generation(stale.generation);
    }
    Send(std::move(response));
  }

  AgentDesk& desk_;
  ::grpc::CallbackServerContext* const call_;  // valid until OnDone
  std::shared_ptr<AgentStream> self_;          // what gRPC holds
  Request incoming_;                           // of the read under way
  // Written on the pool before the session is in the registry, read-only from then on.
  std::string host_;
  Uuid id_;

  absl::Mutex mutex_;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
  bool scheduled_ ABSL_GUARDED_BY(mutex_) = false;
  bool read_paused_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<Request> inbox_ ABSL_GUARDED_BY(mutex_);
  std::deque<SharedResponse> outbox_ ABSL_GUARDED_BY(mutex_);  // the front one is being written
};

}  // namespace

::grpc::ServerBidiReactor<Request, Response>* StartAgentStream(
    AgentDesk& desk, ::grpc::CallbackServerContext* call) {
  auto stream = std::make_shared<AgentStream>(desk, call);
  AgentStream* raw = stream.get();
  stream->Begin();
  return raw;
}

}  // namespace kilonova::scheduler::adapters::grpc
