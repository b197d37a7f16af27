// SPDX-License-Identifier: Apache-2.0
#include "common/runtime/metrics.h"

#include <gtest/gtest.h>

#include "common/runtime/metrics_server.h"

namespace kilonova::runtime {
namespace {

TEST(Metrics, TextHasWhatWasCounted) {
  Metrics metrics;
  metrics.Count("kilonova_x_total", {{"reason", "A"}});
  metrics.Count("kilonova_x_total", {{"reason", "A"}}, 2);
  metrics.Set("kilonova_y", 4);
  metrics.Observe("kilonova_z_seconds", 0.002);
  const std::string text = metrics.Text();
  EXPECT_NE(text.find("kilonova_x_total{reason=\"A\"} 3"), std::string::npos) << text;
  EXPECT_NE(text.find("kilonova_y 4"), std::string::npos);
  EXPECT_NE(text.find("kilonova_z_seconds_count 1"), std::string::npos);
}

TEST(MetricsServer, ListensWhereItIsTold) {
  Metrics metrics;
  auto server = MetricsServer::Start("127.0.0.1:0", &metrics, {}, {});
  ASSERT_TRUE(server.ok());
  EXPECT_GT((*server)->port(), 0);
  for (const char* wrong : {"nonsense", "127.0.0.1:", "127.0.0.1:0x", "127.0.0.1:65536"}) {
    EXPECT_FALSE(MetricsServer::Start(wrong, &metrics, {}, {}).ok()) << wrong;
  }
}

}  // namespace
}  // namespace kilonova::runtime
