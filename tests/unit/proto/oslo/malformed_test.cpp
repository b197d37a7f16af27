// SPDX-License-Identifier: Apache-2.0
// Bodies that a queue may hold and a compute host must refuse, each with its reason.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "tests/unit/proto/oslo/builders.h"

namespace kilonova::oslo {
namespace {

using namespace std::string_literals;
using testing::At;

struct Case {
  std::string name, body, reason, field;
};

std::string Sealed(const std::string& inner) { return SealEnvelope(inner); }

std::string With(const std::string& path, Json value) {
  return testing::Changed(testing::SomeBody(),
                          [&](Json& inner) { At(inner, path) = std::move(value); });
}

std::string Without(const std::string& path, const std::string& key) {
  return testing::Changed(testing::SomeBody(), [&](Json& inner) {
    Json* parent = path.empty() ? &inner : &At(inner, path);
    if (Json* data = parent->Find("nova_object.data")) parent = data;
    std::erase_if(*parent->AsObject(), [&](const Json::Member& m) { return m.key == key; });
  });
}

std::string WithHead(const std::string& path, const std::string& key, Json value) {
  return testing::Changed(testing::SomeBody(),
                          [&](Json& inner) { At(inner, path).Set(key, std::move(value)); });
}

std::vector<Case> Envelopes() {
  const std::string good = testing::SomeBody();
  return {
      {"empty", "", "MESSAGE_MALFORMED", ""},
      {"not JSON", "hello", "MESSAGE_MALFORMED", ""},
      {"truncated", good.substr(0, good.size() / 2), "MESSAGE_MALFORMED", ""},
      {"truncated by one", good.substr(0, good.size() - 1), "MESSAGE_MALFORMED", ""},
      {"invalid UTF-8", "{\"oslo.version\":\"2.0\",\"oslo.message\":\"\xFF\"}", "MESSAGE_MALFORMED",
       ""},
      {"a list", "[]", "MESSAGE_MALFORMED", ""},
      {"message is an object", R"({"oslo.version":"2.0","oslo.message":{}})", "MESSAGE_MALFORMED",
       ""},
      {"message is null", R"({"oslo.version":"2.0","oslo.message":null})", "MESSAGE_MALFORMED", ""},
      {"no message", R"({"oslo.version":"2.0"})", "MESSAGE_MALFORMED", ""},
      {"no version", R"({"oslo.message":"{}"})", "MESSAGE_MALFORMED", ""},
      {"version is a number", R"({"oslo.version":2.0,"oslo.message":"{}"})", "MESSAGE_MALFORMED",
       ""},
      {"envelope 3.0", R"({"oslo.version":"3.0","oslo.message":"{}"})", "ENVELOPE_VERSION", ""},
      {"1.0, no envelope", OpenEnvelope(good).value(), "ENVELOPE_VERSION", ""},
      {"an empty object", "{}", "ENVELOPE_VERSION", ""},
      {"duplicate key outside",
       R"({"oslo.version":"2.0","oslo.version":"2.0","oslo.message":"{}"})",
       "MESSAGE_DUPLICATE_KEY", ""},
      {"deep outside", std::string(10'000, '['), "MESSAGE_TOO_DEEP", ""},
      {"NUL after", good + "\0"s, "MESSAGE_MALFORMED", ""},
      {"NUL before", "\0"s + good, "MESSAGE_MALFORMED", ""},
      {"1 MiB and a byte", good + std::string((1U << 20) + 1 - good.size(), ' '),
       "MESSAGE_TOO_LARGE", ""},
      {"16 MiB", std::string(16U << 20, 'x'), "MESSAGE_TOO_LARGE", ""},
  };
}

std::vector<Case> Inners() {
  const std::string duplicate = R"({"method":"start_instance","args":{"a":1,"a":2}})";
  const auto deep = [](int depth) {
    return "{\"method\":\"start_instance\",\"args\":" + std::string(depth, '[') + "}";
  };
  return {
      {"inner not JSON", Sealed("nope"), "MESSAGE_MALFORMED", ""},
      {"inner empty", Sealed(""), "MESSAGE_MALFORMED", ""},
      {"inner a list", Sealed("[]"), "MESSAGE_MALFORMED", ""},
      {"no method", Sealed("{}"), "MESSAGE_MALFORMED", ""},
      {"method a number", Sealed(R"({"method":1})"), "MESSAGE_MALFORMED", ""},
      {"args a list", Sealed(R"({"method":"start_instance","args":[]})"), "MESSAGE_MALFORMED", ""},
      {"version a number", Sealed(R"({"method":"start_instance","version":6.0})"),
       "MESSAGE_MALFORMED", ""},
      {"duplicate key", Sealed(duplicate), "MESSAGE_DUPLICATE_KEY", ""},
      {"NaN", Sealed(R"({"method":"start_instance","args":{"a":NaN}})"), "MESSAGE_MALFORMED", ""},
      {"1e309", Sealed(R"({"method":"start_instance","args":{"a":1e309}})"), "MESSAGE_MALFORMED",
       ""},
      {"depth 33", Sealed(deep(32)), "MESSAGE_TOO_DEEP", ""},
      {"depth 10,000", Sealed(deep(10'000)), "MESSAGE_TOO_DEEP", ""},
      {"depth 200,000", Sealed(deep(200'000)), "MESSAGE_TOO_DEEP", ""},
      {"escaped NUL", Sealed(R"({"method":"start_instance\u0000"})"), "MESSAGE_MALFORMED", ""},
      {"raw NUL", "{\"oslo.version\":\"2.0\",\"oslo.message\":\"{}\\u0000\"}", "MESSAGE_MALFORMED",
       ""},
  };
}

std::vector<Case> Calls() {
  return {
      {"unknown method", With("method", "drop_database"), "RPC_METHOD_UNKNOWN", ""},
      {"a method of Nova's not served", With("method", "pause_instance"), "RPC_METHOD_UNKNOWN", ""},
      {"another namespace", With("namespace", "baseapi"), "RPC_METHOD_UNKNOWN", ""},
      {"rpc 7.0", With("version", "7.0"), "RPC_VERSION_UNSUPPORTED", ""},
      {"rpc 6.99", With("version", "6.99"), "RPC_VERSION_UNSUPPORTED", ""},
      {"rpc 5.13", With("version", "5.13"), "RPC_VERSION_UNSUPPORTED", ""},
      {"rpc nonsense", With("version", "six"), "RPC_VERSION_UNSUPPORTED", ""},
      {"no rpc version", Without("", "version"), "RPC_VERSION_UNSUPPORTED", ""},
      {"no unique id", Without("", "_unique_id"), "MESSAGE_MALFORMED", "_unique_id"},
      {"unique id a path", With("_unique_id", "../../etc/passwd"), "MESSAGE_MALFORMED",
       "_unique_id"},
      {"no request id", Without("", "_context_request_id"), "MESSAGE_MALFORMED",
       "_context_request_id"},
      {"no args", Without("", "args"), "CLAIM_MISSING", ""},
  };
}

std::vector<Case> Objects() {
  const std::string instance = "args.instance", spec = "args.request_spec";
  return {
      {"newer Instance", WithHead(instance, "nova_object.version", "2.8"),
       "OBJECT_VERSION_INCOMPATIBLE", instance},
      {"Instance 3.0", WithHead(instance, "nova_object.version", "3.0"),
       "OBJECT_VERSION_INCOMPATIBLE", instance},
      {"newer Flavor", WithHead("args.instance.flavor", "nova_object.version", "1.99"),
       "OBJECT_VERSION_INCOMPATIBLE", "args.instance.flavor"},
      {"unknown object", WithHead(spec, "nova_object.name", "Wish"), "OBJECT_UNKNOWN", spec},
      {"foreign namespace", WithHead(spec, "nova_object.namespace", "cinder"), "OBJECT_UNKNOWN",
       spec},
      {"version no version", WithHead(spec, "nova_object.version", "new"), "OBJECT_INVALID", spec},
      {"version a number", WithHead(spec, "nova_object.version", 1.14), "OBJECT_INVALID", spec},
      {"changes a text", WithHead(instance, "nova_object.changes", "x"), "OBJECT_INVALID",
       instance},
      {"data a list", WithHead(instance, "nova_object.data", Json::MakeArray()), "OBJECT_INVALID",
       instance},
      {"another object",
       With(instance, ParseJson(R"({"nova_object.name":"Flavor",
        "nova_object.namespace":"nova","nova_object.version":"1.2","nova_object.data":{}})")
                          .value()),
       "OBJECT_INVALID", instance},
      {"instance null", With(instance, Json()), "OBJECT_INVALID", instance},
      {"no instance", Without("args", "instance"), "OBJECT_INVALID", instance},
      {"no request_spec", Without("args", "request_spec"), "OBJECT_INVALID", spec},
  };
}

std::vector<Case> Fields() {
  std::vector<Case> out;
  const auto add = [&out](const std::string& path, Json value, const std::string& reason,
                          std::string field = "") {
    if (field.empty()) field = path;
    for (std::size_t at; (at = field.find(".#")) != std::string::npos;) {
      field.replace(at, 3, "[" + field.substr(at + 2, 1) + "]");
    }
    const std::string name = path + " = " + DumpJson(value).substr(0, 60);
    out.push_back({name, With(path, std::move(value)), reason, field});
  };
  const std::string instance = "args.instance.", ticket = "args.filter_properties.kilonova.";
  const std::string nic = ticket + "networks.#0.";
  for (const Json& bad :
       {Json("1"), Json(0), Json(-1), Json(std::int64_t{1} << 31), Json(1.5), Json(), Json(true)}) {
    add(instance + "flavor.vcpus", bad, "OBJECT_INVALID");
  }
  add(instance + "flavor.name", "", "OBJECT_INVALID");
  add(instance + "flavor.extra_specs", "x", "OBJECT_INVALID");
  add(instance + "flavor.rxtx_factor", -1.0, "OBJECT_INVALID");
  add(instance + "flavor", Json(), "OBJECT_INVALID");
  add(instance + "uuid", "37115A31-5420-4AF9-9389-69E3A9F7E483", "OBJECT_INVALID");
  add(instance + "uuid", "../x", "OBJECT_INVALID");
  add(instance + "display_name", std::string(256, 'n'), "OBJECT_INVALID");
  add(instance + "display_name", "a\nb", "OBJECT_INVALID");
  add(instance + "hostname", "a b", "OBJECT_INVALID");
  add(instance + "hostname", "-a", "OBJECT_INVALID");
  add(instance + "hostname", "a\xC3\x97", "OBJECT_INVALID");      // a sign, no letter
  add(instance + "hostname", "a\xE2\x82\xAC", "OBJECT_INVALID");  // beyond Latin-1
  add(instance + "hostname", "a/../b", "OBJECT_INVALID");
  add(instance + "user_data", "<xml>", "OBJECT_INVALID");
  add(instance + "user_data", std::string(65536, 'A'), "OBJECT_INVALID");
  add(instance + "metadata", Json::MakeArray(), "OBJECT_INVALID");
  add(instance + "metadata.colour", 1, "OBJECT_INVALID");
  add(instance + "metadata.colour", std::string(256, 'v'), "OBJECT_INVALID");
  add(instance + "created_at", "yesterday", "OBJECT_INVALID");
  add(instance + "vm_state", "dreaming", "OBJECT_INVALID");
  add(instance + "config_drive", "maybe", "OBJECT_INVALID");
  Json many = Json::MakeObject();
  for (int i = 0; i < 129; ++i) many.Set("k" + std::to_string(i), "v");
  add(instance + "metadata", many, "OBJECT_INVALID");

  add("args.filter_properties.kilonova", Json(), "CLAIM_MISSING");
  add("args.filter_properties.kilonova", "x", "CLAIM_MISSING");
  add(ticket + "claim_id", "x", "CLAIM_MISSING");
  add(ticket + "generation", 0, "CLAIM_MISSING");
  add(ticket + "generation", "1", "CLAIM_MISSING");
  add(ticket + "request_id", "req-of-somebody-else", "CLAIM_MISSING");
  add(ticket + "flavor_hash", "", "CLAIM_MISSING");
  add(ticket + "image.sha256", "abc", "OBJECT_INVALID");
  add(ticket + "image.url", 5, "OBJECT_INVALID");
  add(ticket + "image", Json(), "OBJECT_INVALID");
  add(ticket + "image.id", "00000000-0000-4000-8000-000000000000", "OBJECT_INVALID",
      instance + "image_ref");
  add(ticket + "networks", Json(Json::Array(33)), "OBJECT_INVALID");
  add(nic + "mac", "FA:16:3E:00:00:01", "OBJECT_INVALID");
  add(nic + "mac", "01:16:3e:00:00:01", "OBJECT_INVALID");
  add(nic + "mac", "fa:16:3e:00:00:01'/>", "OBJECT_INVALID");
  add(nic + "kind", "tap", "OBJECT_INVALID");
  add(nic + "kind", "bridge; rm", "OBJECT_INVALID");
  add(nic + "source", "", "OBJECT_INVALID");
  add(nic + "mtu", 67, "OBJECT_INVALID");
  add(nic + "fixed_ips.#0.address", "10.20.0.256", "OBJECT_INVALID");
  add(nic + "fixed_ips.#0.prefix", 33, "OBJECT_INVALID");
  add(nic + "fixed_ips.#0.gateway", "nowhere", "OBJECT_INVALID");
  add(nic + "dns_servers", Json(Json::Array{Json("x")}), "OBJECT_INVALID");

  const std::string allocations = ticket + "allocations";
  const auto allocated = [](const char* text) { return ParseJson(text).value(); };
  add(allocations, Json::MakeArray(), "OBJECT_INVALID");
  add(allocations, allocated(R"({"": {"resources": {"VGPU": 1}}})"), "OBJECT_INVALID");
  add(allocations, allocated(R"({"a\nb": {"resources": {"VGPU": 1}}})"), "OBJECT_INVALID");
  add(allocations, allocated(R"({"p": 1})"), "OBJECT_INVALID", allocations + ".p");
  add(allocations, allocated(R"({"p": {"resources": {}}})"), "OBJECT_INVALID");
  add(allocations, allocated(R"({"p": {"resources": {"": 1}}})"), "OBJECT_INVALID");
  for (const char* amount : {"0", "-1", "1.5", "\"1\"", "2147483648", "null"}) {
    add(allocations,
        allocated((R"({"p": {"resources": {"VGPU": )" + std::string(amount) + "}}}").c_str()),
        "OBJECT_INVALID", allocations + ".p.resources.VGPU");
  }
  Json crowd = Json::MakeObject();
  for (int i = 0; i < 65; ++i) {
    crowd.Set("p" + std::to_string(i), allocated(R"({"resources": {"VGPU": 1}})"));
  }
  add(allocations, crowd, "OBJECT_INVALID");

  add("args.injected_files", ParseJson(R"([["/etc/passwd","eA=="]])").value(),
      "FEATURE_NOT_SERVED");
  add("args.accel_uuids", Json(Json::Array{Json("a")}), "FEATURE_NOT_SERVED");
  const std::string device = "args.block_device_mapping.objects.#0.";
  const std::string named = "args.block_device_mapping[0]";
  add(device + "destination_type", "volume", "FEATURE_NOT_SERVED", named);
  add(device + "source_type", "volume", "FEATURE_NOT_SERVED", named);
  add(device + "source_type", "snapshot", "FEATURE_NOT_SERVED", named);
  add(device + "encrypted", true, "FEATURE_NOT_SERVED", named);
  add(device + "source_type", 1, "OBJECT_INVALID",
      "args.block_device_mapping.objects[0].source_type");
  add("args.request_spec.is_bfv", true, "FEATURE_NOT_SERVED");
  add(instance + "pci_requests.requests",
      ParseJson(R"([{"nova_object.name":"InstancePCIRequest",
      "nova_object.namespace":"nova","nova_object.version":"1.4",
      "nova_object.data":{"count":1,"spec":[]}}])")
          .value(),
      "FEATURE_NOT_SERVED", instance + "pci_requests");
  add(instance + "numa_topology",
      ParseJson(R"({"nova_object.name":"InstanceNUMATopology",
      "nova_object.namespace":"nova","nova_object.version":"1.3",
      "nova_object.data":{"cells":[]}})")
          .value(),
      "FEATURE_NOT_SERVED");
  return out;
}

void Check(const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    const auto received = DecodeComputeRequest(one.body);
    ASSERT_FALSE(received.ok()) << one.name;
    EXPECT_EQ(ReasonOf(received.status()), one.reason)
        << one.name << ": " << Describe(received.status());
    if (one.field.empty()) continue;
    const Details details = DetailsOf(received.status());
    ASSERT_TRUE(details.contains("field")) << one.name;
    EXPECT_EQ(details.find("field")->second, one.field) << one.name;
  }
}

TEST(Malformed, EnvelopesAreRefused) { Check(Envelopes()); }
TEST(Malformed, InnerMessagesAreRefused) { Check(Inners()); }
TEST(Malformed, CallsAreRefused) { Check(Calls()); }
TEST(Malformed, ObjectsAreRefused) { Check(Objects()); }
TEST(Malformed, FieldsAreRefused) { Check(Fields()); }

TEST(Malformed, AnyTruncationIsRefused) {
  const std::string body = testing::SomeBody();
  for (std::size_t size = 0; size < body.size(); size += 7) {
    ASSERT_FALSE(DecodeComputeRequest(body.substr(0, size)).ok()) << size;
  }
}

TEST(Malformed, ExtraFieldsAreTaken) {
  const std::string body = testing::Changed(testing::SomeBody(), [](Json& inner) {
    At(inner, "args.instance.wings") = 2;
    At(inner, "args.wings") = Json::MakeArray();
    inner.Set("_wings", true);
    At(inner, "args.filter_properties.kilonova.wings") = 2;
  });
  const auto received = DecodeComputeRequest(body);
  ASSERT_TRUE(received.ok()) << Describe(received.status());
  EXPECT_NE(received->inner.find("\"wings\":2"), std::string::npos);
}

TEST(Malformed, RefusalSaysWhoseRequestItWas) {
  const auto received = DecodeComputeRequest(With("args.request_spec.is_bfv", true));
  const Details details = DetailsOf(received.status());
  EXPECT_EQ(details.find("instance")->second, "37115a31-5420-4af9-9389-69e3a9f7e483");
  EXPECT_EQ(details.find("generation")->second, "3");
  EXPECT_EQ(details.find("method")->second, "build_and_run_instance");
  EXPECT_EQ(details.find("unique_id")->second, "67e0c053f43a433ba2159d66f64d9d57");
  EXPECT_EQ(details.find("request_id")->second, "req-975d7e40-c10b-448a-b5ba-7b8724ef099c");
}

TEST(Malformed, RefusalCostsLittleMemoryAndTime) {
  rusage before{};
  getrusage(RUSAGE_SELF, &before);
  const std::string big = std::string(16U << 20, '[');
  const std::string deep = Sealed("{\"method\":\"m\",\"args\":" + std::string(900'000, '['));
  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(DecodeComputeRequest(big).ok());
    EXPECT_FALSE(DecodeComputeRequest(deep).ok());
  }
  rusage after{};
  getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_utime.tv_sec - before.ru_utime.tv_sec, 10);
#ifndef KILONOVA_SANITIZED
  // AddressSanitizer keeps what is freed.
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 48 * 1024);  // KiB; the bodies take 17 MiB of it
#endif
}

}  // namespace
}  // namespace kilonova::oslo
