// SPDX-License-Identifier: Apache-2.0
// The agent's end of AgentService: keeps one session open, says what the journal and the host have
// to say, takes flavors and console queries in. Losing the session disturbs nothing but itself.
//
//   SessionClient client({.host = "c1"}, *MakeGrpcTransport(channel_options), SystemClock());
//   Agent agent(..., client, ...);          // client is its ControlPlane
//   client.Start(journal, agent);           // agent is its HostView
//
// Threads: a session thread that writes, a reader beside it, and a worker for whatever may take
// long on this host (libvirt, the console's file), so that heartbeats never wait for those.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "agent/adapters/scheduler/transport.h"
#include "agent/core/control_plane.h"
#include "agent/core/host_view.h"
#include "agent/core/journal.h"
#include "common/base/clock.h"

namespace kilonova::agent::adapters::scheduler {

struct SessionOptions {
  std::string host;
  std::string agent_version;
  std::vector<std::string> features;
  std::chrono::milliseconds report_every = std::chrono::minutes(1);
  std::chrono::milliseconds report_pause{200};  // least time between two host reports
  std::chrono::milliseconds backoff_least{200};
  std::chrono::milliseconds backoff_most = std::chrono::seconds(15);
  std::chrono::milliseconds handshake = std::chrono::seconds(10);  // Hello to Welcome
  std::chrono::milliseconds confirm_deadline = std::chrono::seconds(5);
};

class SessionClient final : public core::ControlPlane {
 public:
  SessionClient(SessionOptions options, std::unique_ptr<Transport> transport, const Clock& clock);
  ~SessionClient() override;

  // Once. Both must outlive Stop.
  void Start(core::Journal& journal, core::HostView& view);
  // Ends the session and all waits; ConfirmStart still works. Idempotent.
  void Stop();
  bool Connected() const;  // a session is open and welcomed

  Status ConfirmStart(const Uuid& instance, std::int64_t generation) override;
  Expected<model::Flavor> Template(const std::string& flavorid, const std::string& content_hash,
                                   std::chrono::milliseconds wait) override;
  void ReportsWaiting() override;
  void HostChanged() override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kilonova::agent::adapters::scheduler
