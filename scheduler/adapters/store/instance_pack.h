// SPDX-License-Identifier: Apache-2.0
// An instance as the bytes in its `doc` column: kPackMark, then fields (pack.h). The numbers are
// forever; docs/formats/database.md says what they mean.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "scheduler/core/records.h"

namespace kilonova::scheduler::adapters {

inline constexpr char kPackMark = '\x01';

std::string PackInstance(const core::InstanceRecord& record);

// Instances of one flavor, image or explanation share one object; equal bytes are equal values.
class InstanceUnpacker {
 public:
  // `bytes` without the mark. Throws std::invalid_argument.
  core::InstanceRecord Unpack(std::string_view bytes);

 private:
  template <class T>
  using Known = std::unordered_map<std::string_view, std::shared_ptr<const T>>;
  template <class T>
  std::shared_ptr<const T> Shared(Known<T>& known, std::string_view bytes);

  std::vector<std::unique_ptr<const std::string>> keys_;  // what the views below look at
  Known<model::Flavor> flavors_;
  Known<model::ImageSource> images_;
  Known<core::Explanation> explanations_;
};

}  // namespace kilonova::scheduler::adapters
