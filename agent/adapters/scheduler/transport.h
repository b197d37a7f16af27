// SPDX-License-Identifier: Apache-2.0
// What the session says and hears, free of gRPC, and the port it goes through. agent.proto says
// what each message means.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/core/host_view.h"
#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/model/flavor.h"
#include "common/model/reports.h"

namespace kilonova::agent::adapters::scheduler {

using Counters = std::map<std::string, std::int64_t>;

struct HostUpdate {
  model::HostReport report;
  std::vector<model::HostInstance> instances;
  Counters counters;
};

struct Hello {
  std::string host, agent_version, journal_id;
  std::vector<std::string> features;
  HostUpdate update;
  std::string flavors_hash;
};
struct Heartbeat {
  Counters counters;
};
struct ConsoleAnswer {
  std::int64_t query_id = 0;
  Expected<core::ConsoleTail> tail;
};
struct FlavorsApplied {
  std::string hash;
};
using Outbound =
    std::variant<Hello, Heartbeat, HostUpdate, model::StateReport, ConsoleAnswer, FlavorsApplied>;

struct Welcome {
  std::chrono::milliseconds lease{};
  std::string session_id;
  std::vector<core::StaleInstance> stale;
  std::int64_t last_seq = 0;
};
struct StateAck {
  std::int64_t seq = 0;
};
struct FlavorSync {
  std::string hash;
  std::vector<model::Flavor> flavors;
};
struct ConsoleQuery {
  std::int64_t query_id = 0;
  Uuid instance;
  std::size_t max_bytes = 0;
};
using Inbound = std::variant<Welcome, StateAck, FlavorSync, ConsoleQuery>;

// One session. One thread writes, another reads; Cancel from any, as often as one likes.
class Stream {
 public:
  virtual ~Stream() = default;
  virtual bool Write(const Outbound& message) = 0;  // false: the stream is over
  virtual std::optional<Inbound> Read() = 0;        // none: the stream is over
  virtual void Cancel() = 0;                        // ends a Write and a Read that wait
  virtual Status Finish() = 0;  // why it ended; once, when nobody reads or writes any more
};

class Transport {
 public:
  virtual ~Transport() = default;
  // At once; that nobody is there shows in Write and Read.
  virtual std::unique_ptr<Stream> Open() = 0;
  virtual Status ConfirmStart(const std::string& host, const Uuid& instance,
                              std::int64_t generation, std::chrono::milliseconds deadline) = 0;
};

}  // namespace kilonova::agent::adapters::scheduler
