// SPDX-License-Identifier: Apache-2.0
#include "proto/grpc/endpoint.h"

#include <gtest/gtest.h>

#include "proto/grpc/channel.h"

namespace kilonova::grpc {
namespace {

TEST(Endpoint, WithoutTls_OnlyLocalAddresses) {
  for (const char* address : {"unix:/run/x.sock", "unix-abstract:x", "127.0.0.1:1", "127.9.9.9:0",
                              "localhost:9500", "[::1]:9500"}) {
    EXPECT_TRUE(CheckEndpoint(address, {}).ok()) << address;
  }
  for (const char* address : {"0.0.0.0:9500", "10.0.0.1:9500", "scheduler:9500", "[::]:9500",
                              "127.evil.example:9500", "localhost.example:9500", "127.0.0.1", "",
                              ":9500", "127.0.0.1:99999", "127.0.0.1:x", "::1:9500"}) {
    const Status status = CheckEndpoint(address, {});
    EXPECT_TRUE(HasReason(status, reason::kConfigInvalid)) << address << ": " << status;
  }
}

TEST(Endpoint, WithTls_AnyAddressButBothFiles) {
  EXPECT_TRUE(CheckEndpoint("0.0.0.0:9500", {.ca = "ca", .cert = "c", .key = "k"}).ok());
  EXPECT_TRUE(CheckEndpoint("scheduler:9500", {.ca = "ca"}).ok());
  EXPECT_TRUE(
      HasReason(CheckEndpoint("0.0.0.0:1", {.ca = "ca", .cert = "c"}), reason::kConfigInvalid));
  EXPECT_TRUE(HasReason(CheckEndpoint("nonsense", {.ca = "ca"}), reason::kConfigInvalid));
}

TEST(Channel, BadOptions_AreRefusedBeforeConnecting) {
  EXPECT_TRUE(HasReason(MakeChannel({.target = "10.0.0.1:9500"}).status(), reason::kConfigInvalid));
  EXPECT_TRUE(HasReason(
      MakeChannel({.target = "10.0.0.1:9500", .tls = {.ca = "/nonexistent/ca.pem"}}).status(),
      reason::kConfigInvalid));
  EXPECT_TRUE(MakeChannel({.target = "127.0.0.1:1"}).ok());
}

}  // namespace
}  // namespace kilonova::grpc
