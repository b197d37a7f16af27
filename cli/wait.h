// SPDX-License-Identifier: Apache-2.0
// Whether what `--wait` waits for has come: pure, fed with what the watch says.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

namespace kilonova::v1 {
class Instance;
class WatchInstancesResponse;
}  // namespace kilonova::v1

namespace kilonova::cli {

enum class WaitFor {
  kSettled,  // no task goes on
  kDeleted,  // it is gone, or its deletion has failed
};

class WaitProgress {
 public:
  WaitProgress(const std::vector<std::string>& uuids, WaitFor what)
      : waiting_(uuids.begin(), uuids.end()), what_(what) {}

  // False once nothing is left to wait for.
  bool Take(const v1::WatchInstancesResponse& response);
  // Lines to tell the user of the last Take.
  const std::vector<std::string>& lines() const { return lines_; }
  bool failed() const { return failed_; }  // one ended badly

 private:
  void Tell(const v1::Instance& instance);

  std::set<std::string> waiting_;
  const WaitFor what_;
  std::map<std::string, std::string> last_;
  std::vector<std::string> lines_;
  bool failed_ = false;
};

}  // namespace kilonova::cli
