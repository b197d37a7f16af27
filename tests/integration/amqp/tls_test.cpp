// SPDX-License-Identifier: Apache-2.0
// TLS against a broker with a certificate of our own making.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/integration/amqp/fixture.h"

namespace kilonova::amqp {
namespace {

using ::kilonova::testing::TestBroker;

// Two authorities; the broker's certificate is by the first, for "localhost" alone.
class Tls : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::string pattern = (std::filesystem::temp_directory_path() / "kn-certs-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = new std::filesystem::path(pattern);
    std::ofstream(File("make.sh")) << R"sh(set -e
cd "$(dirname "$0")"
key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
for ca in good other;
    do
  openssl req -x509 $key -keyout $ca.key -out $ca.pem -days 2 -subj "/CN=$ca authority"
done
openssl req $key -keyout broker.key -out broker.csr -subj /CN=broker
echo subjectAltName=DNS:localhost > ext
openssl x509 -req -in broker.csr -CA good.pem -CAkey good.key -CAcreateserial \
  -days 2 -extfile ext -out broker.pem
)sh";
    ASSERT_EQ(std::system(("sh " + File("make.sh") + " >/dev/null 2>&1").c_str()), 0);
    broker_ = new TestBroker({.tls_ca = File("good.pem"),
                              .tls_cert = File("broker.pem"),
                              .tls_key = File("broker.key")});
    const Status started = broker_->Start();
    ASSERT_TRUE(started.ok()) << started;
  }
  static void TearDownTestSuite() {
    delete broker_;
    std::filesystem::remove_all(*directory_);
    delete directory_;
  }

  static std::string File(const char* name) { return (*directory_ / name).string(); }
  static ConnectionSettings Settings(const std::string& host, const char* ca) {
    ConnectionSettings settings;
    settings.host = host;
    settings.port = broker_->tls_port();
    settings.tls = TlsSettings{.ca_file = File(ca)};
    return settings;
  }
  static Status Refusal(const ConnectionSettings& settings) {
    Publisher publisher(settings, {.backoff = Quick()});
    EXPECT_TRUE(Eventually([&] {
      const auto health = publisher.Health();
      return health.connected || !health.last_error.ok();
    }));
    EXPECT_FALSE(publisher.Health().connected);
    return publisher.Health().last_error;
  }

  inline static std::filesystem::path* directory_ = nullptr;
  inline static TestBroker* broker_ = nullptr;
};

TEST_F(Tls, VerifiedPeer_PublishesAndReceives) {
  ConsumerOptions options = HostConsumerOptions("tls");
  options.backoff = Quick();
  options.probe.interval = milliseconds(100);
  Receiver receiver(Settings("localhost", "good.pem"), options);
  ASSERT_TRUE(receiver.Ready()) << receiver.Health().last_error;
  Publisher publisher(Settings("localhost", "good.pem"), {.backoff = Quick()});
  auto sent = publisher.Publish(
      {.exchange = "nova", .routing_key = HostQueueName("tls"), .body = std::string(300'000, 'x')});
  ASSERT_TRUE(sent.ok());
  EXPECT_EQ(sent->get().result, PublishResult::kConfirmed);
  ASSERT_TRUE(receiver.Got(1));
  EXPECT_EQ(receiver.Bodies()[0].size(), 300'000u);
  EXPECT_TRUE(Eventually([&] { return receiver.Health().probes_received > 3; }));
}

TEST_F(Tls, OtherAuthority_IsRefused) {
  const Status error = Refusal(Settings("localhost", "other.pem"));
  EXPECT_FALSE(error.ok());
  EXPECT_TRUE(HasReason(error, reason::kBrokerRefused)) << error;
}

TEST_F(Tls, OtherName_IsRefused) {
  const Status error = Refusal(Settings("127.0.0.1", "good.pem"));
  EXPECT_TRUE(HasReason(error, reason::kBrokerRefused)) << error;
}

// The two switches are separate; each alone must do what it says.
TEST_F(Tls, HostnameCheckOff_StillWantsTheAuthority) {
  ConnectionSettings settings = Settings("127.0.0.1", "good.pem");
  settings.tls->verify_hostname = false;
  Publisher publisher(settings, {.backoff = Quick()});
  EXPECT_TRUE(Eventually([&] { return publisher.Health().connected; }))
      << publisher.Health().last_error;
  settings.tls->ca_file = File("other.pem");
  EXPECT_FALSE(Refusal(settings).ok());
}

TEST_F(Tls, MissingAuthorityFile_IsSaid) {
  const Status error = Refusal(Settings("localhost", "none.pem"));
  EXPECT_THAT(kilonova::Message(error), ::testing::HasSubstr("CA file"));
}

TEST_F(Tls, PlaintextClient_GetsNowhere) {
  ConnectionSettings settings = Settings("localhost", "good.pem");
  settings.tls.reset();
  settings.connect_deadline = milliseconds(2000);
  EXPECT_FALSE(Refusal(settings).ok());
}

}  // namespace
}  // namespace kilonova::amqp
