// SPDX-License-Identifier: Apache-2.0
// A conductor on a real database in a directory of its own, with the real engine, filters and
// weighers; a clock that is set by hand; an encoder whose messages tests can read.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/model/methods.h"
#include "scheduler/adapters/store/sqlite_store.h"
#include "scheduler/core/conductor.h"
#include "scheduler/filters/filters.h"
#include "scheduler/weighers/weighers.h"

namespace kilonova::scheduler::core {

class FakeClock final : public Clock {
 public:
  WallTime Now() const override { return FromMicros(1'700'000'000'000'000 + micros_.load()); }
  SteadyTime Steady() const override {
    return SteadyTime(std::chrono::microseconds(micros_.load()));
  }
  void Advance(std::chrono::microseconds by) { micros_ += by.count(); }

 private:
  std::atomic<std::int64_t> micros_{1'000'000'000};
};

// "build <uuid> g<generation> a<attempt> <host> pw=<password> id=<unique id>"
class FakeEncoder final : public MessageEncoder {
 public:
  Expected<std::string> EncodeBuild(const BuildMessage& m) const override {
    if (broken) return Error(Code::kInternal, reason::kInternal, "cannot encode");
    return "build " + m.request.instance.uuid.str() + " g" +
           std::to_string(m.request.claim.generation) + " a" + std::to_string(m.request.attempt) +
           " " + m.destination.host + " pw=" + m.request.instance.admin_password +
           " id=" + m.unique_id + Allocated(m.request);
  }
  // " VGPU@gpu-0=1"
  static std::string Allocated(const model::BuildRequest& request) {
    std::string text;
    for (const auto& [provider, resources] : request.allocations) {
      for (const auto& [name, amount] : resources) {
        text += " " + name + "@" + provider + "=" + std::to_string(amount);
      }
    }
    return text;
  }
  Expected<std::string> EncodeAction(const ActionMessage& m) const override {
    if (broken) return Error(Code::kInternal, reason::kInternal, "cannot encode");
    return std::string(model::MethodOf(m.request.kind)) + " " + m.request.instance_uuid.str() +
           " g" + std::to_string(m.request.generation) + " id=" + m.unique_id;
  }
  std::atomic<bool> broken{false};
};

class TempDir {
 public:
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "kilonova-store-XXXXXX").string();
    if (mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~TempDir() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  std::string File(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline Pipeline DefaultPipeline() {
  Pipeline pipeline;
  pipeline.filters = filters::MakeFilters(filters::DefaultFilters(), {}).value();
  pipeline.weighers = weighers::MakeWeighers(weighers::DefaultWeighers(), {}).value();
  return pipeline;
}

// Everything a store holds, whole records and all.
struct AddressRow {
  Uuid network;
  std::string address;
};
struct WholeState : Snapshot {
  std::vector<HostRow> hosts;
  std::vector<InstancePtr> instances;  // the live ones
  std::vector<ClaimRow> claims;
  std::vector<AddressRow> addresses;
  std::vector<RequestRow> requests;
};

class StateReader : public LoadVisitor {
 public:
  explicit StateReader(WholeState& all) : all_(all) {}
  Status Begin(Snapshot all) override {
    static_cast<Snapshot&>(all_) = std::move(all);
    return OkStatus();
  }
  Status Host(HostRow row, const HostKindPtr& kind) override {
    HostKinds::PutBack(*kind, row.report);
    all_.hosts.push_back(std::move(row));
    return OkStatus();
  }
  Status Live(std::span<const LiveRow> rows) override {
    for (const LiveRow& row : rows) Live(row);
    return OkStatus();
  }
  void Live(const LiveRow& row) {
    ids.push_back(row.id);
    if (!row.claim) return;
    ClaimRow& claim = all_.claims.emplace_back();
    claim.instance = UuidOf(row.uuid);
    claim.claim_id = UuidOf(row.claim->claim_id);
    claim.host = row.claim->host;
    claim.generation = row.claim->generation;
    claim.resources = *row.claim->resources;
    if (row.claim->hardware != nullptr) claim.hardware = *row.claim->hardware;
  }
  Status Address(const UuidKey& network, std::string_view address) override {
    all_.addresses.push_back({UuidOf(network), std::string(address)});
    return OkStatus();
  }
  Status Request(std::string_view request_id, WallTime) override {
    requests.emplace_back(request_id);
    return OkStatus();
  }
  std::vector<std::int64_t> ids;
  std::vector<std::string> requests;

 private:
  WholeState& all_;
};

inline Expected<WholeState> LoadAll(Store& store) {
  WholeState all;
  StateReader reader(all);
  RETURN_IF_ERROR(store.Load(reader));
  ASSIGN_OR_RETURN(all.instances, store.Instances(reader.ids));
  for (const std::string& id : reader.requests) {
    ASSIGN_OR_RETURN(auto row, store.Request(id));
    if (row) all.requests.push_back(*std::move(row));
  }
  return all;
}

class Rig {
 public:
  explicit Rig(std::string path, ConductorOptions options = {}) : path_(std::move(path)) {
    options_ = options;
    Open();
  }
  ~Rig() { Close(); }

  void Open() {
    auto opened = adapters::OpenSqliteStore({.path = path_}, clock);
    ASSERT_TRUE(opened.ok()) << Describe(opened.status());
    store = *std::move(opened);
    Pipeline pipeline = DefaultPipeline();
    if (extend) extend(pipeline);
    engine = std::make_unique<Engine>(std::move(pipeline));
    auto made = Conductor::Open(*store, *engine, encoder, clock, options_);
    ASSERT_TRUE(made.ok()) << Describe(made.status());
    conductor = *std::move(made);
  }
  ConductorOptions& options() { return options_; }  // of the next Open
  void Close() {
    if (conductor) conductor->Stop();
    conductor.reset();
    engine.reset();
    store.reset();
  }
  void Restart() {
    Close();
    sessions.clear();
    Open();
  }

  static model::HostReport Report(const std::string& host, std::int64_t vcpus = 16,
                                  std::int64_t memory_mb = 32768, std::int64_t disk_gb = 500) {
    model::HostReport report;
    report.host = host;
    report.hypervisor_hostname = host + ".node";
    report.hypervisor_type = "QEMU";
    report.hypervisor_version = 7002022;
    report.cpu_arch = "x86_64";
    report.supported_instances = {{"x86_64", "kvm", "hvm"}, {"x86_64", "qemu", "hvm"}};
    report.inventories["VCPU"] = {.total = vcpus, .max_unit = vcpus};
    report.inventories["MEMORY_MB"] = {.total = memory_mb, .max_unit = memory_mb};
    report.inventories["DISK_GB"] = {.total = disk_gb, .max_unit = disk_gb};
    return report;
  }

  HostWelcome HostUp(const std::string& host, std::vector<model::HostInstance> instances = {},
                     std::int64_t vcpus = 16) {
    auto welcome = Up(Report(host, vcpus), std::move(instances));
    EXPECT_TRUE(welcome.ok()) << Describe(welcome.status());
    if (!welcome.ok()) return {};
    return *std::move(welcome);
  }

  // The same for a report that may be refused.
  Expected<HostWelcome> Up(const model::HostReport& report,
                           std::vector<model::HostInstance> instances = {}) {
    HostHello hello;
    hello.agent_version = "test";
    auto& journal = journals[report.host];
    if (journal.empty()) journal = Uuid::Random().str();
    hello.journal_id = journal;
    hello.report = report;
    hello.instances = std::move(instances);
    auto welcome = conductor->HostUp(hello);
    if (welcome.ok()) sessions[report.host] = welcome->session;
    return welcome;
  }

  void AddCatalog() {
    model::Flavor flavor;
    flavor.flavorid = "1";
    flavor.name = "m1.tiny";
    flavor.vcpus = 1;
    flavor.memory_mb = 512;
    flavor.root_gb = 1;
    ASSERT_TRUE(conductor->CreateFlavor(flavor).ok());
    model::ImageSource image;
    image.name = "cirros";
    image.url = "file:///images/cirros.qcow2";
    image.sha256 = std::string(64, 'a');
    image.disk_format = "qcow2";
    ASSERT_TRUE(conductor->RegisterImage(image).ok());
    NetworkRecord network;
    network.name = "net";
    network.source = "default";
    network.cidr = "10.20.0.0/24";
    network.gateway = "10.20.0.1";
    ASSERT_TRUE(conductor->CreateNetwork(network).ok());
  }

  static CreateRequest Request(const std::string& id, std::int64_t count = 1) {
    CreateRequest request;
    request.request_id = id;
    request.instance.name = "web";
    request.instance.flavor = "m1.tiny";
    request.instance.image = "cirros";
    request.instance.networks = {"net"};
    request.count = count;
    return request;
  }

  InstancePtr Create(const std::string& id) {
    auto made = conductor->CreateInstances(Request(id));
    EXPECT_TRUE(made.ok()) << Describe(made.status());
    return made.ok() ? made->front() : nullptr;
  }
  InstancePtr Get(const Uuid& uuid) {
    auto got = conductor->GetInstance(uuid.str());
    EXPECT_TRUE(got.ok()) << Describe(got.status());
    return got.ok() ? *got : nullptr;
  }

  // Everything that waits, as a relay whose broker takes it all would have it.
  std::vector<OutboxRow> Deliver() {
    std::vector<OutboxRow> all;
    while (true) {
      auto rows = conductor->outbox().Take(100, std::chrono::milliseconds(0));
      if (rows.empty()) return all;
      std::vector<std::int64_t> ids;
      for (const OutboxRow& row : rows) ids.push_back(row.id);
      EXPECT_TRUE(conductor->outbox().Confirmed(ids).ok());
      all.insert(all.end(), rows.begin(), rows.end());
    }
  }

  model::StateReport ReportOf(const InstanceRecord& r, const std::string& operation,
                              model::Outcome outcome, model::PowerState power) {
    model::StateReport report;
    report.seq = ++seqs[r.host];
    report.instance_uuid = r.uuid();
    report.generation = r.generation;
    report.operation = operation;
    report.request_id = operation == "build" ? r.request_id : r.action_request_id;
    if (outcome == model::Outcome::kObserved) report.request_id.clear();
    report.outcome = outcome;
    report.power_state = power;
    report.at = clock.Now();
    return report;
  }
  Expected<std::int64_t> Send(const std::string& host, const model::StateReport& report) {
    return conductor->HandleStateReports(sessions[host], std::vector{report});
  }
  void Done(const Uuid& uuid, const std::string& operation,
            model::PowerState power = model::PowerState::kRunning) {
    const InstancePtr r = Get(uuid);
    const auto ack = Send(r->host, ReportOf(*r, operation, model::Outcome::kDone, power));
    EXPECT_TRUE(ack.ok()) << Describe(ack.status());
  }
  void Fail(const Uuid& uuid, const std::string& operation, const std::string& reason,
            bool retryable, model::PowerState power = model::PowerState::kNoState) {
    const InstancePtr r = Get(uuid);
    auto report = ReportOf(*r, operation, model::Outcome::kFailed, power);
    report.fault = model::Fault{reason, "it did not work", retryable};
    const auto ack = Send(r->host, report);
    EXPECT_TRUE(ack.ok()) << Describe(ack.status());
  }
  void Observe(const Uuid& uuid, model::PowerState power) {
    const InstancePtr r = Get(uuid);
    EXPECT_TRUE(Send(r->host, ReportOf(*r, "", model::Outcome::kObserved, power)).ok());
  }
  // To ACTIVE, the way a host does it.
  InstancePtr Active(const std::string& id) {
    const InstancePtr r = Create(id);
    Deliver();
    EXPECT_TRUE(conductor->ConfirmStart(r->host, r->uuid(), r->generation).ok());
    Done(r->uuid(), "build");
    return Get(r->uuid());
  }

  // I1 and I6: claims are exactly those of live placed instances, in the engine and on disk;
  // addresses are exactly those of live instances; nobody is in two places.
  void CheckInvariants() {
    auto all = LoadAll(*store);
    ASSERT_TRUE(all.ok()) << Describe(all.status());
    std::map<Uuid, ClaimRow> claims;
    for (const ClaimRow& claim : all->claims) claims[claim.instance] = claim;
    ASSERT_EQ(claims.size(), all->claims.size());
    std::size_t placed = 0, ips = 0;
    std::map<std::string, model::Resources> sums;
    for (const InstancePtr& r : all->instances) {
      for (const auto& nic : r->nics) ips += nic.fixed_ips.size();
      if (r->claim_id.empty()) {
        EXPECT_EQ(claims.count(r->uuid()), 0U);
        EXPECT_FALSE(engine->GetClaim(r->uuid()).has_value());
        continue;
      }
      ++placed;
      ASSERT_EQ(claims.count(r->uuid()), 1U);
      const ClaimRow& claim = claims[r->uuid()];
      EXPECT_EQ(claim.host, r->host);
      EXPECT_EQ(claim.generation, r->generation);
      EXPECT_EQ(claim.claim_id, r->claim_id);
      const auto held = engine->GetClaim(r->uuid());
      ASSERT_TRUE(held.has_value());
      EXPECT_EQ(held->host, r->host);
      EXPECT_EQ(held->resources, claim.resources);
      for (const auto& [name, amount] : claim.resources) sums[claim.host][name] += amount;
    }
    EXPECT_EQ(placed, all->claims.size());
    EXPECT_EQ(ips, all->addresses.size());
    for (const HostRow& host : all->hosts) {
      const auto used = engine->Usage(host.name);
      ASSERT_TRUE(used.ok());
      for (const auto& [name, inventory] : host.report.inventories) {
        const auto sum = sums[host.name].find(name);
        const std::int64_t amount = sum == sums[host.name].end() ? 0 : sum->second;
        const auto in_engine = used->find(name);
        EXPECT_EQ(in_engine == used->end() ? 0 : in_engine->second, amount) << host.name;
        EXPECT_LE(amount, inventory.Capacity()) << host.name << " is overcommitted";
      }
    }
  }

  FakeClock clock;
  FakeEncoder encoder;
  std::function<void(Pipeline&)> extend;  // of the next Open
  std::unique_ptr<Store> store;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Conductor> conductor;
  std::map<std::string, Uuid> sessions;
  std::map<std::string, std::string> journals;
  std::map<std::string, std::int64_t> seqs;

 private:
  std::string path_;
  ConductorOptions options_;
};

class ConductorTest : public testing::Test {
 protected:
  TempDir dir_;
  Rig rig_{dir_.File("state.db")};
};

}  // namespace kilonova::scheduler::core
