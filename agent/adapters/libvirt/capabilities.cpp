// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/libvirt/capabilities.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <pugixml.hpp>
#include <sstream>

#include "common/hardware/cpu_set.h"

namespace kilonova::agent::adapters::libvirt {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{4} * 1024 * 1024;
constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxList = 4096;
constexpr std::size_t kMaxCpus = 65536;

Status Malformed(std::string_view what) {
  return Error(Code::kInvalidArgument, reason::kHypervisorRefused,
               "the hypervisor's description cannot be read",
               {{kOperatorDetail, std::string(what)}});
}

struct DepthMeter : pugi::xml_tree_walker {
  bool too_deep = false;
  bool for_each(pugi::xml_node&) override {
    too_deep = depth() > kMaxDepth;
    return !too_deep;
  }
};

// pugixml parses and walks without recursion and reads neither DTDs nor entities.
Status Load(std::string_view xml, pugi::xml_document& document) {
  if (xml.size() > kMaxBytes) return Malformed("too long");
  const auto result = document.load_buffer(xml.data(), xml.size(), pugi::parse_default);
  if (!result) return Malformed(result.description());
  DepthMeter meter;
  document.traverse(meter);
  return meter.too_deep ? Malformed("too deep") : OkStatus();
}

std::string Text(const pugi::xml_node& node) { return node.text().get(); }

std::vector<std::string> FeatureNames(const pugi::xml_node& cpu, bool required_only) {
  std::vector<std::string> names;
  for (const auto& feature : cpu.children("feature")) {
    const char* policy = feature.attribute("policy").value();
    const bool wanted =
        *policy == '\0' || std::strcmp(policy, "require") == 0 || std::strcmp(policy, "force") == 0;
    if (required_only && !wanted) continue;
    if (names.size() < kMaxList) names.emplace_back(feature.attribute("name").value());
  }
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

// libvirt's own lists: "0-1,4", as in <cpu siblings=>. Empty for anything else.
std::set<int> CpuList(const char* text) {
  std::set<int> cpus;
  const auto parsed = hardware::ParseCpuSpec(text);
  if (!parsed.ok()) return cpus;
  parsed->ForEach([&cpus](hardware::CpuId cpu) { cpus.insert(cpu); });
  return cpus;
}

core::HostCell CellOf(const pugi::xml_node& node) {
  core::HostCell cell;
  cell.id = node.attribute("id").as_int();
  cell.memory_kib = node.child("memory").text().as_llong();
  for (const auto& pages : node.children("pages")) {
    if (cell.pages.size() >= kMaxList) break;
    cell.pages.push_back({pages.attribute("size").as_llong(), pages.text().as_llong()});
  }
  std::ranges::sort(cell.pages, {}, &core::HostPages::size_kib);
  for (const auto& cpu : node.child("cpus").children("cpu")) {
    const int id = cpu.attribute("id").as_int(-1);
    if (id < 0 || id > hardware::kMaxCpuId || cell.cpus.size() >= kMaxCpus) continue;
    core::HostCpu& out = cell.cpus.emplace_back();
    out.id = id;
    out.socket = cpu.attribute("socket_id").as_int();
    out.core = cpu.attribute("core_id").as_int();
    out.siblings = CpuList(cpu.attribute("siblings").value());
    out.siblings.insert(id);
  }
  return cell;
}

void AddMachines(const pugi::xml_node& from, const std::string& arch, Capabilities& all) {
  for (const auto& machine : from.children("machine")) {
    if (all.machine_types.size() >= kMaxList) return;
    const std::string name = Text(machine);
    const std::string canonical = machine.attribute("canonical").value();
    all.machine_types.insert(name);
    all.canonical_machines[arch][name] = canonical.empty() ? name : canonical;
    if (!canonical.empty()) all.machine_aliases[arch].insert(name);
  }
}

bool EnumHas(const pugi::xml_node& parent, const char* name, const char* value) {
  const auto values = parent.find_child_by_attribute("enum", "name", name);
  return std::ranges::any_of(values.children("value"), [value](const pugi::xml_node& node) {
    return std::strcmp(node.text().get(), value) == 0;
  });
}

void AddGuest(const pugi::xml_node& guest, Capabilities& all) {
  const std::string mode = Text(guest.child("os_type"));
  const auto arch = guest.child("arch");
  const std::string arch_name = arch.attribute("name").value();
  AddMachines(arch, arch_name, all);
  for (const auto& domain : arch.children("domain")) AddMachines(domain, arch_name, all);
  for (const auto& domain : arch.children("domain")) {
    if (all.supported_instances.size() >= kMaxList) return;
    all.supported_instances.push_back(
        {arch.attribute("name").value(), domain.attribute("type").value(), mode});
  }
}

}  // namespace

bool Capabilities::HasKvm(const std::string& for_arch) const {
  return std::ranges::any_of(supported_instances, [&for_arch](const auto& triple) {
    return triple[0] == for_arch && triple[1] == "kvm";
  });
}

Expected<Capabilities> ParseCapabilities(std::string_view xml) {
  pugi::xml_document document;
  RETURN_IF_ERROR(Load(xml, document));
  const auto root = document.child("capabilities");
  if (!root) return Malformed("no <capabilities>");
  Capabilities all;
  const auto cpu = root.child("host").child("cpu");
  all.arch = Text(cpu.child("arch"));
  all.cpu_model = Text(cpu.child("model"));
  all.cpu_vendor = Text(cpu.child("vendor"));
  all.cpu_features = FeatureNames(cpu, false);
  const auto topology = cpu.child("topology");
  all.sockets = topology.attribute("sockets").as_int();
  all.cores = topology.attribute("cores").as_int();
  all.threads = topology.attribute("threads").as_int();
  for (const auto& guest : root.children("guest")) AddGuest(guest, all);
  all.host_uuid = Text(root.child("host").child("uuid"));
  for (const auto& cell : root.child("host").child("topology").child("cells").children("cell")) {
    if (all.cells.size() < kMaxList) all.cells.push_back(CellOf(cell));
  }
  return all;
}

Expected<core::MachineCapabilities> ParseMachineCapabilities(std::string_view xml) {
  pugi::xml_document document;
  RETURN_IF_ERROR(Load(xml, document));
  const auto root = document.child("domainCapabilities");
  if (!root) return Malformed("no <domainCapabilities>");
  core::MachineCapabilities machine;
  const auto loader = root.child("os").child("loader");
  if (std::strcmp(loader.attribute("supported").value(), "yes") == 0) {
    machine.uefi = EnumHas(loader, "type", "pflash");
    machine.secure_boot = EnumHas(loader, "secure", "yes");
  }
  const auto sev = root.child("features").child("sev");
  if (std::strcmp(sev.attribute("supported").value(), "yes") == 0) {
    machine.sev = core::SevCapability{sev.child("cbitpos").text().as_llong(),
                                      sev.child("reducedPhysBits").text().as_llong()};
  }
  const auto video = root.child("devices").child("video");
  if (std::strcmp(video.attribute("supported").value(), "yes") == 0) {
    const auto models = video.find_child_by_attribute("enum", "name", "modelType");
    for (const auto& value : models.children("value")) machine.video_models.insert(Text(value));
  }
  return machine;
}

Expected<GuestCpu> ParseDomainCapabilities(std::string_view xml) {
  pugi::xml_document document;
  RETURN_IF_ERROR(Load(xml, document));
  const auto root = document.child("domainCapabilities");
  if (!root) return Malformed("no <domainCapabilities>");
  GuestCpu cpu;
  const auto mode = root.child("cpu").find_child_by_attribute("mode", "name", "host-model");
  cpu.host_model = mode && std::strcmp(mode.attribute("supported").value(), "yes") == 0;
  if (!cpu.host_model) return cpu;
  cpu.model = Text(mode.child("model"));
  cpu.vendor = Text(mode.child("vendor"));
  cpu.require = FeatureNames(mode, true);
  pugi::xml_document out;
  auto node = out.append_child("cpu");
  node.append_attribute("mode").set_value("custom");
  node.append_attribute("match").set_value("exact");
  for (const auto& child : mode.children()) node.append_copy(child);
  std::ostringstream text;
  out.save(text, "", pugi::format_raw | pugi::format_no_declaration);
  cpu.as_cpu_xml = text.str();
  return cpu;
}

Expected<std::vector<std::string>> ParseCpuFeatures(std::string_view xml) {
  pugi::xml_document document;
  RETURN_IF_ERROR(Load(xml, document));
  const auto cpu = document.child("cpu");
  if (!cpu) return Malformed("no <cpu>");
  return FeatureNames(cpu, true);
}

Expected<core::OwnerTag> ParseOwnerTag(std::string_view xml) {
  pugi::xml_document document;
  RETURN_IF_ERROR(Load(xml, document));
  const auto node = document.first_child();
  std::string_view name = node.name();
  name.remove_prefix(name.find(':') == std::string_view::npos ? 0 : name.find(':') + 1);
  if (name != "owner") return Malformed("no owner's tag");
  core::OwnerTag tag;
  tag.host = node.attribute("host").value();
  const std::string_view generation = node.attribute("generation").value();
  const auto [end, error] =
      std::from_chars(generation.data(), generation.data() + generation.size(), tag.generation);
  if (error != std::errc() || end != generation.data() + generation.size() || tag.host.empty()) {
    return Malformed("a broken owner's tag");
  }
  const std::string_view claim = node.attribute("claim").value();
  if (!claim.empty()) {
    ASSIGN_OR_RETURN(tag.claim_id, Uuid::Parse(claim));
  }
  return tag;
}

}  // namespace kilonova::agent::adapters::libvirt
