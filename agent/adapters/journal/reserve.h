// SPDX-License-Identifier: Apache-2.0
// Disk space kept back, so that a full disk does not stop the journal from saying so.
#pragma once

#include <cstdint>
#include <filesystem>

namespace kilonova::agent::adapters::journal {

class Reserve {
 public:
  // An empty path keeps nothing and is always whole.
  Reserve(std::filesystem::path path, std::uint64_t bytes);
  // Allocates what is missing; false when the disk has no room for it (with as much again to
  // spare).
  bool Fill() const;
  // True when there was something to give up.
  bool Release() const;
  bool Whole() const;

 private:
  const std::filesystem::path path_;
  const std::uint64_t bytes_;
};

}  // namespace kilonova::agent::adapters::journal
