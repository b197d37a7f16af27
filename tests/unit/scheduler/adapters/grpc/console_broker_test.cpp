// SPDX-License-Identifier: Apache-2.0
#include "scheduler/adapters/grpc/console_broker.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <vector>

namespace kilonova::scheduler::adapters::grpc {
namespace {

using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace)

using Promise = std::promise<Expected<ConsoleOutput>>;

ConsoleCallback Into(Promise* promise) {
  return [promise](Expected<ConsoleOutput> output) { promise->set_value(std::move(output)); };
}

TEST(ConsoleBroker, Answer_GoesToItsQuestion) {
  Promise one, two;
  ConsoleBroker broker(SystemClock());
  const Uuid session = Uuid::Random();
  const auto id1 = broker.Ask(session, 1h, Into(&one));
  const auto id2 = broker.Ask(session, 1h, Into(&two));
  broker.Answer(session, id2, ConsoleOutput{"two", true});
  broker.Answer(session, id1, ConsoleOutput{"one", false});
  EXPECT_EQ(one.get_future().get()->output, "one");
  const auto second = two.get_future().get();
  EXPECT_EQ(second->output, "two");
  EXPECT_TRUE(second->truncated);
}

TEST(ConsoleBroker, AnswerOfAnotherSessionOrTwice_CountsNothing) {
  Promise promise;
  ConsoleBroker broker(SystemClock());
  const Uuid session = Uuid::Random();
  const auto id = broker.Ask(session, 1h, Into(&promise));
  broker.Answer(Uuid::Random(), id, ConsoleOutput{"forged", false});
  broker.Answer(session, id + 1, ConsoleOutput{"wrong", false});
  broker.Answer(session, id, ConsoleOutput{"right", false});
  broker.Answer(session, id, ConsoleOutput{"again", false});
  EXPECT_EQ(promise.get_future().get()->output, "right");
}

TEST(ConsoleBroker, NoAnswer_EndsAtTheDeadline) {
  Promise slow, fast;
  ConsoleBroker broker(SystemClock());
  broker.Ask(Uuid::Random(), 1h, Into(&slow));
  broker.Ask(Uuid::Random(), 5ms, Into(&fast));  // the later question ends first
  EXPECT_TRUE(HasReason(fast.get_future().get().status(), reason::kHostDown));
  auto future = slow.get_future();
  EXPECT_EQ(future.wait_for(0s), std::future_status::timeout);
}

TEST(ConsoleBroker, SessionEnded_EndsItsQuestionsAlone) {
  Promise lost, kept;
  ConsoleBroker broker(SystemClock());
  const Uuid gone = Uuid::Random(), here = Uuid::Random();
  broker.Ask(gone, 1h, Into(&lost));
  const auto id = broker.Ask(here, 1h, Into(&kept));
  broker.SessionEnded(gone);
  EXPECT_TRUE(HasReason(lost.get_future().get().status(), reason::kHostDown));
  broker.Answer(here, id, ConsoleOutput{"x", false});
  EXPECT_TRUE(kept.get_future().get().ok());
}

TEST(ConsoleBroker, Stop_EndsAllNowAndLater) {
  Promise before, after;
  ConsoleBroker broker(SystemClock());
  broker.Ask(Uuid::Random(), 1h, Into(&before));
  broker.Stop();
  broker.Ask(Uuid::Random(), 1h, Into(&after));
  EXPECT_EQ(before.get_future().get().status().code(), Code::kUnavailable);
  EXPECT_EQ(after.get_future().get().status().code(), Code::kUnavailable);
}

TEST(ConsoleBroker, Race_EveryQuestionEndsExactlyOnce) {
  std::atomic<int> ended{0};
  {
    ConsoleBroker broker(SystemClock());
    std::vector<std::jthread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        const Uuid session = Uuid::Random();
        for (int i = 0; i < 200; ++i) {
          const auto id = broker.Ask(session, std::chrono::milliseconds(i % 3),
                                     [&](const Expected<ConsoleOutput>&) { ++ended; });
          if (i % 2 == 0) broker.Answer(session, id, ConsoleOutput{});
          if (i % 50 == 49) broker.SessionEnded(session);
        }
      });
    }
    threads.clear();
  }
  EXPECT_EQ(ended, 600);
}

}  // namespace
}  // namespace kilonova::scheduler::adapters::grpc
