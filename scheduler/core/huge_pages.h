// SPDX-License-Identifier: Apache-2.0
// An allocator for arrays that are read here and there: large ones are asked to be on pages of
// 2 MiB, so that the processor finds their addresses without a walk through the page tables.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <memory>
#include <new>

namespace kilonova::scheduler::core {

template <class T>
class HugePages {
 public:
  using value_type = T;
  HugePages() = default;
  template <class U>
  HugePages(const HugePages<U>& /*other*/) {}  // NOLINT(google-explicit-constructor)

  T* allocate(std::size_t count) {
    if (!IsLarge(count)) return std::allocator<T>().allocate(count);
    void* const place = ::operator new(count * sizeof(T), kHuge);
    // A kernel that will not leaves small pages, which do as well.
    static_cast<void>(madvise(place, count * sizeof(T), MADV_HUGEPAGE));
    return static_cast<T*>(place);
  }
  void deallocate(T* place, std::size_t count) {
    if (!IsLarge(count)) {
      std::allocator<T>().deallocate(place, count);
    } else {
      ::operator delete(place, kHuge);
    }
  }
  template <class U>
  bool operator==(const HugePages<U>& /*other*/) const {
    return true;
  }

 private:
  static constexpr std::align_val_t kHuge{std::size_t{2} << 20U};
  // Below, the rest of the last page would cost more than the pages gain.
  static bool IsLarge(std::size_t count) { return count > (std::size_t{2} << 20U) / sizeof(T); }
};

}  // namespace kilonova::scheduler::core
