// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/queue/reading_mark.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "common/base/log.h"

namespace kilonova::agent::adapters::queue {
namespace {

// Poison is rare; a file that grew over this holds nonsense.
constexpr std::size_t kMost = 32;

}  // namespace

ReadingMark::ReadingMark(std::filesystem::path file) : file_(std::move(file)) {
  if (file_.empty()) return;
  std::ifstream left(file_);
  std::string digest;
  std::int64_t count = 0;
  while (begun_.size() < kMost && left >> digest >> count) {
    if (digest.size() == 64 && count > 0) begun_[digest] = count;
  }
  for (const auto& [one, deaths] : begun_) {
    LogWarn("the agent died while it read a message", {F("sha256", one), F("deaths", deaths)});
  }
  fd_ = open(file_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd_ < 0) {
    LogWarn("cannot remember which message is being read",
            {F("file", file_.string()), F("error", std::strerror(errno))});
  }
}

ReadingMark::~ReadingMark() {
  if (fd_ >= 0) close(fd_);
}

std::int64_t ReadingMark::Deaths(const std::string& digest) const {
  const auto it = begun_.find(digest);
  return it == begun_.end() ? 0 : it->second;
}

void ReadingMark::Begin(const std::string& digest) {
  if (begun_.size() >= kMost && !begun_.contains(digest)) begun_.erase(begun_.begin());
  ++begun_[digest];
  Write();
}

void ReadingMark::End(const std::string& digest) {
  begun_.erase(digest);
  Write();
}

void ReadingMark::Write() const {
  if (fd_ < 0) return;
  std::string text;
  for (const auto& [digest, count] : begun_) text += digest + " " + std::to_string(count) + "\n";
  // A full disk costs the mark, not the message.
  const ssize_t written = pwrite(fd_, text.data(), text.size(), 0);
  const auto end = static_cast<off_t>(written == static_cast<ssize_t>(text.size()) ? written : 0);
  if (ftruncate(fd_, end) != 0) LogDebug("reading mark", {F("error", std::strerror(errno))});
}

}  // namespace kilonova::agent::adapters::queue
