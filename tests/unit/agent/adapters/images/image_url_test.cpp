// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/images/image_url.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

namespace kilonova::agent::adapters::images {
namespace {

bool Allowed(const std::string& address, const HttpOptions& options = {}) {
  sockaddr_in v4 = {};
  v4.sin_family = AF_INET;
  if (inet_pton(AF_INET, address.c_str(), &v4.sin_addr) == 1) {
    return AddressAllowed(reinterpret_cast<const sockaddr*>(&v4), options);
  }
  sockaddr_in6 v6 = {};
  v6.sin6_family = AF_INET6;
  EXPECT_EQ(inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr), 1) << address;
  return AddressAllowed(reinterpret_cast<const sockaddr*>(&v6), options);
}

TEST(AddressAllowed_Test, RefusesWhatOnlyTheHostCanReach) {
  for (const char* address : {"127.0.0.1", "127.9.9.9", "169.254.169.254", "0.0.0.0", "224.0.0.1",
                              "255.255.255.255", "240.0.0.1", "::1", "::", "fe80::1", "ff02::1",
                              "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1"}) {
    EXPECT_FALSE(Allowed(address)) << address;
  }
  for (const char* address :
       {"10.0.0.1", "192.168.1.1", "8.8.8.8", "2001:db8::1", "fd00::1", "::ffff:10.0.0.1"}) {
    EXPECT_TRUE(Allowed(address)) << address;
  }
}

TEST(AddressAllowed_Test, OptionsOpenOneKindEach) {
  HttpOptions loopback;
  loopback.allow_loopback = true;
  EXPECT_TRUE(Allowed("127.0.0.1", loopback));
  EXPECT_TRUE(Allowed("::1", loopback));
  EXPECT_FALSE(Allowed("169.254.169.254", loopback));
  HttpOptions link_local;
  link_local.allow_link_local = true;
  EXPECT_TRUE(Allowed("fe80::1", link_local));
  EXPECT_FALSE(Allowed("127.0.0.1", link_local));
}

TEST(SchemeOf_Test, KnowsThree) {
  EXPECT_EQ(*SchemeOf("file:///x"), Scheme::kFile);
  EXPECT_EQ(*SchemeOf("http://x/"), Scheme::kHttp);
  EXPECT_EQ(*SchemeOf("https://x/"), Scheme::kHttps);
  for (const char* url : {"ftp://x/", "nbd:evil", "FILE:///x", "json:{}", "/etc/passwd", "", "x"}) {
    EXPECT_TRUE(HasReason(SchemeOf(url).status(), reason::kImageSourceForbidden)) << url;
  }
}

TEST(PathOfFileUrl_Test, TakesAbsolutePathsOnly) {
  EXPECT_EQ(*PathOfFileUrl("file:///srv/a%20b.img"), "/srv/a b.img");
  EXPECT_EQ(*PathOfFileUrl("file:///srv//x/./y"), "/srv/x/y");
  for (const char* url :
       {"file://host/x", "file://", "file:///a/../b", "file:///a/%2e%2e/b", "file:///a%00b",
        "file:///a%2", "file:///a%zz", "file:///a?x", "file:///a#x", "file:x"}) {
    EXPECT_TRUE(HasReason(PathOfFileUrl(url).status(), reason::kImageSourceForbidden)) << url;
  }
}

TEST(CheckHttpUrl_Test, JudgesHostsAndCredentials) {
  HttpOptions options;
  EXPECT_EQ(CheckHttpUrl("http://Images.Example/x", options)->host, "images.example");
  EXPECT_EQ(CheckHttpUrl("https://images.example/x", options)->port, "443");
  for (const char* url :
       {"http://user@h/x", "http://u:p@h/x", "gopher://h/x", "http://", "http:// h"}) {
    EXPECT_TRUE(HasReason(CheckHttpUrl(url, options).status(), reason::kImageSourceForbidden))
        << url;
  }
  options.denied_hosts = {"bad.example"};
  EXPECT_FALSE(CheckHttpUrl("http://BAD.example/x", options).ok());
  options.allowed_hosts = {"good.example"};
  EXPECT_TRUE(CheckHttpUrl("http://good.example/x", options).ok());
  EXPECT_FALSE(CheckHttpUrl("http://other.example/x", options).ok());
}

TEST(SameOrigin_Test, AllowsTheSameHostAndTheStepToTls) {
  const HttpUrl plain{"http", "h", "80"};
  EXPECT_TRUE(SameOrigin(plain, {"http", "h", "80"}));
  EXPECT_TRUE(SameOrigin(plain, {"https", "h", "443"}));
  EXPECT_FALSE(SameOrigin(plain, {"http", "h", "8080"}));
  EXPECT_FALSE(SameOrigin(plain, {"http", "other", "80"}));
  EXPECT_FALSE(SameOrigin({"https", "h", "443"}, plain));
}

}  // namespace
}  // namespace kilonova::agent::adapters::images
