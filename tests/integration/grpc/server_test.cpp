// SPDX-License-Identifier: Apache-2.0
// Health, reflection, limits, TLS identities, draining.
#include <grpcpp/impl/codegen/client_unary_call.h>
#include <grpcpp/impl/codegen/rpc_method.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/sync_stream.h>
#include <sys/wait.h>

#include <fstream>
#include <thread>

#include "scheduler/adapters/grpc/starting_server.h"
#include "tests/integration/grpc/api.h"

namespace kilonova::scheduler::adapters::grpc {
namespace {

namespace wire = ::kilonova::grpc;

std::string Bytes(const ::grpc::ByteBuffer& buffer) {
  std::vector<::grpc::Slice> slices;
  std::string text;
  if (!buffer.Dump(&slices).ok()) return text;
  for (const auto& slice : slices) {
    text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return text;
}

// grpc.health.v1.HealthCheckResponse.status; -1 when the call fails.
int Health(::grpc::Channel* channel) {
  ::grpc::ClientContext context;
  wire::SetDeadline(&context, std::chrono::seconds(60));
  const ::grpc::internal::RpcMethod method("/grpc.health.v1.Health/Check",
                                           ::grpc::internal::RpcMethod::NORMAL_RPC);
  const ::grpc::Slice empty("");
  const ::grpc::ByteBuffer request(&empty, 1);
  ::grpc::ByteBuffer response;
  const ::grpc::Status status = ::grpc::internal::BlockingUnaryCall(
      static_cast<::grpc::ChannelInterface*>(channel), method, &context, request, &response);
  if (!status.ok()) return -1;
  const std::string bytes = Bytes(response);  // field 1, varint
  return bytes.size() == 2 && bytes[0] == 0x08 ? bytes[1] : 0;
}

TEST_F(ApiTest, Health_IsServing) { EXPECT_EQ(Health(channel_.get()), 1); }

TEST_F(ApiTest, Reflection_NamesTheServices) {
  ::grpc::ClientContext context;
  wire::SetDeadline(&context, std::chrono::seconds(60));
  const ::grpc::internal::RpcMethod method(
      "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
      ::grpc::internal::RpcMethod::BIDI_STREAMING);
  const std::unique_ptr<::grpc::ClientReaderWriter<::grpc::ByteBuffer, ::grpc::ByteBuffer>> stream(
      ::grpc::internal::ClientReaderWriterFactory<::grpc::ByteBuffer, ::grpc::ByteBuffer>::Create(
          channel_.get(), method, &context));
  const ::grpc::Slice list_services("\x3a\x01*");  // ServerReflectionRequest.list_services = "*"
  ASSERT_TRUE(stream->Write(::grpc::ByteBuffer(&list_services, 1)));
  stream->WritesDone();
  ::grpc::ByteBuffer response;
  ASSERT_TRUE(stream->Read(&response));
  const std::string names = Bytes(response);
  for (const char* service : {"InstanceService", "FlavorService", "ImageService", "NetworkService",
                              "HostService", "PlacementService", "AgentService"}) {
    EXPECT_NE(names.find(std::string("kilonova.v1.") + service), std::string::npos) << service;
  }
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(ApiTest, RequestOverOneMebibyte_IsRefused) {
  v1::GetInstanceRequest request;
  request.set_instance(std::string(1 << 20, 'x'));
  v1::GetInstanceResponse response;
  const Status large =
      Call(*instances_, &v1::InstanceService::Stub::GetInstance, request, &response);
  EXPECT_EQ(large.code(), Code::kInvalidArgument);
  EXPECT_TRUE(HasReason(large, reason::kMessageTooLarge));
  request.set_instance(std::string(5 << 20, 'x'));
  EXPECT_FALSE(Call(*instances_, &v1::InstanceService::Stub::GetInstance, request, &response).ok());
}

TEST_F(ApiTest, TakenAddress_IsAnError) {
  const auto first =
      ApiServer::Start({.listen = "127.0.0.1:0"}, *rig_.conductor, SystemClock(), nullptr);
  ASSERT_TRUE(first.ok()) << Describe(first.status());
  EXPECT_FALSE((*first)->address().ends_with(":0"));
  const auto second =
      ApiServer::Start({.listen = (*first)->address()}, *rig_.conductor, SystemClock(), nullptr);
  EXPECT_EQ(second.status().code(), Code::kUnavailable);
}

TEST_F(ApiTest, WhileTheStateIsLoaded_EveryCallIsToldSoAtOnce) {
  StopServer();
  auto starting = StartingServer::Start({.listen = Socket()});
  ASSERT_TRUE(starting.ok()) << Describe(starting.status());
  const auto channel = *wire::MakeChannel({.target = Socket()});
  EXPECT_EQ(Health(channel.get()), 2);  // NOT_SERVING
  const auto instances = v1::InstanceService::NewStub(channel);
  v1::GetInstanceResponse response;
  const auto get = [&] {
    return Call(*instances, &v1::InstanceService::Stub::GetInstance, v1::GetInstanceRequest(),
                &response);
  };
  const Status told = get();
  EXPECT_EQ(told.code(), Code::kUnavailable);
  EXPECT_TRUE(HasReason(told, reason::kStarting)) << Describe(told);
  ::grpc::ClientContext context;
  wire::SetDeadline(&context, std::chrono::seconds(60));
  const auto agents = v1::AgentService::NewStub(channel);
  const auto session = agents->Session(&context);
  v1::SessionResponse answer;
  EXPECT_FALSE(session->Read(&answer));
  EXPECT_TRUE(HasReason(wire::FromGrpc(session->Finish()), reason::kStarting));
  // The address is free for the one that follows, which the same channel finds.
  starting->reset();
  StartServer();
  EXPECT_TRUE(Eventually([&] { return get().code() != Code::kUnavailable; }));
  EXPECT_TRUE(StartingServer::Start({.listen = "127.0.0.1:0"}).ok());
}

TEST_F(ApiTest, Drain_EndsStreamsAndFinishesCalls) {
  rig_.AddCatalog();
  RawAgent agent(*agents_);
  agent.Greet("c1", Uuid::Random().str());
  ::grpc::ClientContext context;
  const auto watch = instances_->WatchInstances(&context, v1::WatchInstancesRequest());
  v1::WatchInstancesResponse event;
  ASSERT_TRUE(watch->Read(&event));
  std::atomic<bool> stop{false};
  std::atomic<int> made{0}, lost{0};
  std::jthread client([&] {
    for (int i = 0; !stop; ++i) {
      const auto answer = Create(CreateRequest("r" + std::to_string(i)));
      if (answer.ok()) {
        ++made;
      } else if (answer.status().code() != Code::kUnavailable &&
                 answer.status().code() != Code::kCancelled) {
        ++lost;
      }
    }
  });
  ASSERT_TRUE(Eventually([&] { return made > 3; }));
  server_->Drain(std::chrono::hours(1));  // nobody may use the patience up by doing nothing
  stop = true;
  client.join();
  EXPECT_EQ(lost, 0);
  EXPECT_FALSE(agent.Why().ok());
  while (watch->Read(&event)) {
  }
  EXPECT_FALSE(watch->Finish().ok());
  // Each answer that was given is on disk.
  EXPECT_GE(static_cast<int>(core::LoadAll(*rig_.store)->instances.size()), made);
}

// ---- TLS

class TlsTest : public ApiTest {
 protected:
  void SetUp() override {
    std::ofstream script(dir_.File("make.sh"));
    script << R"(set -e
cd "$1"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test-ca \
  -keyout ca.key -out ca.pem
make() { # NAME CN SAN
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" \
    -keyout "$1.key" -out "$1.csr"
  printf '%s\n' "${3:+subjectAltName=$3}" >"$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
    -extfile "$1.ext" -out "$1.pem"
}
make server localhost DNS:localhost,IP:127.0.0.1
make c1 anything DNS:c1
make c2 c2 ""
make both c4 DNS:c3
)";
    script.close();
    const std::string command = "sh " + dir_.File("make.sh") + " " + dir_.path() + " >" +
                                dir_.File("openssl.log") + " 2>&1";
    const int status = std::system(command.c_str());  // NOLINT(cert-env33-c)
    ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ApiOptions options{.listen = "127.0.0.1:0"};
    options.tls = {.ca = dir_.File("ca.pem"),
                   .cert = dir_.File("server.pem"),
                   .key = dir_.File("server.key"),
                   .require_client_certificate = true};
    auto server = ApiServer::Start(options, *rig_.conductor, SystemClock(), nullptr);
    ASSERT_TRUE(server.ok()) << Describe(server.status());
    secure_ = *std::move(server);
  }
  void TearDown() override { secure_.reset(); }

  std::unique_ptr<v1::AgentService::Stub> Stub(const std::string& who) {
    wire::ChannelOptions options{.target = secure_->address()};
    options.tls.ca = dir_.File("ca.pem");
    if (!who.empty()) {
      options.tls.cert = dir_.File(who + ".pem");
      options.tls.key = dir_.File(who + ".key");
    }
    options.authority = "localhost";
    return v1::AgentService::NewStub(*wire::MakeChannel(options));
  }
  Status Greeting(const std::string& who, const std::string& host) {
    const auto stub = Stub(who);
    RawAgent agent(*stub);
    agent.Say(RawAgent::HelloOf(host, Uuid::Random().str()));
    if (agent.Hear().has_welcome()) return OkStatus();
    return agent.Why();
  }

  std::unique_ptr<ApiServer> secure_;
};

TEST_F(TlsTest, HostMustBeWhoItsCertificateSays) {
  EXPECT_TRUE(Greeting("c1", "c1").ok());
  EXPECT_TRUE(Greeting("c2", "c2").ok());  // by common name, as it has no other
  for (const auto& [who, host] : {std::pair{"c1", "c2"}, {"c1", "anything"}, {"both", "c4"}}) {
    const Status status = Greeting(who, host);
    EXPECT_EQ(status.code(), Code::kPermissionDenied) << who << " as " << host;
    EXPECT_TRUE(HasReason(status, reason::kHostIdentityMismatch));
  }
  EXPECT_EQ(Greeting("", "c1").code(), Code::kUnavailable);  // no certificate, no connection
}

TEST_F(TlsTest, ConfirmStart_IsBoundToTheHostToo) {
  v1::ConfirmStartRequest request;
  request.set_host("c2");
  request.set_instance_uuid(Uuid::Random().str());
  request.set_generation(1);
  v1::ConfirmStartResponse response;
  const auto stub = Stub("c1");
  EXPECT_TRUE(HasReason(Call(*stub, &v1::AgentService::Stub::ConfirmStart, request, &response),
                        reason::kHostIdentityMismatch));
}

}  // namespace
}  // namespace kilonova::scheduler::adapters::grpc
