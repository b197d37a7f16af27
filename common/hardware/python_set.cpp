// SPDX-License-Identifier: Apache-2.0
#include "common/hardware/python_set.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

namespace kilonova::hardware {
namespace {

constexpr CpuId kEmpty = -1;
constexpr CpuId kRemoved = -2;
constexpr std::size_t kSmallest = 8;
constexpr std::size_t kLinearProbes = 9;

// Calls visit(slot) for the slots an id is looked for in, until it says true. The hash of a small
// integer is itself.
template <class Visit>
void Probe(CpuId id, std::size_t mask, Visit visit) {
  std::size_t perturb = static_cast<std::size_t>(id);
  std::size_t start = perturb & mask;
  for (;;) {
    const std::size_t probes = start + kLinearProbes <= mask ? kLinearProbes : 0;
    for (std::size_t i = 0; i <= probes; ++i) {
      if (visit(start + i)) return;
    }
    perturb >>= 5U;
    start = (start * 5 + 1 + perturb) & mask;
  }
}

// The ids are known to be different from each other: none is looked up before it is added.
class PythonSet {
 public:
  PythonSet() : table_(kSmallest, kEmpty) {}

  void Add(CpuId id) {
    Insert(id);
    ++fill_;
    ++used_;
    if (fill_ * 5 >= Mask() * 3) Resize(used_ * 4);
  }

  // set.update() of an empty set; set.copy().
  static PythonSet Copy(const PythonSet& other) {
    PythonSet copy;
    if (other.used_ == 0) return copy;
    if (other.used_ * 5 >= copy.Mask() * 3) copy.Resize(other.used_ * 2);
    if (copy.Mask() == other.Mask() && other.fill_ == other.used_) {
      copy.table_ = other.table_;
    } else {
      for (const CpuId id : other.Walk()) copy.Insert(id);
    }
    copy.fill_ = copy.used_ = other.used_;
    return copy;
  }

  void RemoveAll(const CpuSet& gone) {
    for (CpuId& slot : table_) {
      if (slot < 0 || !gone.Has(slot)) continue;
      slot = kRemoved;
      --used_;
    }
    if (fill_ - used_ > Mask() / 4) Resize(used_ * 4);
  }

  std::vector<CpuId> Walk() const {
    std::vector<CpuId> ids;
    std::ranges::copy_if(table_, std::back_inserter(ids), [](CpuId id) { return id >= 0; });
    return ids;
  }

  static PythonSet Of(const std::vector<CpuId>& ids) {
    PythonSet set;
    for (const CpuId id : ids) set.Add(id);
    return set;
  }

 private:
  std::size_t Mask() const { return table_.size() - 1; }

  void Insert(CpuId id) {
    Probe(id, Mask(), [&](std::size_t slot) {
      if (table_[slot] != kEmpty) return false;
      table_[slot] = id;
      return true;
    });
  }

  void Resize(std::size_t at_least) {
    std::size_t size = kSmallest;
    while (size <= at_least) size *= 2;
    const std::vector<CpuId> ids = Walk();
    table_.assign(size, kEmpty);
    for (const CpuId id : ids) Insert(id);
    fill_ = used_;
  }

  std::vector<CpuId> table_;
  std::size_t fill_ = 0;  // with those removed
  std::size_t used_ = 0;
};

// A field of an object: built from a list, coerced into another set, copied into the field.
PythonSet Field(const CpuSet& cpus) {
  return PythonSet::Copy(PythonSet::Of(PythonSet::Of(cpus.ToVector()).Walk()));
}

// PythonSet::Of(ids).Walk() in place for up to four ids: such a set never grows.
void WalkFew(std::span<CpuId> ids) {
  std::array<CpuId, kSmallest> table;
  table.fill(kEmpty);
  for (const CpuId id : ids) {
    Probe(id, kSmallest - 1, [&](std::size_t slot) {
      if (table[slot] != kEmpty) return false;
      table[slot] = id;
      return true;
    });
  }
  std::ranges::copy_if(table, ids.begin(), [](CpuId id) { return id >= 0; });
}

// `pcpuset - pinned` as Python walks it.
std::vector<CpuId> Difference(const CpuSet& pcpuset, const CpuSet& pinned) {
  const PythonSet whole = Field(pcpuset);
  if (pcpuset.Size() / 4 > pinned.Size()) {
    PythonSet rest = PythonSet::Copy(whole);
    rest.RemoveAll(pinned);
    return rest.Walk();
  }
  std::vector<CpuId> ids = whole.Walk();
  std::erase_if(ids, [&](CpuId id) { return pinned.Has(id); });
  return PythonSet::Of(ids).Walk();
}

}  // namespace

std::vector<CpuId> PythonOrder(const CpuSet& cpus) { return PythonSet::Of(cpus.ToVector()).Walk(); }

std::vector<CpuId> PythonFreeThreads(const CpuSet& core, const CpuSet& free, const CpuSet& pcpuset,
                                     const CpuSet& pinned) {
  // Python walks the smaller of the two.
  const std::size_t threads = core.Size();
  if (free.Size() > threads) {
    std::vector<CpuId> ids = core.ToVector();
    if (threads == 1) {
      if (!free.Has(ids.front())) ids.clear();
      return ids;
    }
    if (threads <= 4) {
      WalkFew(ids);  // the list
      WalkFew(ids);  // the coerced set, whose copy in the field has its slots
      std::erase_if(ids, [&](CpuId id) { return !free.Has(id); });
      WalkFew(ids);  // the intersection
      return ids;
    }
    ids = Field(core).Walk();
    std::erase_if(ids, [&](CpuId id) { return !free.Has(id); });
    return PythonSet::Of(ids).Walk();
  }
  std::vector<CpuId> ids = Difference(pcpuset, pinned);
  std::erase_if(ids, [&](CpuId id) { return !core.Has(id); });
  return PythonSet::Of(ids).Walk();
}

}  // namespace kilonova::hardware
