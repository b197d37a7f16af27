// SPDX-License-Identifier: Apache-2.0
// Values that many hosts share (cpu_info, trait lists, aggregates), stored once and named by a
// small number. A value lives as long as somebody holds its number.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace kilonova::scheduler::core {

template <class T>
class SharedPool {
 public:
  using Id = std::uint32_t;

  // `key` stands for the value: equal keys mean equal values. It is copied only when it is new.
  template <class Value>
  Id Acquire(const std::string& key, Value&& value) {
    if (const auto found = ids_.find(key); found != ids_.end()) {
      ++entries_[found->second].holders;
      return found->second;
    }
    Id id = 0;
    if (free_.empty()) {
      id = static_cast<Id>(entries_.size());
      entries_.emplace_back();
    } else {
      id = free_.back();
      free_.pop_back();
    }
    entries_[id] = Entry{1, key, std::make_unique<T>(std::forward<Value>(value))};
    ids_.emplace(key, id);
    ++version_;
    return id;
  }

  void Hold(Id id) { ++entries_[id].holders; }

  void Release(Id id) {
    Entry& entry = entries_[id];
    if (--entry.holders > 0) return;
    ids_.erase(entry.key);
    entry = Entry{};
    free_.push_back(id);
    ++version_;
  }

  const T& operator[](Id id) const { return *entries_[id].value; }
  // Null for a number nobody holds. Numbers are below Size().
  const T* Find(Id id) const { return entries_[id].value.get(); }
  std::size_t Size() const { return entries_.size(); }
  // Changes whenever a number gets or loses its value.
  std::uint64_t Version() const { return version_; }

 private:
  struct Entry {
    std::uint64_t holders = 0;
    std::string key;
    std::unique_ptr<T> value;
  };
  std::vector<Entry> entries_;
  std::vector<Id> free_;
  absl::flat_hash_map<std::string, Id> ids_;
  std::uint64_t version_ = 0;
};

}  // namespace kilonova::scheduler::core
