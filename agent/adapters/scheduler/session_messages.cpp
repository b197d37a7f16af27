// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/scheduler/session_messages.h"

#include <kilonova/v1/agent.pb.h>

#include <algorithm>

#include "proto/grpc/flavor.h"
#include "proto/grpc/host_report.h"
#include "proto/grpc/state_report.h"
#include "proto/grpc/utf8.h"

namespace kilonova::agent::adapters::scheduler {
namespace {

namespace wire = ::kilonova::grpc;

struct Encode {
  v1::SessionRequest* out;

  void operator()(const Hello& hello) const {
    auto* to = out->mutable_hello();
    to->set_host(hello.host);
    to->set_agent_version(hello.agent_version);
    to->set_journal_id(hello.journal_id);
    for (const std::string& feature : hello.features) to->add_features(feature);
    wire::ToProto(hello.update.report, {}, hello.update.counters, to->mutable_report());
    for (const auto& instance : hello.update.instances) {
      wire::ToProto(instance, to->add_instances());
    }
    to->set_flavors_hash(hello.flavors_hash);
  }
  void operator()(const Heartbeat& heartbeat) const {
    auto* counters = out->mutable_heartbeat()->mutable_counters();
    for (const auto& [name, value] : heartbeat.counters) (*counters)[name] = value;
  }
  void operator()(const HostUpdate& update) const {
    wire::ToProto(update.report, update.instances, update.counters, out->mutable_host());
  }
  void operator()(const model::StateReport& report) const {
    wire::ToProto(report, out->mutable_state());
  }
  void operator()(const ConsoleAnswer& answer) const {
    auto* to = out->mutable_console();
    to->set_query_id(answer.query_id);
    if (answer.tail.ok()) {
      to->set_output(answer.tail->output);
      to->set_truncated(answer.tail->truncated);
      for (const std::string& console : answer.tail->serial_consoles) {
        to->add_serial_consoles(console);
      }
    } else {
      to->set_error_reason(ReasonOf(answer.tail.status()));
      to->set_error_message(wire::CleanUtf8(Message(answer.tail.status()), 1024));
    }
  }
  void operator()(const FlavorsApplied& applied) const {
    out->mutable_flavors()->set_flavors_hash(applied.hash);
  }
};

Expected<Inbound> FromWelcome(const v1::Welcome& welcome) {
  Welcome out{.lease = std::chrono::milliseconds(welcome.lease_ms()),
              .session_id = welcome.session_id(),
              .stale = {},
              .last_seq = welcome.last_seq()};
  for (const auto& stale : welcome.stale()) {
    ASSIGN_OR_RETURN(Uuid uuid, Uuid::Parse(stale.uuid()));
    out.stale.push_back({std::move(uuid), stale.generation()});
  }
  return out;
}

}  // namespace

void ToProto(const Outbound& message, v1::SessionRequest* out) { std::visit(Encode{out}, message); }

Expected<Inbound> FromProto(const v1::SessionResponse& message) {
  switch (message.message_case()) {
    case v1::SessionResponse::kWelcome:
      return FromWelcome(message.welcome());
    case v1::SessionResponse::kAck:
      return StateAck{message.ack().seq()};
    case v1::SessionResponse::kFlavors: {
      FlavorSync sync{.hash = message.flavors().flavors_hash(), .flavors = {}};
      for (const auto& flavor : message.flavors().flavors()) {
        sync.flavors.push_back(wire::FromProto(flavor));
      }
      return sync;
    }
    case v1::SessionResponse::kConsole: {
      ConsoleQuery query{.query_id = message.console().query_id(), .instance = {}, .max_bytes = 0};
      ASSIGN_OR_RETURN(query.instance, Uuid::Parse(message.console().instance_uuid()));
      query.max_bytes = static_cast<std::size_t>(std::max(message.console().max_bytes(), 0));
      return query;
    }
    default:
      return Error(Code::kInvalidArgument, reason::kInvalidArgument,
                   "a session message of no known kind");
  }
}

}  // namespace kilonova::agent::adapters::scheduler
