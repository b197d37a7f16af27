// SPDX-License-Identifier: Apache-2.0
// A real RabbitMQ of the test's own: private ports, data, cookie and port mapper; nothing listens
// beyond 127.0.0.1. It may be killed and started again on the same data.
//
//   TestBroker broker;
//   ASSERT_TRUE(broker.Start().ok());
//   broker.Kill9();
//   broker.Restart();
//
// Its processes die with the thread that started it, so make it on the main thread. Destruction
// ends exactly the processes it started and removes its directory, kept if
// KILONOVA_TEST_KEEP is set.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/base/status.h"

namespace kilonova::testing {

struct TestBrokerOptions {
  // All three set: an additional TLS listener. It does not ask clients for certificates.
  std::string tls_ca, tls_cert, tls_key;
  std::string extra_config;  // lines of rabbitmq.conf
};

class TestBroker {
 public:
  explicit TestBroker(TestBrokerOptions options = {});
  ~TestBroker();
  TestBroker(const TestBroker&) = delete;
  TestBroker& operator=(const TestBroker&) = delete;

  // Returns once it takes connections and rabbitmqctl works.
  Status Start(std::chrono::seconds patience = std::chrono::seconds(120));
  void Kill9();
  void Stop();  // as an operator would
  // RabbitMQ 3.10 writes a new quorum queue's name down about half a second after declaring it; a
  // queue that is killed before that never elects a leader again. Call before Kill9 in tests that
  // mean an established queue.
  Status WaitForQueueOnDisk(const std::string& queue);
  Status Restart();  // Start on the same data; kills what still runs
  void Pause();      // SIGSTOP: connected, silent
  void Unpause();

  // rabbitmqctl; its standard output, or an error with its standard error.
  Expected<std::string> Ctl(const std::vector<std::string>& arguments);

  std::uint16_t port() const { return port_; }
  std::uint16_t tls_port() const { return tls_port_; }
  std::string url() const;  // amqp://guest:guest@127.0.0.1:port/

 private:
  std::vector<std::string> Environment() const;
  std::filesystem::path LogFile() const;

  const TestBrokerOptions options_;
  std::filesystem::path directory_;
  std::string node_;
  std::vector<int> port_holders_;
  std::uint16_t port_ = 0, tls_port_ = 0, epmd_port_ = 0, dist_port_ = 0;
  pid_t epmd_ = -1, server_ = -1;
};

}  // namespace kilonova::testing
