// SPDX-License-Identifier: Apache-2.0
// Gives the engine the claims that the database tells of: a million of them, of which very many
// are alike, so that what they take is worked out once for each kind.
//
//   ClaimLoader loader(engine);                     // after the hosts
//   loader.Reserve(1'000'000);
//   RETURN_IF_ERROR(loader.Load(some_claims));      // as often as needed
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/status.h"
#include "common/model/flavor.h"
#include "scheduler/core/engine.h"
#include "scheduler/core/uuid_key.h"

namespace kilonova::scheduler::core {

// Pointers are one for one value, as long as the loader lives; the rest lasts for the call.
struct KnownClaim {
  UuidKey instance;
  std::string_view host;
  const model::Flavor* flavor = nullptr;                                 // not null
  const model::Resources* resources = nullptr;                           // not null
  const std::map<std::string, std::string>* image_properties = nullptr;  // not null
  const HardwareUse* hardware = nullptr;                                 // null = none
};

class ClaimLoader {
 public:
  explicit ClaimLoader(Engine& engine) : engine_(engine) {}
  ~ClaimLoader();
  ClaimLoader(const ClaimLoader&) = delete;
  ClaimLoader& operator=(const ClaimLoader&) = delete;

  void Reserve(std::size_t claims);
  // As Engine::Claim with kLoading, SetImage and RestoreHardware for each. HOST_NOT_FOUND,
  // ALREADY_EXISTS for an instance that has a claim, INVALID_ARGUMENT for a senseless amount; what
  // came before the bad one is claimed.
  Status Load(std::span<const KnownClaim> claims);

 private:
  using Properties = std::map<std::string, std::string>;

  Engine& engine_;
  absl::flat_hash_map<std::string_view, HostIndex> hosts_;  // named as the fleet has them
  // Held: footprints, and sets of what images say.
  absl::flat_hash_map<std::pair<const model::Flavor*, const model::Resources*>, std::uint32_t>
      footprints_;
  absl::flat_hash_map<const Properties*, std::optional<std::uint32_t>> images_;
};

}  // namespace kilonova::scheduler::core
