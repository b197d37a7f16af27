// SPDX-License-Identifier: Apache-2.0
#include "scheduler/filters/ip_network.h"

#include <gtest/gtest.h>

namespace kilonova::scheduler::filters {
namespace {

bool In(const std::string& network, const std::string& address) {
  const auto parsed = IpNetwork::Parse(network);
  const auto host = IpAddress::Parse(address);
  EXPECT_TRUE(parsed) << network;
  EXPECT_TRUE(host) << address;
  return parsed && host && parsed->Contains(*host);
}

// What netaddr 0.8 answers.
TEST(IpNetwork, PrefixesAndMasksAreRead) {
  EXPECT_TRUE(In("10.0.0.1/24", "10.0.0.255"));
  EXPECT_FALSE(In("10.0.0.1/24", "10.0.1.0"));
  EXPECT_TRUE(In("10.0.0.1/255.255.255.0", "10.0.0.9"));
  EXPECT_TRUE(In("10.0.0.1/0.0.0.255", "10.0.0.9"));
  EXPECT_TRUE(In("10.0.0.1/0.0.0.0", "192.168.0.1"));
  EXPECT_FALSE(In("10.0.0.1/255.255.255.255", "10.0.0.2"));
  EXPECT_TRUE(In("10.1/16", "10.1.2.3"));
  EXPECT_TRUE(In("10/8", "10.200.0.1"));
  EXPECT_TRUE(In("10.0.0.1/ 2_4", "10.0.0.7"));
  EXPECT_TRUE(In("2001:db8::1/ffff:ffff::", "2001:db8:5::"));
  EXPECT_TRUE(In("::1/::ffff", "::ffff"));
  EXPECT_FALSE(In("10.0.0.0/0", "::1"));
}

TEST(IpNetwork, WhatIsNoNetworkIsRefused) {
  for (const char* text : {"", "bad/24", "10.0.0.1/", "10.0.0.1/33", "10.0.0.1/-1", "10.0.0.1/x",
                           "10.0.0.1/255.0.255.0", "10.0.0.1/16/24", "300.1/24", "-1/24", "1e1/24",
                           "1.2.3.4.5/8", "fe80::1%lo/64", "::1/0.0.0.0", "10..1/24"}) {
    EXPECT_FALSE(IpNetwork::Parse(text)) << text;
  }
  EXPECT_FALSE(IpNetwork::Parse(std::string("10.0.0.1\0/24", 12)));
}

TEST(IpAddress, HostsMayBeWrittenAsTheCLibraryReadsThem) {
  for (const char* text : {"10.1", "0x0a.1", "012.1", "167772161", "10.0.0.1 "}) {
    const auto address = IpAddress::Parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->bytes[0], 10) << text;
    EXPECT_EQ(address->bytes[3], 1) << text;
  }
  for (const char* text : {"", "08.1", "::1/2", "fe80::1%lo", "x"}) {
    EXPECT_FALSE(IpAddress::Parse(text)) << text;
  }
}

}  // namespace
}  // namespace kilonova::scheduler::filters
