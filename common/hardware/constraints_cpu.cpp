// SPDX-License-Identifier: Apache-2.0
// Which of the guest's CPUs are dedicated, shared or realtime, and how threads are treated.
#include <string>

#include "common/base/python_text.h"
#include "common/hardware/needs_text.h"

namespace kilonova::hardware {
namespace {

constexpr std::string_view kPolicy = "hw:cpu_policy";
constexpr std::string_view kThreadPolicy = "hw:cpu_thread_policy";
constexpr std::string_view kEmulatorThreads = "hw:emulator_threads_policy";
constexpr std::string_view kDedicatedMask = "hw:cpu_dedicated_mask";
constexpr std::string_view kRealtimeMask = "hw:cpu_realtime_mask";

// A mask that only excludes is taken off all of the guest's CPUs.
Expected<CpuSet> ParseMask(std::string_view mask, const CpuSet& all, std::string_view field) {
  std::string spec(mask);
  if (PyStrip(mask).starts_with('^')) {
    spec = "0-" + std::to_string(static_cast<std::int64_t>(all.Size()) - 1) + "," + spec;
  }
  auto cpus = ParseCpuSpec(spec);
  if (!cpus.ok()) return FlavorRefused("Invalid", field, Message(cpus.status()));
  return cpus;
}

}  // namespace

Expected<CpuPolicy> CpuPolicyConstraint(const GuestNeeds& needs) {
  const auto flavor = CpuPolicyFrom(FlavorText(needs, kPolicy).value_or(""));
  if (!flavor) {
    return FlavorRefused("InvalidCPUAllocationPolicy", kPolicy,
                         "the CPU policy is none of shared, dedicated, mixed");
  }
  const CpuPolicy image =
      CpuPolicyFrom(needs.image.Text("hw_cpu_policy").value_or("")).value_or(CpuPolicy::kNone);
  const bool overruled = (*flavor == CpuPolicy::kMixed && image == CpuPolicy::kDedicated) ||
                         (*flavor == CpuPolicy::kShared &&
                          (image == CpuPolicy::kMixed || image == CpuPolicy::kDedicated));
  if (overruled) {
    return ImageRefused("ImageCPUPinningForbidden", "properties.hw_cpu_policy",
                        "the image asks for more dedicated CPUs than its flavor allows");
  }
  return *flavor != CpuPolicy::kNone ? *flavor : image;
}

Expected<CpuThreadPolicy> CpuThreadPolicyConstraint(const GuestNeeds& needs) {
  const auto text = FlavorText(needs, kThreadPolicy);
  const auto flavor = CpuThreadPolicyFrom(text.value_or(""));
  if (!flavor) {
    return FlavorRefused("InvalidCPUThreadAllocationPolicy", kThreadPolicy,
                         "the CPU thread policy is none of prefer, isolate, require");
  }
  const CpuThreadPolicy image =
      CpuThreadPolicyFrom(needs.image.Text("hw_cpu_thread_policy").value_or(""))
          .value_or(CpuThreadPolicy::kNone);
  if (*flavor == CpuThreadPolicy::kPrefer) return *flavor;
  if (!text) return image;
  if (image != CpuThreadPolicy::kNone && image != *flavor) {
    return ImageRefused("ImageCPUThreadPolicyForbidden", "properties.hw_cpu_thread_policy",
                        "the image's CPU thread policy is not its flavor's");
  }
  return *flavor;
}

Expected<EmulatorThreadsPolicy> EmulatorThreadsPolicyConstraint(const GuestNeeds& needs) {
  const auto policy = EmulatorThreadsPolicyFrom(FlavorText(needs, kEmulatorThreads).value_or(""));
  if (!policy) {
    return FlavorRefused("InvalidEmulatorThreadsPolicy", kEmulatorThreads,
                         "the emulator threads policy is neither share nor isolate");
  }
  return *policy;
}

Expected<std::optional<CpuSet>> DedicatedCpuConstraint(const GuestNeeds& needs) {
  const auto mask = FlavorWord(needs, kDedicatedMask);
  if (!mask) return std::nullopt;
  ASSIGN_OR_RETURN(const CpuSet all, GuestCpus(needs));
  ASSIGN_OR_RETURN(const CpuSet dedicated, ParseMask(*mask, all, kDedicatedMask));
  if (dedicated.Empty() || dedicated.Includes(all) || !all.Includes(dedicated)) {
    return FlavorRefused("InvalidMixedInstanceDedicatedMask", kDedicatedMask,
                         "the mask must name some, and not all, of the guest's CPUs");
  }
  return dedicated;
}

bool RealtimeEnabled(const GuestNeeds& needs) {
  return PyBool(FlavorText(needs, "hw:cpu_realtime").value_or(""));
}

Expected<std::optional<CpuSet>> RealtimeCpuConstraint(const GuestNeeds& needs) {
  if (!RealtimeEnabled(needs)) return std::nullopt;
  ASSIGN_OR_RETURN(const CpuSet all, GuestCpus(needs));
  // The image knows better which of its CPUs work in real time.
  auto mask = ImageWord(needs, "hw_cpu_realtime_mask");
  if (!mask) mask = FlavorWord(needs, kRealtimeMask);
  CpuSet realtime = all;
  if (mask) {
    ASSIGN_OR_RETURN(realtime, ParseMask(*mask, all, kRealtimeMask));
  }
  const auto refused = [](std::string_view message) {
    return FlavorRefused("RealtimeMaskNotFoundOrInvalid", kRealtimeMask, message);
  };
  if (realtime.Empty()) return refused("the mask leaves no CPU for real time");
  ASSIGN_OR_RETURN(const auto emulator_threads, EmulatorThreadsPolicyConstraint(needs));
  if (realtime == all && emulator_threads == EmulatorThreadsPolicy::kNone) {
    return refused("real time needs a CPU left for the emulator, or an emulator threads policy");
  }
  if (!all.Includes(realtime)) return refused("the mask names CPUs the guest does not have");
  return realtime;
}

}  // namespace kilonova::hardware
