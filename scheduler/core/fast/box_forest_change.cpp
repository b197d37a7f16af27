// SPDX-License-Identifier: Apache-2.0
// A point comes, goes or moves.
#include "scheduler/core/fast/best_in.h"
#include "scheduler/core/fast/box_forest.h"

namespace kilonova::scheduler::core::fast {
namespace {

constexpr std::size_t kLine = 64;  // bytes the processor brings in at once

template <class T>
void Prefetch(const T* block, std::size_t size) {
  for (std::size_t at = 0; at < size; at += kLine / sizeof(T)) __builtin_prefetch(block + at);
}

}  // namespace

void BoxForest::Insert(Tree tree, const Point& point) {
  const Ref group = groups_[tree / kChildren];
  if (Root(tree) == kNil) SetChild(group, tree % kChildren, NewLeaf(), {});
  Ref leaf = Find(Root(tree), {point.key, point.host});
  if (HeaderOf(leaf).count == kLeafPoints) {
    SplitLeaf(leaf);
    leaf = Find(Root(tree), {point.key, point.host});
  }
  const Sides sides = HeaderOf(leaf).count == 0 ? kAllSides : SidesBeyond(leaf, point);
  Write(leaf, HeaderOf(leaf).count++, point);
  RefreshUp(leaf, sides);
}

void BoxForest::Update(Tree tree, const Point& point) {
  const Ref held = leaf_of_[point.host];
  // Leaves are too many for caches; it comes while the way to where the point belongs is found.
  Prefetch(LeafHosts(held), kLeafPoints);
  Prefetch(LeafValues(held), values_ * kLeafPoints);
  Prefetch(LeafRooms(held), rooms_ * kLeafPoints);
  if (Find(Root(tree), {point.key, point.host}) != held) {
    Remove(point.host);
    Insert(tree, point);
    return;
  }
  const std::size_t at = PositionIn(held, point.host);
  const Sides sides = SidesAt(held, at) | SidesBeyond(held, point);
  Write(held, at, point);
  RefreshUp(held, sides);
}

bool BoxForest::Remove(HostIndex host) {
  const Ref leaf = LeafOf(host);
  if (leaf == kNil) return false;
  Header& header = HeaderOf(leaf);
  const std::size_t at = PositionIn(leaf, host);
  const Sides sides = SidesAt(leaf, at);
  const std::size_t last = --header.count;
  if (at != last) CopyPoint(leaf, last, leaf, at);
  leaf_of_[host] = kNil;
  if (header.count > 0) {
    RefreshUp(leaf, sides);
  } else {
    RemoveChild(header.parent, leaf);
  }
  return true;
}

// ---- boxes

BoxForest::Sides BoxForest::SidesAt(Ref leaf, std::size_t at) const {
  const Ref parent = HeaderOf(leaf).parent;
  const std::size_t slot = SlotOf(parent, leaf);
  const NodeView box = Node(parent);
  const LeafView points = Leaf(leaf);
  Sides sides = marked_ ? kMarksSide : 0;
  for (std::size_t v = 0; v < values_; ++v) {
    const double value = points.value[v * kLeafPoints + at];
    if (value == box.high[v * kChildren + slot]) sides |= HighSide(v);
    if (value == box.low[v * kChildren + slot]) sides |= LowSide(v);
  }
  for (std::size_t r = 0; r < rooms_; ++r) {
    if (points.room[r * kLeafPoints + at] == box.room[r * kChildren + slot]) sides |= RoomSide(r);
  }
  if (points.host[at] == box.first[slot]) sides |= kFirstSide;
  return sides;
}

BoxForest::Sides BoxForest::SidesBeyond(Ref leaf, const Point& point) const {
  const Ref parent = HeaderOf(leaf).parent;
  const std::size_t slot = SlotOf(parent, leaf);
  const NodeView box = Node(parent);
  Sides sides = marked_ ? kMarksSide : 0;
  for (std::size_t v = 0; v < values_; ++v) {
    if (point.values[v] > box.high[v * kChildren + slot]) sides |= HighSide(v);
    if (point.values[v] < box.low[v * kChildren + slot]) sides |= LowSide(v);
  }
  for (std::size_t r = 0; r < rooms_; ++r) {
    if (point.rooms[r] > box.room[r * kChildren + slot]) sides |= RoomSide(r);
  }
  if (point.host < box.first[slot]) sides |= kFirstSide;
  return sides;
}

BoxForest::Sides BoxForest::RefreshInParent(Ref ref, Sides sides) {
  const Ref parent = HeaderOf(ref).parent;
  const std::size_t slot = SlotOf(parent, ref);
  const std::size_t count = HeaderOf(ref).count;
  const bool leaf = IsLeaf(ref);
  const std::size_t stride = leaf ? kLeafPoints : kChildren;
  Sides changed = 0;
  const auto put = [&](Sides side, auto& place, auto value) {
    if (place == value) return;
    changed |= side;
    place = value;
  };
  const auto greater = [](auto x, auto y) { return x > y; };
  const auto less = [](auto x, auto y) { return x < y; };
  const double* highs = leaf ? LeafValues(ref) : High(ref);
  const double* lows = leaf ? LeafValues(ref) : Low(ref);
  for (std::size_t v = 0; v < values_; ++v) {
    if ((sides & HighSide(v)) != 0) {
      put(HighSide(v), High(parent)[v * kChildren + slot],
          BestIn(highs + v * stride, count, greater));
    }
    if ((sides & LowSide(v)) != 0) {
      put(LowSide(v), Low(parent)[v * kChildren + slot], BestIn(lows + v * stride, count, less));
    }
  }
  const std::int32_t* rooms = leaf ? LeafRooms(ref) : InnerRooms(ref);
  for (std::size_t r = 0; r < rooms_; ++r) {
    if ((sides & RoomSide(r)) == 0) continue;
    put(RoomSide(r), InnerRooms(parent)[r * kChildren + slot],
        BestIn(rooms + r * stride, count, greater));
  }
  if ((sides & kFirstSide) != 0) {
    put(kFirstSide, First(parent)[slot], BestIn(leaf ? LeafHosts(ref) : First(ref), count, less));
  }
  if (marked_ && (sides & kMarksSide) != 0) {
    std::uint64_t any = 0;
    const std::uint64_t* marks = Marks(ref);
    for (std::size_t i = 0; i < count; ++i) any |= marks[i];
    put(kMarksSide, Marks(parent)[slot], any);
  }
  return changed;
}

void BoxForest::RefreshUp(Ref ref, Sides sides) {
  while (sides != 0 && !IsGroup(ref)) {
    sides = RefreshInParent(ref, sides);
    ref = HeaderOf(ref).parent;
  }
}

}  // namespace kilonova::scheduler::core::fast
