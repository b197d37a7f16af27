// SPDX-License-Identifier: Apache-2.0
// Which image properties the instances of each host were made with, for the
// ImagePropertiesWeigher. Keeps nothing until Start. Not thread-safe; the Fleet owns it.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/functional/function_ref.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/core/pipeline.h"
#include "scheduler/core/shared_pool.h"
#include "scheduler/core/uuid_key.h"

namespace kilonova::scheduler::core {

// Name and value, ordered, as Nova's ImageMetaProps has them: names it does not know are left out.
using ImagePairs = std::vector<std::pair<std::string, std::string>>;
using ImageTexts = std::map<std::string, std::string>;

// Of an image that a request names; nothing of one that Nova cannot read.
ImagePairs PairsOfImage(const ImageTexts& properties);
// Of the copy an instance keeps, where texts have 255 bytes at most and disk mappings are left out.
ImagePairs PairsOfInstance(const ImageTexts& properties);

class ImageTally {
 public:
  void Start() { kept_ = true; }
  bool kept() const { return kept_; }

  // Of an instance on `host` of which nothing is kept yet.
  void Add(const UuidKey& instance, HostIndex host, ImagePairs pairs);
  // For very many instances of one image: what it says, held until Release. Nothing to keep of
  // some.
  using SetId = SharedPool<ImagePairs>::Id;
  std::optional<SetId> Hold(ImagePairs pairs);
  void Release(SetId set) { sets_.Release(set); }
  void Add(const UuidKey& instance, HostIndex host, SetId set);
  void Drop(const UuidKey& instance, HostIndex host);
  void Move(const UuidKey& instance, HostIndex from, HostIndex to);

  // `worth` of each different set of properties, by its number.
  std::vector<double> Worths(absl::FunctionRef<double(const ImagePairs&)> worth) const;
  // The sum over the host's instances.
  double Sum(HostIndex host, const std::vector<double>& worths) const;

  std::size_t MemoryBytes() const;

 private:
  void Count(HostIndex host, SetId set, std::int64_t sign);

  bool kept_ = false;
  SharedPool<ImagePairs> sets_;
  absl::flat_hash_map<UuidKey, SetId> of_;
  // By host: sets and how many instances have them. A host has instances of few images.
  std::vector<std::vector<std::pair<SetId, std::int64_t>>> on_;
};

}  // namespace kilonova::scheduler::core
