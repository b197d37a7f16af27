// SPDX-License-Identifier: Apache-2.0
// Which message was being read when the agent died, remembered across its death. A broker counts
// every lost connection against every message on the way; only this tells the one message that ends
// the agent from the honest ones that were near it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace kilonova::agent::adapters::queue {

// Used by one thread. Not synced to disk: the kernel keeps what a killed process wrote, and a
// machine that goes down was not brought down by a message.
class ReadingMark {
 public:
  // Takes over what a dead process left in `file`; "" remembers nothing.
  explicit ReadingMark(std::filesystem::path file);
  ~ReadingMark();
  ReadingMark(const ReadingMark&) = delete;
  ReadingMark& operator=(const ReadingMark&) = delete;

  // How often a process died between Begin and End of this message.
  std::int64_t Deaths(const std::string& digest) const;
  void Begin(const std::string& digest);
  void End(const std::string& digest);

 private:
  void Write() const;

  const std::filesystem::path file_;
  int fd_ = -1;
  std::map<std::string, std::int64_t> begun_;  // by digest, this reading included
};

}  // namespace kilonova::agent::adapters::queue
