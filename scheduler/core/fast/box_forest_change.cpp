// SPDX-License-Identifier: Apache-2.0
// A point comes, goes or moves within its leaf: of the boxes above only what it reaches is told
// anew, most often nothing.
#include <algorithm>
#include <array>
#include <limits>

#include "scheduler/core/fast/best_in.h"
#include "scheduler/core/fast/box_forest.h"

namespace kilonova::scheduler::core::fast {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::int32_t kNoRoom = std::numeric_limits<std::int32_t>::min();
constexpr std::uint32_t kNoHost = std::numeric_limits<std::uint32_t>::max();

// One bound of a box, when a value below it that was `from` is `to` now; both become what the bound
// was and is.
template <class T, class Better>
bool Move(T& bound, T& from, T& to, const T* values, std::size_t count, Better better) {
  const T held = bound;
  if (better(to, held)) {
    bound = to;
  } else if (from == held && to != held) {
    bound = BestIn(values, count, better);
  }
  from = held;
  to = bound;
  return bound != held;
}

}  // namespace

void BoxForest::NoteBefore(Ref leaf, std::size_t at) {
  change_.high_from.resize(values_);
  for (std::size_t v = 0; v < values_; ++v) {
    change_.high_from[v] = LeafValues(leaf)[v * kLeafPoints + at];
  }
  change_.low_from = change_.high_from;
  change_.room_from.resize(rooms_);
  for (std::size_t r = 0; r < rooms_; ++r) {
    change_.room_from[r] = LeafRooms(leaf)[r * kLeafPoints + at];
  }
  change_.first_from = LeafHosts(leaf)[at];
}

void BoxForest::NoteNothingBefore() {
  change_.high_from.assign(values_, -kInfinity);
  change_.low_from.assign(values_, kInfinity);
  change_.room_from.assign(rooms_, kNoRoom);
  change_.first_from = kNoHost;
}

void BoxForest::NoteAfter(const Point& point) {
  change_.high_to.assign(point.values.begin(), point.values.end());
  change_.low_to = change_.high_to;
  change_.room_to.assign(point.rooms.begin(), point.rooms.end());
  change_.first_to = point.host;
}

void BoxForest::NoteNothingAfter() {
  change_.high_to.assign(values_, -kInfinity);
  change_.low_to.assign(values_, kInfinity);
  change_.room_to.assign(rooms_, kNoRoom);
  change_.first_to = kNoHost;
}

bool BoxForest::ChangeInParent(Ref ref) {
  const Ref parent = HeaderOf(ref).parent;
  const std::size_t slot = SlotOf(parent, ref);
  const std::size_t count = HeaderOf(ref).count;
  const bool leaf = IsLeaf(ref);
  const std::size_t stride = leaf ? kLeafPoints : kChildren;
  const double* highs = leaf ? LeafValues(ref) : High(ref);
  const double* lows = leaf ? LeafValues(ref) : Low(ref);
  const std::int32_t* rooms = leaf ? LeafRooms(ref) : InnerRooms(ref);
  const auto greater = [](auto x, auto y) { return x > y; };
  const auto less = [](auto x, auto y) { return x < y; };
  bool changed = false;
  for (std::size_t v = 0; v < values_; ++v) {
    changed |= Move(High(parent)[v * kChildren + slot], change_.high_from[v], change_.high_to[v],
                    highs + v * stride, count, greater);
    changed |= Move(Low(parent)[v * kChildren + slot], change_.low_from[v], change_.low_to[v],
                    lows + v * stride, count, less);
  }
  for (std::size_t r = 0; r < rooms_; ++r) {
    changed |= Move(InnerRooms(parent)[r * kChildren + slot], change_.room_from[r],
                    change_.room_to[r], rooms + r * stride, count, greater);
  }
  changed |= Move(First(parent)[slot], change_.first_from, change_.first_to,
                  leaf ? LeafHosts(ref) : First(ref), count, less);
  if (marked_) {
    std::uint64_t any = 0;
    for (std::size_t i = 0; i < count; ++i) any |= Marks(ref)[i];
    changed |= Marks(parent)[slot] != any;
    Marks(parent)[slot] = any;
  }
  return changed;
}

void BoxForest::ChangeUp(Ref leaf) {
  for (Ref ref = leaf; !IsGroup(ref) && ChangeInParent(ref);) ref = HeaderOf(ref).parent;
}

void BoxForest::Insert(Tree tree, const Point& point) {
  const Ref group = groups_[tree / kChildren];
  if (Root(tree) == kNil) SetChild(group, tree % kChildren, NewLeaf(), {});
  Ref leaf = Find(Root(tree), {point.key, point.host});
  if (HeaderOf(leaf).count == kLeafPoints) {
    SplitLeaf(leaf);
    leaf = Find(Root(tree), {point.key, point.host});
  }
  Write(leaf, HeaderOf(leaf).count++, point);
  if (HeaderOf(leaf).count == 1) {
    RefreshUp(leaf);
    return;
  }
  NoteNothingBefore();
  NoteAfter(point);
  ChangeUp(leaf);
}

void BoxForest::Update(Tree tree, const Point& point) {
  const Ref held = leaf_of_[point.host];
  if (Find(Root(tree), {point.key, point.host}) != held) {
    Remove(point.host);
    Insert(tree, point);
    return;
  }
  const std::size_t at = PositionIn(held, point.host);
  NoteBefore(held, at);
  NoteAfter(point);
  Write(held, at, point);
  ChangeUp(held);
}

bool BoxForest::Remove(HostIndex host) {
  const Ref leaf = LeafOf(host);
  if (leaf == kNil) return false;
  Header& header = HeaderOf(leaf);
  const std::size_t at = PositionIn(leaf, host);
  NoteBefore(leaf, at);
  NoteNothingAfter();
  const std::size_t last = --header.count;
  if (at != last) CopyPoint(leaf, last, leaf, at);
  leaf_of_[host] = kNil;
  if (header.count > 0) {
    ChangeUp(leaf);
  } else {
    RemoveChild(header.parent, leaf);
  }
  return true;
}

}  // namespace kilonova::scheduler::core::fast
