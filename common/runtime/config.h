// SPDX-License-Identifier: Apache-2.0
// A daemon's configuration: a YAML file of nested maps, read by dotted key, every key overridable
// from the environment (`amqp.url` by KILONOVA_AMQP_URL). Ask for all keys, then Finish: it reports
// every wrong value and every key nobody asked for, with file and line.
//
//   ASSIGN_OR_RETURN(auto config, Config::Load("agent.yaml"));
//   options.workers = config.Int("workers", 4, 1, 64);
//   options.lease = config.Duration("lease", 15s);
//   RETURN_IF_ERROR(config.Finish());
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"

namespace kilonova::runtime {

class Config {
 public:
  // An empty path is an empty file: defaults and environment only.
  static Expected<Config> Load(const std::filesystem::path& path);
  static Expected<Config> Parse(std::string_view text, const std::string& name);

  Config(Config&&) noexcept;
  Config& operator=(Config&&) noexcept;
  ~Config();

  std::string String(std::string_view key, std::string_view fallback);
  // One of `allowed`.
  std::string Choice(std::string_view key, std::string_view fallback,
                     const std::vector<std::string>& allowed);
  std::int64_t Int(std::string_view key, std::int64_t fallback, std::int64_t least,
                   std::int64_t most);
  double Double(std::string_view key, double fallback, double least, double most);
  bool Bool(std::string_view key, bool fallback);  // true, false
  // "250ms", "15s", "2m", "1h"; a bare number is refused, it has no unit.
  std::chrono::milliseconds Duration(std::string_view key, std::chrono::milliseconds fallback);
  // A YAML list; from the environment, separated by commas.
  std::vector<std::string> List(std::string_view key, const std::vector<std::string>& fallback);
  std::map<std::string, double> Doubles(std::string_view key);  // a map of numbers; default empty
  // A value never printed; or from the file that `<key>_file` names (its last newline dropped).
  std::string Secret(std::string_view key, std::string_view fallback = "");
  // True when the file or the environment gives the key.
  bool Has(std::string_view key) const;

  // All that was wrong, one line each, or OK. CONFIG_INVALID.
  Status Finish() const;
  // "key: value" lines of all keys asked for, as they are in force; secrets as "(set)" or
  // "(unset)", passwords inside URLs as "***".
  std::string Print() const;

 private:
  struct State;
  explicit Config(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace kilonova::runtime
