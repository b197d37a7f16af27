// SPDX-License-Identifier: Apache-2.0
// ">=6.0,<8.0": the conditions an image may put on the hypervisor's version, in the strict form
// Python's distutils read: two or three numbers and perhaps a pre-release such as "b3".
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kilonova::hardware {

// Numbers of any length: digits without leading zeros, compared by length first.
struct StrictVersion {
  std::array<std::string, 3> numbers;
  char prerelease = '~';  // 'a', 'b', or none: '~' sorts behind both
  std::string prerelease_number;

  static std::optional<StrictVersion> Parse(std::string_view text);
  // Of a hypervisor's a * 1000000 + b * 1000 + c; nothing if that is not two or three numbers.
  static std::optional<StrictVersion> OfHypervisor(std::int64_t version);
  // Below zero, zero, above zero.
  int Compare(const StrictVersion& other) const;
};

class VersionPredicate {
 public:
  static std::optional<VersionPredicate> Parse(std::string_view text);
  bool Satisfied(const StrictVersion& version) const;

 private:
  std::vector<std::pair<std::string, StrictVersion>> conditions_;
};

}  // namespace kilonova::hardware
