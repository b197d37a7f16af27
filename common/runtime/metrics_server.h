// SPDX-License-Identifier: Apache-2.0
// Serves /metrics, /healthz (the process lives) and /readyz (`ready` says yes) over HTTP.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/base/status.h"
#include "common/runtime/metrics.h"

namespace kilonova::runtime {

class MetricsServer {
 public:
  // `listen` is "127.0.0.1:9100"; port 0 takes a free one. `refresh` runs before each /metrics.
  // `ready` returns "" or why not.
  static Expected<std::unique_ptr<MetricsServer>> Start(const std::string& listen, Metrics* metrics,
                                                        const std::function<void()>& refresh,
                                                        const std::function<std::string()>& ready);
  ~MetricsServer();
  int port() const;

 private:
  struct State;
  explicit MetricsServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace kilonova::runtime
