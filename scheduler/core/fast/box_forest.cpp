// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/fast/box_forest.h"

#include <algorithm>
#include <array>
#include <limits>

namespace kilonova::scheduler::core::fast {
namespace {

// Blocks are filled so far at once, to leave room for what moves in.
constexpr std::size_t kFilledPoints = 24;
constexpr std::size_t kFilledChildren = 12;

}  // namespace

BoxForest::Tree BoxForest::AddTree() {
  const auto tree = static_cast<Tree>(trees_++);
  if (tree % kChildren == 0) {
    groups_.push_back(NewInner());
    inner_headers_[groups_.back()].first_tree = tree;
  }
  const Ref group = groups_[tree / kChildren];
  const std::size_t slot = tree % kChildren;
  SetChild(group, slot, kNil, {});
  ++inner_headers_[group].count;
  for (std::size_t r = 0; r < rooms_; ++r) {
    InnerRooms(group)[r * kChildren + slot] = std::numeric_limits<std::int32_t>::min();
  }
  return tree;
}

BoxForest::NodeView BoxForest::Node(Ref ref) const {
  const double* high = inner_values_.data() + 2 * values_ * kChildren * ref;
  return {inner_headers_[ref].count,
          high,
          high + values_ * kChildren,
          inner_rooms_.data() + ref * rooms_ * kChildren,
          marked_ ? &inner_marks_[ref * kChildren] : nullptr,
          &inner_first_[ref * kChildren],
          Child(ref)};
}

BoxForest::LeafView BoxForest::Leaf(Ref ref) const {
  const std::size_t leaf = ref & ~kLeafBit;
  return {leaf_headers_[leaf].count, leaf_values_.data() + leaf * values_ * kLeafPoints,
          leaf_rooms_.data() + leaf * rooms_ * kLeafPoints,
          marked_ ? &leaf_marks_[leaf * kLeafPoints] : nullptr, &leaf_hosts_[leaf * kLeafPoints]};
}

void BoxForest::Read(HostIndex host, std::span<double> values) const {
  const Ref ref = LeafOf(host);
  const LeafView leaf = Leaf(ref);
  const std::size_t at = PositionIn(ref, host);
  for (std::size_t v = 0; v < values_; ++v) values[v] = leaf.value[v * kLeafPoints + at];
}

BoxForest::Ref BoxForest::NewLeaf() {
  if (!free_leaves_.empty()) {
    const Ref ref = free_leaves_.back();
    free_leaves_.pop_back();
    return ref;
  }
  const std::size_t size = leaf_headers_.size() + 1;
  leaf_headers_.resize(size);
  leaf_values_.resize(size * values_ * kLeafPoints);
  leaf_rooms_.resize(size * rooms_ * kLeafPoints);
  leaf_hosts_.resize(size * kLeafPoints);
  leaf_keys_.resize(size * kLeafPoints);
  if (marked_) leaf_marks_.resize(size * kLeafPoints);
  return static_cast<Ref>(size - 1) | kLeafBit;
}

BoxForest::Ref BoxForest::NewInner() {
  if (!free_inner_.empty()) {
    const Ref ref = free_inner_.back();
    free_inner_.pop_back();
    return ref;
  }
  const std::size_t size = inner_headers_.size() + 1;
  inner_headers_.resize(size);
  inner_values_.resize(size * 2 * values_ * kChildren);
  inner_rooms_.resize(size * rooms_ * kChildren);
  inner_first_.resize(size * kChildren);
  inner_child_.resize(size * kChildren, kNil);
  inner_splits_.resize(size * kChildren);
  if (marked_) inner_marks_.resize(size * kChildren);
  return static_cast<Ref>(size - 1);
}

void BoxForest::Free(Ref ref) {
  HeaderOf(ref) = {};
  (IsLeaf(ref) ? free_leaves_ : free_inner_).push_back(ref);
}

BoxForest::Ref BoxForest::Root(Tree tree) const {
  return Child(groups_[tree / kChildren])[tree % kChildren];
}

// The leaf that holds, or would hold, what is at `at`.
BoxForest::Ref BoxForest::Find(Ref ref, const Split& at) const {
  while (!IsLeaf(ref)) {
    const Split* splits = Splits(ref);
    const std::size_t count = inner_headers_[ref].count;
    std::size_t slot = 0;
    while (slot + 1 < count && !(at < splits[slot + 1])) ++slot;
    ref = Child(ref)[slot];
  }
  return ref;
}

std::size_t BoxForest::SlotOf(Ref parent, Ref child) const {
  const Ref* children = Child(parent);
  std::size_t slot = 0;
  while (children[slot] != child) ++slot;
  return slot;
}

std::size_t BoxForest::PositionIn(Ref leaf, HostIndex host) const {
  const std::uint32_t* hosts = &leaf_hosts_[(leaf & ~kLeafBit) * kLeafPoints];
  std::size_t at = 0;
  while (hosts[at] != host) ++at;
  return at;
}

void BoxForest::Write(Ref leaf, std::size_t at, const Point& point) {
  double* values = LeafValues(leaf);
  std::int32_t* rooms = LeafRooms(leaf);
  for (std::size_t v = 0; v < values_; ++v) values[v * kLeafPoints + at] = point.values[v];
  for (std::size_t r = 0; r < rooms_; ++r) rooms[r * kLeafPoints + at] = point.rooms[r];
  LeafHosts(leaf)[at] = point.host;
  LeafKeys(leaf)[at] = point.key;
  if (marked_) Marks(leaf)[at] = point.marks;
  if (leaf_of_.size() <= point.host) leaf_of_.resize(point.host + 1, kNil);
  leaf_of_[point.host] = leaf;
}

void BoxForest::CopyPoint(Ref from, std::size_t at, Ref to, std::size_t to_at) {
  for (std::size_t v = 0; v < values_; ++v) {
    LeafValues(to)[v * kLeafPoints + to_at] = LeafValues(from)[v * kLeafPoints + at];
  }
  for (std::size_t r = 0; r < rooms_; ++r) {
    LeafRooms(to)[r * kLeafPoints + to_at] = LeafRooms(from)[r * kLeafPoints + at];
  }
  const HostIndex host = LeafHosts(from)[at];
  LeafHosts(to)[to_at] = host;
  LeafKeys(to)[to_at] = LeafKeys(from)[at];
  if (marked_) Marks(to)[to_at] = Marks(from)[at];
  leaf_of_[host] = to;
}

void BoxForest::CopyChild(Ref from, std::size_t at, Ref to, std::size_t to_at) {
  for (std::size_t v = 0; v < values_; ++v) {
    High(to)[v * kChildren + to_at] = High(from)[v * kChildren + at];
    Low(to)[v * kChildren + to_at] = Low(from)[v * kChildren + at];
  }
  for (std::size_t r = 0; r < rooms_; ++r) {
    InnerRooms(to)[r * kChildren + to_at] = InnerRooms(from)[r * kChildren + at];
  }
  if (marked_) Marks(to)[to_at] = Marks(from)[at];
  First(to)[to_at] = First(from)[at];
  Child(to)[to_at] = Child(from)[at];
  Splits(to)[to_at] = Splits(from)[at];
  if (Child(to)[to_at] != kNil) HeaderOf(Child(to)[to_at]).parent = to;
}

void BoxForest::SetChild(Ref parent, std::size_t slot, Ref child, const Split& split) {
  Child(parent)[slot] = child;
  Splits(parent)[slot] = split;
  if (child != kNil) HeaderOf(child).parent = parent;
}

void BoxForest::StartMarks() {
  if (marked_) return;
  marked_ = true;
  leaf_marks_.assign(leaf_hosts_.size(), ~0ULL);
  inner_marks_.assign(inner_first_.size(), ~0ULL);
}

void BoxForest::SetMarks(HostIndex host, std::uint64_t marks) {
  Ref ref = LeafOf(host);
  Marks(ref)[PositionIn(ref, host)] = marks;
  while (!IsGroup(ref)) {
    const Ref parent = HeaderOf(ref).parent;
    std::uint64_t any = 0;
    for (std::size_t i = 0; i < HeaderOf(ref).count; ++i) any |= Marks(ref)[i];
    std::uint64_t& above = Marks(parent)[SlotOf(parent, ref)];
    if (above == any) return;
    above = any;
    ref = parent;
  }
}

void BoxForest::AddMarks(std::uint64_t marks) {
  for (std::uint64_t& mark : leaf_marks_) mark |= marks;
  for (std::uint64_t& mark : inner_marks_) mark |= marks;
}

void BoxForest::GrowRoot(Ref group, std::size_t slot, Ref right, const Split& split) {
  const Ref left = Child(group)[slot];
  const Ref root = NewInner();
  SetChild(group, slot, root, {});
  SetChild(root, 0, left, {});
  SetChild(root, 1, right, split);
  inner_headers_[root].count = 2;
}

void BoxForest::InsertChild(Ref parent, std::size_t slot, Ref child, const Split& split) {
  if (IsGroup(parent)) {
    GrowRoot(parent, slot, child, split);
    return;
  }
  if (inner_headers_[parent].count == kChildren) {
    const Ref right = SplitInner(parent);
    const std::size_t kept = inner_headers_[parent].count;
    if (slot >= kept) {
      parent = right;
      slot -= kept;
    }
  }
  Header& header = inner_headers_[parent];
  for (std::size_t i = header.count; i > slot + 1; --i) CopyChild(parent, i - 1, parent, i);
  SetChild(parent, slot + 1, child, split);
  ++header.count;
}

// Moves the upper half into a new neighbour.
BoxForest::Ref BoxForest::SplitInner(Ref inner) {
  const Ref right = NewInner();
  constexpr std::size_t kKept = kChildren / 2;
  for (std::size_t i = kKept; i < kChildren; ++i) CopyChild(inner, i, right, i - kKept);
  inner_headers_[right].count = kChildren - kKept;
  inner_headers_[inner].count = kKept;
  const Ref parent = inner_headers_[inner].parent;
  InsertChild(parent, SlotOf(parent, inner), right, Splits(right)[0]);
  RefreshInParent(inner, kAllSides);
  RefreshInParent(right, kAllSides);
  return right;
}

void BoxForest::SplitLeaf(Ref leaf) {
  std::array<std::pair<Split, std::size_t>, kLeafPoints> order;
  for (std::size_t i = 0; i < kLeafPoints; ++i) {
    order[i] = {{LeafKeys(leaf)[i], LeafHosts(leaf)[i]}, i};
  }
  constexpr std::size_t kKept = kLeafPoints / 2;
  std::nth_element(order.begin(), order.begin() + kKept, order.end());
  const Split split = order[kKept].first;
  const Ref right = NewLeaf();
  std::size_t kept = 0;
  std::size_t moved = 0;
  for (std::size_t i = 0; i < kLeafPoints; ++i) {
    if (Split{LeafKeys(leaf)[i], LeafHosts(leaf)[i]} < split) {
      if (kept != i) CopyPoint(leaf, i, leaf, kept);
      ++kept;
    } else {
      CopyPoint(leaf, i, right, moved++);
    }
  }
  HeaderOf(leaf).count = static_cast<std::uint32_t>(kept);
  HeaderOf(right).count = static_cast<std::uint32_t>(moved);
  const Ref parent = HeaderOf(leaf).parent;
  InsertChild(parent, SlotOf(parent, leaf), right, split);
  RefreshUp(leaf);
  RefreshUp(right);
}

void BoxForest::RemoveChild(Ref parent, Ref child) {
  const std::size_t slot = SlotOf(parent, child);
  Free(child);
  if (IsGroup(parent)) {
    Child(parent)[slot] = kNil;
    for (std::size_t r = 0; r < rooms_; ++r) {
      InnerRooms(parent)[r * kChildren + slot] = std::numeric_limits<std::int32_t>::min();
    }
    return;
  }
  Header& header = inner_headers_[parent];
  for (std::size_t i = slot + 1; i < header.count; ++i) CopyChild(parent, i, parent, i - 1);
  --header.count;
  const Ref above = header.parent;
  if (header.count == 0) {
    RemoveChild(above, parent);
  } else if (header.count == 1 && IsGroup(above)) {
    const Ref only = Child(parent)[0];
    SetChild(above, SlotOf(above, parent), only, {});
    Free(parent);
    RefreshUp(only);
  } else {
    RefreshUp(parent);
  }
}

void BoxForest::Fill(Tree tree, std::vector<Point>& points) {
  if (points.empty()) return;
  std::ranges::sort(points, [](const Point& a, const Point& b) {
    return Split{a.key, a.host} < Split{b.key, b.host};
  });
  std::vector<std::pair<Ref, Split>> level;
  for (std::size_t at = 0; at < points.size(); at += kFilledPoints) {
    const Ref leaf = NewLeaf();
    const std::size_t end = std::min(points.size(), at + kFilledPoints);
    for (std::size_t i = at; i < end; ++i) Write(leaf, i - at, points[i]);
    HeaderOf(leaf).count = static_cast<std::uint32_t>(end - at);
    level.emplace_back(leaf, Split{points[at].key, points[at].host});
  }
  while (level.size() > 1) {
    std::vector<std::pair<Ref, Split>> above;
    for (std::size_t at = 0; at < level.size(); at += kFilledChildren) {
      const Ref inner = NewInner();
      const std::size_t end = std::min(level.size(), at + kFilledChildren);
      inner_headers_[inner].count = static_cast<std::uint32_t>(end - at);
      for (std::size_t i = at; i < end; ++i) {
        SetChild(inner, i - at, level[i].first, level[i].second);
        RefreshInParent(level[i].first, kAllSides);
      }
      above.emplace_back(inner, level[at].second);
    }
    level = std::move(above);
  }
  SetChild(groups_[tree / kChildren], tree % kChildren, level.front().first, {});
  RefreshInParent(level.front().first, kAllSides);
}

std::size_t BoxForest::MemoryBytes() const {
  const auto bytes = [](const auto& vector) { return vector.capacity() * sizeof(vector[0]); };
  return bytes(leaf_marks_) + bytes(inner_marks_) + bytes(leaf_of_) + bytes(leaf_headers_) +
         bytes(inner_headers_) + bytes(leaf_values_) + bytes(inner_values_) + bytes(leaf_rooms_) +
         bytes(inner_rooms_) + bytes(leaf_hosts_) + bytes(inner_first_) + bytes(leaf_keys_) +
         bytes(inner_child_) + bytes(inner_splits_);
}

}  // namespace kilonova::scheduler::core::fast
