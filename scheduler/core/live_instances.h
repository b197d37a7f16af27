// SPDX-License-Identifier: Apache-2.0
// What is kept in memory of every live instance: as much as deciding, listing and recovery look at.
// The whole record is the store's and read when somebody asks for it (docs/adr/0015);
// docs/performance.md says what a million take. Not thread-safe; the conductor guards it.
#pragma once

#include <absl/container/btree_map.h>
#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "common/model/states.h"
#include "scheduler/core/store.h"
#include "scheduler/core/text_table.h"
#include "scheduler/core/uuid_key.h"

namespace kilonova::scheduler::core {

struct LiveInstance {
  UuidKey key;
  std::int64_t id = 0, revision = 0;
  std::int32_t generation = 0, started_generation = 0;
  // Ids in the table of texts; server_group, flavor (its flavorid) and image (its uuid) too.
  TextTable::Id project = 0, host = 0, flavor = 0, image = 0, server_group = 0;
  std::uint32_t name_hash = 0;
  model::VmState vm_state{};
  model::TaskState task_state{};
  model::PowerState power_state{};
  Uuid uuid() const { return UuidOf(key); }
};

// A filter in the table's numbers. A name is known by its hash: what matches may have another.
struct LiveFilter {
  std::optional<TextTable::Id> project, host, flavor, image;
  std::optional<std::uint32_t> name_hash;
  std::optional<model::VmState> vm_state;
  bool Matches(const LiveInstance& i) const;
};

class LiveInstances {
 public:
  LiveInstances() = default;
  LiveInstances(const LiveInstances&) = delete;
  LiveInstances& operator=(const LiveInstances&) = delete;

  // Adds the instance or takes the place of what was known of it.
  void Put(const LiveRow& row);
  void Put(const InstanceRecord& record);
  // The same for a start: room for so many, and some that are not there yet.
  void Reserve(std::size_t instances);
  void Add(std::span<const LiveRow> rows);
  void Erase(const UuidKey& key);

  std::size_t size() const { return slots_of_.size(); }
  // Valid until the next change. Null: not live.
  const LiveInstance* Find(const UuidKey& key) const;
  const LiveInstance* Find(const Uuid& uuid) const { return Find(KeyOf(uuid)); }
  std::vector<LiveInstance> OnHost(std::string_view host) const;
  bool AnyOn(std::string_view host) const;
  // Up to `most` of those that may have this name, by id.
  std::vector<std::int64_t> MayBeNamed(std::string_view name, std::size_t most) const;
  // Newest first, those with an id below `before`, until `each` says false.
  void Below(std::int64_t before, const std::function<bool(const LiveInstance&)>& each) const;
  void ForEach(const std::function<void(const LiveInstance&)>& each) const;

  const std::string& Text(TextTable::Id id) const { return texts_.Text(id); }
  // Nothing when no instance can match.
  std::optional<LiveFilter> FilterOf(const DeletedQuery& wanted,
                                     std::optional<model::VmState> state) const;

 private:
  using Slot = std::uint32_t;
  static constexpr Slot kNone = UINT32_MAX;
  // Instances that share something, as a chain through their slots.
  struct Links {
    Slot before = kNone, after = kNone;
  };
  struct Node {
    LiveInstance instance;
    Links same_name, same_host;
  };
  struct SlotHash {
    using is_transparent = void;
    const std::deque<Node>* nodes;
    std::size_t operator()(Slot slot) const { return (*this)((*nodes)[slot].instance.key); }
    std::size_t operator()(const UuidKey& key) const { return absl::Hash<UuidKey>{}(key); }
  };
  struct SlotEqual {
    using is_transparent = void;
    const std::deque<Node>* nodes;
    const UuidKey& KeyAt(Slot slot) const { return (*nodes)[slot].instance.key; }
    bool operator()(Slot a, Slot b) const { return a == b; }
    bool operator()(Slot a, const UuidKey& b) const { return KeyAt(a) == b; }
    bool operator()(const UuidKey& a, Slot b) const { return a == KeyAt(b); }
  };
  using Heads = absl::flat_hash_map<std::uint32_t, Slot>;

  LiveInstance Known(const LiveRow& row);
  void Add(const LiveInstance& instance);
  void Link(Heads& heads, std::uint32_t key, Links Node::*links, Slot slot);
  void Unlink(Heads& heads, std::uint32_t key, Links Node::*links, Slot slot);
  template <class F>
  void Walk(const Heads& heads, std::uint32_t key, Links Node::*links, F each) const;

  TextTable texts_;
  std::deque<Node> nodes_;
  std::vector<Slot> free_;
  absl::flat_hash_set<Slot, SlotHash, SlotEqual> slots_of_{0, SlotHash{&nodes_},
                                                           SlotEqual{&nodes_}};
  absl::btree_map<std::int64_t, Slot> by_id_;
  Heads by_name_, by_host_;  // to the first of the chain
};

std::uint32_t NameHash(std::string_view name);

}  // namespace kilonova::scheduler::core
