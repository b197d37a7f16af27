// SPDX-License-Identifier: Apache-2.0
// An image's properties with the types Nova's ImageMetaProps 1.34 gives them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/status.h"
#include "common/hardware/cpu_set.h"

namespace kilonova::hardware {

class ImageProps {
 public:
  // From the texts Glance has: legacy names are read too ("architecture"), canonical words are put
  // in ("amd64" is x86_64), hw_numa_cpus.N and hw_numa_mem.N become lists, "trait:X": "required"
  // becomes a required trait. Unknown names are passed over. IMAGE_INVALID with nova_exception
  // ValueError (Invalid for CPU lists) and the field, when Nova could not build the object: an enum
  // outside its words, an integer that is none.
  static Expected<ImageProps> From(const std::map<std::string, std::string>& properties);

  // By Nova's current name; nothing when unset. Asking for another type than the property's aborts.
  std::optional<std::string_view> Text(std::string_view name) const;
  std::optional<std::int64_t> Integer(std::string_view name) const;
  std::optional<bool> Flag(std::string_view name) const;

  const std::optional<std::vector<CpuSet>>& NumaCpus() const { return numa_cpus_; }
  const std::optional<std::vector<std::int64_t>>& NumaMem() const { return numa_mem_; }  // MiB
  const std::vector<std::string>& TraitsRequired() const { return traits_required_; }

  using Value = std::variant<std::string, std::int64_t, bool>;
  // Every scalar that is set, by name.
  const std::map<std::string, Value, std::less<>>& Values() const { return values_; }

 private:
  friend class ImagePropsReader;

  std::map<std::string, Value, std::less<>> values_;
  std::optional<std::vector<CpuSet>> numa_cpus_;
  std::optional<std::vector<std::int64_t>> numa_mem_;
  std::vector<std::string> traits_required_;
};

// The word Nova keeps for `text` in a property that takes certain words only: "x86_64" for "AMD64"
// in hw_architecture. Nothing when it is none of them, or the property no such one.
std::optional<std::string> CanonicalWord(std::string_view property, std::string_view text);

}  // namespace kilonova::hardware
