// SPDX-License-Identifier: Apache-2.0
#include "proto/amqp/backoff.h"

#include <algorithm>
#include <memory>
#include <random>

namespace kilonova::amqp {

Random SystemRandom() {
  // Shared because std::function must be copyable; each copy is used by one thread.
  auto engine = std::make_shared<std::mt19937_64>(std::random_device{}());
  return [engine] { return std::uniform_real_distribution<double>(0.0, 1.0)(*engine); };
}

Backoff::Backoff(Limits limits, Random random) : limits_(limits), random_(std::move(random)) {}

std::chrono::milliseconds Backoff::Next() {
  const auto base = static_cast<double>(limits_.base.count());
  const auto cap = static_cast<double>(limits_.cap.count());
  double most = base;
  for (int i = 0; i < attempt_ && most < cap; ++i) most *= 2;
  if (most < cap) ++attempt_;
  return std::chrono::milliseconds(static_cast<std::int64_t>(random_() * std::min(most, cap)));
}

}  // namespace kilonova::amqp
