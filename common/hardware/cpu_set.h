// SPDX-License-Identifier: Apache-2.0
// A set of CPU ids, of a guest's or a host's, and Nova's text for it.
//
//   ASSIGN_OR_RETURN(const CpuSet cpus, ParseCpuSpec("0-7,^3"));
//   FormatCpuSpec(cpus);  // "0-2,4-7"
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"

namespace kilonova::hardware {

using CpuId = std::int32_t;
// The largest id a set may hold. Nova has no bound; no machine has as many.
inline constexpr CpuId kMaxCpuId = 65535;

// One bit per id; sets of ids below 256 allocate nothing.
class CpuSet {
 public:
  CpuSet() = default;
  CpuSet(std::initializer_list<CpuId> cpus);
  explicit CpuSet(const std::vector<CpuId>& cpus);
  // first..last, both included; empty when last < first.
  static CpuSet Range(CpuId first, CpuId last);

  // 0 <= cpu <= kMaxCpuId, or it aborts.
  void Add(CpuId cpu);
  void Remove(CpuId cpu);
  bool Has(CpuId cpu) const;
  bool Empty() const;
  std::size_t Size() const;
  std::vector<CpuId> ToVector() const;                 // ascending
  std::size_t CountCommon(const CpuSet& other) const;  // (*this & other).Size()
  bool Includes(const CpuSet& other) const;
  bool Intersects(const CpuSet& other) const;

  CpuSet& operator|=(const CpuSet& other);
  CpuSet& operator&=(const CpuSet& other);
  CpuSet& operator-=(const CpuSet& other);
  friend CpuSet operator|(CpuSet a, const CpuSet& b) { return a |= b; }
  friend CpuSet operator&(CpuSet a, const CpuSet& b) { return a &= b; }
  friend CpuSet operator-(CpuSet a, const CpuSet& b) { return a -= b; }
  friend bool operator==(const CpuSet&, const CpuSet&) = default;

  // Calls visit(CpuId) for each id, ascending.
  template <class Visit>
  void ForEach(Visit visit) const {
    for (std::size_t i = 0; i < Words(); ++i) {
      for (std::uint64_t word = Word(i); word != 0; word &= word - 1) {
        visit(static_cast<CpuId>(i * 64 + static_cast<std::size_t>(__builtin_ctzll(word))));
      }
    }
  }

 private:
  static constexpr std::size_t kLow = 4;

  std::size_t Words() const { return kLow + high_.size(); }
  std::uint64_t Word(std::size_t i) const { return i < kLow ? low_[i] : high_[i - kLow]; }
  std::uint64_t& Word(std::size_t i) { return i < kLow ? low_[i] : high_[i - kLow]; }
  void Trim();

  std::array<std::uint64_t, kLow> low_{};
  std::vector<std::uint64_t> high_;  // ids from 256 on; its last word is never zero
};

// "0-3,^1, 6": ids, ranges, and exclusions, which win wherever they stand; empty pieces are passed
// over. INVALID_ARGUMENT with nova_exception Invalid for anything else and for ids over kMaxCpuId.
Expected<CpuSet> ParseCpuSpec(std::string_view spec);

enum class CpuSpecForm { kRanges, kList };  // "0-2,4" or "0,1,2,4"
std::string FormatCpuSpec(const CpuSet& cpus, CpuSpecForm form = CpuSpecForm::kRanges);

}  // namespace kilonova::hardware
