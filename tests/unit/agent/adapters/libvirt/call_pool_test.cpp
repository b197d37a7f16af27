// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/libvirt/call_pool.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <latch>

namespace kilonova::agent::adapters::libvirt {
namespace {

using std::chrono::milliseconds;

// Nothing waits so long but for what hangs.
constexpr milliseconds kLong{60'000};

Status CallStatus(CallPool& pool, milliseconds deadline, std::function<Status()> work) {
  return pool
      .Call<bool>(deadline,
                  [work = std::move(work)](CallPool::Worker) -> Expected<bool> {
                    RETURN_IF_ERROR(work());
                    return true;
                  })
      .status();
}

Expected<int> Add(CallPool& pool, int a, int b) {
  return pool.Call<int>(kLong, [a, b](CallPool::Worker) -> Expected<int> { return a + b; });
}

TEST(CallPool, Results_ComeBack) {
  CallPool pool(2, 8);
  EXPECT_EQ(Add(pool, 1, 2).value(), 3);
  EXPECT_TRUE(HasReason(
      CallStatus(pool, kLong, [] { return Error(Code::kNotFound, reason::kDomainNotFound, "x"); }),
      reason::kDomainNotFound));
}

TEST(CallPool, HangingCalls_FailByTheirDeadlinesThenAtOnceThenRecover) {
  CallPool pool(2, 8);
  auto release = std::make_shared<std::latch>(1);  // outlives the calls that wait on it
  const auto hang = [&pool, release] {
    return CallStatus(pool, milliseconds(500), [release] {
      release->wait();
      return OkStatus();
    });
  };
  EXPECT_TRUE(HasReason(hang(), reason::kHypervisorUnavailable));
  EXPECT_EQ(Add(pool, 1, 1).value(), 2);  // one thread is left
  EXPECT_TRUE(HasReason(hang(), reason::kHypervisorUnavailable));
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(HasReason(Add(pool, 1, 1).status(), reason::kHypervisorUnavailable));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, kLong / 2);
  release->count_down();
  Expected<int> sum = Add(pool, 2, 2);
  while (!sum.ok()) sum = Add(pool, 2, 2);  // until the threads are back; CTest's timeout bounds it
  EXPECT_EQ(*sum, 4);
}

TEST(CallPool, ManyCallers_AreAllServedByFewThreads) {
  CallPool pool(4, 64);
  std::atomic<int> running = 0, most = 0, done = 0;
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < 16; ++i) {
      callers.emplace_back([&] {
        for (int n = 0; n < 50; ++n) {
          const Status status = CallStatus(pool, kLong, [&] {
            const int now = ++running;
            int seen = most;
            while (now > seen && !most.compare_exchange_weak(seen, now)) {
            }
            --running;
            return OkStatus();
          });
          if (status.ok()) ++done;
        }
      });
    }
  }
  EXPECT_EQ(done, 16 * 50);
  EXPECT_LE(most, 4);
}

TEST(CallPool, Workers_AreNumberedAndNeverInTwoCallsAtOnce) {
  CallPool pool(3, 64);
  std::array<std::atomic<int>, 3> inside{};
  std::atomic<int> wrong = 0;
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < 12; ++i) {
      callers.emplace_back([&] {
        for (int n = 0; n < 100; ++n) {
          const auto ran = pool.Call<bool>(kLong, [&](CallPool::Worker worker) -> Expected<bool> {
            if (worker >= 3 || ++inside[worker] != 1) ++wrong;
            std::this_thread::yield();
            if (worker < 3) --inside[worker];
            return true;
          });
          if (!ran.ok()) ++wrong;
        }
      });
    }
  }
  EXPECT_EQ(wrong, 0);
}

TEST(CallPool, FullQueue_RefusesAtOnce) {
  CallPool pool(1, 1);
  auto release = std::make_shared<std::latch>(1);  // outlives the calls that wait on it
  std::atomic<int> refused = 0;
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < 4; ++i) {
      callers.emplace_back([&pool, &refused, release] {
        const Status status = CallStatus(pool, kLong, [release] {
          release->wait();
          return OkStatus();
        });
        if (!status.ok()) {
          // One runs or will, one waits: the others must have been turned away by now.
          if (++refused == 2) release->count_down();
        }
      });
    }
  }
  // Three when all came before the thread had taken up the first.
  EXPECT_GE(refused, 2);
  EXPECT_LE(refused, 3);
}

}  // namespace
}  // namespace kilonova::agent::adapters::libvirt
