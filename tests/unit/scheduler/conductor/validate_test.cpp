// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/validate.h"

#include <gtest/gtest.h>

#include "scheduler/core/ipam.h"

namespace kilonova::scheduler::core {
namespace {

InstanceTemplate Good() {
  InstanceTemplate t;
  t.name = "web";
  t.flavor = "m1.tiny";
  t.image = "cirros";
  return t;
}
std::string FieldOf(const InstanceTemplate& t) {
  const Status status = CheckTemplate(t);
  return status.ok() ? "" : DetailsOf(status)["field"];
}

// What Nova's own sanitize_hostname gives for these.
TEST(SanitizeHostname, IsNovas) {
  const std::pair<const char*, std::string> cases[] = {{"web", "web"},
                                                       {"My Web_Server.1", "my-web-server-1"},
                                                       {"..web..", "web"},
                                                       {"@#$%", ""},
                                                       {"a@b", "ab"},
                                                       {"Gr\xC3\x9C\xC3\x9F", "gr\xC3\xBC\xC3\x9F"},
                                                       {"\xE4\xB8\xAD", ""},
                                                       {"-a-", "a"},
                                                       {"\xE2\x82\xAC"
                                                        "a",
                                                        "a"},
                                                       {"a\xC2\xBD", "a\xC2\xBD"}};
  for (const auto& [name, hostname] : cases) EXPECT_EQ(SanitizeHostname(name), hostname) << name;
  EXPECT_EQ(SanitizeHostname(std::string(100, 'a')), std::string(63, 'a'));
}

TEST(NamesOf, FollowNova) {
  const Uuid uuid = Uuid::Random();
  EXPECT_EQ(NamesOf("web", uuid, 1, 0).hostname, "web");
  EXPECT_EQ(NamesOf("web", uuid, 2, 1).hostname, "web-2");
  EXPECT_EQ(NamesOf("web", uuid, 2, 1).display_name, "web-2");
  EXPECT_EQ(NamesOf("@", uuid, 2, 1).hostname, "Server-" + uuid.str());
  EXPECT_EQ(NamesOf("@", uuid, 2, 1).display_name, "@-2");
}

TEST(CheckTemplate, NamesTheFieldThatIsWrong) {
  EXPECT_EQ(FieldOf(Good()), "");
  for (const std::string& name :
       {std::string(), std::string(256, 'a'), std::string("a\nb"), std::string("a\0b", 3),
        std::string("\xC3("), std::string("\xED\xA0\x80"), std::string("\xC0\x80"),
        std::string("a\x7F"), std::string("\xC2\x85"), std::string("\xEF\xBF\xBF"),
        std::string("   "), std::string("\xF4\x90\x80\x80"), std::string("\xE2\x82")}) {
    auto t = Good();
    t.name = name;
    EXPECT_EQ(FieldOf(t), "name") << name;
  }
  auto t = Good();
  t.name = std::string(255, 'a');
  EXPECT_EQ(FieldOf(t), "");
  t.name = "<script>&\"'; DROP TABLE \xF0\x9F\x90\xA7";  // odd, and harmless to who escapes
  EXPECT_EQ(FieldOf(t), "");
  t = Good();
  t.metadata["key"] = std::string(256, 'v');
  EXPECT_EQ(FieldOf(t), "metadata");
  t.metadata = {{"<key>", "v"}};
  EXPECT_EQ(FieldOf(t), "metadata");
  t.metadata = {{"key", "line\nbreak"}};
  EXPECT_EQ(FieldOf(t), "metadata");
  t.metadata.clear();
  for (int i = 0; i < 129; ++i) t.metadata["k" + std::to_string(i)] = "";
  EXPECT_EQ(FieldOf(t), "metadata");
  t = Good();
  t.networks.assign(33, "net");
  EXPECT_EQ(FieldOf(t), "networks");
  for (const std::string& data : {std::string("a"), std::string("ab=c"), std::string("a==="),
                                  std::string("!!!!"), std::string(65536, 'a')}) {
    t = Good();
    t.user_data = data;
    EXPECT_EQ(FieldOf(t), "user_data") << data.substr(0, 8);
  }
  t.user_data = "I2Nsb3VkLWNv\nbmZpZw==";
  EXPECT_EQ(FieldOf(t), "");
  for (const std::string& zone :
       {std::string("nova:"), std::string("nova:a:b:c"), std::string("nova::"),
        std::string("nova:../x"), std::string("a\tb"), std::string(256, 'z') + ":a",
        std::string(256, 'z')}) {
    t = Good();
    t.availability_zone = zone;
    EXPECT_EQ(FieldOf(t), "availability_zone") << zone;
  }
  t = Good();
  t.public_key = "ssh-ed25519 AAAA me\n";
  EXPECT_EQ(FieldOf(t), "");
  t.public_key = "ssh-ed25519 AAAA\nme";
  EXPECT_EQ(FieldOf(t), "public_key");
}

TEST(DigestOf, TellsEveryFieldApart) {
  CreateRequest base{"id", Good(), 1};
  auto same = base;
  same.request_id = "other";
  same.count = 0;
  EXPECT_EQ(DigestOf(base), DigestOf(same));
  std::set<std::string> digests{DigestOf(base)};
  const auto add = [&](auto change) {
    auto request = base;
    change(request);
    EXPECT_TRUE(digests.insert(DigestOf(request)).second);
  };
  add([](auto& r) { r.count = 2; });
  add([](auto& r) { r.instance.name = "x"; });
  add([](auto& r) { r.instance.networks = {"a", "b"}; });
  add([](auto& r) { r.instance.networks = {"ab"}; });
  add([](auto& r) { r.instance.metadata = {{"a", "b"}}; });
  add([](auto& r) { r.instance.metadata = {{"ab", ""}}; });
  add([](auto& r) { r.instance.hints = {{"a", {"b"}}}; });
  add([](auto& r) { r.instance.config_drive = true; });
  add([](auto& r) { r.instance.admin_password = "p"; });
  add([](auto& r) { r.instance.user_data = "aaaa"; });
  add([](auto& r) { r.instance.key_name = "k"; });
  add([](auto& r) { r.instance.public_key = "k"; });
  add([](auto& r) { r.instance.project_id = "k"; });
  add([](auto& r) { r.instance.user_id = "k"; });
}

TEST(PageToken, BelongsToOneList) {
  const std::string token = MakePageToken("hosts", "a");
  EXPECT_EQ(*ReadPageToken("hosts", token), "a");
  EXPECT_FALSE(ReadPageToken("images", token).ok());
  for (const std::string& bad : {std::string("x"), token + "0", token.substr(1), std::string()}) {
    EXPECT_TRUE(HasReason(ReadPageToken("hosts", bad).status(), reason::kPageTokenInvalid));
  }
}

TEST(AddressPool, GivesTheLowestFreeAddress) {
  NetworkRecord network;
  network.name = "net";
  network.source = "default";
  network.cidr = "10.0.0.0/29";
  network.gateway = "10.0.0.3";
  network.pool_start = "10.0.0.1";
  AddressPool pool(*NormalizeNetwork(network));
  std::vector<std::string> given;
  while (true) {
    const auto ip = pool.Take();
    if (!ip.ok()) {
      EXPECT_TRUE(HasReason(ip.status(), reason::kNetworkAddressesExhausted));
      break;
    }
    given.push_back(ip->address);
    EXPECT_EQ(ip->prefix, 29);
    EXPECT_EQ(ip->gateway, "10.0.0.3");
  }
  EXPECT_EQ(given,
            (std::vector<std::string>{"10.0.0.1", "10.0.0.2", "10.0.0.4", "10.0.0.5", "10.0.0.6"}));
  pool.Release("10.0.0.4");
  pool.Release("10.0.0.2");
  pool.Release("10.0.0.3");  // the gateway was never given
  EXPECT_EQ(pool.Take()->address, "10.0.0.2");
  EXPECT_EQ(pool.Take()->address, "10.0.0.4");
  EXPECT_FALSE(pool.Take().ok());
}

TEST(AddressPool, KnowsIpv6) {
  NetworkRecord network;
  network.name = "net";
  network.source = "default";
  network.cidr = "2001:DB8::/64";
  network.gateway = "2001:db8::1";
  const auto normal = NormalizeNetwork(network);
  ASSERT_TRUE(normal.ok()) << Describe(normal.status());
  EXPECT_EQ(normal->cidr, "2001:db8::/64");
  AddressPool pool(*normal);
  EXPECT_EQ(pool.Take()->address, "2001:db8::2");
  EXPECT_EQ(pool.Take()->version, 6);
}

}  // namespace
}  // namespace kilonova::scheduler::core
