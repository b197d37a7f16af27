// SPDX-License-Identifier: Apache-2.0
// What is asked of a random world.
#pragma once

#include "tests/unit/scheduler/core/random_world.h"

namespace kilonova::scheduler::core::testing {

class RandomRequests : public World {
 protected:
  using World::World;
  ~RandomRequests() override = default;

  // As the conductor fills them in: members of before, and those of this request.
  void Harden(PlacementRequest& request) {
    if (Draw(3) == 0) {
      if (Draw(10) == 0) groups_[Draw(3)] = RandomGroup();
      InstanceGroup& group = groups_[Draw(3)];
      for (const Uuid& uuid : request.instances) group.members.push_back(uuid);
      std::set<std::string> hosts;
      for (const Uuid& uuid : group.members) {
        if (auto host = HostOf(uuid)) hosts.insert(*std::move(host));
      }
      group.hosts.assign(hosts.begin(), hosts.end());
      request.instance_group = group;
      request.hints["group"] = {group.uuid.str()};
    }
    if (Draw(4) == 0) request.numa_topology = RandomNuma();
    if (Draw(5) == 0) {
      hardware::PciRequest device;
      device.count = Pick({1, 2});
      device.spec = {{{"vendor_id", "8086"}, {"product_id", RandomDevice()}}};
      if (Draw(6) == 0) device.spec = {{{"vendor_id", "8086"}}};
      if (Draw(6) == 0) device.spec.push_back({{"product_id", RandomDevice()}});
      constexpr hardware::PciNumaPolicy kPolicies[] = {hardware::PciNumaPolicy::kRequired,
                                                       hardware::PciNumaPolicy::kLegacy,
                                                       hardware::PciNumaPolicy::kPreferred};
      device.numa_policy = kPolicies[Draw(3)];
      request.pci_requests = {device};
      if (Draw(4) == 0) {
        device.spec = {{{"product_id", RandomDevice()}}};
        request.pci_requests.push_back(device);
      }
    }
    if (Draw(12) == 0) request.ignore_hosts = {RandomHost(), RandomHost(), "H1"};
    if (Draw(25) == 0) request.forced_node = Draw(2) == 0 ? "n1" : RandomHost();
    if (Draw(25) == 0) request.check_type = CheckType::kOther;
    if (Draw(15) == 0) {
      request.requested_destination.emplace();
      if (Draw(2) == 0) request.requested_destination->host = RandomHost();
      if (Draw(2) == 0) request.requested_destination->cell = "cell2";
      request.requested_destination->allow_cross_cell_move = Draw(2) == 0;
      if (Draw(4) == 0) request.check_type = CheckType::kRebuild;
    }
    if (Draw(15) == 0) {
      request.hints["build_near_host_ip"] = {"10.0.1.7"};
      if (Draw(2) == 0) request.hints["cidr"] = {"/16"};
    }
    if (Draw(20) == 0) {
      request.hints["query"] = {R"([">=", "$free_ram_mb", 2048])"};
    }
    if (Draw(12) == 0) {
      std::vector<std::string> uuids = {foreign_.str()};
      if (!claims_.empty()) uuids.push_back(AnyClaim().str());
      request.hints[Draw(3) == 0 ? "same_host" : "different_host"] = uuids;
    }
    if (Draw(20) == 0) request.image_id = "isolated";
    if (Draw(25) == 0) request.instances[Draw(request.instances.size())] = foreign_;
  }

  // What the flavor wants, and GPUs of one provider or several.
  void Nest(PlacementRequest& request) {
    ResourceRequest resources;
    resources.Group("").resources = ResourcesOf(request);
    if (Draw(3) == 0) resources.Group("").resources["VGPU"] = Pick({1, 1, 2});
    for (std::uint64_t groups = Draw(4) == 0 ? 1 + Draw(2) : 0; groups > 0; --groups) {
      RequestGroup& group = resources.Group(std::to_string(groups));
      group.resources["VGPU"] = Pick({1, 1, 2});
      if (Draw(4) == 0) group.resources["VCPU"] = 1;
      if (Draw(3) == 0) group.AddTrait("CUSTOM_FAST", Draw(3) == 0 ? "forbidden" : "required");
    }
    if (Draw(8) == 0) resources.Group("").AddTrait("CUSTOM_FAST", "required");
    if (Draw(10) == 0) resources.level.root_required.insert("CUSTOM_FAST");
    if (Draw(20) == 0) resources.Group("").in_tree = "uuid-" + RandomHost();
    resources.group_policy = Draw(3) == 0 ? "isolate" : "none";
    request.resource_request = std::make_shared<const ResourceRequest>(std::move(resources));
  }

  std::uint64_t Instances() {
    if (gangs_ && !hard_) return 1 + Draw(Draw(2) == 0 ? 400 : 40);
    if (gangs_) return 1 + Draw(Draw(4) == 0 ? 100 : 12);
    return Draw(8) == 0 ? 2 + Draw(Draw(4) == 0 ? 40 : 6) : 1;
  }

  // Of a few kinds, but now and then one that comes once.
  PlacementRequest RecurringRequest() {
    auto request = Request(Draw(30) == 0 ? RandomFlavor() : flavors_[Draw(2)],
                           Draw(30) == 0 ? 2 + Draw(4) : 1);
    if (Draw(4) == 0) request.availability_zone = "az1";
    if (Draw(20) == 0) request.ignore_hosts = {RandomHost()};
    if (nested_) request.resource_request = RecurringResources(request);
    return request;
  }

  // As some few of before, so that what is known of hosts is used again.
  std::shared_ptr<const ResourceRequest> RecurringResources(const PlacementRequest& request) {
    ResourceRequest resources;
    resources.Group("").resources = ResourcesOf(request);
    if (Draw(2) == 0) resources.Group("1").resources["VGPU"] = 1;
    return std::make_shared<const ResourceRequest>(std::move(resources));
  }

  PlacementRequest RandomRequest() {
    if (recurring_ && Draw(10) != 0) return RecurringRequest();
    auto request = Request(Draw(10) == 0 ? RandomFlavor() : flavors_[Draw(4)], Instances());
    if (Draw(3) == 0) request.availability_zone = "az" + std::to_string(Draw(4));
    if (Draw(6) == 0) request.image_properties["hw_architecture"] = "x86_64";
    if (Draw(20) == 0) request.image_properties["img_hv_requested_version"] = ">=5.0";
    if (Draw(20) == 0) {
      request.resources = model::ResourcesOf(request.flavor);
      request.resources["CUSTOM_THING"] = 1;
    }
    if (Draw(20) == 0) request.resources = {{"CUSTOM_THING", 1}};
    if (Draw(30) == 0) request.resources = {{"CUSTOM_NOBODY_HAS", 1}};
    if (Draw(20) == 0) request.ignore_hosts = {RandomHost()};
    if (Draw(40) == 0) request.forced_host = RandomHost();
    if (Draw(20) == 0 && !claims_.empty()) {
      request.hints[Draw(2) == 0 ? "same_host" : "different_host"] = {AnyClaim().str()};
    }
    if (nested_ && Draw(5) != 0) Nest(request);
    if (hard_) Harden(request);
    return request;
  }
};

}  // namespace kilonova::scheduler::core::testing
