// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_hypervisor.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>

namespace kilonova::testing {

using agent::core::DomainEventKind;
using agent::core::DomainInfo;
using model::PowerState;

namespace {

// The text between `begin` and the next `end` after it; "" when there is none.
std::string Between(const std::string& text, const std::string& begin, const std::string& end,
                    std::size_t from = 0) {
  const std::size_t at = text.find(begin, from);
  if (at == std::string::npos) return "";
  const std::size_t start = at + begin.size();
  return text.substr(start, text.find(end, start) - start);
}

std::string Attribute(const std::string& text, std::size_t from, const std::string& name) {
  const std::string value = Between(text, " " + name + "=\"", "\"", from);
  return value.empty() ? Between(text, " " + name + "='", "'", from) : value;
}

std::vector<Uuid> MdevsOf(const std::string& xml) {
  std::vector<Uuid> uuids;
  for (std::size_t at = xml.find("<mdev>"); at != std::string::npos;
       at = xml.find("<mdev>", at + 1)) {
    uuids.push_back(*Uuid::Parse(Between(xml, "<mdev>", "</mdev>", at)));
  }
  return uuids;
}

Status Unavailable() {
  return Error(Code::kUnavailable, reason::kHypervisorUnavailable, "no connection to libvirt");
}

Status NotFound() {
  return Error(Code::kNotFound, reason::kDomainNotFound, "libvirt does not know the guest");
}

}  // namespace

FakeHypervisor::FakeHypervisor(std::string host, const std::filesystem::path& dir)
    : host_(std::move(host)), dir_(dir) {
  for (const auto& file : std::filesystem::directory_iterator(dir_)) {
    if (file.path().extension() == ".mdev") {
      const Uuid uuid = *Uuid::Parse(file.path().stem().string());
      std::ifstream in(file.path());
      in >> mdevs_[uuid].parent >> mdevs_[uuid].type;
      mdevs_[uuid].uuid = uuid;
    }
    if (file.path().extension() == ".secret") {
      std::ifstream in(file.path());
      in >> tpm_secrets_[*Uuid::Parse(file.path().stem().string())];
    }
    if (file.path().extension() != ".domain") continue;
    std::ifstream in(file.path());
    Domain domain;
    std::string uuid, claim;
    int power = 0;
    in >> uuid >> domain.info.name >> power >> domain.info.owner.host >>
        domain.info.owner.generation >> claim >> domain.starts;
    in >> domain.tpm_key;
    if (domain.tpm_key == "-") domain.tpm_key.clear();
    std::getline(in, domain.xml, '\0');
    domain.info.uuid = *Uuid::Parse(uuid);
    domain.info.power = *model::PowerStateFrom(power);
    domain.info.owner.claim_id = *Uuid::Parse(claim);
    domains_[domain.info.uuid] = domain;
  }
}

void FakeHypervisor::Save(const Domain& domain) const {
  if (dir_.empty()) return;
  const auto target = dir_ / (domain.info.uuid.str() + ".domain");
  const auto draft = target.string() + ".tmp";
  std::ofstream out(draft);
  out << domain.info.uuid.str() << ' ' << domain.info.name << ' '
      << static_cast<int>(domain.info.power) << ' ' << domain.info.owner.host << ' '
      << domain.info.owner.generation << ' ' << domain.info.owner.claim_id.str() << ' '
      << domain.starts << ' ' << (domain.tpm_key.empty() ? "-" : domain.tpm_key) << '\n'
      << domain.xml;
  out.close();
  std::filesystem::rename(draft, target);
}

Status FakeHypervisor::Enter(const std::string& call) {
  ++calls_[call];
  if (!connected_) return Unavailable();
  auto& failures = failures_[call];
  if (failures.empty()) return OkStatus();
  const Status status = failures.front();
  failures.erase(failures.begin());
  return status;
}

void FakeHypervisor::Tell(const Uuid& uuid, DomainEventKind kind) {
  const absl::MutexLock lock(&handler_mutex_);
  if (handler_) handler_({uuid, kind});
}

bool FakeHypervisor::Connected() const {
  const absl::MutexLock lock(&mutex_);
  return connected_;
}

Expected<agent::core::HostFacts> FakeHypervisor::Facts() {
  const absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(Enter("facts"));
  agent::core::HostFacts facts;
  facts.hostname = host_;
  facts.pci_devices = pci_devices_;
  facts.mdevs = Machine();
  facts.mdevs.users.clear();
  facts.arch = "x86_64";
  facts.cpu_model = "Skylake-Server-IBRS";
  facts.cpu_vendor = "Intel";
  facts.cpu_features = {"aes", "avx2", "vmx"};
  facts.sockets = 1;
  facts.cores = 8;
  facts.threads = 2;
  facts.cpus = 16;
  facts.memory_mb = 32768;
  facts.hypervisor_version = 7'002'022;
  facts.libvirt_version = 9'000'000;
  facts.virt_type = "qemu";
  facts.supported_instances = {{"x86_64", "qemu", "hvm"}};
  facts.guests.cells = cells_;
  return facts;
}

Status FakeHypervisor::Define(const std::string& xml) {
  const absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(Enter("define"));
  const auto uuid = Uuid::Parse(Between(xml, "<uuid>", "</uuid>"));
  if (!uuid.ok()) {
    return Error(Code::kInvalidArgument, reason::kHypervisorRefused, "no uuid in the XML");
  }
  Domain& domain = domains_[*uuid];
  domain.xml = xml;
  domain.info.uuid = *uuid;
  domain.info.name = Between(xml, "<name>", "</name>");
  if (domain.info.power == PowerState::kNoState) domain.info.power = PowerState::kShutdown;
  if (const std::size_t tag = xml.find("<kilonova:owner"); tag != std::string::npos) {
    domain.info.owner.host = Attribute(xml, tag, "host");
    domain.info.owner.generation = std::atoll(Attribute(xml, tag, "generation").c_str());
    const auto claim = Uuid::Parse(Attribute(xml, tag, "claim"));
    if (claim.ok()) domain.info.owner.claim_id = *claim;
  }
  Save(domain);
  return OkStatus();
}

Status FakeHypervisor::SetPower(const std::string& call, const Uuid& uuid, PowerState power,
                                DomainEventKind kind, bool must_exist) {
  {
    const absl::MutexLock lock(&mutex_);
    if (!call.empty()) RETURN_IF_ERROR(Enter(call));
    const auto it = domains_.find(uuid);
    if (it == domains_.end()) return must_exist ? NotFound() : OkStatus();
    if (it->second.info.power == power) return OkStatus();
    if (call == "destroy") ++calls_["plug"];  // pulled on a guest that ran
    if (power == PowerState::kRunning) RETURN_IF_ERROR(HasItsMdevs(it->second));
    if (power == PowerState::kRunning) RETURN_IF_ERROR(UnlockTpm(it->second));
    it->second.info.power = power;
    if (power == PowerState::kRunning) ++it->second.starts;
    Save(it->second);
  }
  Tell(uuid, kind);
  return OkStatus();
}

hardware::MdevMachine FakeHypervisor::Machine() const {
  hardware::MdevMachine machine;
  for (const auto& [name, each] : gpus_) {
    const auto made = std::ranges::count_if(
        mdevs_, [&name = name](const auto& mdev) { return mdev.second.parent == name; });
    machine.parents.push_back({name, {{"nvidia-35", each - made}, {"nvidia-36", 1}}});
  }
  for (const auto& [uuid, mdev] : mdevs_) machine.mdevs.push_back(mdev);
  for (const auto& [uuid, domain] : domains_) {
    for (const Uuid& mdev : MdevsOf(domain.xml)) machine.users[mdev] = uuid;
  }
  return machine;
}

Expected<hardware::MdevMachine> FakeHypervisor::Mdevs() {
  const absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(Enter("mdevs"));
  return Machine();
}

Status FakeHypervisor::CreateMdev(const hardware::Mdev& mdev) {
  const absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(Enter("create_mdev"));
  if (mdevs_.contains(mdev.uuid)) return OkStatus();
  for (const hardware::MdevParent& parent : Machine().parents) {
    const auto available = parent.available.find(mdev.type);
    if (parent.name != mdev.parent || available == parent.available.end()) continue;
    if (available->second <= 0) break;
    mdevs_[mdev.uuid] = mdev;
    if (!dir_.empty()) {
      std::ofstream(dir_ / (mdev.uuid.str() + ".mdev")) << mdev.parent << ' ' << mdev.type;
    }
    return OkStatus();
  }
  return Error(Code::kResourceExhausted, reason::kHostResourcesExhausted, "no more of them");
}

Status FakeHypervisor::HasItsMdevs(const Domain& domain) const {
  for (const Uuid& mdev : MdevsOf(domain.xml)) {
    bool good = mdevs_.contains(mdev);
    for (const auto& [uuid, other] : domains_) {
      const auto theirs = MdevsOf(other.xml);
      const bool shared = std::ranges::find(theirs, mdev) != theirs.end();
      good = good && (uuid == domain.info.uuid || !shared);
    }
    if (!good) {
      return Error(Code::kFailedPrecondition, reason::kHypervisorRefused,
                   "a mediated device is not there, or another guest's");
    }
  }
  return OkStatus();
}

void FakeHypervisor::SetGpus(const std::vector<std::string>& names, std::int64_t each) {
  const absl::MutexLock lock(&mutex_);
  gpus_.clear();
  for (const std::string& name : names) gpus_[name] = each;
}

void FakeHypervisor::ForgetMdevs() {
  const absl::MutexLock lock(&mutex_);
  mdevs_.clear();
}

std::vector<hardware::Mdev> FakeHypervisor::MdevsThere() const {
  const absl::MutexLock lock(&mutex_);
  return Machine().mdevs;
}

Status FakeHypervisor::UnlockTpm(Domain& domain) {
  if (domain.xml.find("<tpm") == std::string::npos) return OkStatus();
  const auto secret = tpm_secrets_.find(domain.info.uuid);
  if (secret == tpm_secrets_.end()) {
    return Error(Code::kFailedPrecondition, reason::kHypervisorRefused, "no secret for the TPM");
  }
  if (!domain.tpm_key.empty() && domain.tpm_key != secret->second) {
    return Error(Code::kFailedPrecondition, reason::kHypervisorRefused,
                 "the TPM's state cannot be decrypted");
  }
  domain.tpm_key = secret->second;
  return OkStatus();
}

Status FakeHypervisor::SetTpmSecret(const Uuid& uuid, const std::string& passphrase) {
  const absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(Enter("set_tpm_secret"));
  tpm_secrets_[uuid] = passphrase;
  if (!dir_.empty()) std::ofstream(dir_ / (uuid.str() + ".secret")) << passphrase;
  return OkStatus();
}

Status FakeHypervisor::ForgetTpmSecret(const Uuid& uuid) {
  const absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(Enter("forget_tpm_secret"));
  tpm_secrets_.erase(uuid);
  if (!dir_.empty()) std::filesystem::remove(dir_ / (uuid.str() + ".secret"));
  return OkStatus();
}

std::string FakeHypervisor::TpmSecret(const Uuid& uuid) const {
  const absl::MutexLock lock(&mutex_);
  const auto it = tpm_secrets_.find(uuid);
  return it == tpm_secrets_.end() ? "" : it->second;
}

void FakeHypervisor::ForgetTpmSecrets() {
  const absl::MutexLock lock(&mutex_);
  tpm_secrets_.clear();
}

std::string FakeHypervisor::TpmKey(const Uuid& uuid) const {
  const absl::MutexLock lock(&mutex_);
  const auto it = domains_.find(uuid);
  return it == domains_.end() ? "" : it->second.tpm_key;
}

Status FakeHypervisor::Start(const Uuid& uuid) {
  return SetPower("start", uuid, PowerState::kRunning, DomainEventKind::kStarted, true);
}

Status FakeHypervisor::Destroy(const Uuid& uuid) {
  return SetPower("destroy", uuid, PowerState::kShutdown, DomainEventKind::kStopped, false);
}

Status FakeHypervisor::Shutdown(const Uuid& uuid) {
  {
    const absl::MutexLock lock(&mutex_);
    RETURN_IF_ERROR(Enter("shutdown"));
    if (!domains_.contains(uuid)) return NotFound();
    if (!heeds_button_) return OkStatus();
  }
  return SetPower("", uuid, PowerState::kShutdown, DomainEventKind::kStopped, true);
}

Status FakeHypervisor::Undefine(const Uuid& uuid) {
  {
    const absl::MutexLock lock(&mutex_);
    RETURN_IF_ERROR(Enter("undefine"));
    if (domains_.erase(uuid) == 0) return OkStatus();
    if (!dir_.empty()) std::filesystem::remove(dir_ / (uuid.str() + ".domain"));
  }
  Tell(uuid, DomainEventKind::kUndefined);
  return OkStatus();
}

Expected<DomainInfo> FakeHypervisor::State(const Uuid& uuid) {
  const absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(Enter("state"));
  const auto it = domains_.find(uuid);
  if (it == domains_.end()) return NotFound();
  return it->second.info;
}

Expected<agent::core::HeldDevices> FakeHypervisor::DevicesOf(const Uuid& uuid) {
  const absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(Enter("devices"));
  const auto it = domains_.find(uuid);
  if (it == domains_.end()) return NotFound();
  constexpr std::string_view kBegin = "<hostdev>", kEnd = "</hostdev>";
  const std::string& xml = it->second.xml;
  agent::core::HeldDevices held;
  for (auto at = xml.find(kBegin); at != std::string::npos; at = xml.find(kBegin, at)) {
    at += kBegin.size();
    held.pci.push_back(xml.substr(at, xml.find(kEnd, at) - at));
  }
  return held;
}

Expected<std::vector<DomainInfo>> FakeHypervisor::List() {
  const absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(Enter("list"));
  std::vector<DomainInfo> list;
  for (const auto& [uuid, domain] : domains_) {
    if (domain.info.owner.host == host_) list.push_back(domain.info);
  }
  return list;
}

void FakeHypervisor::Subscribe(std::function<void(const agent::core::DomainEvent&)> handler,
                               std::function<void()> reconnected) {
  const absl::MutexLock lock(&handler_mutex_);
  handler_ = std::move(handler);
  reconnected_ = std::move(reconnected);
}

void FakeHypervisor::SetConnected(bool connected) {
  {
    const absl::MutexLock lock(&mutex_);
    connected_ = connected;
  }
  const absl::MutexLock lock(&handler_mutex_);
  if (connected && reconnected_) reconnected_();
}

void FakeHypervisor::SetHeedsButton(bool heeds) {
  const absl::MutexLock lock(&mutex_);
  heeds_button_ = heeds;
}

void FakeHypervisor::Fail(const std::string& call, const Status& status, int times) {
  const absl::MutexLock lock(&mutex_);
  if (times == 0) failures_[call].clear();
  for (int i = 0; i < times; ++i) failures_[call].push_back(status);
}

void FakeHypervisor::SetPciDevices(std::vector<hardware::AssignablePciDevice> devices) {
  const absl::MutexLock lock(&mutex_);
  pci_devices_ = std::move(devices);
}

void FakeHypervisor::SetCells(int cells, int cpus) {
  const absl::MutexLock lock(&mutex_);
  cells_.clear();
  for (int c = 0; c < cells; ++c) {
    agent::core::HostCell& cell = cells_.emplace_back();
    cell.id = c;
    cell.memory_kib = 16 << 20;
    cell.pages = {{4, (16 << 20) / 4}};
    for (int i = 0; i < cpus; ++i) {
      const int id = c * cpus + i;
      cell.cpus.push_back({id, c, i, {id}});
    }
  }
}

void FakeHypervisor::GuestPowersOff(const Uuid& uuid) {
  static_cast<void>(SetPower("", uuid, PowerState::kShutdown, DomainEventKind::kStopped, true));
}

void FakeHypervisor::GuestCrashes(const Uuid& uuid) {
  static_cast<void>(SetPower("", uuid, PowerState::kShutdown, DomainEventKind::kCrashed, true));
}

void FakeHypervisor::Plant(const DomainInfo& domain) {
  const absl::MutexLock lock(&mutex_);
  domains_[domain.uuid].info = domain;
}

bool FakeHypervisor::Has(const Uuid& uuid) const {
  const absl::MutexLock lock(&mutex_);
  return domains_.contains(uuid);
}

bool FakeHypervisor::Running(const Uuid& uuid) const {
  const absl::MutexLock lock(&mutex_);
  const auto it = domains_.find(uuid);
  return it != domains_.end() && it->second.info.power == PowerState::kRunning;
}

std::string FakeHypervisor::Xml(const Uuid& uuid) const {
  const absl::MutexLock lock(&mutex_);
  const auto it = domains_.find(uuid);
  return it == domains_.end() ? "" : it->second.xml;
}

int FakeHypervisor::Calls(const std::string& call) const {
  const absl::MutexLock lock(&mutex_);
  const auto it = calls_.find(call);
  return it == calls_.end() ? 0 : it->second;
}

int FakeHypervisor::Starts(const Uuid& uuid) const {
  const absl::MutexLock lock(&mutex_);
  const auto it = domains_.find(uuid);
  return it == domains_.end() ? 0 : it->second.starts;
}

}  // namespace kilonova::testing
