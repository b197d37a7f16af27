// SPDX-License-Identifier: Apache-2.0
// A flavor: the template an instance is made from. Nova's fields, Nova's units.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/base/status.h"

namespace kilonova::model {

using ExtraSpecs = std::map<std::string, std::string>;

struct Flavor {
  std::int64_t id = 0;            // database id; 0 while unknown, not part of the content
  std::string flavorid;           // what users name it by in Nova's API; here too
  std::string name;               // unique as well
  std::int64_t vcpus = 0;         // 1 and more
  std::int64_t memory_mb = 0;     // MiB, 1 and more
  std::int64_t root_gb = 0;       // GiB; 0 = the image's own size
  std::int64_t ephemeral_gb = 0;  // GiB
  std::int64_t swap_mb = 0;       // MiB
  double rxtx_factor = 1.0;
  bool is_public = true;
  bool disabled = false;
  std::string description;
  ExtraSpecs extra_specs;

  // SHA-256 (hex) over everything that decides what a guest is: flavorid, name, sizes,
  // rxtx_factor and extra_specs. id, description, is_public and disabled do not count.
  std::string ContentHash() const;

  friend bool operator==(const Flavor&, const Flavor&) = default;
};

struct FieldDifference {
  std::string field;  // "vcpus", "extra_specs.hw:cpu_policy"
  std::string have;   // in the request; "(absent)" if it has none
  std::string want;   // in the template
};

// What differs between a request's embedded flavor and the template it names, in a fixed order.
// Empty exactly when the content hashes agree.
std::vector<FieldDifference> DiffFlavors(const Flavor& have, const Flavor& want);

// Nova's bounds: name and flavorid 1-255 printable characters without leading or trailing space
// (flavorid: [A-Za-z0-9 ._-] only), vcpus and memory_mb 1..2^31-1, root, ephemeral and swap
// 0..2^31-1, rxtx_factor > 0 and at most SQL float max. FLAVOR_INVALID with detail "field".
Status ValidateFlavor(const Flavor& flavor);

}  // namespace kilonova::model
