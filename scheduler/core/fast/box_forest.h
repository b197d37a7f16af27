// SPDX-License-Identifier: Apache-2.0
// Hosts as points, in one search tree per class of hosts. A point has the raw values of the
// weighers and the room of the resource classes; a node has the greatest and least of each among
// the points below it, so that a search can tell what no host below can be. Points that are alike
// lie side by side: trees are ordered by a key made of the values.
//
// A point has marks as well, one bit for each of up to 64 questions: a node has those that any
// point below has. They take no room until there are some.
//
// Blocks hold their values row by row (all first values, then all second ones...), so that a search
// works on a whole node at once.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "scheduler/core/huge_pages.h"
#include "scheduler/core/pipeline.h"

namespace kilonova::scheduler::core::fast {

inline constexpr std::size_t kLeafPoints = 32;
inline constexpr std::size_t kChildren = 16;

struct Point {
  HostIndex host = 0;
  std::uint64_t key = 0;
  std::span<const double> values;
  std::span<const std::int32_t> rooms;
  std::uint64_t marks = ~0ULL;
};

class BoxForest {
 public:
  using Tree = std::uint32_t;
  // A node: a leaf, an inner node, or nothing.
  using Ref = std::uint32_t;
  static constexpr Ref kNil = UINT32_MAX;
  static constexpr Ref kLeafBit = 1U << 31U;
  static bool IsLeaf(Ref ref) { return (ref & kLeafBit) != 0; }

  // Rows of values and rooms are fixed for the life of the forest.
  BoxForest(std::size_t values, std::size_t rooms) : values_(values), rooms_(rooms) {}

  Tree AddTree();
  std::size_t Trees() const { return trees_; }
  // Fills an empty tree at once. Reorders `points`.
  void Fill(Tree tree, std::vector<Point>& points);
  void Insert(Tree tree, const Point& point);
  // Of a host that is in `tree`.
  void Update(Tree tree, const Point& point);
  // False when the host is in no tree.
  bool Remove(HostIndex host);
  bool Contains(HostIndex host) const { return LeafOf(host) != kNil; }

  // Gives every point all marks, and room for them.
  void StartMarks();
  bool HasMarks() const { return marked_; }
  // Of a host that is in a tree.
  void SetMarks(HostIndex host, std::uint64_t marks);
  // Gives every point these marks.
  void AddMarks(std::uint64_t marks);

  // ---- for searches. Trees stand in groups of kChildren, each a node like any other whose
  // children are roots, kNil for an empty tree.
  std::size_t Groups() const { return groups_.size(); }
  Ref Group(std::size_t group) const { return groups_[group]; }
  bool IsGroupNode(Ref ref) const { return IsGroup(ref); }
  // Whose root is the child at `slot` of a group.
  Tree TreeAt(Ref group, std::size_t slot) const {
    return inner_headers_[group].first_tree + static_cast<Tree>(slot);
  }

  struct NodeView {
    std::size_t count;
    const double* high;          // rows of kChildren
    const double* low;           // rows of kChildren
    const std::int32_t* room;    // rows of kChildren: the most of any point
    const std::uint64_t* marks;  // of any point; null when there are none
    const std::uint32_t* first;  // lowest host of each child
    const Ref* child;
  };
  struct LeafView {
    std::size_t count;
    const double* value;       // rows of kLeafPoints
    const std::int32_t* room;  // rows of kLeafPoints
    const std::uint64_t* marks;
    const std::uint32_t* host;
  };
  NodeView Node(Ref ref) const;
  LeafView Leaf(Ref ref) const;
  std::size_t Values() const { return values_; }
  std::size_t Rooms() const { return rooms_; }
  // Reads the values of a host that is in a tree.
  void Read(HostIndex host, std::span<double> values) const;

  std::size_t MemoryBytes() const;

 private:
  struct Split {
    std::uint64_t key;
    HostIndex host;
    friend auto operator<=>(const Split&, const Split&) = default;
  };
  struct Header {
    Ref parent = kNil;
    std::uint32_t count = 0;
    Tree first_tree = 0;  // of a group
  };

  Ref NewLeaf();
  Ref NewInner();
  void Free(Ref ref);
  Header& HeaderOf(Ref ref) {
    return IsLeaf(ref) ? leaf_headers_[ref & ~kLeafBit] : inner_headers_[ref];
  }
  const Header& HeaderOf(Ref ref) const {
    return IsLeaf(ref) ? leaf_headers_[ref & ~kLeafBit] : inner_headers_[ref];
  }
  Ref LeafOf(HostIndex host) const { return host < leaf_of_.size() ? leaf_of_[host] : kNil; }
  Ref Root(Tree tree) const;
  Ref Find(Ref root, const Split& at) const;
  std::size_t SlotOf(Ref parent, Ref child) const;
  std::size_t PositionIn(Ref leaf, HostIndex host) const;
  bool IsGroup(Ref ref) const { return !IsLeaf(ref) && inner_headers_[ref].parent == kNil; }

  void Write(Ref leaf, std::size_t at, const Point& point);
  void CopyPoint(Ref from, std::size_t at, Ref to, std::size_t to_at);
  void CopyChild(Ref from, std::size_t at, Ref to, std::size_t to_at);
  void SetChild(Ref parent, std::size_t slot, Ref child, const Split& split);
  // Puts `child` after the child at `slot`, splitting what is full; the boxes above are the
  // caller's to refresh.
  void InsertChild(Ref parent, std::size_t slot, Ref child, const Split& split);
  void RemoveChild(Ref parent, Ref child);
  void SplitLeaf(Ref leaf);
  Ref SplitInner(Ref inner);
  void GrowRoot(Ref group, std::size_t slot, Ref right, const Split& split);
  // Sides of a box, a bit each; rows past the last bit share it.
  using Sides = std::uint64_t;
  static constexpr Sides kAllSides = ~0ULL;
  static constexpr Sides kFirstSide = 1ULL << 62U;
  static constexpr Sides kMarksSide = 1ULL << 63U;
  static Sides HighSide(std::size_t row) { return 1ULL << (2 * std::min<std::size_t>(row, 15)); }
  static Sides LowSide(std::size_t row) { return HighSide(row) << 1U; }
  static Sides RoomSide(std::size_t row) { return 1ULL << (32 + std::min<std::size_t>(row, 29)); }
  // Sides of a leaf's box in its parent that a point is on, or beyond.
  Sides SidesAt(Ref leaf, std::size_t at) const;
  Sides SidesBeyond(Ref leaf, const Point& point) const;
  // Writes these sides of the box of `ref` into its parent; tells those that were others.
  Sides RefreshInParent(Ref ref, Sides sides);
  // All else is as it should be.
  void RefreshUp(Ref ref, Sides sides = kAllSides);

  double* LeafValues(Ref ref) {
    return leaf_values_.data() + (ref & ~kLeafBit) * values_ * kLeafPoints;
  }
  std::int32_t* LeafRooms(Ref ref) {
    return leaf_rooms_.data() + (ref & ~kLeafBit) * rooms_ * kLeafPoints;
  }
  std::uint32_t* LeafHosts(Ref ref) { return leaf_hosts_.data() + (ref & ~kLeafBit) * kLeafPoints; }
  std::uint64_t* LeafKeys(Ref ref) { return leaf_keys_.data() + (ref & ~kLeafBit) * kLeafPoints; }
  std::uint64_t* Marks(Ref ref) {
    return IsLeaf(ref) ? leaf_marks_.data() + (ref & ~kLeafBit) * kLeafPoints
                       : inner_marks_.data() + ref * kChildren;
  }
  double* High(Ref ref) { return inner_values_.data() + 2 * values_ * kChildren * ref; }
  double* Low(Ref ref) { return High(ref) + values_ * kChildren; }
  std::int32_t* InnerRooms(Ref ref) { return inner_rooms_.data() + ref * rooms_ * kChildren; }
  std::uint32_t* First(Ref ref) { return inner_first_.data() + ref * kChildren; }
  Ref* Child(Ref ref) { return inner_child_.data() + ref * kChildren; }
  const Ref* Child(Ref ref) const { return inner_child_.data() + ref * kChildren; }
  Split* Splits(Ref ref) { return inner_splits_.data() + ref * kChildren; }
  const Split* Splits(Ref ref) const { return inner_splits_.data() + ref * kChildren; }

  template <class T>
  using Array = std::vector<T, HugePages<T>>;
  std::size_t values_, rooms_;
  std::size_t trees_ = 0;
  std::vector<Ref> groups_;
  Array<Ref> leaf_of_;
  std::vector<Ref> free_leaves_, free_inner_;
  std::vector<Header> leaf_headers_, inner_headers_;
  Array<double> leaf_values_, inner_values_;
  Array<std::int32_t> leaf_rooms_, inner_rooms_;
  Array<std::uint32_t> leaf_hosts_, inner_first_;
  Array<std::uint64_t> leaf_keys_;
  bool marked_ = false;
  Array<std::uint64_t> leaf_marks_, inner_marks_;
  Array<Ref> inner_child_;
  Array<Split> inner_splits_;  // the least a child holds; that of the first child is not read
};

}  // namespace kilonova::scheduler::core::fast
