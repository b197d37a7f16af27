// SPDX-License-Identifier: Apache-2.0
// A point comes, goes or moves.
#include "scheduler/core/fast/box_forest.h"

namespace kilonova::scheduler::core::fast {

void BoxForest::Insert(Tree tree, const Point& point) {
  const Ref group = groups_[tree / kChildren];
  if (Root(tree) == kNil) SetChild(group, tree % kChildren, NewLeaf(), {});
  Ref leaf = Find(Root(tree), {point.key, point.host});
  if (HeaderOf(leaf).count == kLeafPoints) {
    SplitLeaf(leaf);
    leaf = Find(Root(tree), {point.key, point.host});
  }
  Write(leaf, HeaderOf(leaf).count++, point);
  RefreshUp(leaf);
}

void BoxForest::Update(Tree tree, const Point& point) {
  const Ref held = leaf_of_[point.host];
  if (Find(Root(tree), {point.key, point.host}) != held) {
    Remove(point.host);
    Insert(tree, point);
    return;
  }
  Write(held, PositionIn(held, point.host), point);
  RefreshUp(held);
}

bool BoxForest::Remove(HostIndex host) {
  const Ref leaf = LeafOf(host);
  if (leaf == kNil) return false;
  Header& header = HeaderOf(leaf);
  const std::size_t at = PositionIn(leaf, host);
  const std::size_t last = --header.count;
  if (at != last) CopyPoint(leaf, last, leaf, at);
  leaf_of_[host] = kNil;
  if (header.count > 0) {
    RefreshUp(leaf);
  } else {
    RemoveChild(header.parent, leaf);
  }
  return true;
}

}  // namespace kilonova::scheduler::core::fast
