// SPDX-License-Identifier: Apache-2.0
#include "scheduler/replay/lifetimes.h"

#include <algorithm>
#include <cmath>

namespace kilonova::scheduler::replay {
namespace {

constexpr double kFirst = 1.0 / 1440;  // days: a minute
constexpr double kStepsPerTenfold = 10;
constexpr double kQuantile = 0.5;

}  // namespace

std::size_t Lifetimes::StepOf(double age) {
  if (age <= kFirst) return 0;
  const double step = std::ceil(std::log10(age / kFirst) * kStepsPerTenfold);
  return std::min(kSteps - 1, static_cast<std::size_t>(step));
}

double Lifetimes::EndOf(std::size_t step) {
  return kFirst * std::pow(10.0, static_cast<double>(step) / kStepsPerTenfold);
}

void Lifetimes::Count(Counts& counts, double from, double age) {
  const std::size_t last = StepOf(age);
  for (std::size_t step = StepOf(from); step <= last; ++step) ++counts[step];
}

void Lifetimes::Ended(std::string_view kind, double from, double age) {
  for (Table* table : {&tables_[std::string(kind)], &all_}) {
    Count(table->reached_ended, from, age);
    ++table->ended[StepOf(age)];
    ++table->seen;
  }
}

void Lifetimes::Finish(Table& table, const Counts& reached_running) {
  double left = 1;
  for (std::size_t step = 0; step < kSteps; ++step) {
    const auto reached = static_cast<double>(table.reached_ended[step] + reached_running[step]);
    if (reached > 0) left *= 1 - static_cast<double>(table.ended[step]) / reached;
    table.survival[step] = left;
  }
}

void Lifetimes::Learn(const std::vector<Running>& running) {
  std::map<std::string_view, Counts> reached;
  Counts all{};
  for (const auto& vm : running) {
    Count(reached[vm.kind], vm.from, vm.age);
    Count(all, vm.from, vm.age);
  }
  for (auto& [kind, table] : tables_) Finish(table, reached[kind]);
  Finish(all_, all);
}

double Lifetimes::Remaining(std::string_view kind, double age) const {
  const auto found = tables_.find(kind);
  const Table& table =
      found == tables_.end() || found->second.seen < kFewest ? all_ : found->second;
  if (table.seen < kFewest) return kLongest;
  const std::size_t now = StepOf(age);
  const double here = now == 0 ? 1.0 : table.survival[now - 1];
  if (here <= 0) return std::max(EndOf(now) - age, 0.0);
  for (std::size_t step = now; step < kSteps; ++step) {
    if (table.survival[step] <= here * (1 - kQuantile)) {
      return std::min(std::max(EndOf(step) - age, 0.0), kLongest);
    }
  }
  return kLongest;
}

}  // namespace kilonova::scheduler::replay
