// SPDX-License-Identifier: Apache-2.0
#include "common/runtime/metrics_server.h"

#include <httplib.h>

#include <charconv>
#include <thread>

namespace kilonova::runtime {

struct MetricsServer::State {
  httplib::Server server;
  int port = 0;
  std::jthread thread;
};

MetricsServer::MetricsServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

MetricsServer::~MetricsServer() { state_->server.stop(); }

int MetricsServer::port() const { return state_->port; }

Expected<std::unique_ptr<MetricsServer>> MetricsServer::Start(
    const std::string& listen, Metrics* metrics, const std::function<void()>& refresh,
    const std::function<std::string()>& ready) {
  const auto colon = listen.rfind(':');
  int port = -1;
  if (colon != std::string::npos) {
    const char* const end = listen.data() + listen.size();
    const auto [at, error] = std::from_chars(listen.data() + colon + 1, end, port);
    if (error != std::errc() || at != end) port = -1;
  }
  if (port < 0 || port > 65535) {
    return Error(Code::kInvalidArgument, reason::kConfigInvalid,
                 "metrics.listen must be ADDRESS:PORT");
  }
  const std::string host = listen.substr(0, colon);
  auto state = std::make_unique<State>();
  // One scraper and one prober: two threads serve them.
  state->server.new_task_queue = [] { return new httplib::ThreadPool(2); };
  state->server.Get("/metrics", [metrics, refresh](const httplib::Request&, httplib::Response& r) {
    if (refresh) refresh();
    r.set_content(metrics->Text(), "text/plain; version=0.0.4");
  });
  state->server.Get("/healthz", [](const httplib::Request&, httplib::Response& r) {
    r.set_content("ok\n", "text/plain");
  });
  state->server.Get("/readyz", [ready](const httplib::Request&, httplib::Response& r) {
    const std::string why = ready ? ready() : "";
    r.status = why.empty() ? 200 : 503;
    r.set_content(why.empty() ? "ok\n" : why + "\n", "text/plain");
  });
  if (port == 0) {
    state->port = state->server.bind_to_any_port(host.c_str());
  } else {
    state->port = state->server.bind_to_port(host.c_str(), port) ? port : -1;
  }
  if (state->port <= 0) {
    return Error(Code::kUnavailable, reason::kConfigInvalid, "cannot listen on " + listen);
  }
  state->thread = std::jthread([server = &state->server] { server->listen_after_bind(); });
  // stop() before the loop runs would be lost.
  while (!state->server.is_running()) std::this_thread::yield();
  return std::unique_ptr<MetricsServer>(new MetricsServer(std::move(state)));
}

}  // namespace kilonova::runtime
