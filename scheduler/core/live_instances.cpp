// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/live_instances.h"

#include <utility>

namespace kilonova::scheduler::core {

std::uint32_t NameHash(std::string_view name) {
  return static_cast<std::uint32_t>(absl::Hash<std::string_view>{}(name));
}

bool LiveFilter::Matches(const LiveInstance& i) const {
  return (!project || i.project == *project) && (!host || i.host == *host) &&
         (!flavor || i.flavor == *flavor) && (!image || i.image == *image) &&
         (!name_hash || i.name_hash == *name_hash) && (!vm_state || i.vm_state == *vm_state);
}

std::optional<LiveFilter> LiveInstances::FilterOf(const DeletedQuery& wanted,
                                                  std::optional<model::VmState> state) const {
  LiveFilter filter;
  filter.vm_state = state;
  const auto known = [this](const std::string& text, std::optional<TextTable::Id>& id) {
    if (!text.empty()) id = texts_.Find(text);
    return text.empty() || id.has_value();
  };
  if (!known(wanted.project_id, filter.project) || !known(wanted.host, filter.host) ||
      !known(wanted.flavorid, filter.flavor) || !known(wanted.image_id, filter.image)) {
    return std::nullopt;
  }
  if (!wanted.name.empty()) filter.name_hash = NameHash(wanted.name);
  return filter;
}

void LiveInstances::Put(const LiveRow& row) {
  Erase(row.uuid);
  Add(Known(row));
}

void LiveInstances::Reserve(std::size_t instances) {
  slots_of_.reserve(instances);
  by_name_.reserve(instances);
}

void LiveInstances::Add(std::span<const LiveRow> rows) {
  for (const LiveRow& row : rows) {
    slots_of_.prefetch(row.uuid);
    by_name_.prefetch(NameHash(row.name));
  }
  for (const LiveRow& row : rows) Add(Known(row));
}

LiveInstance LiveInstances::Known(const LiveRow& row) {
  LiveInstance i;
  i.key = row.uuid;
  i.id = row.id;
  i.revision = row.revision;
  i.generation = static_cast<std::int32_t>(row.generation);
  i.started_generation = static_cast<std::int32_t>(row.started_generation);
  i.project = texts_.IdOf(row.project_id);
  i.host = texts_.IdOf(row.host);
  i.flavor = texts_.IdOf(row.flavor->flavorid);
  i.image = texts_.IdOf(row.image->id.str());
  i.server_group = texts_.IdOf(row.server_group);
  i.name_hash = NameHash(row.name);
  i.vm_state = row.vm_state;
  i.task_state = row.task_state;
  i.power_state = row.power_state;
  return i;
}

void LiveInstances::Put(const InstanceRecord& r) {
  LiveRow row;
  row.uuid = KeyOf(r.uuid());
  row.id = r.spec.id;
  row.revision = r.revision;
  row.generation = r.generation;
  row.started_generation = r.started_generation;
  row.project_id = r.spec.project_id;
  row.name = r.spec.display_name;
  row.host = r.host;
  row.server_group = r.server_group.str();
  row.flavor = r.flavor.get();
  row.image = r.image.get();
  row.vm_state = r.vm_state;
  row.task_state = r.task_state;
  row.power_state = r.power_state;
  Put(row);
}

void LiveInstances::Add(const LiveInstance& instance) {
  Slot slot = 0;
  if (free_.empty()) {
    slot = static_cast<Slot>(nodes_.size());
    nodes_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  nodes_[slot].instance = instance;
  slots_of_.insert(slot);
  by_id_.insert_or_assign(by_id_.end(), instance.id, slot);  // mostly the highest
  Link(by_name_, instance.name_hash, &Node::same_name, slot);
  if (instance.host != 0) Link(by_host_, instance.host, &Node::same_host, slot);
}

void LiveInstances::Erase(const UuidKey& key) {
  const auto found = slots_of_.find(key);
  if (found == slots_of_.end()) return;
  const Slot slot = *found;
  const LiveInstance& instance = nodes_[slot].instance;
  Unlink(by_name_, instance.name_hash, &Node::same_name, slot);
  if (instance.host != 0) Unlink(by_host_, instance.host, &Node::same_host, slot);
  by_id_.erase(instance.id);
  slots_of_.erase(found);
  nodes_[slot] = Node{};
  free_.push_back(slot);
}

void LiveInstances::Link(Heads& heads, std::uint32_t key, Links Node::*links, Slot slot) {
  const auto [head, fresh] = heads.try_emplace(key, slot);
  if (fresh) return;
  (nodes_[slot].*links).after = head->second;
  (nodes_[head->second].*links).before = slot;
  head->second = slot;
}

void LiveInstances::Unlink(Heads& heads, std::uint32_t key, Links Node::*links, Slot slot) {
  const Links mine = std::exchange(nodes_[slot].*links, {});
  if (mine.after != kNone) (nodes_[mine.after].*links).before = mine.before;
  if (mine.before != kNone) {
    (nodes_[mine.before].*links).after = mine.after;
  } else if (mine.after != kNone) {
    heads[key] = mine.after;
  } else {
    heads.erase(key);
  }
}

template <class F>
void LiveInstances::Walk(const Heads& heads, std::uint32_t key, Links Node::*links, F each) const {
  const auto head = heads.find(key);
  if (head == heads.end()) return;
  for (Slot at = head->second; at != kNone; at = (nodes_[at].*links).after) {
    if (!each(nodes_[at].instance)) return;
  }
}

const LiveInstance* LiveInstances::Find(const UuidKey& key) const {
  const auto found = slots_of_.find(key);
  return found == slots_of_.end() ? nullptr : &nodes_[*found].instance;
}

std::vector<LiveInstance> LiveInstances::OnHost(std::string_view host) const {
  std::vector<LiveInstance> here;
  if (const auto id = texts_.Find(host); id && *id != 0) {
    Walk(by_host_, *id, &Node::same_host, [&](const LiveInstance& i) {
      here.push_back(i);
      return true;
    });
  }
  return here;
}

bool LiveInstances::AnyOn(std::string_view host) const {
  const auto id = texts_.Find(host);
  return id && by_host_.contains(*id);
}

std::vector<std::int64_t> LiveInstances::MayBeNamed(std::string_view name, std::size_t most) const {
  std::vector<std::int64_t> ids;
  Walk(by_name_, NameHash(name), &Node::same_name, [&](const LiveInstance& i) {
    ids.push_back(i.id);
    return ids.size() < most;
  });
  return ids;
}

void LiveInstances::Below(std::int64_t before,
                          const std::function<bool(const LiveInstance&)>& each) const {
  auto at = by_id_.lower_bound(before);
  while (at != by_id_.begin()) {
    --at;
    if (!each(nodes_[at->second].instance)) return;
  }
}

void LiveInstances::ForEach(const std::function<void(const LiveInstance&)>& each) const {
  for (const Slot slot : slots_of_) each(nodes_[slot].instance);
}

}  // namespace kilonova::scheduler::core
