// SPDX-License-Identifier: Apache-2.0
// ImagePropertiesFilter: hosts that can run the image's architecture, hypervisor type and VM mode,
// with a hypervisor of the version it asks for. The version counts only beside one of the others.
#include <algorithm>
#include <optional>

#include "common/hardware/version_predicate.h"
#include "scheduler/core/fleet.h"
#include "scheduler/filters/factories.h"
#include "scheduler/filters/image_names.h"

namespace kilonova::scheduler::filters {
namespace {

using core::Fleet;
using core::HostIndex;
using core::Judgement;
using hardware::StrictVersion;
using hardware::VersionPredicate;

class PreparedImageFilter : public core::PreparedFilter {
 public:
  // Hosts share few lists of what they support: judge each once.
  PreparedImageFilter(const Fleet& fleet, std::vector<std::string> wanted,
                      std::optional<VersionPredicate> version, std::string version_text)
      : wanted_(std::move(wanted)),
        version_(std::move(version)),
        version_text_(std::move(version_text)) {
    for (std::uint32_t id = 0; id < fleet.supported_lists.Size(); ++id) {
      const auto* supported = fleet.supported_lists.Find(id);
      supports_.push_back(supported != nullptr && Supports(*supported) ? 1 : 0);
    }
  }

  Judgement Judge(const Fleet& fleet, HostIndex host) const override {
    if (supports_[fleet.supported[host]] == 0) return Judgement::kRefuse;
    const std::int64_t number = fleet.Record(host).hypervisor_version;
    if (!version_ || number == 0) return Judgement::kPass;
    const auto version = StrictVersion::OfHypervisor(number);
    if (!version) return Judgement::kError;
    return version_->Satisfied(*version) ? Judgement::kPass : Judgement::kRefuse;
  }

  Status Keep(const Fleet& fleet, std::vector<HostIndex>& hosts) const override {
    if (version_) return PreparedFilter::Keep(fleet, hosts);
    const std::uint32_t* supported = fleet.supported.data();
    const std::uint8_t* supports = supports_.data();
    core::KeepIf(hosts,
                 [supported, supports](HostIndex host) { return supports[supported[host]] != 0; });
    return OkStatus();
  }

  void Describe(const Fleet& fleet, HostIndex host, core::FilterVerdict& verdict) const override {
    for (const auto& name : wanted_) verdict.need += (verdict.need.empty() ? "" : " ") + name;
    if (version_) verdict.need += " version " + version_text_;
    for (const auto& instance : fleet.supported_lists[fleet.supported[host]]) {
      std::string names;
      for (const auto& name : instance) names += (names.empty() ? "" : " ") + name;
      verdict.have += (verdict.have.empty() ? "" : ", ") + names;
    }
    if (verdict.have.empty()) verdict.have = "nothing said";
    if (version_) {
      verdict.have += " version " + std::to_string(fleet.Record(host).hypervisor_version);
    }
  }

 private:
  bool Supports(const std::vector<core::Words>& supported) const {
    return std::ranges::any_of(supported, [this](const core::Words& instance) {
      return std::ranges::all_of(wanted_, [&](const std::string& name) {
        return std::ranges::find(instance, name) != instance.end();
      });
    });
  }

  std::vector<std::string> wanted_;
  std::optional<VersionPredicate> version_;
  std::string version_text_;
  std::vector<std::uint8_t> supports_;
};

Status BadProperty(const std::string& name, std::string_view what) {
  return Error(Code::kInvalidArgument, reason::kImageInvalid, what,
               {{"field", "properties." + name}});
}

using Canonicalize = std::optional<std::string> (*)(std::string_view);

// The value of the property, by its present name before its old one; both must make sense.
Expected<std::optional<std::string>> Read(const core::PlacementRequest& request,
                                          std::string_view old_name, std::string_view name,
                                          Canonicalize canonicalize) {
  std::optional<std::string> value;
  for (const auto key : {old_name, name}) {
    const auto found = request.image_properties.find(std::string(key));
    if (found == request.image_properties.end()) continue;
    value = canonicalize(found->second);
    if (!value) return BadProperty(found->first, "the image property has no known value");
  }
  return value;
}

std::optional<std::string> CanonicalPredicate(std::string_view text) {
  if (!VersionPredicate::Parse(text)) return std::nullopt;
  return std::string(text);
}

class ImagePropertiesFilter : public core::Filter {
 public:
  explicit ImagePropertiesFilter(std::string_view default_architecture) {
    if (!default_architecture.empty()) {
      default_architecture_ = CanonicalArchitecture(default_architecture);
    }
  }
  std::string_view Name() const override { return "ImagePropertiesFilter"; }
  core::HostParts Reads() const override { return core::kHypervisorPart; }
  bool RunsOnRebuild() const override { return true; }

  Expected<std::unique_ptr<core::PreparedFilter>> Prepare(
      const Fleet& fleet, const core::PlacementRequest& request) const override {
    ASSIGN_OR_RETURN(auto architecture,
                     Read(request, "architecture", "hw_architecture", CanonicalArchitecture));
    ASSIGN_OR_RETURN(const auto type,
                     Read(request, "hypervisor_type", "img_hv_type", CanonicalHypervisorType));
    ASSIGN_OR_RETURN(const auto mode, Read(request, "vm_mode", "hw_vm_mode", CanonicalVmMode));
    ASSIGN_OR_RETURN(const auto version, Read(request, "hypervisor_version_requires",
                                              "img_hv_requested_version", CanonicalPredicate));
    if (!architecture) architecture = default_architecture_;
    std::vector<std::string> wanted;
    for (const auto& value : {architecture, type, mode}) {
      if (value) wanted.push_back(*value);
    }
    if (wanted.empty()) return nullptr;
    auto predicate =
        version && !version->empty() ? VersionPredicate::Parse(*version) : std::nullopt;
    return std::make_unique<PreparedImageFilter>(fleet, std::move(wanted), std::move(predicate),
                                                 version.value_or(""));
  }

 private:
  std::optional<std::string> default_architecture_;
};

}  // namespace

std::unique_ptr<core::Filter> MakeImagePropertiesFilter(const FilterOptions& options) {
  return std::make_unique<ImagePropertiesFilter>(options.image_properties_default_architecture);
}

}  // namespace kilonova::scheduler::filters
