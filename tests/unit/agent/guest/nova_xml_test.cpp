// SPDX-License-Identifier: Apache-2.0
// Domain XML beside what Nova 26.2.2 made of the same request:
// tests/golden/domain/libvirt_xml.json, or all of KILONOVA_VECTORS/libvirt_xml.json.
//
// Requests also ask for what is not served here; such keys are taken out and the sections they
// touch are not compared. Meant differences, everywhere: <backingStore> and <filterref> are ours
// alone, there is no display, and disks that Nova makes of ephemerals, swap and volumes are absent.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>
#include <set>

#include "agent/guest/features.h"
#include "tests/unit/agent/guest/builders.h"

namespace kilonova::testing {
namespace {

using nlohmann::json;

// Element names, sorted attributes, text and sorted children: equal for equal documents.
std::string Canonical(const pugi::xml_node& node) {
  std::string text = std::string("<") + node.name();
  std::vector<std::string> parts;
  for (const auto& attribute : node.attributes()) {
    parts.push_back(std::string(" ") + attribute.name() + "=" + attribute.value());
  }
  std::ranges::sort(parts);
  for (const auto& part : parts) text += part;
  text += ">" + std::string(node.text().get());
  parts.clear();
  for (const auto& child : node.children()) {
    if (child.type() == pugi::node_element) parts.push_back(Canonical(child));
  }
  std::ranges::sort(parts);
  for (const auto& part : parts) text += part;
  return text + "</>";
}

std::string ConfigValue(const json& vector, const char* key, const char* otherwise) {
  const auto& config = vector["config"];
  return config.contains(key) && config[key].is_string() ? config[key].get<std::string>()
                                                         : otherwise;
}

model::BuildRequest RequestOf(const json& vector) {
  auto request = PlainRequest();
  auto& instance = request.instance;
  const auto& in = vector["instance"];
  instance.id = in["id"];
  instance.uuid = Id(in["uuid"].get<std::string>());
  instance.display_name = in["display_name"];
  instance.user_id = in["user_id"];
  instance.user_name = in["user_name"];
  instance.project_id = in["project_id"];
  instance.project_name = in["project_name"];
  instance.config_drive = !in["config_drive"].get<std::string>().empty();
  request.flavor = {};
  const auto& flavor = vector["flavor"];
  request.flavor.name = flavor["name"];
  request.flavor.vcpus = flavor["vcpus"];
  request.flavor.memory_mb = flavor["memory_mb"];
  request.flavor.root_gb = flavor["root_gb"];
  request.flavor.extra_specs = flavor["extra_specs"];
  request.image.id = Id(vector["image"]["id"].get<std::string>());
  request.image.properties = vector["image"]["properties"];
  if (!in["kernel_id"].is_null()) request.kernel = request.image;
  if (!in["ramdisk_id"].is_null()) request.ramdisk = request.image;
  request.nics.clear();
  request.instance.created_at = ParseTime("2023-06-01T12:00:00Z").value();
  return request;
}

agent::guest::GuestConfig ConfigOf(const json& vector) {
  auto config = PlainConfig();
  config.virt_type = ConfigValue(vector, "libvirt.virt_type", "kvm");
  config.cpu_mode = ConfigValue(vector, "libvirt.cpu_mode", "");
  if (vector["config"].contains("libvirt.cpu_models")) {
    config.cpu_model = vector["config"]["libvirt.cpu_models"][0];
  }
  if (vector["config"].contains("libvirt.hw_machine_type")) {
    for (const auto& pair : vector["config"]["libvirt.hw_machine_type"]) {
      const auto text = pair.get<std::string>();
      if (text.starts_with("x86_64=")) config.machine_type = text.substr(7);
    }
  }
  if (vector["config"].contains("libvirt.mem_stats_period_seconds")) {
    config.memory_stats_period = vector["config"]["libvirt.mem_stats_period_seconds"];
  }
  return config;
}

// The sections a key that is not served has its effects in.
std::set<std::string> Touched(const std::string& key) {
  if (key.find("firmware") != std::string::npos || key.find("secure_boot") != std::string::npos) {
    return {"os", "features"};
  }
  if (key.starts_with("hw:cpu") || key.starts_with("hw:numa") || key.starts_with("hw:mem_page") ||
      key.starts_with("hw:emulator") || key.starts_with("hw_cpu") || key.starts_with("hw:locked") ||
      key.starts_with("hw_locked")) {
    return {"cpu", "features", "clock"};  // realtime turns the PMU off
  }
  if (key.find("viommu") != std::string::npos) return {"features"};
  if (key.find("_bus") != std::string::npos || key.find("scsi") != std::string::npos) {
    return {"disks"};
  }
  return {};
}

std::string NovaMetadata(const pugi::xml_node& domain) {
  auto nova = domain.child("metadata").child("nova:instance");
  // Their requests have swap, ephemerals and ports that are left out here.
  nova.remove_child("nova:ports");
  for (const char* name : {"nova:swap", "nova:ephemeral"}) {
    nova.child("nova:flavor").remove_child(name);
  }
  return Canonical(nova);
}

std::string Targets(const pugi::xml_node& domain, std::size_t most) {
  std::string text;
  std::size_t count = 0;
  for (const auto& disk : domain.child("devices").children("disk")) {
    const std::string file = disk.child("source").attribute("file").value();
    if (count == most) break;
    if (!file.ends_with("/disk") && !file.ends_with("/disk.config")) continue;
    ++count;
    text += std::string(disk.attribute("device").value()) + Canonical(disk.child("target")) + " ";
  }
  return text;
}

struct Section {
  const char* name;
  std::string want, have;
};

TEST(NovaXml, ServedSections_AreNovas) {
  const char* folder = std::getenv("KILONOVA_VECTORS");
  const std::string path = folder != nullptr ? std::string(folder) + "/libvirt_xml.json"
                                             : std::string(KILONOVA_SOURCE_DIR) +
                                                   "/tests/golden/domain/libvirt_xml.json";
  std::ifstream in(path);
  const auto all = json::parse(in);
  int compared = 0;
  int documents = 0;
  for (const auto& vector : all["vectors"]) {
    if (!vector["result"].contains("xml") || !vector["rescue"].is_null()) continue;
    const std::string virt_type = ConfigValue(vector, "libvirt.virt_type", "kvm");
    if (virt_type != "kvm" && virt_type != "qemu") continue;
    // Booted from a volume or from a CD-ROM: not served.
    if (vector["instance"]["image_ref"].is_null() || vector["instance"]["image_ref"] == "" ||
        vector["image"]["disk_format"] == "iso") {
      continue;
    }
    auto request = RequestOf(vector);
    std::set<std::string> skip;
    bool windows = false;
    for (Status status = agent::guest::CheckServed(request); !status.ok();
         status = agent::guest::CheckServed(request)) {
      const auto key = DetailsOf(status)["key"];
      windows = windows || key == "os_type";
      for (const auto& section : Touched(key)) skip.insert(section);
      ASSERT_EQ(request.flavor.extra_specs.erase(key) + request.image.properties.erase(key), 1U)
          << Describe(status);
    }
    if (windows || vector["instance"]["os_type"] == "windows") continue;
    const auto domain = agent::guest::DescribeGuest(ConfigOf(vector), request, PlainBase());
    const std::string id = vector["id"];
    if (!domain.ok()) {
      // Machines and buses Nova would leave to QEMU to refuse.
      EXPECT_TRUE(HasReason(domain.status(), reason::kFeatureNotServed) ||
                  HasReason(domain.status(), reason::kImageInvalid))
          << id << Describe(domain.status());
      continue;
    }
    pugi::xml_document want_document, have_document;
    ASSERT_TRUE(want_document.load_string(vector["result"]["xml"].get<std::string>().c_str()));
    ASSERT_TRUE(have_document.load_string(agent::guest::DomainXml(*domain).value().c_str()));
    auto want = want_document.child("domain");
    auto have = have_document.child("domain");
    have.child("memory").remove_attribute("unit");  // KiB is libvirt's own reading
    if (ConfigValue(vector, "libvirt.sysinfo_serial", "unique") != "unique") skip.insert("sysinfo");
    if (vector["config"].contains("libvirt.cpu_model_extra_flags")) skip.insert("cpu");
    if (vector["config"].contains("libvirt.rng_dev_path")) skip.insert("rng");
    if (ConfigValue(vector, "DEFAULT.config_drive_format", "iso9660") != "iso9660") {
      skip.insert("disks");
    }
    for (const char* name : {"want", "have"}) {
      auto os = (name == std::string("want") ? want : have).child("os");
      for (const char* file : {"kernel", "initrd"}) {
        if (auto node = os.child(file)) node.text().set(file);  // other directories
      }
      (name == std::string("want") ? want : have).child("cpu").remove_child("numa");
    }
    const auto rng = [](const pugi::xml_node& d) {
      return Canonical(d.child("devices").child("rng"));
    };
    const auto balloon = [](const pugi::xml_node& d) {
      return Canonical(d.child("devices").child("memballoon"));
    };
    ++documents;
    for (const auto& section : std::initializer_list<Section>{
             {"name", want.child_value("name"), have.child_value("name")},
             {"uuid", want.child_value("uuid"), have.child_value("uuid")},
             {"type", want.attribute("type").value(), have.attribute("type").value()},
             {"memory", Canonical(want.child("memory")), Canonical(have.child("memory"))},
             {"vcpu", want.child_value("vcpu"), have.child_value("vcpu")},
             {"metadata", NovaMetadata(want), NovaMetadata(have)},
             {"sysinfo", Canonical(want.child("sysinfo")), Canonical(have.child("sysinfo"))},
             {"os", Canonical(want.child("os")), Canonical(have.child("os"))},
             {"features", Canonical(want.child("features")), Canonical(have.child("features"))},
             {"clock", Canonical(want.child("clock")), Canonical(have.child("clock"))},
             {"cpu", Canonical(want.child("cpu")), Canonical(have.child("cpu"))},
             {"rng", rng(want), rng(have)},
             {"balloon", balloon(want), balloon(have)},
             {"disks", Targets(want, 1), Targets(have, 1)}}) {
      if (skip.contains(section.name)) continue;
      EXPECT_EQ(section.have, section.want) << id << " " << section.name;
      ++compared;
    }
  }
  EXPECT_GE(documents, 40);
  EXPECT_GE(compared, documents * 9);
  RecordProperty("documents", documents);
  RecordProperty("sections", compared);
  std::printf("%d documents, %d sections\n", documents, compared);
}

}  // namespace
}  // namespace kilonova::testing
