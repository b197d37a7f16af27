// SPDX-License-Identifier: Apache-2.0
#include "common/hardware/cpu_set.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "common/base/python_text.h"
#include "common/hardware/errors.h"

namespace kilonova::hardware {
namespace {

constexpr std::size_t kBits = 64;

std::size_t WordOf(CpuId cpu) { return static_cast<std::size_t>(cpu) / kBits; }
std::uint64_t BitOf(CpuId cpu) { return std::uint64_t{1} << (static_cast<unsigned>(cpu) % kBits); }

// What std::popcount does: without the POPCNT instruction that is a call for each word.
int CountBits(std::uint64_t word) {
  if (word == 0) return 0;
  word -= (word >> 1U) & 0x5555555555555555U;
  word = (word & 0x3333333333333333U) + ((word >> 2U) & 0x3333333333333333U);
  word = (word + (word >> 4U)) & 0x0F0F0F0F0F0F0F0FU;
  return static_cast<int>((word * 0x0101010101010101U) >> 56U);
}

struct Rule {
  bool excludes = false;
  CpuId first = 0;
  CpuId last = 0;
};

std::optional<CpuId> IdFrom(std::string_view text) {
  const auto number = PyInt(text);
  if (!number || *number < 0 || *number > kMaxCpuId) return std::nullopt;
  return static_cast<CpuId>(*number);
}

// One piece between commas, stripped and not empty.
std::optional<Rule> RuleFrom(std::string_view piece) {
  Rule rule;
  rule.excludes = piece.front() == '^';
  if (rule.excludes) piece.remove_prefix(1);
  const std::size_t dash = piece.find('-');
  const auto first = IdFrom(piece.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : IdFrom(piece.substr(dash + 1));
  if (!first || !last || *first > *last) return std::nullopt;
  rule.first = *first;
  rule.last = *last;
  return rule;
}

}  // namespace

CpuSet::CpuSet(std::initializer_list<CpuId> cpus) {
  for (const CpuId cpu : cpus) Add(cpu);
}

CpuSet::CpuSet(const std::vector<CpuId>& cpus) {
  for (const CpuId cpu : cpus) Add(cpu);
}

CpuSet CpuSet::Range(CpuId first, CpuId last) {
  CpuSet set;
  for (CpuId cpu = first; cpu <= last; ++cpu) set.Add(cpu);
  return set;
}

void CpuSet::Add(CpuId cpu) {
  if (cpu < 0 || cpu > kMaxCpuId) std::abort();
  if (WordOf(cpu) >= Words()) high_.resize(WordOf(cpu) + 1 - kLow);
  Word(WordOf(cpu)) |= BitOf(cpu);
}

void CpuSet::Remove(CpuId cpu) {
  if (!Has(cpu)) return;
  Word(WordOf(cpu)) &= ~BitOf(cpu);
  Trim();
}

bool CpuSet::Has(CpuId cpu) const {
  return cpu >= 0 && WordOf(cpu) < Words() && (Word(WordOf(cpu)) & BitOf(cpu)) != 0;
}

bool CpuSet::Empty() const {
  return high_.empty() && std::ranges::all_of(low_, [](std::uint64_t word) { return word == 0; });
}

std::size_t CpuSet::Size() const {
  int size = 0;
  for (std::size_t i = 0; i < Words(); ++i) size += CountBits(Word(i));
  return static_cast<std::size_t>(size);
}

std::vector<CpuId> CpuSet::ToVector() const {
  std::vector<CpuId> cpus;
  cpus.reserve(Size());
  ForEach([&cpus](CpuId cpu) { cpus.push_back(cpu); });
  return cpus;
}

std::size_t CpuSet::CountCommon(const CpuSet& other) const {
  int count = 0;
  for (std::size_t i = 0; i < std::min(Words(), other.Words()); ++i) {
    count += CountBits(Word(i) & other.Word(i));
  }
  return static_cast<std::size_t>(count);
}

bool CpuSet::Includes(const CpuSet& other) const {
  if (other.Words() > Words()) return false;
  for (std::size_t i = 0; i < other.Words(); ++i) {
    if ((other.Word(i) & ~Word(i)) != 0) return false;
  }
  return true;
}

bool CpuSet::Intersects(const CpuSet& other) const {
  for (std::size_t i = 0; i < std::min(Words(), other.Words()); ++i) {
    if ((Word(i) & other.Word(i)) != 0) return true;
  }
  return false;
}

CpuSet& CpuSet::operator|=(const CpuSet& other) {
  if (high_.size() < other.high_.size()) high_.resize(other.high_.size());
  for (std::size_t i = 0; i < other.Words(); ++i) Word(i) |= other.Word(i);
  return *this;
}

CpuSet& CpuSet::operator&=(const CpuSet& other) {
  if (high_.size() > other.high_.size()) high_.resize(other.high_.size());
  for (std::size_t i = 0; i < Words(); ++i) Word(i) &= other.Word(i);
  Trim();
  return *this;
}

CpuSet& CpuSet::operator-=(const CpuSet& other) {
  for (std::size_t i = 0; i < std::min(Words(), other.Words()); ++i) Word(i) &= ~other.Word(i);
  Trim();
  return *this;
}

void CpuSet::Trim() {
  while (!high_.empty() && high_.back() == 0) high_.pop_back();
}

Expected<CpuSet> ParseCpuSpec(std::string_view spec) {
  CpuSet included;
  CpuSet excluded;
  for (std::string_view piece : PySplitComma(spec)) {
    piece = PyStrip(piece);
    if (piece.empty()) continue;
    const auto rule = RuleFrom(piece);
    if (!rule) {
      return Error(Code::kInvalidArgument, reason::kInvalidArgument,
                   "'" + std::string(piece) + "' is no CPU id, range or exclusion",
                   {{kNovaException, "Invalid"}, {"field", "cpus"}});
    }
    (rule->excludes ? excluded : included) |= CpuSet::Range(rule->first, rule->last);
  }
  return included -= excluded;
}

std::string FormatCpuSpec(const CpuSet& cpus, CpuSpecForm form) {
  std::string text;
  const auto append = [&text](CpuId first, CpuId last) {
    if (!text.empty()) text += ',';
    text += std::to_string(first);
    if (last != first) text += '-' + std::to_string(last);
  };
  std::optional<std::pair<CpuId, CpuId>> run;
  cpus.ForEach([&](CpuId cpu) {
    if (run && form == CpuSpecForm::kRanges && run->second + 1 == cpu) {
      run->second = cpu;
      return;
    }
    if (run) append(run->first, run->second);
    run.emplace(cpu, cpu);
  });
  if (run) append(run->first, run->second);
  return text;
}

}  // namespace kilonova::hardware
