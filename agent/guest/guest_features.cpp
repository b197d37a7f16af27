// SPDX-License-Identifier: Apache-2.0
#include "agent/guest/context.h"
#include "agent/guest/image_text.h"
#include "agent/guest/text.h"
#include "common/base/python_text.h"

namespace kilonova::agent::guest {

Status DescribeFeatures(const Context& context, Domain& domain) {
  const hardware::ImageProps& image = context.input.image;
  const auto asked = [&context](const char* name) { return PyBool(context.extra_spec(name)); };
  const bool hide = asked("hide_hypervisor_id") || asked("hw:hide_hypervisor_id") ||
                    FlagOr(image, "img_hide_hypervisor_id");
  Features& features = domain.features;
  features.apic = !context.config.disable_apic;
  features.hyperv = context.input.os_type == "windows";
  features.hyperv_vendor_id = features.hyperv && hide;
  features.vmcoreinfo = context.x86() || context.arch == "aarch64";
  features.kvm_hidden = hide;
  ASSIGN_OR_RETURN(features.pmu, hardware::PmuConstraint(context.needs));
  return OkStatus();
}

void DescribeClock(const Context& context, Domain& domain) {
  const bool windows = context.input.os_type == "windows";
  // Windows takes the hardware clock for local time.
  domain.clock.offset = windows ? "localtime" : "utc";
  if (context.config.virt_type != "kvm") return;
  auto& timers = domain.clock.timers;
  timers.push_back({"pit", "delay", std::nullopt});
  timers.push_back({"rtc", "catchup", std::nullopt});
  if (context.x86()) {
    timers.push_back({"hpet", "", FlagOr(context.input.image, "hw_time_hpet")});
  }
  if (windows) timers.push_back({"hypervclock", "", true});
}

}  // namespace kilonova::agent::guest
