// SPDX-License-Identifier: Apache-2.0
// Texts that very many rows name (hosts, projects, flavors), each kept once and named by a small
// number. Never forgets one: their number is that of the cloud's hosts and projects, not of its
// instances. "" is 0. Not thread-safe.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace kilonova::scheduler::core {

class TextTable {
 public:
  using Id = std::uint32_t;

  TextTable() { IdOf(""); }
  Id IdOf(std::string_view text) {
    if (const auto found = ids_.find(text); found != ids_.end()) return found->second;
    const Id id = static_cast<Id>(texts_.size());
    ids_.emplace(texts_.emplace_back(text), id);
    return id;
  }
  // Nothing for a text that was never seen.
  std::optional<Id> Find(std::string_view text) const {
    const auto found = ids_.find(text);
    if (found == ids_.end()) return std::nullopt;
    return found->second;
  }
  const std::string& Text(Id id) const { return texts_[id]; }

 private:
  std::deque<std::string> texts_;
  absl::flat_hash_map<std::string_view, Id> ids_;  // views of texts_
};

}  // namespace kilonova::scheduler::core
