// SPDX-License-Identifier: Apache-2.0
// Image properties with a value for "not set". Internal to agent/guest.
#pragma once

#include <string>
#include <string_view>

#include "common/hardware/image_props.h"

namespace kilonova::agent::guest {

inline std::string TextOr(const hardware::ImageProps& image, std::string_view name,
                          std::string_view otherwise = "") {
  return std::string(image.Text(name).value_or(otherwise));
}

inline bool FlagOr(const hardware::ImageProps& image, std::string_view name,
                   bool otherwise = false) {
  return image.Flag(name).value_or(otherwise);
}

}  // namespace kilonova::agent::guest
