// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "common/base/hash.h"
#include "tests/unit/scheduler/conductor/rig.h"

namespace kilonova::scheduler::core {
namespace {

class Catalog : public ConductorTest {
 protected:
  static model::Flavor Flavor(const std::string& name) {
    model::Flavor flavor;
    flavor.name = name;
    flavor.vcpus = flavor.memory_mb = 1;
    return flavor;
  }
  static model::ImageSource Image() {
    model::ImageSource image;
    image.name = "image";
    image.url = "file:///images/a.qcow2";
    image.sha256 = std::string(64, '0');
    image.disk_format = "qcow2";
    return image;
  }
  static NetworkRecord Network() {
    NetworkRecord network;
    network.name = "net";
    network.source = "default";
    network.cidr = "10.0.0.0/24";
    return network;
  }
};

TEST_F(Catalog, Flavors_AreKeptAndHashed) {
  int changes = 0;
  rig_.conductor->OnFlavorsChanged([&] { ++changes; });
  const auto a = rig_.conductor->CreateFlavor(Flavor("a"));
  ASSERT_TRUE(a.ok());
  EXPECT_TRUE(Uuid::Parse(a->flavorid).ok());
  EXPECT_TRUE(HasReason(rig_.conductor->CreateFlavor(Flavor("a")).status(), reason::kFlavorExists));
  EXPECT_TRUE(HasReason(rig_.conductor->CreateFlavor(Flavor("")).status(), reason::kFlavorInvalid));
  auto b = Flavor("b");
  b.flavorid = "b";
  ASSERT_TRUE(rig_.conductor->CreateFlavor(b).ok());
  const auto updated = rig_.conductor->UpdateFlavor("a", {{"hw:cpu_policy", "shared"}}, "text");
  ASSERT_TRUE(updated.ok());
  EXPECT_EQ(changes, 3);
  const FlavorSet set = rig_.conductor->Flavors();
  ASSERT_EQ(set.flavors.size(), 2U);
  EXPECT_EQ(set.hash,
            Sha256Hex(set.flavors[0].ContentHash() + "\n" + set.flavors[1].ContentHash() + "\n"));
  rig_.Restart();
  EXPECT_EQ(rig_.conductor->Flavors().hash, set.hash);
  EXPECT_EQ(*rig_.conductor->GetFlavor(a->flavorid), *updated);
  ASSERT_TRUE(rig_.conductor->DeleteFlavor("a").ok());
  EXPECT_TRUE(HasReason(rig_.conductor->GetFlavor("a").status(), reason::kFlavorNotFound));
  const auto c = rig_.conductor->CreateFlavor(Flavor("c"));
  EXPECT_EQ(c->id, 3);
}

TEST_F(Catalog, Instances_KeepTheFlavorTheyWereMadeFrom) {
  rig_.HostUp("a");
  rig_.AddCatalog();
  const InstancePtr r = rig_.Create("one");
  ASSERT_TRUE(rig_.conductor->UpdateFlavor("1", {{"x:y", "z"}}, "").ok());
  ASSERT_TRUE(rig_.conductor->DeleteFlavor("1").ok());
  ASSERT_TRUE(rig_.conductor->DeleteImage("cirros").ok());
  rig_.Restart();
  EXPECT_TRUE(rig_.Get(r->uuid())->flavor->extra_specs.empty());
  EXPECT_EQ(rig_.Get(r->uuid())->image->name, "cirros");
}

TEST_F(Catalog, Images_AreValidated) {
  const auto field = [&](const model::ImageSource& image) {
    const auto made = rig_.conductor->RegisterImage(image);
    if (made.ok()) return std::string("OK");
    EXPECT_TRUE(HasReason(made.status(), reason::kImageInvalid)) << Describe(made.status());
    return DetailsOf(made.status())["field"];
  };
  auto image = Image();
  EXPECT_EQ(field(image), "OK");
  for (const char* url : {"/images/a", "file://host/a", "ftp://x/a", "file:///a/../../etc/shadow",
                          "http://", "http:///a", "file:///a\nb", "file:///", "https://h/a b"}) {
    image = Image();
    image.url = url;
    EXPECT_EQ(field(image), "url") << url;
  }
  image = Image();
  image.sha256 = std::string(64, 'A');
  EXPECT_EQ(field(image), "sha256");
  image = Image();
  image.disk_format = "vmdk";
  EXPECT_EQ(field(image), "disk_format");
  image = Image();
  image.name = std::string("a\0b", 3);
  EXPECT_EQ(field(image), "name");
  image = Image();
  image.properties["k"] = "\x01";
  EXPECT_EQ(field(image), "properties");
  image.properties = {{"hw_disk_bus", "carrier pigeon"}};
  EXPECT_EQ(field(image), "properties.hw_disk_bus");
  image.properties = {{"architecture", "amd64"}, {"hw_cpu_cores", "two"}};
  EXPECT_EQ(field(image), "properties.hw_cpu_cores");
  image.properties = {{"architecture", "amd64"}, {"hw_cpu_cores", " 2"}, {"mine", "x"}};
  EXPECT_EQ(field(image), "OK");
  image = Image();
  image.min_disk_gb = -1;
  EXPECT_EQ(field(image), "min_disk_gb");
  image = Image();
  image.size_bytes = 1ULL << 63;
  EXPECT_EQ(field(image), "size_bytes");
}

TEST_F(Catalog, ImagesOfOneName_NeedTheirId) {
  const auto first = rig_.conductor->RegisterImage(Image());
  ASSERT_TRUE(rig_.conductor->GetImage("image").ok());
  ASSERT_TRUE(rig_.conductor->RegisterImage(Image()).ok());
  EXPECT_FALSE(rig_.conductor->GetImage("image").ok());
  EXPECT_TRUE(rig_.conductor->GetImage(first->source.id.str()).ok());
  auto again = Image();
  again.id = first->source.id;
  EXPECT_TRUE(HasReason(rig_.conductor->RegisterImage(again).status(), reason::kImageExists));
  auto page = rig_.conductor->ListImages({1, ""});
  ASSERT_EQ(page->items.size(), 1U);
  page = rig_.conductor->ListImages({1, page->next_page_token});
  ASSERT_EQ(page->items.size(), 1U);
  EXPECT_EQ(page->next_page_token, "");
}

TEST_F(Catalog, Networks_AreNormalizedAndKept) {
  auto network = Network();
  network.gateway = "10.0.0.1";
  network.mtu = 0;
  const auto made = rig_.conductor->CreateNetwork(network);
  ASSERT_TRUE(made.ok()) << Describe(made.status());
  EXPECT_EQ(made->mtu, 1500);
  EXPECT_EQ(made->pool_start, "10.0.0.2");
  EXPECT_EQ(made->pool_end, "10.0.0.254");
  EXPECT_TRUE(HasReason(rig_.conductor->CreateNetwork(network).status(), reason::kNetworkExists));
  rig_.Restart();
  EXPECT_EQ(*rig_.conductor->GetNetwork("net"), *made);
  EXPECT_EQ(*rig_.conductor->GetNetwork(made->id.str()), *made);
  ASSERT_TRUE(rig_.conductor->DeleteNetwork("net").ok());
  EXPECT_TRUE(HasReason(rig_.conductor->DeleteNetwork("net"), reason::kNetworkNotFound));
}

TEST_F(Catalog, ANetworkInUse_Stays) {
  rig_.HostUp("a");
  rig_.AddCatalog();
  const InstancePtr r = rig_.Create("one");
  EXPECT_TRUE(HasReason(rig_.conductor->DeleteNetwork("net"), reason::kNetworkInUse));
  rig_.Restart();
  EXPECT_TRUE(HasReason(rig_.conductor->DeleteNetwork("net"), reason::kNetworkInUse));
  ASSERT_TRUE(rig_.conductor->DeleteInstance(r->uuid().str(), "").ok());
  EXPECT_TRUE(rig_.conductor->DeleteNetwork("net").ok());
}

TEST_F(Catalog, Networks_AreValidated) {
  const auto field = [&](const NetworkRecord& network) {
    const auto made = rig_.conductor->CreateNetwork(network);
    if (made.ok()) return std::string("OK");
    EXPECT_TRUE(HasReason(made.status(), reason::kNetworkInvalid)) << Describe(made.status());
    return DetailsOf(made.status())["field"];
  };
  for (const char* cidr : {"", "10.0.0.0", "10.0.0.1/24", "10.0.0.0/33", "10.0.0.0/31", "x/24",
                           "10.0.0.0/2x", "10.0.0.0/-1", "0.0.0.0/0"}) {
    auto network = Network();
    network.cidr = cidr;
    EXPECT_EQ(field(network), "cidr") << cidr;
  }
  auto network = Network();
  network.gateway = "10.0.1.1";
  EXPECT_EQ(field(network), "gateway");
  network.gateway = "10.0.0.255";
  EXPECT_EQ(field(network), "gateway");
  network = Network();
  network.pool_start = "10.0.0.9";
  network.pool_end = "10.0.0.8";
  EXPECT_EQ(field(network), "pool_start");
  network = Network();
  network.mtu = 100;
  EXPECT_EQ(field(network), "mtu");
  network = Network();
  network.source = "br/../0";
  EXPECT_EQ(field(network), "libvirt_network");
  network.kind = model::NetworkKind::kBridge;
  network.source = "a-bridge-too-far";
  EXPECT_EQ(field(network), "bridge");
  network = Network();
  network.dns_servers = {"8.8.8"};
  EXPECT_EQ(field(network), "dns_servers");
  network = Network();
  network.addressing = AddressingKind::kDhcp;
  EXPECT_EQ(field(network), "cidr");
  network.cidr = "";
  EXPECT_EQ(field(network), "OK");
}

TEST_F(Catalog, InstancesAreListedNewestFirstInPages) {
  rig_.HostUp("a", {}, 100);
  rig_.AddCatalog();
  std::vector<Uuid> uuids;
  for (int i = 0; i < 7; ++i) uuids.push_back(rig_.Create(std::to_string(i))->uuid());
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(rig_.conductor->DeleteInstance(uuids[static_cast<std::size_t>(i)].str(), "").ok());
  }
  for (const bool deleted : {false, true}) {
    InstanceFilter filter;
    filter.deleted = deleted;
    std::vector<Uuid> seen;
    std::string token;
    do {
      const auto page = rig_.conductor->ListInstances(filter, {2, token});
      ASSERT_TRUE(page.ok());
      EXPECT_LE(page->items.size(), 2U);
      for (const auto& r : page->items) seen.push_back(r->uuid());
      token = page->next_page_token;
    } while (!token.empty());
    std::vector<Uuid> expected(uuids.begin() + (deleted ? 0 : 4),
                               deleted ? uuids.begin() + 4 : uuids.end());
    std::reverse(expected.begin(), expected.end());
    EXPECT_EQ(seen, expected);
  }
  InstanceFilter wrong;
  wrong.project_id = "other";
  EXPECT_TRUE(rig_.conductor->ListInstances(wrong, {})->items.empty());
  // Several have the name: it names none of them.
  EXPECT_FALSE(rig_.conductor->GetInstance("web").ok());
  EXPECT_TRUE(HasReason(rig_.conductor->GetInstance("nobody").status(), reason::kInstanceNotFound));
}

}  // namespace
}  // namespace kilonova::scheduler::core
