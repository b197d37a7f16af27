// SPDX-License-Identifier: Apache-2.0
// Reads the table `parts`: a kind, then the value. They never change and never go, so each is read
// once and shared by all who name it.
#pragma once

#include <memory>
#include <unordered_map>

#include "scheduler/adapters/store/statements.h"
#include "scheduler/core/records.h"

namespace kilonova::scheduler::adapters {

inline constexpr char kFlavorPart = 'F';     // fields of instance_pack.cpp
inline constexpr char kImagePart = 'I';      // likewise
inline constexpr char kResourcesPart = 'R';  // JSON

class Parts {
 public:
  explicit Parts(Statements& statements) : statements_(statements) {}
  // These throw std::invalid_argument for a number that is not there or is of another kind.
  std::shared_ptr<const model::Flavor> Flavor(std::int64_t id);
  std::shared_ptr<const model::ImageSource> Image(std::int64_t id);
  const model::Resources& Resources(std::int64_t id);

 private:
  std::string Doc(std::int64_t id, char kind);

  Statements& statements_;
  std::unordered_map<std::int64_t, std::shared_ptr<const model::Flavor>> flavors_;
  std::unordered_map<std::int64_t, std::shared_ptr<const model::ImageSource>> images_;
  std::unordered_map<std::int64_t, model::Resources> resources_;
};

}  // namespace kilonova::scheduler::adapters
