// SPDX-License-Identifier: Apache-2.0
// How long VMs live, learned from those seen so far: per kind of VM a survival table over ages,
// which also counts VMs that still live (they are known to have lived that long).
//
//   Lifetimes lifetimes;
//   lifetimes.Ended("c200-m7168", 0, 0.02);            // lived from age 0 to 0.02 days
//   lifetimes.Learn({{"c200-m7168", 0, 3.5}, ...});    // still running; now and then
//   lifetimes.Remaining("c200-m7168", 0.5);            // days it will still live, more or less
//
// Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace kilonova::scheduler::replay {

class Lifetimes {
 public:
  // Ages are days. `from` is the age at which the VM was first seen, 0 for one that was seen start.
  struct Running {
    std::string_view kind;
    double from = 0, age = 0;
  };

  void Ended(std::string_view kind, double from, double age);
  // Makes the tables anew out of all that ended and these, which have not.
  void Learn(const std::vector<Running>& running);
  // The age that half of the VMs of this kind which reach `age` do not outlive, less `age`;
  // kLongest when fewer are known to end, or when nothing is known. Kinds seen fewer than
  // kFewest times are taken as all VMs are.
  double Remaining(std::string_view kind, double age) const;

  static constexpr double kLongest = 90;  // days
  static constexpr std::int64_t kFewest = 50;

 private:
  // Ages in steps of a factor of about 1.26, from 1 minute to beyond kLongest.
  static constexpr std::size_t kSteps = 56;
  using Counts = std::array<std::int64_t, kSteps>;
  struct Table {
    Counts ended{}, reached_ended{};  // of VMs that ended: how many in, how many got to, each step
    std::array<double, kSteps> survival{};  // share that lives past the step's end
    std::int64_t seen = 0;
  };

  static std::size_t StepOf(double age);
  static double EndOf(std::size_t step);
  static void Count(Counts& counts, double from, double age);
  static void Finish(Table& table, const Counts& reached_running);

  std::map<std::string, Table, std::less<>> tables_;
  Table all_;
};

}  // namespace kilonova::scheduler::replay
