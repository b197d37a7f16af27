// SPDX-License-Identifier: Apache-2.0
// What real Nova says to the same flavors, images, hosts and guests.
#include <gtest/gtest.h>

#include <functional>
#include <iostream>
#include <map>

#include "common/hardware/errors.h"
#include "tests/unit/common/hardware/numa_json.h"

namespace kilonova::hardware::testing {
namespace {

Json Failure(const Status& status) { return {{"error", NovaExceptionOf(status)}}; }

template <class T>
Json Answer(const Expected<T>& value, const std::function<Json(const T&)>& to_json) {
  return value.ok() ? Json{{"value", to_json(*value)}} : Failure(value.status());
}

template <class T>
Json Plain(const Expected<T>& value) {
  return Answer<T>(value, [](const T& v) { return Json(v); });
}

template <class T>
Json Optional(const Expected<std::optional<T>>& value) {
  return Answer<std::optional<T>>(value,
                                  [](const auto& v) { return v ? Json(*v) : Json(nullptr); });
}

template <class T>
Json Known(const Expected<T>& value) {
  return Answer<T>(value, [](const T& v) { return ToJson(v); });
}

template <class T>
Json OptionalKnown(const Expected<std::optional<T>>& value) {
  return Answer<std::optional<T>>(value,
                                  [](const auto& v) { return v ? ToJson(*v) : Json(nullptr); });
}

template <class T>
Json Word(const Expected<T>& value) {
  return Answer<T>(value, [](const T& v) {
    const auto word = ToText(v);
    return word.empty() ? Json(nullptr) : Json(word);
  });
}

Json TopologyAnswers(const GuestNeeds& needs) {
  return {{"cpu_topology_constraints",
           Answer<CpuTopologyConstraints>(
               GetCpuTopologyConstraints(needs),
               [](const auto& v) {
                 return Json{{"preferred", ToJson(v.preferred)}, {"maximum", ToJson(v.maximum)}};
               })},
          {"best_cpu_topology", Known(BestCpuTopology(needs))},
          {"best_cpu_topology_no_threads", Known(BestCpuTopology(needs, GuestThreads::kForbidden))},
          {"possible_cpu_topologies",
           Answer<std::vector<CpuTopology>>(DesirableCpuTopologies(needs), [](const auto& all) {
             Json json = Json::array();
             for (const auto& topology : all) json.push_back(ToJson(topology));
             return json;
           })}};
}

Json Constraints(const Json& vector) {
  const model::Flavor flavor = FlavorFrom(vector.at("flavor"));
  const auto image = ImageProps::From(PropertiesFrom(vector.at("image")));
  if (!image.ok()) return {{"input_error", NovaExceptionOf(image.status())}};
  const GuestNeeds needs{
      .flavor = flavor, .image = *image, .image_name = "img", .image_has_id = false};
  Json answers = {
      {"numa_get_constraints", OptionalKnown(NumaConstraints(needs))},
      {"cpu_policy", Word(CpuPolicyConstraint(needs))},
      {"cpu_thread_policy", Word(CpuThreadPolicyConstraint(needs))},
      {"emulator_threads_policy", Word(EmulatorThreadsPolicyConstraint(needs))},
      {"dedicated_cpus", OptionalKnown(DedicatedCpuConstraint(needs))},
      {"realtime_cpus", OptionalKnown(RealtimeCpuConstraint(needs))},
      {"pci_numa_policy", Word(PciNumaPolicyConstraint(needs))},
      {"pmu", Optional(PmuConstraint(needs))},
      {"vif_multiqueue", Plain(VifMultiqueueConstraint(needs))},
      {"vtpm", Answer<std::optional<VtpmConfig>>(
                   VtpmConstraint(needs),
                   [](const auto& v) {
                     return v ? Json{{"version", v->version}, {"model", v->model}} : Json();
                   })},
      {"secure_boot", Optional(SecureBootConstraint(needs))},
      {"mem_encryption", Plain(MemEncryptionConstraint(needs))},
      {"locked_memory", Optional(LockedMemoryConstraint(needs))},
      {"number_of_serial_ports", Plain(NumberOfSerialPorts(needs))},
      {"vpmems", {{"value", Vpmems(needs)}}}};
  answers.update(TopologyAnswers(needs));
  return answers;
}

Json Fit(const Json& vector) {
  HostNumaTopology host = HostFrom(vector.at("host"));
  const InstanceNumaTopology instance = InstanceFrom(vector.at("instance"));
  const auto limits = LimitsFrom(vector.at("limits"));
  const auto requests = RequestsFrom(vector.at("pci_requests"));
  const Json& pools = vector.at("pci_device_pools");
  const PciStats stats(PoolsFrom(pools));
  const bool pack = vector.at("packing_host_numa_cells_allocation_strategy");
  const auto fitted = FitInstanceToHost({.host = host,
                                         .instance = instance,
                                         .limits = limits ? &*limits : nullptr,
                                         .pci_requests = &requests,
                                         .pci_stats = pools.is_null() ? nullptr : &stats,
                                         .order = pack ? CellOrder::kPack : CellOrder::kSpread});
  if (!fitted.ok()) return Failure(fitted.status());
  if (!*fitted) return {{"fitted", nullptr}};
  Json answer = {{"fitted", ToJson(**fitted)}};
  for (const auto& [key, usage] :
       {std::pair("host_after", Usage::kTake), std::pair("host_after_free", Usage::kFree)}) {
    auto after = UsageAfter(host, **fitted, usage);
    if (!after.ok()) {
      return {{"fitted", ToJson(**fitted)}, {"usage_error", NovaExceptionOf(after.status())}};
    }
    host = *std::move(after);
    answer[key] = ToJson(host);
    for (auto& cell : answer[key]["cells"]) cell.erase("network_metadata");  // not recorded
  }
  return answer;
}

Json Parse(const Json& vector) { return Known(ParseCpuSpec(vector.at("spec").get<std::string>())); }

Json Format(const Json& vector) {
  const CpuSet cpus(vector.at("cpus").get<std::vector<CpuId>>());
  return {{"ranges", FormatCpuSpec(cpus)}, {"list", FormatCpuSpec(cpus, CpuSpecForm::kList)}};
}

TEST(NumaVectors, AllAnswersAreNovas) {
  const std::map<std::string, std::function<Json(const Json&)>> kinds = {
      {"constraints", Constraints},
      {"fit", Fit},
      {"parse_cpu_spec", Parse},
      {"format_cpu_spec", Format}};
  const Json file = LoadVectors("numa.json");
  std::map<std::string, int> right;
  std::map<std::string, int> all;
  int printed = 0;
  for (const auto& vector : file.at("vectors")) {
    const std::string kind = vector.at("kind");
    const Json got = kinds.at(kind)(vector);
    const Json& want = vector.at("result");
    ++all[kind];
    if (got == want) {
      ++right[kind];
      continue;
    }
    if (++printed > 20) continue;
    for (const auto& change : Json::diff(want, got)) {
      ADD_FAILURE() << vector.at("id") << " " << change.dump();
    }
  }
  for (const auto& [kind, make] : kinds) {
    std::cout << kind << ": " << right[kind] << "/" << all[kind] << "\n";
    EXPECT_GT(all[kind], 0) << kind;
    EXPECT_EQ(right[kind], all[kind]) << kind;
  }
}

}  // namespace
}  // namespace kilonova::hardware::testing
