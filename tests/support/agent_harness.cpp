// SPDX-License-Identifier: Apache-2.0
#include "tests/support/agent_harness.h"

#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <thread>

#include "common/base/hash.h"
#include "common/hardware/constraints.h"

namespace kilonova::testing {

using agent::core::IncomingRequest;
using agent::core::Verdict;

namespace {

std::filesystem::path MakeTempDir() {
  std::string name = (std::filesystem::temp_directory_path() / "kilonova-agent-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) std::abort();
  return name;
}

}  // namespace

Uuid NthUuid(int n) {
  char text[40];
  std::snprintf(text, sizeof text, "00000000-0000-4000-8000-%012x", static_cast<unsigned>(n));
  return *Uuid::Parse(text);
}

model::Flavor TinyFlavor() {
  model::Flavor flavor;
  flavor.flavorid = flavor.name = "m1.tiny";
  flavor.vcpus = 1;
  flavor.memory_mb = 512;
  flavor.root_gb = 1;
  return flavor;
}

model::BuildRequest MakeBuild(int n, std::int64_t generation) {
  model::BuildRequest build;
  build.instance.id = n;
  build.instance.uuid = NthUuid(n);
  build.instance.display_name = "vm" + std::to_string(n);
  build.instance.config_drive = true;
  build.flavor = TinyFlavor();
  build.image.id = NthUuid(9000);
  build.image.sha256 = Sha256Hex("image");
  build.image.disk_format = "qcow2";
  model::NicRequest nic;
  nic.port_id = NthUuid(10000 + n);
  nic.source = "default";
  build.nics.push_back(nic);
  build.claim.claim_id = NthUuid(20000 + n);
  build.claim.generation = generation;
  return build;
}

Status FakeDescriber::Check(const model::BuildRequest& build) {
  if (!build.flavor.extra_specs.contains("hw:unheard_of")) return OkStatus();
  return Error(Code::kUnimplemented, reason::kFeatureNotServed, "not served",
               {{"key", "hw:unheard_of"}});
}

Expected<std::string> FakeDescriber::DomainXml(const model::BuildRequest& build,
                                               const agent::core::GuestPlacement& placement,
                                               const agent::core::HostFacts&) {
  std::string devices = build.flavor.extra_specs.contains("hw:tpm_version") ? "<tpm/>" : "";
  for (const int port : placement.serial_ports) {
    devices += "<serial port='" + std::to_string(port) + "'/>";
  }
  for (const std::string& address : placement.pci_devices) {
    devices += "<hostdev>" + address + "</hostdev>";
  }
  for (const hardware::Mdev& mdev : placement.mdevs) {
    devices += "<mdev>" + mdev.uuid.str() + "</mdev>";
  }
  return "<domain><name>vm" + std::to_string(build.instance.id) + "</name><uuid>" +
         build.instance.uuid.str() + "</uuid><kilonova:owner host=\"host1\" generation=\"" +
         std::to_string(build.claim.generation) + "\" claim=\"" + build.claim.claim_id.str() +
         "\"/>" + devices + "</domain>";
}

Expected<agent::core::DevicesWanted> FakeDescriber::Devices(const model::BuildRequest& build) {
  agent::core::DevicesWanted devices;
  const auto& specs = build.flavor.extra_specs;
  devices.tpm = specs.contains("hw:tpm_version");
  if (const auto ports = specs.find("hw:serial_port_count"); ports != specs.end()) {
    devices.serial_ports = std::stoi(ports->second);
  }
  return devices;
}

Expected<std::optional<hardware::InstanceNumaTopology>> FakeDescriber::NumaWanted(
    const model::BuildRequest& build) {
  ASSIGN_OR_RETURN(const auto image, hardware::ImageProps::From(build.image.properties));
  return hardware::NumaConstraints({.flavor = build.flavor, .image = image});
}

Expected<std::vector<agent::core::BlankDisk>> FakeDescriber::BlankDisks(
    const model::BuildRequest& build) {
  std::vector<agent::core::BlankDisk> disks;
  if (build.flavor.swap_mb > 0) disks.push_back({"disk.swap", 1, "swap", ""});
  return disks;
}

Expected<std::optional<std::vector<agent::core::ConfigDriveFile>>> FakeDescriber::ConfigDrive(
    const model::BuildRequest&) {
  return std::vector<agent::core::ConfigDriveFile>{{"openstack/latest/meta_data.json", "{}"}};
}

Expected<model::ComputeRequest> FakeDecoder::Decode(const std::string& inner) {
  std::istringstream in(inner);
  std::string what, suffix;
  int n = 0;
  std::int64_t generation = 0;
  if (!(in >> what >> n >> generation)) {
    return Error(Code::kInvalidArgument, reason::kMessageMalformed, "cannot be read");
  }
  in >> suffix;
  model::ComputeRequest request;
  request.unique_id = Sha256Hex(inner).substr(0, 32);
  request.request_id = "req-" + NthUuid(n).str();
  if (what == "build") {
    request.method = "build_and_run_instance";
    model::BuildRequest build = MakeBuild(n, generation);
    // A guest with two CPUs of the host's for itself, and swap.
    if (suffix.starts_with("pinned")) {
      build.flavor.vcpus = 2;
      build.flavor.swap_mb = 64;
      build.flavor.extra_specs["hw:cpu_policy"] = "dedicated";
    }
    // A guest with a TPM and two serial consoles.
    if (suffix.starts_with("devices")) {
      build.flavor.extra_specs["hw:tpm_version"] = "2.0";
      build.flavor.extra_specs["hw:serial_port_count"] = "2";
      if (suffix.ends_with("vgpu")) build.allocations["host1_pci_0000_06_00_0"]["VGPU"] = 1;
    }
    if (suffix.starts_with("gpu")) {
      build.pci_requests = {{1, {{{"vendor_id", "10de"}}}, "gpu", "", "legacy"}};
    }
    // A guest with a vGPU, of the GPU the claim names: "vgpu@host1_pci_0000_06_00_0", or of any.
    // With two: "vgpu2...".
    if (suffix.starts_with("vgpu")) {
      const std::int64_t count = suffix.starts_with("vgpu2") ? 2 : 1;
      build.flavor.extra_specs["resources:VGPU"] = std::to_string(count);
      const std::size_t at = suffix.find('@');
      if (at != std::string::npos) build.allocations[suffix.substr(at + 1)]["VGPU"] = count;
    }
    request.body = build;
    return request;
  }
  model::ActionRequest action;
  action.instance_uuid = NthUuid(n);
  action.instance_id = n;
  action.generation = generation;
  action.clean_shutdown = what != "stop_hard";
  action.reboot_type = what == "reboot_hard" ? model::RebootType::kHard : model::RebootType::kSoft;
  const std::string verb = what.substr(0, what.find('_'));
  action.kind = verb == "terminate" ? model::ActionKind::kTerminate
                : verb == "start"   ? model::ActionKind::kStart
                : verb == "stop"    ? model::ActionKind::kStop
                                    : model::ActionKind::kReboot;
  request.method = verb + "_instance";
  request.body = action;
  return request;
}

// The secret of a fake body is the word "hunter2" at its end.
Expected<std::string> FakeDecoder::WithoutSecrets(const std::string& inner) {
  const auto at = inner.find("hunter2");
  return at == std::string::npos ? inner : inner.substr(0, at);
}

IncomingRequest Message(const std::string& what, int n, std::int64_t generation,
                        const std::string& id_suffix) {
  IncomingRequest incoming;
  incoming.body =
      what + " " + std::to_string(n) + " " + std::to_string(generation) + " " + id_suffix;
  incoming.request = *FakeDecoder().Decode(incoming.body);
  incoming.digest = Sha256Hex(incoming.body);
  return incoming;
}

agent::core::AgentSettings QuickSettings(const std::filesystem::path& dir) {
  agent::core::AgentSettings settings;
  settings.host = "host1";
  settings.paths.state_dir = dir;
  settings.template_wait = std::chrono::milliseconds(50);
  settings.hypervisor_wait = std::chrono::seconds(5);
  settings.shutdown_timeout = std::chrono::milliseconds(60);
  settings.shutdown_retry = std::chrono::milliseconds(20);
  settings.soft_reboot_timeout = std::chrono::milliseconds(60);
  settings.start_timeout = std::chrono::seconds(5);
  settings.poll = std::chrono::milliseconds(5);
  settings.undo_retry_first = std::chrono::milliseconds(5);
  return settings;
}

AgentHarness::AgentHarness()
    : dir_(MakeTempDir()), settings_(QuickSettings(dir_)), images_(dir_ / "images") {
  control_plane_.AddTemplate(TinyFlavor());
}

AgentHarness::~AgentHarness() {
  agent_.reset();
  std::filesystem::remove_all(dir_);
}

void AgentHarness::Boot() {
  agent_ = std::make_unique<agent::core::Agent>(
      settings_, agent::core::Ports{hypervisor_, images_, images_, networks_, journal_,
                                    control_plane_, describer_, decoder_, SystemClock()});
  ASSERT_TRUE(agent_->Start().ok());
}

void AgentHarness::Restart() {
  agent_.reset();
  Boot();
}

Verdict AgentHarness::Send(const std::string& what, int n, std::int64_t generation,
                           const std::string& id_suffix) {
  return agent_->Submit(Message(what, n, generation, id_suffix)).verdict;
}

void AgentHarness::Until(const std::function<bool()>& done, const char* what) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!done()) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "waited in vain for: " << what;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

std::vector<model::StateReport> AgentHarness::Reports(int n) {
  std::vector<model::StateReport> mine;
  const auto all = journal_.PendingReports(0, 100000);
  for (const auto& report : *all) {
    if (report.instance_uuid == NthUuid(n)) mine.push_back(report);
  }
  return mine;
}

model::StateReport AgentHarness::LastReport(int n) {
  const auto reports = Reports(n);
  return reports.empty() ? model::StateReport{} : reports.back();
}

std::optional<agent::core::InstanceRecord> AgentHarness::Record(int n) {
  return *journal_.Instance(NthUuid(n));
}

std::int64_t AgentHarness::Counter(const std::string& name) const {
  const auto all = agent_->Counters();
  const auto it = all.find(name);
  return it == all.end() ? 0 : it->second;
}

}  // namespace kilonova::testing
