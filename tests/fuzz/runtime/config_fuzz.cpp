// SPDX-License-Identifier: Apache-2.0
// Any text as a daemon's configuration, and as the broker's URL: what is read is within its bounds,
// and no password is printed.
#include <chrono>

#include "common/runtime/config.h"
#include "proto/amqp/settings.h"
#include "tests/fuzz/require.h"

namespace {

using kilonova::fuzz::Require;
using namespace std::chrono_literals;

void CheckConfig(kilonova::runtime::Config config) {
  const auto number = config.Int("a", 4, 1, 64);
  const auto real = config.Double("b", 0.5, 0, 1);
  const auto time = config.Duration("c.d", 15s);
  const auto word = config.Choice("c.e", "x", {"x", "y"});
  config.String("f", "");
  config.Bool("g", true);
  config.List("h", {});
  config.Doubles("i");
  config.Secret("j");
  if (config.Finish().ok()) {
    Require(number >= 1 && number <= 64 && real >= 0 && real <= 1 && time.count() >= 0);
    Require(word == "x" || word == "y");
  }
  Require(!config.Print().empty());
}

void CheckUrl(std::string_view text) {
  const auto settings = kilonova::amqp::ParseUrl(text);
  if (settings.ok()) {
    Require(!settings->host.empty() && settings->port != 0);
    return;
  }
  // Nor does what is wrong with it repeat what may be the password.
  Require(text.size() < 40 || kilonova::Message(settings.status()).find(text) == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = kilonova::fuzz::Text(data, size);
  auto config = kilonova::runtime::Config::Parse(text, "fuzz.yaml");
  if (config.ok()) {
    CheckConfig(std::move(*config));
  } else {
    Require(!kilonova::Message(config.status()).empty());
  }
  CheckUrl(text);
  return 0;
}
