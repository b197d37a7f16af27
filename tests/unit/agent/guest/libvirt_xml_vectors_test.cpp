// SPDX-License-Identifier: Apache-2.0
// Domain documents and refusals as Nova 26.2.2 makes them: tests/vectors/libvirt_xml.json, or that
// of the directory KILONOVA_VECTORS names.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>
#include <set>
#include <sstream>

#include "agent/guest/features.h"
#include "agent/guest/host_numa.h"
#include "common/hardware/errors.h"
#include "tests/unit/agent/guest/xml_vectors.h"
#include "tests/unit/common/hardware/numa_json.h"

namespace kilonova::testing {
namespace {

using nlohmann::json;
using namespace agent::guest;  // NOLINT(google-build-using-namespace)

// What is ours on purpose, and why. Everything else is Nova's, in Nova's order.
struct Difference {
  const char* what;
  const char* why;
  const char* remove;  // XPath of the nodes that Nova's document has not
};
constexpr Difference kDifferences[] = {
    {"kilonova:owner", "says whose domain it is and by which claim; others are never touched",
     "/domain/metadata/*[name()='kilonova:owner']"},
    {"backingStore", "a disk's chain is spelled out, so that nothing reads it from the disk itself",
     "/domain/devices/disk/backingStore"},
    {"filterref", "a guest may not send with another's MAC address",
     "/domain/devices/interface/filterref"},
    {"readonly", "a config drive that is a CD-ROM cannot be written by the guest",
     "/domain/devices/disk[@device='cdrom' and starts-with(source/@file, '/var/lib/nova') and "
     "contains(source/@file, '/disk.config')]/readonly"},
};

void RemoveDifferences(pugi::xml_document& document) {
  for (const Difference& difference : kDifferences) {
    for (const auto& found : document.select_nodes(difference.remove)) {
      found.node().parent().remove_child(found.node());
    }
  }
}

// One line an element: its depth, name, sorted attributes and text. Children keep their order.
void Canonical(const pugi::xml_node& node, int depth, std::vector<std::string>& lines) {
  std::vector<std::string> attributes;
  for (const auto& attribute : node.attributes()) {
    attributes.push_back(std::string(" ") + attribute.name() + "=\"" + attribute.value() + "\"");
  }
  std::ranges::sort(attributes);
  std::string line = std::string(static_cast<std::size_t>(depth) * 2, ' ') + node.name();
  for (const auto& attribute : attributes) line += attribute;
  if (const std::string_view text = node.text().get(); !text.empty())
    line += " " + std::string(text);
  lines.push_back(line);
  for (const auto& child : node.children()) {
    if (child.type() == pugi::node_element) Canonical(child, depth + 1, lines);
  }
}

std::vector<std::string> Lines(const std::string& xml, bool ours) {
  pugi::xml_document document;
  if (!document.load_string(xml.c_str())) return {"not XML: " + xml};
  if (ours) RemoveDifferences(document);
  std::vector<std::string> lines;
  Canonical(document.document_element(), 0, lines);
  return lines;
}

// "" when both are the same, else the lines between what they have in common at both ends.
std::string Diff(std::vector<std::string> want, std::vector<std::string> have) {
  if (want == have) return "";
  const auto [w, h] = std::ranges::mismatch(want, have);
  const auto first = w - want.begin();
  want.erase(want.begin(), w);
  have.erase(have.begin(), h);
  while (!want.empty() && !have.empty() && want.back() == have.back()) {
    want.pop_back();
    have.pop_back();
  }
  std::ostringstream out;
  out << "from line " << first << "\n";
  for (const auto& line : want) out << "  Nova  " << line << "\n";
  for (const auto& line : have) out << "  here  " << line << "\n";
  return out.str();
}

json DiskInfo(const DiskPlacement& disks) {
  json mapping = json::object();
  for (const auto& [name, place] : disks.places) {
    json entry = {{"bus", place.bus}, {"dev", place.dev}, {"type", place.type}};
    if (!place.boot_index.empty()) entry["boot_index"] = place.boot_index;
    if (!place.format.empty()) entry["format"] = place.format;
    mapping[name] = std::move(entry);
  }
  return {{"disk_bus", disks.disk_bus}, {"cdrom_bus", disks.cdrom_bus}, {"mapping", mapping}};
}

// The order of a cell's cores is that of a Python set: not compared.
json WithSortedCores(json host) {
  for (json& cell : host["cells"]) std::sort(cell["siblings"].begin(), cell["siblings"].end());
  return host;
}

struct Outcome {
  std::string stage, error;  // "" when it became a document
  std::string why;           // for the reader of a mismatch
  std::string xml;
};

Outcome Refused(const char* stage, const Status& status) {
  return {stage, hardware::NovaExceptionOf(status), Describe(status), ""};
}

class Case {
 public:
  enum class Compare { kWithNova, kNothing };
  Case(const json& family, const json& vector, Compare compare = Compare::kWithNova)
      : family_(family), vector_(vector), compare_(compare) {}

  Outcome Run();

 private:
  // The guest's topology on the host's cells.
  std::optional<Outcome> Fit(const agent::core::GuestCapabilities& host, GuestInput& input);

  const json& family_;
  const json& vector_;
  const Compare compare_;
  const GuestConfig config_ = ConfigOf(vector_);
};

std::optional<Outcome> Case::Fit(const agent::core::GuestCapabilities& host, GuestInput& input) {
  const json& result = vector_["result"];
  const hardware::GuestNeeds needs{.flavor = input.flavor, .image = input.image};
  const auto wanted = hardware::NumaConstraints(needs);
  if (!wanted.ok()) return Refused("numa_get_constraints", wanted.status());
  if (compare_ == Compare::kWithNova) {
    EXPECT_EQ(wanted->has_value() && !result.contains("error"),
              result.contains("instance_numa_topology") && !result.contains("error"));
  }
  const auto numa = HostNuma(host, config_.cpu);
  if (numa.ok()) input.host_numa = *numa;
  if (!*wanted) return std::nullopt;
  if (!numa.ok()) return Refused("numa_fit", numa.status());
  if (compare_ == Compare::kWithNova && result.contains("host_numa_topology")) {
    const json& recorded = result["host_numa_topology"];
    EXPECT_EQ(WithSortedCores(hardware::testing::ToJson(**numa)), WithSortedCores(recorded));
    input.host_numa = hardware::testing::HostFrom(recorded);
  }
  const auto fitted = hardware::FitInstanceToHost({.host = *input.host_numa, .instance = **wanted});
  if (!fitted.ok()) return Refused("numa_fit", fitted.status());
  if (!*fitted) return Outcome{"numa_fit", "does not fit", "", ""};
  input.numa = **fitted;
  if (compare_ == Compare::kWithNova && result.contains("instance_numa_topology")) {
    EXPECT_EQ(hardware::testing::ToJson(*input.numa), result["instance_numa_topology"]);
  }
  return std::nullopt;
}

Outcome Case::Run() {
  auto input = InputOf(family_, vector_);
  if (!input.ok()) return Refused("input", input.status());
  const auto host = HostOf(family_, vector_);
  if (auto refused = Fit(host, *input)) return *refused;
  const auto disks = PlaceDisks(config_, *input);
  if (!disks.ok()) return Refused("get_disk_info", disks.status());
  if (compare_ == Compare::kWithNova && vector_["result"].contains("disk_info")) {
    EXPECT_EQ(DiskInfo(*disks), vector_["result"]["disk_info"]);
  }
  const auto domain = DescribeGuest(config_, host, *input, *disks);
  if (!domain.ok()) return Refused("get_guest_config", domain.status());
  const auto xml = DomainXml(*domain);
  if (!xml.ok()) return Refused("xml", xml.status());
  return {"", "", "", *xml};
}

TEST(LibvirtXmlVectors, EveryVector_IsWhatNovaMakes) {
  const json family = hardware::testing::LoadVectors("libvirt_xml.json");
  std::set<std::string> errors;
  int documents = 0;
  for (const json& vector : family["vectors"]) {
    SCOPED_TRACE(vector["id"].get<std::string>());
    const Outcome outcome = Case(family, vector).Run();
    const json& result = vector["result"];
    EXPECT_EQ(outcome.stage, result.value("stage", "")) << outcome.why;
    EXPECT_EQ(outcome.error, result.value("error", "")) << outcome.why;
    if (!result.contains("xml")) {
      errors.insert(result.value("error", ""));
      continue;
    }
    ++documents;
    if (outcome.xml.empty()) continue;
    const std::string diff = Diff(Lines(result["xml"], false), Lines(outcome.xml, true));
    EXPECT_EQ(diff, "");
  }
  EXPECT_GE(documents, 40);
  EXPECT_GE(errors.size(), 5U);
  std::printf("%zu vectors, %d documents, %zu kinds of refusals\n", family["vectors"].size(),
              documents, errors.size());
}

// A key that is named, and nowhere changes what becomes of the guest, would be tested by nothing.
TEST(LibvirtXmlVectors, EveryKeyNamed_ChangesADocument) {
  if (std::getenv("KILONOVA_VECTORS") != nullptr) GTEST_SKIP() << "others are made at random";
  const json family = hardware::testing::LoadVectors("libvirt_xml.json");
  std::set<std::string> named;
  std::set<std::string> changing;
  for (const json& vector : family["vectors"]) {
    if (!vector["result"].contains("xml")) continue;
    const auto with = Case(family, vector, Case::Compare::kNothing).Run();
    for (const char* map : {"/flavor/extra_specs", "/image/properties"}) {
      const json::json_pointer at(map);
      if (!vector.contains(at)) continue;
      for (const auto& [key, value] : vector.at(at).items()) {
        named.insert(key);
        if (changing.contains(key)) continue;
        json without = vector;
        without.at(at).erase(key);
        const auto other = Case(family, without, Case::Compare::kNothing).Run();
        if (other.xml != with.xml) changing.insert(key);
      }
    }
  }
  const std::set<std::string> elsewhere = {
      // Nothing to libvirt's driver; of rescue alone.
      "hw_disk_type", "hw_floppy_bus", "hw_rng_model", "os_require_quiesce", "hw_rescue_bus",
      "hw_rescue_device",
      // Nova has them from the instance.
      "os_type", "vm_mode",
      // Refusals and fits alone: numa.json.
      "hw:cpu_max_threads", "hw_cpu_max_threads", "hw_cpu_thread_policy"};
  std::vector<std::string> idle;
  std::ranges::set_difference(named, changing, std::back_inserter(idle));
  for (const std::string& key : idle) {
    // Limits of later versions, and CPU models that have the feature anyway.
    const bool known = elsewhere.contains(key) || key.starts_with("trait") ||
                       (key.starts_with("quota:disk_") && key.find("_max") != std::string::npos);
    EXPECT_TRUE(known) << key << " changes nothing";
  }
  EXPECT_GE(changing.size(), 75U);
}

// Of what Nova builds, all that this agent refuses: what no PC has, or no Nova knows.
TEST(LibvirtXmlVectors, WhatNovaBuilds_IsServed) {
  const std::set<std::string> not_served = {"hw_disk_bus=fdc",         "hw_cdrom_bus=fdc",
                                            "hw_cdrom_bus=virtio",     "hw_vif_model=lan9118",
                                            "hw_vif_model=spapr-vlan", "hw_scsi_model=buslogic",
                                            "hw_viommu_model=smmuv3",  "hw:viommu_model=smmuv3",
                                            "quota:cpu_shares=-5",     "hw_scsi_model=ibmvscsi"};
  const json family = hardware::testing::LoadVectors("libvirt_xml.json");
  int served = 0;
  for (const json& vector : family["vectors"]) {
    if (!vector["result"].contains("xml")) continue;
    const auto input = InputOf(family, vector);
    ASSERT_TRUE(input.ok());
    model::BuildRequest request;
    request.flavor = input->flavor;
    std::erase_if(request.flavor.extra_specs, [](const auto& spec) {
      return spec.first.starts_with("quota:disk_") && spec.first.find("_max") != std::string::npos;
    });
    if (vector["image"].is_object()) {
      request.image.properties =
          vector["image"].value("properties", std::map<std::string, std::string>());
    }
    const Status status = CheckServed(request);
    if (!hardware::NovaExceptionOf(status).empty()) continue;  // its API had refused it before
    if (!status.ok()) {
      const auto details = DetailsOf(status);
      EXPECT_TRUE(not_served.contains(details.at("key") + "=" + details.at("value")))
          << vector["id"] << Describe(status);
    }
    served += status.ok();
  }
  EXPECT_GE(served, 40);
}

TEST(LibvirtXmlVectors, DifferencesOnPurpose_AreFewAndReal) {
  EXPECT_LE(std::size(kDifferences), 10U);
  const json family = hardware::testing::LoadVectors("libvirt_xml.json");
  std::set<std::string> seen;
  for (const json& vector : family["vectors"]) {
    if (!vector["result"].contains("xml")) continue;
    const Outcome outcome = Case(family, vector).Run();
    pugi::xml_document document;
    document.load_string(outcome.xml.c_str());
    for (const Difference& difference : kDifferences) {
      if (document.select_node(difference.remove)) seen.insert(difference.what);
    }
  }
  EXPECT_EQ(seen.size(), std::size(kDifferences));
}

}  // namespace
}  // namespace kilonova::testing
