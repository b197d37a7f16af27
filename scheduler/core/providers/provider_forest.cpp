// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "scheduler/core/providers/candidate_search.h"

namespace kilonova::scheduler::core {
namespace {

bool HaveCommon(const std::set<std::string>& a, const std::set<std::string>& b) {
  return std::ranges::any_of(a, [&](const std::string& text) { return b.contains(text); });
}

}  // namespace

ProviderForest::ProviderForest(std::span<const Provider> providers) : providers_(providers) {
  for (const Provider& provider : providers) {
    parent_.push_back(provider.parent.empty() ? kNone : Find(provider.parent));
  }
  for (std::size_t i = 0; i < providers.size(); ++i) {
    std::size_t root = i;
    // A parent that is not there makes a root; a circle ends at some provider of it.
    for (std::size_t steps = 0; parent_[root] != kNone && steps < providers.size(); ++steps) {
      root = parent_[root];
    }
    root_.push_back(root);
    if (providers[i].traits.contains(kSharesViaAggregate)) sharing_.push_back(i);
  }
}

std::size_t ProviderForest::Find(std::string_view uuid) const {
  const auto found = std::ranges::find(providers_, uuid, &Provider::uuid);
  return found == providers_.end() ? kNone : static_cast<std::size_t>(found - providers_.begin());
}

std::vector<std::size_t> ProviderForest::Roots() const {
  std::vector<std::size_t> roots;
  for (std::size_t i = 0; i < root_.size(); ++i) {
    if (root_[i] == i) roots.push_back(i);
  }
  return roots;
}

std::vector<std::size_t> ProviderForest::ServingProviders(std::size_t root) const {
  std::vector<std::size_t> serving{root};
  for (std::size_t i = 0; i < root_.size(); ++i) {
    if (i != root && root_[i] == root) serving.push_back(i);
  }
  const std::size_t own = serving.size();
  for (const std::size_t sharing : sharing_) {
    if (root_[sharing] == root) continue;
    const bool shares = std::any_of(
        serving.begin(), serving.begin() + static_cast<std::ptrdiff_t>(own),
        [&](std::size_t i) { return HaveCommon(at(i).aggregates, at(sharing).aggregates); });
    if (shares) serving.push_back(sharing);
  }
  return serving;
}

bool ProviderForest::IsAncestorOrSelf(std::size_t ancestor, std::size_t provider) const {
  for (std::size_t steps = 0; provider != kNone && steps <= providers_.size(); ++steps) {
    if (provider == ancestor) return true;
    provider = parent_[provider];
  }
  return false;
}

}  // namespace kilonova::scheduler::core
