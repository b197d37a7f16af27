// SPDX-License-Identifier: Apache-2.0
// Writes the generated part of docs/compatibility.md: every extra spec of the registry
// (flavors/extra_specs), and every image property and RPC method that Nova knows
// (tests/vectors/known_keys.json, with extra specs that Nova reads and its validators do not know),
// each with what this code says of it when asked. A key counts as supported when a value that is
// taken changes the guest's XML, its config drive, or what a scheduler filter looks at.
//
//   compatibility KNOWN_KEYS PAGE [--update]
#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "agent/guest/domain.h"
#include "agent/guest/features.h"
#include "agent/guest/metadata.h"
#include "common/hardware/constraints.h"
#include "common/hardware/pci_alias.h"
#include "common/hardware/pci_alias_spec.h"
#include "flavors/extra_specs/registry.h"
#include "proto/oslo/decode.h"
#include "proto/oslo/encode.h"
#include "proto/oslo/envelope.h"
#include "proto/oslo/registry.h"
#include "scheduler/core/fleet.h"
#include "scheduler/core/resource_request/resource_request.h"
#include "scheduler/filters/filters.h"
#include "scheduler/weighers/weighers.h"
#include "tests/unit/agent/guest/builders.h"

namespace kilonova {
namespace {

using Words = std::vector<std::string>;
using scheduler::core::Judgement;
enum class Kind { kExtraSpec, kImageProperty };

// A guest asked for, on a host that is set up in one way or another.
struct Question {
  agent::guest::GuestConfig config = testing::PlainConfig();
  model::BuildRequest request = testing::PlainRequest();
};

// Several, so that what refines another key finds something to refine.
std::vector<Question> Questions() {
  Question plain;
  Question kernel;
  kernel.config.virt_type = "kvm";
  kernel.request.flavor.extra_specs = {{"hw_rng:allowed", "true"},
                                       {"hw_rng:rate_bytes", "100"},
                                       {"hw_rng:rate_period", "1000"},
                                       {"quota:vif_inbound_average", "9"},
                                       {"quota:vif_outbound_average", "9"}};
  kernel.request.image.properties = {{"hw_rng_model", "virtio"}};
  kernel.request.kernel = kernel.request.image;
  kernel.request.kernel->disk_format = "aki";
  kernel.request.instance.config_drive = true;
  Question wide;
  wide.request.flavor.vcpus = 8;
  wide.request.flavor.extra_specs = {{"hw:cpu_max_sockets", "2"}, {"hw:cpu_max_cores", "2"}};
  Question uefi;
  uefi.request.image.properties = {{"hw_machine_type", "q35"}, {"hw_firmware_type", "uefi"}};
  Question cells;
  cells.request.flavor.vcpus = 2;
  cells.request.flavor.extra_specs = {{"hw:numa_nodes", "1"}};
  Question pages;
  pages.request.flavor.extra_specs = {{"hw:mem_page_size", "small"}};
  Question realtime;
  realtime.request.flavor.vcpus = 4;
  realtime.request.flavor.extra_specs = {{"hw:cpu_policy", "dedicated"},
                                         {"hw:cpu_realtime", "yes"},
                                         {"hw:emulator_threads_policy", "isolate"}};
  Question devices;
  devices.config.swtpm_enabled = true;
  devices.config.console.serial_enabled = true;
  devices.request.flavor.extra_specs = {{"hw:tpm_version", "2.0"}};
  // Without one of their own, for the properties that ask for a first.
  Question consoles;
  consoles.config = devices.config;
  Question display;
  display.config.console.vnc_enabled = true;
  display.request.flavor.extra_specs = {{"hw_video:ram_max_mb", "64"}};
  display.request.image.properties = {{"hw_video_ram", "16"}};
  Question mouse = display;
  mouse.config.console.pointer_model = "ps2mouse";
  return {plain, kernel, wide, uefi, cells, pages, realtime, devices, consoles, display, mouse};
}

// A host that has what guests can be given, as far as one host can.
agent::core::HostFacts AbleHost() {
  agent::core::HostFacts facts = testing::UefiHost();
  facts.guests.amd_sev = true;
  facts.guests.machines["q35"].sev = agent::core::SevCapability{47, 1};
  return facts;
}

// What the agent claims of its host's cells for the guest.
std::string NumaAsked(const model::BuildRequest& request) {
  const auto image = hardware::ImageProps::From(request.image.properties);
  if (!image.ok()) return Describe(image.status());
  const auto numa = hardware::NumaConstraints({.flavor = request.flavor, .image = *image});
  if (!numa.ok()) return Describe(numa.status());
  if (!*numa) return "";
  std::string text(hardware::ToText((*numa)->emulator_threads_policy));
  const auto realtime =
      hardware::RealtimeCpuConstraint({.flavor = request.flavor, .image = *image});
  if (!realtime.ok()) return Describe(realtime.status());
  if (*realtime) text += " realtime " + hardware::FormatCpuSpec(**realtime);
  for (const hardware::InstanceNumaCell& cell : (*numa)->cells) {
    text += " " + hardware::FormatCpuSpec(cell.cpuset) + "/" +
            hardware::FormatCpuSpec(cell.pcpuset) + "/" + std::to_string(cell.memory) + "/" +
            std::to_string(cell.pagesize.value_or(0)) + "/" +
            std::string(hardware::ToText(cell.cpu_thread_policy));
  }
  return text;
}

// How near the devices must be; which they are, the aliases of a cloud say.
std::string PciAsked(const model::BuildRequest& request) {
  const auto image = hardware::ImageProps::From(request.image.properties);
  if (!image.ok()) return "";
  const auto policy =
      hardware::PciNumaPolicyConstraint({.flavor = request.flavor, .image = *image});
  return policy.ok() ? std::string(hardware::ToText(*policy)) : "";
}

std::string Answer(const Question& question) {
  return NumaAsked(question.request) + PciAsked(question.request) +
         testing::XmlOrError(question.config, question.request, AbleHost()) +
         (agent::guest::WantsConfigDrive(question.config, question.request) ? "config drive" : "");
}

void Put(Kind kind, const std::string& key, const std::string& value,
         model::BuildRequest& request) {
  auto& map = kind == Kind::kExtraSpec ? request.flavor.extra_specs : request.image.properties;
  map[key] = value;
  if (key == hardware::kPciAliasSpec) {
    // As the scheduler would.
    const auto asked = hardware::ReadPciAliasSpec(value);
    request.pci_requests.clear();
    if (!asked.ok()) return;
    for (const auto& [name, count] : *asked) {
      request.pci_requests.push_back({count, {{{"vendor_id", "10de"}}}, name, "", "legacy"});
    }
  }
}

// The filters that run unless configured otherwise, with one host to judge.
class Scheduler {
 public:
  Scheduler()
      : filters_(*scheduler::filters::MakeFilters(scheduler::filters::DefaultFilters(), {})) {
    scheduler::core::HostState host;
    host.host = "host-a";
    host.up = true;
    host.hypervisor_type = "QEMU";
    host.hypervisor_version = 7002022;
    host.supported_instances = {{"x86_64", "qemu", "hvm"}};
    host_ = *fleet_.Upsert(host);
  }

  // The filters that look at this key.
  std::set<std::string> Reads(Kind kind, const std::string& key, const std::string& value) const {
    std::set<std::string> names;
    for (const char* hypervisor : {"", "qemu"}) {
      model::BuildRequest request = testing::PlainRequest();
      if (*hypervisor != 0) request.image.properties["img_hv_type"] = hypervisor;
      const std::vector<Judgement> before = Judge(request);
      Put(kind, key, value, request);
      const std::vector<Judgement> after = Judge(request);
      for (std::size_t i = 0; i < filters_.size(); ++i) {
        if (before[i] != after[i]) names.emplace(filters_[i]->Name());
      }
    }
    return names;
  }

 private:
  // Per filter: does the host pass, is it refused, can it not be judged. A filter that is asked
  // nothing lets it pass.
  std::vector<Judgement> Judge(const model::BuildRequest& request) const {
    scheduler::core::PlacementRequest placement;
    placement.flavor = request.flavor;
    placement.image_properties = request.image.properties;
    if (!request.pci_requests.empty()) placement.pci_requests = {{.count = 1, .spec = {{}}}};
    std::vector<Judgement> verdicts;
    for (const auto& filter : filters_) {
      const auto prepared = filter->Prepare(fleet_, placement);
      if (!prepared.ok()) {
        verdicts.push_back(Judgement::kError);
      } else {
        verdicts.push_back(*prepared ? (*prepared)->Judge(fleet_, host_) : Judgement::kPass);
      }
    }
    return verdicts;
  }

  scheduler::core::Fleet fleet_;
  scheduler::core::HostIndex host_ = 0;
  std::vector<std::unique_ptr<scheduler::core::Filter>> filters_;
};

// Whether Placement is asked for something else with the key than without.
bool AsksPlacement(Kind kind, const std::string& key, const std::string& value) {
  namespace core = scheduler::core;
  model::BuildRequest request = testing::PlainRequest();
  const auto asked = [&request] {
    core::ResourceRequestSpec spec;
    spec.flavor = request.flavor;
    spec.image_properties = request.image.properties;
    return core::ResourceRequestFrom(spec, {});
  };
  // One group alone needs resources and no policy; beside another both count.
  request.flavor.extra_specs["resources1:CUSTOM_A"] = "1";
  const auto before = asked();
  Put(kind, key, value, request);
  const auto after = asked();
  return before.ok() && after.ok() && !(*before == *after);
}

struct Verdict {
  Words taken, refused, invalid;
  bool in_guest = false;
  std::set<std::string> filters;
};

// OK when any of the guests may have it; else what the plainest is told.
Status BestAnswer(Kind kind, const std::string& key, const std::string& value) {
  std::vector<Status> all;
  for (const Question& question : Questions()) {
    Question changed = question;
    Put(kind, key, value, changed.request);
    all.push_back(testing::Described(changed.config, changed.request, AbleHost()).status());
    if (all.back().ok()) return OkStatus();
  }
  return all.front();
}

Verdict Ask(const Scheduler& scheduler, Kind kind, const std::string& key, const Words& values) {
  Verdict verdict;
  for (const std::string& value : values) {
    verdict.filters.merge(scheduler.Reads(kind, key, value));
    const Status status = BestAnswer(kind, key, value);
    if (!status.ok()) {
      const bool not_served = ReasonOf(status) == reason::kFeatureNotServed.name;
      (not_served ? verdict.refused : verdict.invalid).push_back(value);
      continue;
    }
    verdict.taken.push_back(value);
    if (AsksPlacement(kind, key, value)) verdict.filters.emplace("Placement");
    for (const Question& question : Questions()) {
      Question changed = question;
      Put(kind, key, value, changed.request);
      verdict.in_guest |= Answer(changed) != Answer(question);
    }
  }
  return verdict;
}

std::string Listed(const Words& words, std::string_view quote = "`") {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += ", ";
    text += quote;
    text += word;
    text += quote;
  }
  return text;
}

// Keys that this code reads in places the questions above do not reach.
std::string ReadElsewhere(const std::string& key) {
  if (key.starts_with("aggregate_instance_extra_specs")) {
    return "AggregateInstanceExtraSpecsFilter, if enabled";
  }
  if (key == "os_shutdown_timeout") return "how long a stop waits for the guest";
  return {};
}

// Keys that place instances in Nova and do not here.
bool PlacesInNova(const std::string& key) {
  return key.starts_with("trait") || key.starts_with("resources") || key == "group_policy";
}

struct Cell {
  std::string what, note;
  friend bool operator==(const Cell&, const Cell&) = default;
};

Cell Say(const std::string& key, const Verdict& verdict) {
  Cell cell;
  const std::string elsewhere = ReadElsewhere(key);
  if (verdict.taken.empty()) {
    cell.what = verdict.refused.empty() ? "invalid" : "refused";
  } else if (verdict.in_guest || !verdict.filters.empty() || !elsewhere.empty()) {
    cell.what = "supported";
  } else if (!verdict.refused.empty()) {
    cell.what = "refused";  // what is taken is what a guest is anyway
  } else {
    cell.what = PlacesInNova(key) ? "**not looked at**" : "no effect";
  }
  const auto add = [&cell](const std::string& text) {
    if (!text.empty()) cell.note += (cell.note.empty() ? "" : "; ") + text;
  };
  if (!verdict.taken.empty() && !verdict.refused.empty()) {
    add((cell.what == "refused" ? "all but " : "only ") + Listed(verdict.taken));
  }
  add(elsewhere);
  add(Listed({verdict.filters.begin(), verdict.filters.end()}, ""));
  return cell;
}

// A key, one that is really asked for, and values to ask with.
struct Key {
  std::string name, help;
  Words ask, values;
};

// `form` with something for each of its parameters.
std::string Filled(std::string form) {
  for (const auto& [parameter, value] : std::map<std::string, std::string>{{"{num}", "0"},
                                                                           {"{group}", ""},
                                                                           {"{filter}", ""},
                                                                           {"{key}", "ssd"},
                                                                           {"{resource}", "GOLD"},
                                                                           {"{trait}", "GOLD"}}) {
    if (const auto at = form.find(parameter); at != std::string::npos) {
      form.replace(at, parameter.size(), value);
    }
  }
  return form;
}

Words TextsFor(const flavors::extra_specs::ExtraSpec& spec) {
  using flavors::extra_specs::ValueForm;
  switch (spec.value.form) {
    case ValueForm::kCpuList:
      return {"0-1", "^0"};
    case ValueForm::kPageSize:
      return {"large", "small", "any", "2048", "1GB"};
    case ValueForm::kLabels:
      return {"ONE"};
    case ValueForm::kPciAliases:
      return {"gpu:1"};
    case ValueForm::kFree:
      break;
  }
  if (spec.name.starts_with("capabilities:")) return {"s== kilonova", "< 0"};
  return {"true", "other"};
}

Words ValuesFor(const flavors::extra_specs::ExtraSpec& spec) {
  using flavors::extra_specs::ValueType;
  Words values;
  for (const std::string_view word : spec.value.allowed) values.emplace_back(word);
  if (!values.empty()) return values;
  if (spec.value.type == ValueType::kStr) return TextsFor(spec);
  if (spec.value.type == ValueType::kBool) return {"true", "false"};
  for (const std::int64_t number : {0, 1, 2, 4, 8, 1024}) {
    if (number < spec.value.min.value_or(0) || number > spec.value.max.value_or(number)) continue;
    values.push_back(std::to_string(number));
  }
  return values;
}

std::vector<Key> FromFile(const nlohmann::json& keys) {
  std::vector<Key> out;
  for (const auto& entry : keys) {
    out.push_back({entry["key"], entry.value("help", ""), entry["ask"], entry["values"]});
  }
  return out;
}

std::vector<Key> ExtraSpecs(const nlohmann::json& beyond) {
  std::vector<Key> keys = FromFile(beyond);
  for (const auto& spec : flavors::extra_specs::All()) {
    std::string help(spec.help);
    if (spec.deprecated) help += " Deprecated.";
    keys.push_back({spec.name, help, {Filled(spec.name)}, ValuesFor(spec)});
  }
  std::ranges::sort(keys, {}, &Key::name);
  return keys;
}

// In a cell of a table.
std::string Escaped(std::string text) {
  for (std::size_t at = 0; (at = text.find_first_of("|<", at)) != std::string::npos; at += 2) {
    text.insert(at, "\\");
  }
  return text;
}

// A namespace whose every key has the same answer is one row.
std::string KeyTable(const Scheduler& scheduler, Kind kind, const std::vector<Key>& keys) {
  std::vector<std::pair<std::string, Cell>> rows;
  std::map<std::string, std::string> help;
  std::map<std::string, std::set<std::string>> help_of_space;
  std::map<std::string, std::vector<Cell>> by_namespace;
  const auto space_of = [](const std::string& key) { return key.substr(0, key.find(':') + 1); };
  for (const auto& [key, about, asks, values] : keys) {
    help[key] = about;
    help_of_space[space_of(key)].insert(about);
    for (const std::string& ask : asks) {
      Cell cell = Say(key, Ask(scheduler, kind, ask, values));
      if (!rows.empty() && rows.back() == std::pair{key, cell}) continue;
      rows.emplace_back(key, cell);
      by_namespace[space_of(key)].push_back(std::move(cell));
    }
  }
  const bool explained =
      std::ranges::any_of(keys, [](const Key& key) { return !key.help.empty(); });
  std::string text = explained ? "| key | is | | asks for |\n|---|---|---|---|\n"
                               : "| key | is | |\n|---|---|---|\n";
  std::set<std::string> done;
  for (const auto& [key, cell] : rows) {
    const std::string space = space_of(key);
    const std::vector<Cell>& all = by_namespace[space];
    const bool one = !space.empty() && all.size() > 1 &&
                     std::ranges::all_of(all, [&all](const Cell& c) { return c == all.front(); });
    if (one && !done.insert(space).second) continue;
    text += "| `" + (one ? space + "*" : key) + "`";
    if (one) text += " (all " + std::to_string(all.size()) + ")";
    std::string about = help[key];
    if (one) about = help_of_space[space].size() == 1 ? *help_of_space[space].begin() : "";
    text += " | " + cell.what + " | " + cell.note + " |";
    if (explained) text += " " + Escaped(about) + " |";
    text += "\n";
  }
  return text;
}

// What a compute host answers to a cast of `method` with no arguments.
std::string AnswerTo(const std::string& method) {
  oslo::RpcMessage message;
  message.method = method;
  message.version = "6.0";
  message.names_version = true;
  message.unique_id = std::string(32, 'a');
  message.context.Set("request_id", "req-1");
  const auto answer = oslo::DecodeComputeRequest(oslo::SealEnvelope(DumpJson(WriteRpc(message))));
  return answer.ok() ? "OK" : std::string(ReasonOf(answer.status()));
}

std::string Methods(const nlohmann::json& methods) {
  Words served, others;
  for (const std::string method : methods) {
    const bool unknown = AnswerTo(method) == reason::kRpcMethodUnknown.name;
    (unknown ? others : served).push_back(method);
  }
  return "Served: " + Listed(served) + ".\n\nRefused with `RPC_METHOD_UNKNOWN`: " + Listed(others) +
         ".\n";
}

std::string Objects(const nlohmann::json& objects) {
  Words same, other;
  for (const auto& [name, version] : objects.items()) {
    const auto spoken = oslo::SpokenVersion(name);
    const std::string text = name + " " + (spoken ? spoken->Text() : "unknown");
    const bool equal = spoken && spoken->Text() == version.get<std::string>();
    (equal ? same : other).push_back(text);
  }
  std::string text = Listed(same, "") + ".\n";
  if (!other.empty()) text += "\nNot as Nova has them: " + Listed(other, "") + ".\n";
  return text;
}

std::string Generate(const nlohmann::json& known) {
  const Scheduler scheduler;
  std::ostringstream out;
  out << "## Flavor extra specs\n\n"
      << KeyTable(scheduler, Kind::kExtraSpec, ExtraSpecs(known["extra_specs"]))
      << "\n## Image properties\n\n"
      << KeyTable(scheduler, Kind::kImageProperty, FromFile(known["image_properties"]))
      << "\n## Scheduler\n\nFilters: " << Listed(scheduler::filters::KnownFilters())
      << ". Unless configured otherwise: " << Listed(scheduler::filters::DefaultFilters())
      << ", in this order.\n\nWeighers: " << Listed(scheduler::weighers::KnownWeighers())
      << ". Unless configured otherwise: " << Listed(scheduler::weighers::DefaultWeighers())
      << ".\n"
      << "\n## Compute RPC\n\n"
      << Methods(known["rpc_methods"]) << "\n## Versioned objects\n\nOf the versions of Nova "
      << known["nova"].get<std::string>()
      << " (these and older minor ones are read): " << Objects(known["objects"]);
  return out.str();
}

std::string Contents(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

constexpr std::string_view kBegin = "<!-- generated: begin -->\n";
constexpr std::string_view kEnd = "<!-- generated: end -->\n";

int Run(const std::string& keys, const std::string& page, bool update) {
  const std::string text = Contents(page);
  const auto begin = text.find(kBegin);
  const auto end = text.find(kEnd);
  if (begin == std::string::npos || end == std::string::npos || end < begin) {
    std::cerr << page << ": no markers " << kBegin;
    return 2;
  }
  const std::string wanted = text.substr(0, begin + kBegin.size()) + "\n" +
                             Generate(nlohmann::json::parse(Contents(keys))) + "\n" +
                             text.substr(end);
  if (wanted == text) return 0;
  if (update) {
    std::ofstream(page) << wanted;
    return 0;
  }
  std::cerr << page << " is not what the code says; run this with --update\n";
  return 1;
}

}  // namespace
}  // namespace kilonova

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  const bool update = args.size() == 3 && args[2] == "--update";
  if (args.size() != 2 && !update) {
    std::cerr << "usage: compatibility KNOWN_KEYS PAGE [--update]\n";
    return 2;
  }
  return kilonova::Run(args[0], args[1], update);
}
