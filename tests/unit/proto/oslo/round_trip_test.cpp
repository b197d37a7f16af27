// SPDX-License-Identifier: Apache-2.0
// What is encoded is decoded as it was, whatever text it holds.
#include <gtest/gtest.h>

#include <random>

#include "common/model/methods.h"
#include "tests/unit/proto/oslo/builders.h"

namespace kilonova::oslo {
namespace {

using Random = std::mt19937_64;

std::int64_t Between(Random& random, std::int64_t least, std::int64_t most) {
  return std::uniform_int_distribution<std::int64_t>(least, most)(random);
}

// Text that breaks XML, JSON, shells and paths; no control characters unless asked for.
std::string Nasty(Random& random, bool any_line = false) {
  static const std::vector<std::string> kPieces = {"a",
                                                   "Z",
                                                   "0",
                                                   " ",
                                                   "\"",
                                                   "\\",
                                                   "'",
                                                   "<",
                                                   ">",
                                                   "&amp;",
                                                   "]]>",
                                                   "../",
                                                   "/",
                                                   "%s",
                                                   "${x}",
                                                   "`",
                                                   ";",
                                                   "\xC3\xA9",
                                                   "\xE2\x82\xAC",
                                                   "\xF0\x9F\x98\x80",
                                                   "\xE2\x80\xAE",
                                                   "\xEF\xBF\xBD",
                                                   "nova_object.name",
                                                   "{\"a\":1}",
                                                   "\\u0000",
                                                   "null"};
  std::string out;
  for (std::int64_t i = Between(random, 0, 12); i > 0; --i) {
    out += kPieces[static_cast<std::size_t>(Between(random, 0, std::int64_t(kPieces.size()) - 1))];
    if (any_line && Between(random, 0, 5) == 0) out += "\n\t\x01";
  }
  return out;
}

std::string Hex(Random& random, int digits) {
  std::string out;
  while (digits-- > 0) out += "0123456789abcdef"[Between(random, 0, 15)];
  return out;
}

model::ImageSource RandomImage(Random& random) {
  model::ImageSource image;
  image.id = Uuid::Random();
  image.name = Nasty(random);
  image.disk_format = Between(random, 0, 1) == 0 ? "raw" : "qcow2";
  image.container_format = "bare";
  image.url = "https://images/" + Nasty(random);
  image.sha256 = Hex(random, 64);
  image.size_bytes = static_cast<std::uint64_t>(Between(random, 0, INT64_MAX));
  image.min_disk_gb = Between(random, 0, 100);
  image.min_ram_mb = Between(random, 0, 100);
  for (std::int64_t i = Between(random, 0, 5); i > 0; --i) {
    image.properties["p" + Nasty(random)] = Nasty(random, true);
  }
  return image;
}

model::NicRequest RandomNic(Random& random) {
  model::NicRequest nic = testing::SomeNic();
  nic.port_id = Uuid::Random();
  nic.network_id = Uuid::Random();
  nic.network_name = Nasty(random);
  nic.kind = Between(random, 0, 1) == 0 ? model::NetworkKind::kBridge
                                        : model::NetworkKind::kLibvirtNetwork;
  nic.source =
      nic.kind == model::NetworkKind::kBridge ? "br-" + Hex(random, 8) : "n" + Nasty(random);
  nic.mac = "fa:16:3e";
  for (int i = 0; i < 3; ++i) nic.mac += ":" + Hex(random, 2);
  nic.mtu = Between(random, 68, 65535);
  nic.dhcp = Between(random, 0, 1) == 0;
  if (nic.dhcp) nic.fixed_ips.clear();
  return nic;
}

model::BuildRequest RandomBuild(Random& random) {
  model::BuildRequest build = testing::SomeBuild();
  model::InstanceSpec& instance = build.instance;
  instance.id = Between(random, 0, INT32_MAX);
  instance.uuid = Uuid::Random();
  instance.display_name = Nasty(random);
  instance.hostname = "h\xC3\xA9" + Hex(random, 10);  // as Nova makes it of "H\u00C9..."
  instance.availability_zone = Nasty(random);
  instance.launch_index = Between(random, 0, 99);
  instance.user_name = Nasty(random);
  instance.project_name = Nasty(random);
  instance.key_name = Nasty(random);
  instance.key_data = instance.key_name.empty() ? "" : Nasty(random, true);
  instance.user_data = Between(random, 0, 1) == 0 ? "" : "AAAA";
  instance.admin_password = Nasty(random);
  instance.config_drive = Between(random, 0, 1) == 0;
  instance.metadata.clear();
  for (std::int64_t i = Between(random, 0, 6); i > 0; --i) {
    instance.metadata["k" + Nasty(random)] = Nasty(random, true);
  }
  instance.created_at = FromMicros(Between(random, 0, 4'000'000'000) * 1'000'000);
  model::Flavor& flavor = build.flavor;
  flavor.name = "f" + Hex(random, 5);
  flavor.vcpus = Between(random, 1, INT32_MAX);
  flavor.memory_mb = Between(random, 1, INT32_MAX);
  flavor.root_gb = Between(random, 0, INT32_MAX);
  flavor.ephemeral_gb = Between(random, 0, 2);
  flavor.swap_mb = Between(random, 0, 2);
  flavor.rxtx_factor = static_cast<double>(Between(random, 1, 1'000'000)) / 1009.0;
  flavor.description = Nasty(random);
  flavor.extra_specs["x:" + Nasty(random)] = Nasty(random);
  build.image = RandomImage(random);
  if (Between(random, 0, 2) == 0) build.kernel = RandomImage(random);
  if (build.kernel && Between(random, 0, 1) == 0) build.ramdisk = RandomImage(random);
  build.nics.clear();
  for (std::int64_t i = Between(random, 0, 4); i > 0; --i) build.nics.push_back(RandomNic(random));
  build.claim = {Uuid::Random(), Between(random, 1, INT64_MAX)};
  build.attempt = Between(random, 1, 10);
  build.alternates.assign(static_cast<std::size_t>(Between(random, 0, 3)), {"h-1", Nasty(random)});
  for (std::int64_t i = Between(random, 0, 3); i > 0; --i) {
    auto& resources = build.allocations["p" + Nasty(random)];
    resources["VGPU"] = Between(random, 1, INT32_MAX);
    if (Between(random, 0, 1) == 0) resources["CUSTOM_" + Hex(random, 4)] = 1;
  }
  return build;
}

TEST(RoundTrip, BuildsComeBackAsTheyWere) {
  Random random(20261122);
  for (int i = 0; i < 2000; ++i) {
    const model::BuildRequest build = RandomBuild(random);
    const auto body = EncodeBuild(build, {"host1", "node1"}, testing::SomeHead());
    ASSERT_TRUE(body.ok()) << Describe(body.status());
    EXPECT_EQ(body->find("(token)"), std::string::npos);
    const auto received = DecodeComputeRequest(*body);
    ASSERT_TRUE(received.ok()) << Describe(received.status()) << *body;
    ASSERT_EQ(std::get<model::BuildRequest>(received->request.body), build) << *body;
    EXPECT_EQ(received->flavor_hash, build.flavor.ContentHash());
    EXPECT_EQ(received->request.method, "build_and_run_instance");
    EXPECT_EQ(received->request.unique_id, testing::SomeHead().unique_id);
  }
}

TEST(RoundTrip, ActionsComeBackAsTheyWere) {
  Random random(7);
  using enum model::ActionKind;
  for (int i = 0; i < 400; ++i) {
    const model::BuildRequest build = RandomBuild(random);
    model::ActionRequest action;
    action.kind = std::vector{kTerminate, kStart, kStop, kReboot}[static_cast<std::size_t>(i) % 4];
    action.instance_uuid = build.instance.uuid;
    action.instance_id = build.instance.id;
    action.generation = Between(random, 1, INT64_MAX);
    if (action.kind == kStop) action.clean_shutdown = Between(random, 0, 1) == 0;
    if (action.kind == kReboot && i % 8 < 4) action.reboot_type = model::RebootType::kHard;
    InstanceState state;
    state.at = {"host1", "node1"};
    state.launched_at = build.instance.created_at;
    const auto body = EncodeAction(action, build, state, testing::SomeHead());
    ASSERT_TRUE(body.ok()) << Describe(body.status());
    const auto received = DecodeComputeRequest(*body);
    ASSERT_TRUE(received.ok()) << Describe(received.status());
    EXPECT_EQ(std::get<model::ActionRequest>(received->request.body), action);
    EXPECT_EQ(received->request.method, model::MethodOf(action.kind));
    EXPECT_TRUE(received->has_ticket);
  }
}

TEST(RoundTrip, SameRequestGivesSameBytes) { EXPECT_EQ(testing::SomeBody(), testing::SomeBody()); }

TEST(RoundTrip, TokenIsNeverSent) {
  const Json inner = ParseJson(OpenEnvelope(testing::SomeBody()).value()).value();
  EXPECT_TRUE(inner.Find("_context_auth_token")->is_null());
}

TEST(RoundTrip, UnsendableRequestsAreRefusedBeforeTheyAreSent) {
  using namespace std::string_literals;
  const auto send = [](const model::BuildRequest& build) {
    return ReasonOf(EncodeBuild(build, {"h", "n"}, testing::SomeHead()).status());
  };
  model::BuildRequest build = testing::SomeBuild();
  build.instance.display_name = "a\xFF";
  EXPECT_EQ(send(build), "INVALID_ARGUMENT");
  build = testing::SomeBuild();
  build.instance.metadata["a\0b"s] = "c";
  EXPECT_EQ(send(build), "INVALID_ARGUMENT");
  build = testing::SomeBuild();
  build.image.properties["big"] = std::string(2U << 20, 'x');
  EXPECT_EQ(send(build), "MESSAGE_TOO_LARGE");
  MessageHead head = testing::SomeHead();
  head.unique_id = "x";
  EXPECT_FALSE(EncodeBuild(testing::SomeBuild(), {"h", "n"}, head).ok());
}

}  // namespace
}  // namespace kilonova::oslo
