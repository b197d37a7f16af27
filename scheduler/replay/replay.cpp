// SPDX-License-Identifier: Apache-2.0
#include "scheduler/replay/replay.h"

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/container/node_hash_set.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <optional>
#include <queue>

#include "scheduler/core/engine.h"
#include "scheduler/filters/filters.h"
#include "scheduler/replay/host_exits.h"
#include "scheduler/replay/lifetime_weigher.h"
#include "scheduler/weighers/weighers.h"

namespace kilonova::scheduler::replay {
namespace {

constexpr double kSampleEvery = 1.0 / 24;  // days
constexpr double kLearnEvery = 0.5;
// Beside a packing weigher of multiplier 1: the lifetimes decide, packing among equals.
constexpr double kLifetimeMultiplier = 8;

struct PolicyName {
  Policy policy;
  std::string_view name;
};
constexpr std::array kPolicies = {
    PolicyName{Policy::kSpread, "spread"},
    PolicyName{Policy::kBestFit, "best-fit"},
    PolicyName{Policy::kBalance, "balance"},
    PolicyName{Policy::kLifetime, "lifetime"},
};

Status Invalid(std::string_view field, std::string_view why) {
  return Error(Code::kInvalidArgument, reason::kInvalidArgument, why,
               {{"field", std::string(field)}});
}

Expected<core::Pipeline> MakePipeline(Policy policy, const HostExits& exits) {
  std::vector<std::string> names = weighers::DefaultWeighers();
  weighers::WeigherOptions options;
  if (policy == Policy::kBestFit) {
    options.multipliers = {{"ram_weight_multiplier", -1.0}, {"cpu_weight_multiplier", -1.0}};
  } else if (policy != Policy::kSpread) {
    names = {"BalanceWeigher"};
  }
  core::Pipeline pipeline;
  ASSIGN_OR_RETURN(pipeline.filters, filters::MakeFilters({"ComputeFilter"}, {}));
  ASSIGN_OR_RETURN(pipeline.weighers, weighers::MakeWeighers(names, options));
  if (policy == Policy::kLifetime) {
    pipeline.weighers.push_back(MakeLifetimeWeigher(exits, kLifetimeMultiplier));
  }
  return pipeline;
}

core::HostState MakeHost(std::int64_t number, const HostSize& size) {
  core::HostState host;
  host.host = "host-" + std::to_string(number);
  host.up = true;
  model::Inventory cpus;
  cpus.total = size.centicores;
  model::Inventory memory;
  memory.total = size.memory_mb;
  host.inventories = {{std::string(model::kVcpu), cpus}, {std::string(model::kMemoryMb), memory}};
  return host;
}

Uuid NumberedUuid(std::uint32_t number) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "00000000-0000-4000-8000-%012x", number);
  return Uuid::Parse(text.data()).value();
}

std::size_t ClassOf(std::int64_t centicores) {
  if (centicores < 400) return 0;
  if (centicores < 800) return 1;
  return centicores < 1'600 ? 2 : 3;
}

class Run {
 public:
  Run(const std::vector<TraceVm>& vms, const ReplayOptions& options)
      : vms_(vms),
        options_(options),
        hosts_(static_cast<std::size_t>(options.hosts)),
        exits_(lifetimes_, hosts_.size()) {
    for (const auto& vm : vms) {
      demand_.centicores += static_cast<double>(vm.centicores);
      demand_.memory_mb += static_cast<double>(vm.memory_mb);
    }
  }

  Expected<ReplayResult> All() {
    ASSIGN_OR_RETURN(core::Pipeline pipeline, MakePipeline(options_.policy, exits_));
    engine_.emplace(std::move(pipeline));
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
      const core::HostState host = MakeHost(static_cast<std::int64_t>(i), options_.host);
      RETURN_IF_ERROR(engine_->UpsertHost(host));
      by_name_.emplace(host.host, static_cast<core::HostIndex>(i));
    }
    next_sample_ = options_.from_day;
    for (std::uint32_t i = 0; i < vms_.size() && vms_[i].start < options_.to_day; ++i) {
      AdvanceTo(vms_[i].start);
      RETURN_IF_ERROR(Place(i));
    }
    AdvanceTo(options_.to_day);
    Average();
    return result_;
  }

 private:
  struct Host {
    std::int64_t centicores = 0, memory_mb = 0, vms = 0;  // in use
  };
  struct Ending {
    double at;
    std::uint32_t vm;
    core::HostIndex host;
    bool operator>(const Ending& other) const {
      return at != other.at ? at > other.at : vm > other.vm;
    }
  };

  // What is due until then, in the order of time.
  void AdvanceTo(double time) {
    while (true) {
      const double ends = endings_.empty() ? kNever : endings_.top().at;
      const double next = std::min({ends, next_sample_, next_learning_});
      if (next > time) return;
      if (ends == next) {
        End(endings_.top());
        endings_.pop();
      } else if (next_learning_ == next) {
        Learn(next);
        next_learning_ += kLearnEvery;
      } else {
        Sample();
        next_sample_ += kSampleEvery;
        if (next_sample_ > options_.to_day) next_sample_ = kNever;
      }
    }
  }

  const std::string* KindOf(const TraceVm& vm) {
    return &*kinds_
                 .insert("c" + std::to_string(vm.centicores) + "-m" + std::to_string(vm.memory_mb) +
                         (vm.low_priority ? "-low" : ""))
                 .first;
  }

  Status Place(std::uint32_t number) {
    const TraceVm& vm = vms_[number];
    // Nothing is known of what happened before the trace but that the VM started then.
    exits_.SetNow(std::max(vm.start, 0.0));
    core::PlacementRequest request;
    request.flavor.flavorid = request.flavor.name = *KindOf(vm);
    request.flavor.vcpus = vm.centicores;
    request.flavor.memory_mb = vm.memory_mb;
    request.instances = {NumberedUuid(number)};
    const auto begin = std::chrono::steady_clock::now();
    const auto placed = engine_->Place(request, {.alternates = 0});
    const auto took = std::chrono::steady_clock::now() - begin;
    RETURN_IF_ERROR(placed.status());
    result_.seconds += std::chrono::duration<double>(took).count();
    ++result_.decisions;
    const auto centicores = static_cast<double>(vm.centicores);
    const bool counts = vm.start >= options_.from_day;
    if (counts) result_.asked_centicores += centicores;
    if (!placed->placed()) {
      ++result_.refused;
      if (counts) {
        result_.refused_centicores += centicores;
        result_.refused_by_class[ClassOf(vm.centicores)] += centicores;
      }
      return OkStatus();
    }
    engine_->BuildFinished(request.instances[0]);
    const core::HostIndex at = by_name_.at(placed->selections[0].chosen.host);
    Host& host = hosts_[at];
    host.centicores += vm.centicores;
    host.memory_mb += vm.memory_mb;
    ++host.vms;
    endings_.push({vm.end, number, at});
    if (options_.policy == Policy::kLifetime) {
      exits_.Add(at, number, KindOf(vm), vm.start);
      running_.insert(number);
    }
    return OkStatus();
  }

  void End(const Ending& ending) {
    const TraceVm& vm = vms_[ending.vm];
    engine_->Release(NumberedUuid(ending.vm));
    Host& host = hosts_[ending.host];
    host.centicores -= vm.centicores;
    host.memory_mb -= vm.memory_mb;
    --host.vms;
    if (options_.policy != Policy::kLifetime) return;
    exits_.SetNow(std::max(ending.at, 0.0));
    exits_.Remove(ending.host, ending.vm);
    running_.erase(ending.vm);
    lifetimes_.Ended(*KindOf(vm), FirstSeen(vm), vm.end - vm.start);
  }

  static double FirstSeen(const TraceVm& vm) { return std::max(-vm.start, 0.0); }

  void Learn(double now) {
    if (options_.policy != Policy::kLifetime) return;
    std::vector<Lifetimes::Running> running;
    running.reserve(running_.size());
    for (const std::uint32_t number : running_) {
      const TraceVm& vm = vms_[number];
      running.push_back({*KindOf(vm), FirstSeen(vm), now - vm.start});
    }
    lifetimes_.Learn(running);
  }

  void Sample() {
    double empty = 0;
    Demand used;
    double stranded_centicores = 0;
    double stranded_mb = 0;
    const double mb_per_centicore = demand_.memory_mb / std::max(demand_.centicores, 1.0);
    for (const Host& host : hosts_) {
      if (host.vms == 0) {
        ++empty;
        continue;
      }
      used.centicores += static_cast<double>(host.centicores);
      used.memory_mb += static_cast<double>(host.memory_mb);
      const auto free = static_cast<double>(options_.host.centicores - host.centicores);
      const auto free_mb = static_cast<double>(options_.host.memory_mb - host.memory_mb);
      stranded_centicores += std::max(0.0, free - free_mb / mb_per_centicore);
      stranded_mb += std::max(0.0, free_mb - free * mb_per_centicore);
    }
    const auto count = static_cast<double>(hosts_.size());
    const double busy = std::max(count - empty, 1.0);
    result_.empty_hosts += empty / count;
    result_.cpu_density += used.centicores / (busy * static_cast<double>(options_.host.centicores));
    result_.memory_density +=
        used.memory_mb / (busy * static_cast<double>(options_.host.memory_mb));
    result_.stranded_cores += stranded_centicores / 100;
    result_.stranded_gb += stranded_mb / 1024;
    ++result_.samples;
  }

  void Average() {
    const double samples = std::max(static_cast<double>(result_.samples), 1.0);
    for (double* sum : {&result_.empty_hosts, &result_.cpu_density, &result_.memory_density,
                        &result_.stranded_cores, &result_.stranded_gb}) {
      *sum /= samples;
    }
  }

  const std::vector<TraceVm>& vms_;
  const ReplayOptions options_;
  Demand demand_;
  std::vector<Host> hosts_;
  Lifetimes lifetimes_;
  HostExits exits_;
  std::optional<core::Engine> engine_;
  absl::flat_hash_map<std::string, core::HostIndex> by_name_;
  absl::node_hash_set<std::string> kinds_;  // stable: others point into it
  absl::flat_hash_set<std::uint32_t> running_;
  std::priority_queue<Ending, std::vector<Ending>, std::greater<>> endings_;
  double next_sample_ = 0;
  double next_learning_ = 0;
  ReplayResult result_;
};

}  // namespace

std::string_view NameOf(Policy policy) {
  return std::ranges::find(kPolicies, policy, &PolicyName::policy)->name;
}

Expected<Policy> ParsePolicy(std::string_view name) {
  const auto found = std::ranges::find(kPolicies, name, &PolicyName::name);
  if (found == kPolicies.end()) {
    return Invalid("policy", "no such policy; there are spread, best-fit, balance and lifetime");
  }
  return found->policy;
}

std::int64_t FleetFor(const Demand& peak, const HostSize& host, double share) {
  const double by_cpu = peak.centicores / static_cast<double>(host.centicores);
  const double by_memory = peak.memory_mb / static_cast<double>(host.memory_mb);
  return std::max<std::int64_t>(1, std::llround(std::ceil(std::max(by_cpu, by_memory) / share)));
}

Expected<ReplayResult> Replay(const std::vector<TraceVm>& vms, const ReplayOptions& options) {
  if (options.hosts < 1 || options.hosts > 1'000'000) {
    return Invalid("hosts", "hosts must be from 1 to 1000000");
  }
  if (options.host.centicores < 1 || options.host.centicores > INT32_MAX ||
      options.host.memory_mb < 1 || options.host.memory_mb > INT32_MAX) {
    return Invalid("host", "a host's size must be from 1 to 2147483647 units");
  }
  if (!(options.from_day < options.to_day))
    return Invalid("days", "the days end before they begin");
  if (vms.size() >= UINT32_MAX) return Invalid("vms", "too many VMs");
  return Run(vms, options).All();
}

}  // namespace kilonova::scheduler::replay
