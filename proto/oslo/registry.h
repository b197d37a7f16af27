// SPDX-License-Identifier: Apache-2.0
// Which of Nova's versioned objects this codec knows, and the version of each that it speaks.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kilonova::oslo {

struct Version {
  int major_number = 0;  // <sys/types.h> may define major() and minor() as macros
  int minor_number = 0;
  // oslo's rule: what speaks `this` understands `other` if the major number is the same and the
  // minor one not newer.
  bool Understands(const Version& other) const {
    return major_number == other.major_number && minor_number >= other.minor_number;
  }
  std::string Text() const {
    return std::to_string(major_number) + "." + std::to_string(minor_number);
  }
  friend bool operator==(const Version&, const Version&) = default;
};

// "2.7", and "1.4.1", whose third part does not count. Nothing else.
std::optional<Version> ParseVersion(std::string_view text);

// nullopt for an object nobody here has heard of.
std::optional<Version> SpokenVersion(std::string_view object_name);

}  // namespace kilonova::oslo
