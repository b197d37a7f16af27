// SPDX-License-Identifier: Apache-2.0
// The search behind AllocationCandidates: one anchor at a time, a provider is chosen for every slot
// of the request, and what no choice can repair is cut off early.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/core/providers/allocation_candidates.h"

namespace kilonova::scheduler::core {

// Who is nested in whom, and who shares with whom, by index into the providers.
class ProviderForest {
 public:
  static constexpr std::size_t kNone = SIZE_MAX;
  explicit ProviderForest(std::span<const Provider> providers);

  std::span<const Provider> providers() const { return providers_; }
  const Provider& at(std::size_t provider) const { return providers_[provider]; }
  std::size_t RootOf(std::size_t provider) const { return root_[provider]; }
  std::size_t Find(std::string_view uuid) const;  // kNone
  std::vector<std::size_t> Roots() const;
  // The tree of `root`, root first, then those of other trees that share with it.
  std::vector<std::size_t> ServingProviders(std::size_t root) const;
  bool IsAncestorOrSelf(std::size_t ancestor, std::size_t provider) const;

 private:
  std::span<const Provider> providers_;
  std::vector<std::size_t> parent_, root_, sharing_;
};

class CandidateSearch {
 public:
  CandidateSearch(const ProviderForest& forest, const ResourceRequest& request);
  // Appends what can be anchored at `root` until there are `limit`; leaves out what is there.
  void Search(std::size_t root, std::size_t limit, std::vector<AllocationCandidate>& found);

 private:
  // What one provider serves together: a suffixed group, or one class of the unsuffixed.
  struct Slot {
    std::size_t group = 0;
    std::vector<std::pair<std::string_view, std::int64_t>> resources;
    std::vector<std::size_t> providers;  // that could, each alone
  };

  bool RootQualifies(const Provider& root) const;
  bool Serves(const Slot& slot, const RequestGroup& group, std::size_t provider,
              std::size_t root) const;
  bool MayChoose(std::size_t slot, std::size_t provider) const;
  void Choose(std::size_t slot);
  bool TraitsTogether(std::size_t group) const;
  bool SubtreesHold() const;
  void Add();

  const ProviderForest& forest_;
  const ResourceRequest& request_;
  std::vector<std::size_t> in_tree_;  // root per group; kNone = any
  bool impossible_ = false;           // an in_tree names nobody
  std::vector<Slot> slots_;
  std::size_t root_ = 0;
  std::size_t limit_ = 0;
  std::size_t steps_ = 0;
  std::vector<std::size_t> chosen_;  // per slot, so far
  std::vector<AllocationCandidate>* found_ = nullptr;
};

}  // namespace kilonova::scheduler::core
