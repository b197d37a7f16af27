// SPDX-License-Identifier: Apache-2.0
// How long to wait before the next attempt: full jitter, so that a thousand agents that lost one
// broker do not come back in step.
#pragma once

#include <chrono>
#include <functional>

namespace kilonova::amqp {

// A number in [0, 1).
using Random = std::function<double()>;
Random SystemRandom();

class Backoff {
 public:
  struct Limits {
    std::chrono::milliseconds base{200};
    std::chrono::milliseconds cap{30'000};
  };

  Backoff(Limits limits, Random random);

  // Uniform in [0, min(cap, base * 2^n)) for the n-th call since Reset.
  std::chrono::milliseconds Next();
  void Reset() { attempt_ = 0; }

 private:
  const Limits limits_;
  const Random random_;
  int attempt_ = 0;
};

}  // namespace kilonova::amqp
