// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core/fallback_watch.h"

#include <algorithm>

namespace kilonova::scheduler::core {

bool FallbackWatch::Any(const Question& question) {
  Answer& answer = Of(question);
  answer.asked = ++asked_;
  const std::uint64_t now = fleet_.ChangeCount();
  const bool shared = fleet_.provider_trees().AnyShared();
  if (answer.may.empty() || shared != answer.shared || now - answer.changes > Fleet::kChangesKept) {
    answer.shared = shared;
    LookAgain(answer);
  } else {
    for (std::uint64_t at = answer.changes; at < now; ++at) LookAt(answer, fleet_.ChangedAt(at));
  }
  answer.changes = now;
  return answer.count > 0;
}

FallbackWatch::Answer& FallbackWatch::Of(const Question& question) {
  const auto known = std::ranges::find(answers_, question, &Answer::question);
  if (known != answers_.end()) return *known;
  if (answers_.size() == kMostAnswers) {
    const auto oldest = std::ranges::min_element(answers_, {}, &Answer::asked);
    fleet_.ReleaseFootprint(oldest->question.first);
    fleet_.ReleaseFootprint(oldest->question.second);
    answers_.erase(oldest);
  }
  fleet_.Retain(question.first);
  fleet_.Retain(question.second);
  return answers_.emplace_back(Answer{.question = question});
}

void FallbackWatch::LookAgain(Answer& answer) const {
  answer.may.assign(fleet_.Slots(), 0);
  answer.count = 0;
  for (HostIndex host = 0; host < fleet_.Slots(); ++host) LookAt(answer, host);
}

void FallbackWatch::LookAt(Answer& answer, HostIndex host) const {
  if (host >= answer.may.size()) answer.may.resize(fleet_.Slots());
  const bool may = May(answer.question, host);
  answer.count += may ? 1 : 0;
  answer.count -= answer.may[host];
  answer.may[host] = may ? 1 : 0;
}

bool FallbackWatch::May(const Question& question, HostIndex host) const {
  if (!fleet_.Present(host) || fleet_.Fits(host, fleet_.FootprintAt(question.first))) return false;
  const ProviderTrees& trees = fleet_.provider_trees();
  if (!fleet_.Fits(host, fleet_.FootprintAt(question.second)) && !trees.Has(host) &&
      !trees.AnyShared()) {
    return false;
  }
  if (!question.judged) return true;
  const HostHardware* hardware = fleet_.Record(host).hardware.get();
  if (hardware == nullptr || hardware->numa() == nullptr) return false;
  std::size_t free = 0;
  for (const hardware::HostNumaCell& cell : hardware->numa()->cells) free += cell.FreePcpuCount();
  return free >= question.pinned;
}

}  // namespace kilonova::scheduler::core
