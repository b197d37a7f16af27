// SPDX-License-Identifier: Apache-2.0
// Providers that share with hosts of aggregates: made by operators, counted by the engine.
#include <algorithm>
#include <utility>

#include "scheduler/core/conductor_impl.h"
#include "scheduler/core/providers/provider.h"

namespace kilonova::scheduler::core {
namespace {

constexpr std::size_t kMostProviders = 1000;
constexpr std::size_t kMostOfOne = 128;  // inventories, traits, aggregates

SharingProvider ForEngine(const SharingProviderRecord& record) {
  SharingProvider provider{record.name, record.inventories, record.traits, {}};
  for (const Uuid& aggregate : record.aggregates) provider.aggregates.push_back(aggregate.str());
  return provider;
}

Status TooMany(std::string_view field) {
  return Error(Code::kInvalidArgument, reason::kInvalidArgument,
               std::string(field) + " are 1 to 128", {{"field", std::string(field)}});
}

}  // namespace

SharingProviderView Conductor::Impl::View(const SharingProviderRecord& record,
                                          const model::Resources& used) {
  SharingProviderView view{record, used, {}};
  for (const auto& [id, aggregate] : aggregates_) {
    if (std::ranges::find(record.aggregates, aggregate.uuid) != record.aggregates.end()) {
      view.aggregates.push_back(aggregate.name);
    }
  }
  std::ranges::sort(view.aggregates);
  return view;
}

Status Conductor::Impl::ShareLoaded(SharingProviderRecord record) {
  RETURN_IF_ERROR(engine_.UpsertSharingProvider(ForEngine(record)));
  traits_.insert(record.traits.begin(), record.traits.end());
  std::string name = record.name;
  sharing_[std::move(name)] = std::move(record);
  return OkStatus();
}

Expected<SharingProviderView> Conductor::Impl::CreateSharingProvider(
    SharingProviderRecord provider, const std::vector<std::string>& aggregates) {
  if (aggregates.empty() || aggregates.size() > kMostOfOne) return TooMany("aggregates");
  if (provider.inventories.size() > kMostOfOne) return TooMany("inventories");
  if (provider.traits.size() > kMostOfOne) return TooMany("traits");
  // What it is for is said by what it is.
  std::erase(provider.traits, std::string(kSharesViaAggregate));
  provider.created_at = clock_.Now();
  const CatalogLock mine(*this);
  {
    absl::MutexLock lock(&mutex_);
    if (sharing_.contains(provider.name)) {
      return Error(Code::kAlreadyExists, reason::kProviderExists,
                   "there is a sharing provider of that name", {{"field", "name"}});
    }
    if (sharing_.size() >= kMostProviders) {
      return Error(Code::kResourceExhausted, reason::kQuotaExceeded,
                   "there are 1000 sharing providers, no more are allowed");
    }
    for (const std::string& name : aggregates) {
      ASSIGN_OR_RETURN(const AggregateRecord* aggregate, FindAggregate(name));
      provider.aggregates.push_back(aggregate->uuid);
    }
  }
  RETURN_IF_ERROR(engine_.UpsertSharingProvider(ForEngine(provider)));
  Change change;
  change.ops.emplace_back(PutSharingProvider{provider});
  change.on_failure.emplace_back(
      [&] { engine_.RemoveSharingProvider(provider.name).IgnoreError(); });
  change.on_commit.emplace_back([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    sharing_[provider.name] = provider;
    traits_.insert(provider.traits.begin(), provider.traits.end());
  });
  RETURN_IF_ERROR(Commit(std::move(change)));
  return GetSharingProvider(provider.name);
}

Expected<SharingProviderView> Conductor::Impl::GetSharingProvider(const std::string& name) {
  const auto all = engine_.SharingProviders();
  const auto found =
      std::ranges::find(all, name, [](const auto& entry) { return entry.first.name; });
  absl::MutexLock lock(&mutex_);
  const auto known = sharing_.find(name);
  if (known == sharing_.end()) {
    return Error(Code::kNotFound, reason::kProviderNotFound, "no such sharing provider",
                 {{"name", name.substr(0, 255)}});
  }
  return View(known->second, found == all.end() ? model::Resources() : found->second);
}

Expected<Page<SharingProviderView>> Conductor::Impl::ListSharingProviders(
    const PageRequest& request) {
  ASSIGN_OR_RETURN(const std::size_t size, PageSize(request));
  std::string after;
  if (!request.page_token.empty()) {
    ASSIGN_OR_RETURN(after, ReadPageToken("sharing_providers", request.page_token));
  }
  std::map<std::string, model::Resources> used;
  for (const auto& [provider, amounts] : engine_.SharingProviders()) {
    used[provider.name] = amounts;
  }
  Page<SharingProviderView> page;
  absl::MutexLock lock(&mutex_);
  for (auto it = sharing_.upper_bound(after); it != sharing_.end(); ++it) {
    if (page.items.size() == size) {
      page.next_page_token = MakePageToken("sharing_providers", page.items.back().record.name);
      break;
    }
    page.items.push_back(View(it->second, used[it->first]));
  }
  return page;
}

Status Conductor::Impl::DeleteSharingProvider(const std::string& name) {
  const CatalogLock mine(*this);
  SharingProvider provider;
  {
    absl::MutexLock lock(&mutex_);
    const auto known = sharing_.find(name);
    if (known != sharing_.end()) provider = ForEngine(known->second);
  }
  // From here on nothing is claimed of it any more.
  RETURN_IF_ERROR(engine_.RemoveSharingProvider(name));
  Change change;
  change.ops.emplace_back(DropSharingProvider{name});
  change.on_failure.emplace_back([&] { engine_.UpsertSharingProvider(provider).IgnoreError(); });
  change.on_commit.emplace_back([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { sharing_.erase(name); });
  return Commit(std::move(change));
}

}  // namespace kilonova::scheduler::core
