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

// All but flavor, image, kernel and ramdisk, which are parts of their own since version 3.
std::string PackInstance(const core::InstanceRecord& record);
std::string PackFlavor(const model::Flavor& flavor);
std::string PackImage(const model::ImageSource& image);
// These throw std::invalid_argument.
model::Flavor UnpackFlavor(std::string_view bytes);
model::ImageSource UnpackImage(std::string_view bytes);

// Instances of one flavor, image or explanation share one object; equal bytes are equal values.
class InstanceUnpacker {
 public:
  // `bytes` without the mark, of either version: one of version 3 has no flavor and no image.
  // Throws std::invalid_argument.
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
