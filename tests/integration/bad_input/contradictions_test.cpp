// SPDX-License-Identifier: Apache-2.0
// Flavors and images that contradict each other: the API refuses what Nova's API refuses, with its
// exception; what comes by the queue all the same is refused by the agent.
#include <nlohmann/json.hpp>

#include "common/hardware/errors.h"
#include "tests/integration/bad_input/bed.h"
#include "tests/support/nova_vectors.h"

namespace kilonova::testing {
namespace {

using nlohmann::json;

// What compute/api.py asks of a flavor and an image, in its order; recorded one by one.
constexpr const char* kAsked[] = {"mem_encryption",           "pmu",
                                  "number_of_serial_ports",   "realtime_cpus",
                                  "cpu_topology_constraints", "vif_multiqueue",
                                  "numa_get_constraints"};
// What its conductor asks after that: the instance then ends in ERROR.
constexpr const char* kAskedLater[] = {
    "vtpm",           "secure_boot",       "pci_numa_policy",
    "cpu_policy",     "cpu_thread_policy", "emulator_threads_policy",
    "dedicated_cpus", "locked_memory"};

std::string ErrorOf(const json& answers, const char* question) {
  const auto found = answers.find(question);
  return found != answers.end() && found->contains("error") ? found->at("error") : "";
}

// Nova's API takes no such name, whatever is validated of extra specs.
bool HasOddKey(const json& specs) {
  for (const auto& [key, value] : specs.items()) {
    if (key.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                              " -_:.") != std::string::npos) {
      return true;
    }
  }
  return false;
}

class Contradictions : public BadInputTest {
 protected:
  void SetUp() override {
    auto made = Create(Request("honest"));
    ASSERT_TRUE(made.ok()) << Describe(made.status());
    honest_ = Bodies().at(0);
  }
  // The image's id, or why it is refused.
  Expected<std::string> Image(const json& properties) {
    v1::RegisterImageRequest request;
    request.mutable_image()->set_name("image" + std::to_string(++images_));
    request.mutable_image()->set_url("file:///images/a.qcow2");
    request.mutable_image()->set_sha256(std::string(64, 'a'));
    request.mutable_image()->set_disk_format("qcow2");
    for (const auto& [key, value] : properties.items()) {
      (*request.mutable_image()->mutable_properties())[key] = value;
    }
    v1::RegisterImageResponse response;
    RETURN_IF_ERROR(
        Call(*BadInputTest::images_, &v1::ImageService::Stub::RegisterImage, request, &response));
    return response.image().id();
  }
  Expected<std::string> Flavor(const json& from) {
    v1::CreateFlavorRequest request;
    request.mutable_flavor()->set_name("flavor" + std::to_string(++flavors_made_));
    request.mutable_flavor()->set_vcpus(from["vcpus"]);
    request.mutable_flavor()->set_memory_mb(from["memory_mb"]);
    request.mutable_flavor()->set_root_gb(from["root_gb"]);
    for (const auto& [key, value] : from["extra_specs"].items()) {
      (*request.mutable_flavor()->mutable_extra_specs())[key] = value;
    }
    v1::CreateFlavorResponse response;
    RETURN_IF_ERROR(Call(*flavors_, &v1::FlavorService::Stub::CreateFlavor, request, &response));
    return response.flavor().flavorid();
  }
  // The honest message with another flavor and image, as a broker's user might publish it.
  Status Smuggled(const json& vector) {
    auto build = *Read(honest_);
    build.flavor.vcpus = vector["flavor"]["vcpus"];
    build.flavor.memory_mb = vector["flavor"]["memory_mb"];
    build.flavor.extra_specs = vector["flavor"]["extra_specs"].get<model::ExtraSpecs>();
    model::NicRequest nic;  // for what is asked of interfaces
    nic.port_id = nic.network_id = Uuid::Random();
    nic.kind = model::NetworkKind::kBridge;
    nic.source = "br0";
    nic.mac = "fa:16:3e:00:00:01";
    build.nics = {nic};
    build.image.properties =
        vector["image"]["properties"].get<std::map<std::string, std::string>>();
    scheduler::core::InstanceRecord record;
    record.spec = build.instance;
    const auto body = encoder_.EncodeBuild({.request = build,
                                            .instance = record,
                                            .destination = {"c1", "c1.node"},
                                            .unique_id = std::string(32, 'a'),
                                            .request_id = "req-" + Uuid::Random().str()});
    RETURN_IF_ERROR(body.status());
    ASSIGN_OR_RETURN(const auto read, Read(*body));
    EXPECT_EQ(read.flavor.extra_specs, build.flavor.extra_specs);
    EXPECT_EQ(read.image.properties, build.image.properties);
    return Xml(read).status();
  }

 private:
  std::string honest_;
  int images_ = 0, flavors_made_ = 0;
};

TEST_F(Contradictions, AreRefusedAsNovaRefusesThem) {
  const json file = json::parse(ReadVectors("numa.json"));
  std::map<std::string, int> refused;
  int taken = 0;
  int number = 0;
  for (const json& vector : file["vectors"]) {
    if (vector["kind"] != "constraints" || !vector["image"].is_object()) continue;
    const json& answers = vector["result"];
    const std::string id = vector["id"];
    if (ErrorOf(answers, "mem_encryption") == "NotImplementedError")
      continue;  // no id was given it
    const auto image = Image(vector["image"]["properties"]);
    if (!image.ok()) {
      EXPECT_TRUE(HasReason(image.status(), reason::kImageInvalid)) << Describe(image.status());
      EXPECT_TRUE(answers.contains("input_error")) << id << Describe(image.status());
      ++refused["image"];
      continue;
    }
    const auto flavor = Flavor(vector["flavor"]);
    if (!flavor.ok()) {
      EXPECT_TRUE(HasReason(flavor.status(), reason::kFlavorInvalid)) << Describe(flavor.status());
      EXPECT_TRUE(HasOddKey(vector["flavor"]["extra_specs"])) << id << Describe(flavor.status());
      ++refused["flavor"];
      continue;
    }
    std::string want;
    for (const char* question : kAsked) {
      if (want.empty()) want = ErrorOf(answers, question);
    }
    auto request = Request("c" + std::to_string(++number));
    request.mutable_template_()->set_flavor(*flavor);
    request.mutable_template_()->set_image(*image);
    const Status made = Create(request).status();
    const std::string exception = hardware::NovaExceptionOf(made);
    if (want.empty()) {
      bool later = made.ok() || exception.empty();
      for (const char* question : kAskedLater) later |= ErrorOf(answers, question) == exception;
      EXPECT_TRUE(later) << id << Describe(made);
      taken += made.ok();
      Bodies();
      continue;
    }
    EXPECT_EQ(made.code(), Code::kInvalidArgument) << id << Describe(made);
    EXPECT_EQ(exception, want) << id << Describe(made);
    EXPECT_FALSE(DetailsOf(made)["field"].empty()) << id << Describe(made);
    EXPECT_TRUE(Bodies().empty()) << id;
    const Status smuggled = Smuggled(vector);
    EXPECT_FALSE(smuggled.ok()) << id << " " << want;
    EXPECT_FALSE(ReasonOf(smuggled).empty()) << id;
    ++refused[want];
  }
  for (const auto& [what, times] : refused) std::cout << what << ": " << times << "\n";
  std::cout << "taken: " << taken << "\n";
  EXPECT_GT(refused.size(), 10U);
  EXPECT_GT(taken, 5);
  rig_.CheckInvariants();
}

// The commonest of each kind, whatever the recorded ones happen to hold.
TEST_F(Contradictions, OfEachKind) {
  struct Case {
    json specs, properties;
    std::string exception;
  };
  const Case cases[] = {
      {{{"hw:cpu_policy", "shared"}}, {{"hw_cpu_policy", "dedicated"}}, "ImageCPUPinningForbidden"},
      {{{"hw:cpu_policy", "dedicated"}, {"hw:cpu_thread_policy", "isolate"}},
       {{"hw_cpu_thread_policy", "require"}},
       "ImageCPUThreadPolicyForbidden"},
      {{{"hw:mem_page_size", "2048"}},
       {{"hw_mem_page_size", "1048576"}},
       "MemoryPageSizeForbidden"},
      {{{"hw:numa_nodes", "2"}}, {{"hw_numa_nodes", "1"}}, "ImageNUMATopologyForbidden"},
      {{{"hw:cpu_max_sockets", "1"}},
       {{"hw_cpu_max_sockets", "2"}},
       "ImageVCPULimitsRangeExceeded"},
      {{{"hw:mem_encryption", "true"}}, {{"hw_mem_encryption", "false"}}, "FlavorImageConflict"},
      {{{"hw:mem_encryption", "true"}}, {{"hw_firmware_type", "bios"}}, "FlavorImageConflict"},
      {{{"hw:pmu", "true"}}, {{"hw_pmu", "false"}}, "FlavorImageConflict"},
      {{{"hw:serial_port_count", "1"}},
       {{"hw_serial_port_count", "2"}},
       "ImageSerialPortNumberExceedFlavorValue"},
      {{{"hw:vif_multiqueue_enabled", "false"}},
       {{"hw_vif_multiqueue_enabled", "true"}},
       "FlavorImageConflict"},
  };
  int number = 0;
  for (const Case& one : cases) {
    json vector;
    vector["flavor"] = {
        {"vcpus", 4}, {"memory_mb", 512}, {"root_gb", 1}, {"extra_specs", one.specs}};
    vector["image"] = {{"properties", one.properties}};
    const auto image = Image(one.properties);
    const auto flavor = Flavor(vector["flavor"]);
    ASSERT_TRUE(image.ok() && flavor.ok()) << one.exception;
    auto request = Request("k" + std::to_string(++number));
    request.mutable_template_()->set_flavor(*flavor);
    request.mutable_template_()->set_image(*image);
    const Status made = Create(request).status();
    EXPECT_EQ(made.code(), Code::kInvalidArgument) << one.exception << Describe(made);
    EXPECT_EQ(hardware::NovaExceptionOf(made), one.exception) << Describe(made);
    EXPECT_FALSE(Smuggled(vector).ok()) << one.exception;
  }
  EXPECT_EQ(Instances(), 1) << "the honest one alone";
}

}  // namespace
}  // namespace kilonova::testing
