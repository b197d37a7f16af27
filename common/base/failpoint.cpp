// SPDX-License-Identifier: Apache-2.0
#include "common/base/failpoint.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace kilonova {
namespace {

struct Rule {
  std::string name;
  std::string action;
};

std::vector<Rule> ReadRules() {
  std::vector<Rule> rules;
  const char* env = std::getenv("KILONOVA_FAILPOINTS");
  std::string_view text = env == nullptr ? "" : env;
  while (!text.empty()) {
    const auto end = text.find(';');
    const std::string_view rule = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (const auto eq = rule.find('='); eq != std::string_view::npos) {
      rules.push_back({std::string(rule.substr(0, eq)), std::string(rule.substr(eq + 1))});
    }
  }
  return rules;
}

bool Matches(std::string_view pattern, std::string_view name) {
  if (pattern.ends_with('*')) return name.starts_with(pattern.substr(0, pattern.size() - 1));
  return pattern == name;
}

void Trace(std::string_view name) {
  static const char* const path = std::getenv("KILONOVA_FAILPOINT_TRACE");
  if (path == nullptr) return;
  const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return;
  const std::string line = std::string(name) + "\n";
  // A short write of a trace line hurts nobody.
  if (write(fd, line.data(), line.size()) < 0) {
  }
  close(fd);
}

void Die() {
  kill(getpid(), SIGKILL);
  pause();
}

}  // namespace

Status HitFailpoint(std::string_view name) {
  static const std::vector<Rule> rules = ReadRules();
  Trace(name);
  for (const Rule& rule : rules) {
    if (!Matches(rule.name, name)) continue;
    const std::string_view action = rule.action;
    if (action == "kill") {
      Die();
    } else if (action.starts_with("kill@")) {
      const std::string file(action.substr(5));
      const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
      if (fd >= 0) {
        close(fd);
        Die();
      }
    } else if (action.starts_with("killif@")) {
      const std::string file(action.substr(7));
      if (unlink(file.c_str()) == 0) Die();
    } else if (action == "abort") {
      std::abort();
    } else if (action.starts_with("sleep(")) {
      int ms = 0;
      std::from_chars(action.data() + 6, action.data() + action.size(), ms);
      std::this_thread::sleep_for(std::chrono::milliseconds(ms));
    } else if (action.starts_with("while@")) {
      const std::string file(action.substr(6));
      while (access(file.c_str(), F_OK) == 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
    } else if (action == "error") {
      return Error(Code::kInternal, reason::kInternal, "failpoint");
    }
  }
  return OkStatus();
}

}  // namespace kilonova
