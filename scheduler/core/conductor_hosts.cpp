// SPDX-License-Identifier: Apache-2.0
// Hosts: what the engine is told of them, what operators see and set; what time brings.
#include <algorithm>
#include <utility>

#include "common/base/log.h"
#include "common/hardware/reported.h"
#include "scheduler/core/conductor_impl.h"
#include "scheduler/core/validate.h"

namespace kilonova::scheduler::core {
namespace {

Status NoHost(const std::string& host) {
  return Error(Code::kNotFound, reason::kHostNotFound,
               IsValidHostName(host) ? "no host " + host : std::string("no such host"));
}

std::vector<hardware::PciDevicePool> PoolsOf(const std::vector<model::PciPool>& reported) {
  std::vector<hardware::PciDevicePool> pools;
  for (const model::PciPool& from : reported) {
    hardware::PciDevicePool& pool = pools.emplace_back();
    pool.vendor_id = from.vendor_id;
    pool.product_id = from.product_id;
    if (from.numa_node >= 0) pool.numa_node = from.numa_node;
    pool.count = from.count;
    pool.tags.insert(from.tags.begin(), from.tags.end());
  }
  return pools;
}

}  // namespace

HostKindPtr Conductor::Impl::Shared(HostKindPtr kind) {
  auto [mine, fresh] = kinds_.Shared(std::move(kind));
  if (fresh) traits_.insert(mine->traits.begin(), mine->traits.end());
  return std::move(mine);
}

void Conductor::Impl::SetRow(Host& host, HostRow row) {
  host.row = std::move(row);
  host.kind = Shared(HostKinds::Taken(host.row.report));
}

HostRow Conductor::Impl::WholeRow(const Host& host) {
  HostRow row = host.row;
  HostKinds::PutBack(*host.kind, row.report);
  return row;
}

Status Conductor::Impl::TellEngine(const Host& host) {
  const model::HostReport& report = host.row.report;
  HostState state;
  state.host = host.row.name;
  state.node = report.hypervisor_hostname;
  state.up = host.up();
  state.availability_zone = report.availability_zone;
  state.aggregates = AggregatesOf(host.row.name);
  state.stats = report.stats;
  // Said among them, and no stat in Nova.
  if (auto address = state.stats.extract("host_ip"); !address.empty()) {
    state.host_ip = std::move(address.mapped());
  }
  state.inventories = report.inventories;
  state.kind = host.kind;
  state.nested = report.nested;
  state.hypervisor_type = report.hypervisor_type;
  state.hypervisor_version = report.hypervisor_version;
  if (report.free_disk_gb > 0) state.disk_available_least = report.free_disk_gb;
  if (!report.numa_cells.empty()) {
    ASSIGN_OR_RETURN(state.numa_topology, hardware::FromReport(report.numa_cells));
  }
  state.pci_device_pools = PoolsOf(report.pci_pools);
  state.measured = host.measured;
  RETURN_IF_ERROR(engine_.UpsertHost(state));
  for (const model::NestedProvider& nested : report.nested) {
    traits_.insert(nested.traits.begin(), nested.traits.end());
  }
  zones_.Set(host.row.name, ZoneOfHost(host), report.availability_zone, host.row.enabled);
  RETURN_IF_ERROR(engine_.SetHostUp(host.row.name, host.up()));
  // A host that says it is not well takes nothing new, whatever the operator set.
  std::string why = host.row.disabled_reason;
  for (const std::string& reason : report.degraded) {
    why += (why.empty() ? "degraded: " : ", degraded: ") + reason;
  }
  return engine_.SetHostEnabled(host.row.name, host.row.enabled && report.degraded.empty(), why);
}

bool Conductor::Impl::HostIsUp(const std::string& host) {
  const auto found = hosts_.find(host);
  return found != hosts_.end() && found->second.up() && found->second.row.enabled &&
         found->second.row.report.degraded.empty();
}

void Conductor::Impl::Tick() {
  const SteadyTime now = clock_.Steady();
  bool prune = false;
  {
    absl::MutexLock lock(&mutex_);
    for (auto& [name, host] : hosts_) {
      if (host.up() && host.session.lease_until < now) TakeDown(host, "lease ran out");
    }
    if (now >= next_prune_) {
      next_prune_ = now + std::chrono::minutes(1);
      prune = true;
    }
  }
  outbox_.Tick();
  if (!prune) return;
  const WallTime before = clock_.Now() - options_.retention;
  bool again = true;
  for (int round = 0; again && round < 50; ++round) {
    const auto pruned = store_.Commit({Prune{before}});
    if (!pruned.ok()) {
      LogWarn("old rows not pruned", {F("error", pruned.status())});
      return;
    }
    hub_.SetPrunedThrough(pruned->pruned_through);
    again = pruned->prune_again;
  }
  absl::MutexLock lock(&mutex_);
  if (again) {
    next_prune_ = now;  // the rest with the next tick
    return;
  }
  // Only now that the store has forgotten them all: an id that it still held would be refused.
  const std::uint32_t old = SecondsOf(before);
  absl::erase_if(answered_, [&](const auto& entry) { return entry.second < old; });
}

// ---- operators

HostView Conductor::Impl::View(const Host& host) {
  HostView view;
  view.row = WholeRow(host);
  view.row.report.availability_zone = ZoneOfHost(host);
  for (const Aggregate& aggregate : AggregatesOf(host.row.name)) {
    view.aggregates.push_back(aggregate.name);
  }
  std::ranges::sort(view.aggregates);
  view.up = host.up();
  view.counters = host.session.counters;
  if (const auto known = engine_.GetHost(host.row.name)) {
    view.used = known->used;
    view.claimed_instances = known->claimed_instances;
  }
  return view;
}

Expected<HostView> Conductor::Impl::GetHost(const std::string& host) {
  absl::MutexLock lock(&mutex_);
  const auto found = hosts_.find(host);
  if (found == hosts_.end()) return NoHost(host);
  return View(found->second);
}

Expected<Page<HostView>> Conductor::Impl::ListHosts(const PageRequest& request) {
  ASSIGN_OR_RETURN(const std::size_t size, PageSize(request));
  std::string after;
  if (!request.page_token.empty()) {
    ASSIGN_OR_RETURN(after, ReadPageToken("hosts", request.page_token));
  }
  Page<HostView> page;
  absl::MutexLock lock(&mutex_);
  auto it = hosts_.upper_bound(after);
  for (; it != hosts_.end() && page.items.size() < size; ++it)
    page.items.push_back(View(it->second));
  if (it != hosts_.end()) {
    page.next_page_token = MakePageToken("hosts", page.items.back().row.name);
  }
  return page;
}

Expected<HostView> Conductor::Impl::SetEnabled(const std::string& name, bool enabled,
                                               const std::string& reason) {
  {
    absl::MutexLock lock(&mutex_);
    if (!hosts_.contains(name)) return NoHost(name);
  }
  Change change;
  change.ops.emplace_back(SetHostEnabled{name, enabled, reason});
  Status told;
  change.on_commit.emplace_back([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    Host& host = hosts_.at(name);
    host.row.enabled = enabled;
    host.row.disabled_reason = reason;
    told = TellEngine(host);
  });
  RETURN_IF_ERROR(Commit(std::move(change)));
  RETURN_IF_ERROR(told);
  LogInfo(enabled ? "host enabled" : "host disabled", {F("host", name), F("reason", reason)});
  return GetHost(name);
}

}  // namespace kilonova::scheduler::core
