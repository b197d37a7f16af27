// SPDX-License-Identifier: Apache-2.0
#include "proto/grpc/flavor.h"

#include <kilonova/v1/flavor.pb.h>

#include <algorithm>

#include "common/base/hash.h"

namespace kilonova::grpc {

void ToProto(const model::Flavor& flavor, v1::Flavor* out) {
  out->set_flavorid(flavor.flavorid);
  out->set_name(flavor.name);
  out->set_vcpus(flavor.vcpus);
  out->set_memory_mb(flavor.memory_mb);
  out->set_root_gb(flavor.root_gb);
  out->set_ephemeral_gb(flavor.ephemeral_gb);
  out->set_swap_mb(flavor.swap_mb);
  out->set_rxtx_factor(flavor.rxtx_factor);
  out->set_is_public(flavor.is_public);
  out->set_disabled(flavor.disabled);
  out->set_description(flavor.description);
  for (const auto& [key, value] : flavor.extra_specs) (*out->mutable_extra_specs())[key] = value;
  out->set_content_hash(flavor.ContentHash());
  out->set_id(flavor.id);
}

model::Flavor FromProto(const v1::Flavor& flavor) {
  model::Flavor out;
  out.id = flavor.id();
  out.flavorid = flavor.flavorid();
  out.name = flavor.name();
  out.vcpus = flavor.vcpus();
  out.memory_mb = flavor.memory_mb();
  out.root_gb = flavor.root_gb();
  out.ephemeral_gb = flavor.ephemeral_gb();
  out.swap_mb = flavor.swap_mb();
  out.rxtx_factor = flavor.rxtx_factor();
  out.is_public = flavor.is_public();
  out.disabled = flavor.disabled();
  out.description = flavor.description();
  out.extra_specs.insert(flavor.extra_specs().begin(), flavor.extra_specs().end());
  return out;
}

std::string FlavorsHash(const std::vector<model::Flavor>& flavors) {
  std::vector<const model::Flavor*> order;
  order.reserve(flavors.size());
  for (const model::Flavor& flavor : flavors) order.push_back(&flavor);
  std::ranges::sort(order, {},
                    [](const model::Flavor* f) -> const std::string& { return f->flavorid; });
  Sha256 hash;
  for (const model::Flavor* flavor : order) hash.Update(flavor->ContentHash() + "\n");
  return hash.FinishHex();
}

}  // namespace kilonova::grpc
