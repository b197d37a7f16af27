// SPDX-License-Identifier: Apache-2.0
// From a live queue into the agent: what is accepted, what is dead-lettered, what stays.
#include "agent/adapters/queue/queue_receiver.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "common/base/hash.h"
#include "tests/integration/amqp/fixture.h"
#include "tests/unit/proto/oslo/builders.h"

namespace kilonova::amqp {
namespace {

using agent::adapters::queue::QueueReceiver;
using agent::adapters::queue::QueueReceiverOptions;
using namespace std::string_literals;

class RecordingSink final : public agent::core::RequestSink {
 public:
  agent::core::SinkAnswer Submit(const agent::core::IncomingRequest& incoming) override {
    absl::MutexLock lock(&mutex_);
    accepted_.push_back(incoming.request.unique_id);
    return answer_;
  }
  void CountRefused(const Status& why) override {
    absl::MutexLock lock(&mutex_);
    refused_.push_back(ReasonOf(why));
    last_refused_ = DetailsOf(why);
  }
  void SetReceiving(bool receiving, std::string_view) override {
    absl::MutexLock lock(&mutex_);
    receiving_ = receiving;
  }

  void Answer(agent::core::Verdict verdict, Status why = OkStatus()) {
    absl::MutexLock lock(&mutex_);
    answer_ = {verdict, std::move(why)};
  }
  std::size_t Accepted() const {
    absl::MutexLock lock(&mutex_);
    return accepted_.size();
  }
  std::vector<std::string> Refused() const {
    absl::MutexLock lock(&mutex_);
    return refused_;
  }
  Details LastRefused() const {
    absl::MutexLock lock(&mutex_);
    return last_refused_;
  }
  bool Receiving() const {
    absl::MutexLock lock(&mutex_);
    return receiving_;
  }

 private:
  mutable absl::Mutex mutex_;
  agent::core::SinkAnswer answer_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> accepted_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> refused_ ABSL_GUARDED_BY(mutex_);
  Details last_refused_ ABSL_GUARDED_BY(mutex_);
  bool receiving_ ABSL_GUARDED_BY(mutex_) = false;
};

class QueueReceiving : public AmqpTest {
 protected:
  static QueueReceiverOptions OptionsFor(const std::string& host) {
    return {.host = host, .consumer = ConsumerFor(host)};
  }
  static std::unique_ptr<QueueReceiver> Start(RecordingSink& sink) {
    auto receiver = std::make_unique<QueueReceiver>(Settings(), OptionsFor(Host()), sink);
    EXPECT_TRUE(Eventually([&] { return sink.Receiving(); }));
    return receiver;
  }
  // Everything in nova.dead since the test began, by body.
  static std::unique_ptr<Receiver> DeadLetters() {
    ConsumerOptions options;
    options.topology = HostTopology("reader-of-the-dead");
    options.queue = std::string(kDeadLetters);
    options.probe.interval = milliseconds(0);
    options.backoff = Quick();
    auto receiver = std::make_unique<Receiver>(Settings(), options);
    EXPECT_TRUE(receiver->Ready());
    return receiver;
  }
  // Delivered three times to receivers that lost their connection.
  static void SendAndLoseThrice(Publisher& publisher, const std::string& body) {
    for (int i = 0; i < 3; ++i) {
      Receiver dies(Settings(), ConsumerFor(Host()), Receiver::Then::kKeep);
      ASSERT_TRUE(dies.Ready());
      if (i == 0) {
        Message message = To(Host(), body);
        message.headers = {{std::string(kMethodHeader), "build_and_run_instance"s},
                           {std::string(kInstanceHeader), "8f0b0a4e-6a64-4d0c-a4a4-0c6ad3c9d1aa"s},
                           {std::string(kGenerationHeader), std::int64_t{7}}};
        ASSERT_EQ(Send(publisher, std::move(message)), PublishResult::kConfirmed);
      }
      ASSERT_TRUE(dies.Got(1));
    }
  }
  static bool Holds(const Receiver& receiver, const std::string& body) {
    return Eventually([&] {
      const auto bodies = receiver.Bodies();
      return std::ranges::find(bodies, body) != bodies.end();
    });
  }
};

std::string Enveloped(const std::string& inner) { return oslo::SealEnvelope(inner); }

std::string Replaced(std::string text, const std::string& what, const std::string& with) {
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? text : text.replace(at, what.size(), with);
}

struct Bad {
  const char* name;
  std::string body;
  const char* reason;
};

std::vector<Bad> BadBodies() {
  const std::string good = oslo::testing::SomeBody();
  const std::string inner = oslo::OpenEnvelope(good).value();
  return {
      {"not JSON", "hello", "MESSAGE_MALFORMED"},
      {"empty", "", "MESSAGE_MALFORMED"},
      {"truncated", good.substr(0, good.size() / 2), "MESSAGE_MALFORMED"},
      {"invalid UTF-8", "{\"oslo.version\":\"2.0\",\"oslo.message\":\"\xff\"}",
       "MESSAGE_MALFORMED"},
      {"message not a string", R"({"oslo.version":"2.0","oslo.message":{}})", "MESSAGE_MALFORMED"},
      {"missing keys", R"({"oslo.version":"2.0"})", "MESSAGE_MALFORMED"},
      {"envelope 3.0", R"({"oslo.version":"3.0","oslo.message":"{}"})", "ENVELOPE_VERSION"},
      {"1.0 without envelope", inner, "ENVELOPE_VERSION"},
      {"duplicate key", R"({"oslo.version":"2.0","oslo.version":"2.0","oslo.message":"{}"})",
       "MESSAGE_DUPLICATE_KEY"},
      {"NaN", Enveloped(R"({"method":"x","args":{"a":NaN},"version":"6.0"})"), "MESSAGE_MALFORMED"},
      {"10^309", Enveloped(R"({"method":"x","args":{"a":1e309},"version":"6.0"})"),
       "MESSAGE_MALFORMED"},
      {"depth 10000", Enveloped(std::string(10000, '[') + std::string(10000, ']')),
       "MESSAGE_TOO_DEEP"},
      {"NUL bytes", "{\"oslo.version\":\"2.0\0\"}"s, "MESSAGE_MALFORMED"},
      {"unknown method",
       Enveloped(Replaced(inner, "build_and_run_instance", "format_the_host_disk")),
       "RPC_METHOD_UNKNOWN"},
      {"RPC 99.0", Enveloped(Replaced(inner, R"("version":"6.0")", R"("version":"99.0")")),
       "RPC_VERSION_UNSUPPORTED"},
      {"over our limit", std::string((1u << 20) + 1, 'x'), "MESSAGE_TOO_LARGE"},
      {"near the broker's limit", std::string((16u << 20) - 4096, 'x'), "MESSAGE_TOO_LARGE"},
  };
}

TEST_F(QueueReceiving, GoodMessage_IsJournalledThenAcknowledged) {
  RecordingSink sink;
  auto receiver = Start(sink);
  Publisher publisher(Settings(), PublisherQuick());
  ASSERT_EQ(Send(publisher, To(Host(), oslo::testing::SomeBody())), PublishResult::kConfirmed);
  ASSERT_TRUE(Eventually([&] { return receiver->Health().acked >= 1; }));
  EXPECT_EQ(sink.Accepted(), 1u);
  EXPECT_EQ(receiver->Counters().accepted, 1u);
  EXPECT_TRUE(receiver->Counters().refused.empty());
}

TEST_F(QueueReceiving, BadBodies_AreDeadLetteredAndTheNextGoodOneIsServed) {
  auto dead = DeadLetters();
  RecordingSink sink;
  auto receiver = Start(sink);
  PublisherOptions options = PublisherQuick();
  options.max_body = 1u << 30;
  Publisher publisher(Settings(), options);
  std::size_t good = 0;
  std::map<std::string, std::uint64_t> expected;
  for (const Bad& bad : BadBodies()) {
    SCOPED_TRACE(bad.name);
    ASSERT_EQ(Send(publisher, To(Host(), bad.body)), PublishResult::kConfirmed);
    ++expected[bad.reason];
    ASSERT_TRUE(Eventually([&] { return receiver->Counters().refused == expected; }))
        << ::testing::PrintToString(receiver->Counters().refused);
    ASSERT_EQ(Send(publisher, To(Host(), oslo::testing::SomeBody())), PublishResult::kConfirmed);
    ++good;
    EXPECT_TRUE(Eventually([&] { return sink.Accepted() == good; }));
  }
  EXPECT_EQ(sink.Refused().size(), BadBodies().size());
  // Dead letters above the reader's own limit arrive without their bytes.
  EXPECT_TRUE(Eventually([&] { return dead->Bodies().size() >= BadBodies().size(); }));
  EXPECT_TRUE(Holds(*dead, "hello"));
  EXPECT_EQ(receiver->Health().connects, 1u);
}

TEST_F(QueueReceiving, Conflict_IsDeadLettered) {
  auto dead = DeadLetters();
  RecordingSink sink;
  sink.Answer(agent::core::Verdict::kRefuse,
              Error(Code::kAlreadyExists, reason::kMessageConflict, "another payload"));
  auto receiver = Start(sink);
  Publisher publisher(Settings(), PublisherQuick());
  const std::string body = oslo::testing::SomeBody();
  ASSERT_EQ(Send(publisher, To(Host(), body)), PublishResult::kConfirmed);
  EXPECT_TRUE(Holds(*dead, body));
  EXPECT_EQ(receiver->Counters().refused.at("MESSAGE_CONFLICT"), 1u);
  EXPECT_TRUE(sink.Refused().empty());  // the sink counts its own
}

TEST_F(QueueReceiving, JournalFailure_LeavesTheMessageInTheQueue) {
  RecordingSink sink;
  auto receiver = Start(sink);
  sink.Answer(agent::core::Verdict::kJournalFailed,
              Error(Code::kInternal, reason::kJournalFailed, "disk"));
  Publisher publisher(Settings(), PublisherQuick());
  const std::string body = oslo::testing::SomeBody();
  ASSERT_EQ(Send(publisher, To(Host(), body)), PublishResult::kConfirmed);
  ASSERT_TRUE(Eventually([&] { return !receiver->Health().connected; }));
  EXPECT_TRUE(Eventually([&] { return !sink.Receiving(); }));
  EXPECT_EQ(receiver->Health().stopped, "journal failed");
  EXPECT_EQ(receiver->Health().acked, 0u);
  EXPECT_EQ(sink.Accepted(), 1u);
  Receiver after(Settings(), ConsumerFor(Host()));
  ASSERT_TRUE(after.Got(1));
  EXPECT_EQ(after.Bodies()[0], body);
}

TEST_F(QueueReceiving, MessageOfLostConnections_IsTakenHoweverOftenItCame) {
  Publisher publisher(Settings(), PublisherQuick());
  const std::string body = oslo::testing::SomeBody();
  ASSERT_NO_FATAL_FAILURE(SendAndLoseThrice(publisher, body));
  RecordingSink sink;
  auto receiver = Start(sink);
  EXPECT_TRUE(Eventually([&] { return receiver->Health().acked == 1; }));
  EXPECT_EQ(sink.Accepted(), 1u);
  EXPECT_TRUE(sink.Refused().empty());
}

TEST_F(QueueReceiving, MessageTheAgentDiedOf_IsRefusedUnreadAndSaysWhose) {
  auto dead = DeadLetters();
  Publisher publisher(Settings(), PublisherQuick());
  const std::string body = oslo::testing::SomeBody();
  ASSERT_NO_FATAL_FAILURE(SendAndLoseThrice(publisher, body));
  char dir[] = "/tmp/kilonova-reading-XXXXXX";
  ASSERT_NE(mkdtemp(dir), nullptr);
  const std::filesystem::path mark = std::filesystem::path(dir) / "reading";
  std::ofstream(mark) << Sha256Hex(body) << " 2\n";
  RecordingSink sink;
  QueueReceiverOptions options = OptionsFor(Host());
  options.reading_mark = mark;
  QueueReceiver receiver(Settings(), options, sink);
  EXPECT_TRUE(Holds(*dead, body));
  EXPECT_EQ(receiver.Counters().refused.at("BUILD_ABANDONED"), 1u);
  EXPECT_EQ(sink.Accepted(), 0u);
  const Details why = sink.LastRefused();
  EXPECT_EQ(why.at("method"), "build_and_run_instance");
  EXPECT_EQ(why.at("instance"), "8f0b0a4e-6a64-4d0c-a4a4-0c6ad3c9d1aa");
  EXPECT_EQ(why.at("generation"), "7");
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace kilonova::amqp
