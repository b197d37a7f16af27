// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/grpc/api.h"

namespace kilonova::scheduler::adapters::grpc {
namespace {

using Flavors = v1::FlavorService::Stub;
using Images = v1::ImageService::Stub;
using Networks = v1::NetworkService::Stub;
using Hosts = v1::HostService::Stub;

TEST_F(ApiTest, Flavors_LiveAndDie) {
  v1::CreateFlavorRequest create;
  create.mutable_flavor()->set_name("m1.tiny");
  create.mutable_flavor()->set_vcpus(1);
  create.mutable_flavor()->set_memory_mb(512);
  v1::CreateFlavorResponse created;
  ASSERT_TRUE(Call(*flavors_, &Flavors::CreateFlavor, create, &created).ok());
  EXPECT_TRUE(Uuid::Parse(created.flavor().flavorid()).ok());
  EXPECT_EQ(created.flavor().rxtx_factor(), 1.0);
  EXPECT_EQ(created.flavor().content_hash().size(), 64u);

  EXPECT_TRUE(
      HasReason(Call(*flavors_, &Flavors::CreateFlavor, create, &created), reason::kFlavorExists));
  create.mutable_flavor()->set_name("other");
  create.mutable_flavor()->set_vcpus(0);
  const Status invalid = Call(*flavors_, &Flavors::CreateFlavor, create, &created);
  EXPECT_EQ(invalid.code(), Code::kInvalidArgument);
  EXPECT_TRUE(HasReason(invalid, reason::kFlavorInvalid));
  EXPECT_EQ(DetailsOf(invalid)["field"], "vcpus");

  v1::UpdateFlavorRequest update;
  update.set_flavor("m1.tiny");
  (*update.mutable_extra_specs())["hw:watchdog_action"] = "reset";
  v1::UpdateFlavorResponse updated;
  ASSERT_TRUE(Call(*flavors_, &Flavors::UpdateFlavor, update, &updated).ok());
  EXPECT_EQ(updated.flavor().extra_specs().at("hw:watchdog_action"), "reset");

  v1::GetFlavorRequest get;
  get.set_flavor("m1.tiny");
  v1::GetFlavorResponse got;
  ASSERT_TRUE(Call(*flavors_, &Flavors::GetFlavor, get, &got).ok());
  EXPECT_EQ(got.flavor().extra_specs_size(), 1);

  v1::ListFlavorsResponse list;
  ASSERT_TRUE(Call(*flavors_, &Flavors::ListFlavors, v1::ListFlavorsRequest(), &list).ok());
  EXPECT_EQ(list.flavors_size(), 1);
  v1::ListFlavorsRequest bad_page;
  bad_page.set_page_token("nonsense");
  EXPECT_TRUE(HasReason(Call(*flavors_, &Flavors::ListFlavors, bad_page, &list),
                        reason::kPageTokenInvalid));

  v1::DeleteFlavorRequest remove;
  remove.set_flavor("m1.tiny");
  v1::DeleteFlavorResponse removed;
  EXPECT_TRUE(Call(*flavors_, &Flavors::DeleteFlavor, remove, &removed).ok());
  EXPECT_TRUE(HasReason(Call(*flavors_, &Flavors::DeleteFlavor, remove, &removed),
                        reason::kFlavorNotFound));
  EXPECT_TRUE(HasReason(Call(*flavors_, &Flavors::GetFlavor, get, &got), reason::kFlavorNotFound));
  EXPECT_TRUE(HasReason(Call(*flavors_, &Flavors::UpdateFlavor, update, &updated),
                        reason::kFlavorNotFound));
}

TEST_F(ApiTest, Pages_AreWalkedWithTheToken) {
  for (int i = 0; i < 7; ++i) {
    v1::CreateFlavorRequest create;
    create.mutable_flavor()->set_flavorid("f" + std::to_string(i));
    create.mutable_flavor()->set_name("n" + std::to_string(i));
    create.mutable_flavor()->set_vcpus(1);
    create.mutable_flavor()->set_memory_mb(1);
    v1::CreateFlavorResponse created;
    ASSERT_TRUE(Call(*flavors_, &Flavors::CreateFlavor, create, &created).ok());
  }
  std::vector<std::string> seen;
  v1::ListFlavorsRequest request;
  request.set_page_size(3);
  do {
    v1::ListFlavorsResponse page;
    ASSERT_TRUE(Call(*flavors_, &Flavors::ListFlavors, request, &page).ok());
    for (const auto& flavor : page.flavors()) seen.push_back(flavor.flavorid());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(seen, (std::vector<std::string>{"f0", "f1", "f2", "f3", "f4", "f5", "f6"}));
}

TEST_F(ApiTest, Images_LiveAndDie) {
  v1::RegisterImageRequest request;
  request.mutable_image()->set_name("cirros");
  request.mutable_image()->set_url("file:///images/c.qcow2");
  request.mutable_image()->set_sha256(std::string(64, 'a'));
  request.mutable_image()->set_disk_format("qcow2");
  (*request.mutable_image()->mutable_properties())["hw_disk_bus"] = "virtio";
  v1::RegisterImageResponse made;
  ASSERT_TRUE(Call(*images_, &Images::RegisterImage, request, &made).ok());
  EXPECT_EQ(made.image().properties().at("hw_disk_bus"), "virtio");
  EXPECT_GT(made.image().created_at_us(), 0);

  request.mutable_image()->set_id(made.image().id());
  EXPECT_TRUE(
      HasReason(Call(*images_, &Images::RegisterImage, request, &made), reason::kImageExists));
  request.mutable_image()->set_id("not a uuid");
  EXPECT_TRUE(
      HasReason(Call(*images_, &Images::RegisterImage, request, &made), reason::kImageInvalid));
  request.mutable_image()->clear_id();
  request.mutable_image()->set_sha256("short");
  const Status bad = Call(*images_, &Images::RegisterImage, request, &made);
  EXPECT_TRUE(HasReason(bad, reason::kImageInvalid));
  EXPECT_EQ(DetailsOf(bad)["field"], "sha256");

  v1::GetImageRequest get;
  get.set_image("cirros");
  v1::GetImageResponse got;
  ASSERT_TRUE(Call(*images_, &Images::GetImage, get, &got).ok());
  v1::ListImagesResponse list;
  ASSERT_TRUE(Call(*images_, &Images::ListImages, v1::ListImagesRequest(), &list).ok());
  EXPECT_EQ(list.images_size(), 1);
  v1::DeleteImageRequest remove;
  remove.set_image(got.image().id());
  v1::DeleteImageResponse removed;
  EXPECT_TRUE(Call(*images_, &Images::DeleteImage, remove, &removed).ok());
  EXPECT_TRUE(HasReason(Call(*images_, &Images::GetImage, get, &got), reason::kImageNotFound));
}

TEST_F(ApiTest, Networks_LiveAndDie) {
  v1::CreateNetworkRequest request;
  v1::Network* network = request.mutable_network();
  network->set_name("net");
  network->set_bridge("br0");
  network->set_addressing(v1::ADDRESSING_IPAM);
  network->set_cidr("10.20.0.0/24");
  network->add_dns_servers("10.20.0.2");
  v1::CreateNetworkResponse made;
  const Status created = Call(*networks_, &Networks::CreateNetwork, request, &made);
  ASSERT_TRUE(created.ok()) << Describe(created);
  EXPECT_EQ(made.network().bridge(), "br0");
  EXPECT_EQ(made.network().mtu(), 1500);
  EXPECT_EQ(made.network().addressing(), v1::ADDRESSING_IPAM);
  EXPECT_EQ(made.network().dns_servers_size(), 1);

  EXPECT_TRUE(HasReason(Call(*networks_, &Networks::CreateNetwork, request, &made),
                        reason::kNetworkExists));
  network->set_name("other");
  network->set_cidr("10.20.0.0/99");
  EXPECT_TRUE(HasReason(Call(*networks_, &Networks::CreateNetwork, request, &made),
                        reason::kNetworkInvalid));
  network->clear_attachment();
  EXPECT_TRUE(HasReason(Call(*networks_, &Networks::CreateNetwork, request, &made),
                        reason::kNetworkInvalid));

  v1::GetNetworkRequest get;
  get.set_network("net");
  v1::GetNetworkResponse got;
  ASSERT_TRUE(Call(*networks_, &Networks::GetNetwork, get, &got).ok());
  v1::ListNetworksResponse list;
  ASSERT_TRUE(Call(*networks_, &Networks::ListNetworks, v1::ListNetworksRequest(), &list).ok());
  EXPECT_EQ(list.networks_size(), 1);
  v1::DeleteNetworkRequest remove;
  remove.set_network("net");
  v1::DeleteNetworkResponse removed;
  EXPECT_TRUE(Call(*networks_, &Networks::DeleteNetwork, remove, &removed).ok());
  EXPECT_TRUE(
      HasReason(Call(*networks_, &Networks::GetNetwork, get, &got), reason::kNetworkNotFound));
}

TEST_F(ApiTest, NetworkInUse_StaysThere) {
  rig_.AddCatalog();
  rig_.HostUp("c1");
  ASSERT_TRUE(Create(CreateRequest("r")).ok());
  v1::DeleteNetworkRequest remove;
  remove.set_network("net");
  v1::DeleteNetworkResponse removed;
  const Status status = Call(*networks_, &Networks::DeleteNetwork, remove, &removed);
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
  EXPECT_TRUE(HasReason(status, reason::kNetworkInUse));
}

TEST_F(ApiTest, Hosts_AreListedEnabledAndDisabled) {
  rig_.AddCatalog();
  rig_.HostUp("c1");
  v1::GetHostRequest get;
  get.set_host("c1");
  v1::GetHostResponse got;
  ASSERT_TRUE(Call(*hosts_, &Hosts::GetHost, get, &got).ok());
  EXPECT_TRUE(got.host().up());
  EXPECT_TRUE(got.host().enabled());
  EXPECT_EQ(got.host().inventories_size(), 3);
  ASSERT_TRUE(Create(CreateRequest("r")).ok());
  ASSERT_TRUE(Call(*hosts_, &Hosts::GetHost, get, &got).ok());
  EXPECT_EQ(got.host().claimed_instances(), 1);
  for (const auto& inventory : got.host().inventories()) EXPECT_GT(inventory.used(), 0);

  v1::DisableHostRequest disable;
  disable.set_host("c1");
  v1::DisableHostResponse disabled;
  EXPECT_EQ(Call(*hosts_, &Hosts::DisableHost, disable, &disabled).code(), Code::kInvalidArgument);
  disable.set_reason("new memory");
  ASSERT_TRUE(Call(*hosts_, &Hosts::DisableHost, disable, &disabled).ok());
  EXPECT_FALSE(disabled.host().enabled());
  EXPECT_EQ(disabled.host().disabled_reason(), "new memory");
  v1::EnableHostRequest enable;
  enable.set_host("c1");
  v1::EnableHostResponse enabled;
  ASSERT_TRUE(Call(*hosts_, &Hosts::EnableHost, enable, &enabled).ok());
  EXPECT_TRUE(enabled.host().enabled());

  v1::ListHostsResponse list;
  ASSERT_TRUE(Call(*hosts_, &Hosts::ListHosts, v1::ListHostsRequest(), &list).ok());
  EXPECT_EQ(list.hosts_size(), 1);
  get.set_host("c9");
  EXPECT_TRUE(HasReason(Call(*hosts_, &Hosts::GetHost, get, &got), reason::kHostNotFound));
}

}  // namespace
}  // namespace kilonova::scheduler::adapters::grpc
