// SPDX-License-Identifier: Apache-2.0
#include "scheduler/adapters/grpc/peer.h"

#include <gtest/gtest.h>

namespace kilonova::scheduler::adapters::grpc {
namespace {

TEST(Peer, ItsAddress_IsReadOfGrpcsName) {
  EXPECT_EQ(AddressOfPeer("ipv4:10.0.0.7:41000"), "10.0.0.7");
  EXPECT_EQ(AddressOfPeer("ipv6:[2001:db8::7]:41000"), "2001:db8::7");
  EXPECT_EQ(AddressOfPeer("ipv6:%5B2001:db8::7%5D:41000"), "2001:db8::7");
  EXPECT_EQ(AddressOfPeer("ipv6:%5Bfe80::7%25eth0%5D:41000"), "fe80::7");
  EXPECT_EQ(AddressOfPeer("unix:"), "127.0.0.1");
  EXPECT_EQ(AddressOfPeer("unix:/run/x.sock"), "127.0.0.1");
  for (const char* odd : {"", "ipv4:", "ipv4:x:1", "ipv6:[]:1", "vsock:3:1", "ipv4:1.2.3.4.5:1"}) {
    EXPECT_EQ(AddressOfPeer(odd), "") << odd;
  }
}

}  // namespace
}  // namespace kilonova::scheduler::adapters::grpc
