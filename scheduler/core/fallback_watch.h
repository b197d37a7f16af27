// SPDX-License-Identifier: Apache-2.0
// Whether any host may be claimed by the second of Placement's questions about pinned guests
// (engine_impl.h). Hardly ever one may, and to look at every host for each decision takes long: so
// the last answers are kept up with the fleet, host by host as they change. Not thread-safe; the
// engine guards it.
#pragma once

#include <cstdint>
#include <vector>

#include "scheduler/core/fleet.h"

namespace kilonova::scheduler::core {

class FallbackWatch {
 public:
  struct Question {
    Fleet::FootprintId first = 0, second = 0;  // of the two questions
    std::size_t pinned = 0;                    // CPUs, where the rules for NUMA cells want them
    bool judged = false;                       // by those rules
    friend bool operator==(const Question&, const Question&) = default;
  };
  explicit FallbackWatch(Fleet& fleet) : fleet_(fleet) {}

  bool Any(const Question& question);

 private:
  struct Answer {
    Question question;              // whose footprints are held
    std::vector<std::uint8_t> may;  // by host
    std::size_t count = 0;          // of those that may
    std::uint64_t changes = 0;      // of the fleet that are in it
    bool shared = false;            // whether anything was shared then
    std::uint64_t asked = 0;        // the last time
  };
  static constexpr std::size_t kMostAnswers = 32;

  Answer& Of(const Question& question);
  void LookAgain(Answer& answer) const;
  void LookAt(Answer& answer, HostIndex host) const;
  bool May(const Question& question, HostIndex host) const;

  Fleet& fleet_;
  std::vector<Answer> answers_;
  std::uint64_t asked_ = 0;
};

}  // namespace kilonova::scheduler::core
