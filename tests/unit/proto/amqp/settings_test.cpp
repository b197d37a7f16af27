// SPDX-License-Identifier: Apache-2.0
#include "proto/amqp/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kilonova::amqp {
namespace {

TEST(ParseUrl, FullForm_GivesEveryPart) {
  const auto settings = ParseUrl("amqp://scheduler:s%40cret@broker.example:5673/%2Fcloud%201");
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->host, "broker.example");
  EXPECT_EQ(settings->port, 5673);
  EXPECT_EQ(settings->user, "scheduler");
  EXPECT_EQ(settings->password, "s@cret");
  EXPECT_EQ(settings->vhost, "/cloud 1");
  EXPECT_FALSE(settings->tls.has_value());
}

TEST(ParseUrl, HostAlone_TakesDefaults) {
  const auto settings = ParseUrl("amqp://broker");
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->port, 5672);
  EXPECT_EQ(settings->user, "guest");
  EXPECT_EQ(settings->vhost, "/");
  EXPECT_EQ(settings->heartbeat, std::chrono::seconds(20));
}

TEST(ParseUrl, Amqps_TurnsVerifiedTlsOn) {
  const auto settings = ParseUrl("amqps://a:b@broker/");
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->port, 5671);
  ASSERT_TRUE(settings->tls.has_value());
  EXPECT_TRUE(settings->tls->verify_peer);
  EXPECT_TRUE(settings->tls->verify_hostname);
}

TEST(ParseUrl, Ipv6_NeedsBrackets) {
  const auto settings = ParseUrl("amqp://[::1]:5673/");
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->host, "::1");
  EXPECT_EQ(settings->port, 5673);
}

TEST(ParseUrl, Wrong_IsRefusedWithoutThePassword) {
  for (const char* url :
       {"", "broker", "http://broker/", "amqp://", "amqp://:5672/", "amqp://u:hunter2@h:0/",
        "amqp://u:hunter2@h:70000/", "amqp://u:hunter2@h:12x/", "amqp://u:hunter2@h:/",
        "amqp://u:hunter2%zz@h/", "amqp://u:hunter2%4@h/", "amqp://u:hunter2@h/a/b",
        "amqp://u:hunter2@h/?x=1", "amqp://u:hunter2%00@h/", "amqp://[::1/", "amqp://[::1]x/"}) {
    const auto settings = ParseUrl(url);
    ASSERT_FALSE(settings.ok()) << url;
    EXPECT_TRUE(HasReason(settings.status(), reason::kConfigInvalid)) << url;
    EXPECT_EQ(Message(settings.status()).find("hunter2"), std::string::npos) << url;
  }
}

TEST(Describe, NeverShowsThePassword) {
  const auto settings = ParseUrl("amqps://u:hunter2@h:1/v");
  ASSERT_TRUE(settings.ok());
  EXPECT_EQ(Describe(*settings), "amqps://u@h:1/v");
}

}  // namespace
}  // namespace kilonova::amqp
