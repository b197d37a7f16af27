// SPDX-License-Identifier: Apache-2.0
#include "agent/app/failpoints.h"

#include "agent/core/failpoint_names.h"

namespace kilonova::agent::app {
namespace {

// Inside a step of the core's, in the adapter that does it.
constexpr const char* kOfAdapters[] = {
    "agent.build.image_download.before",
    "agent.build.image_download.25",
    "agent.build.image_download.50",
    "agent.build.image_download.75",
    "agent.build.image_download.after",
    "agent.build.image_checksum.before",
    "agent.build.image_checksum.after",
    "agent.build.image_inspect.before",
    "agent.build.image_inspect.after",
    "agent.build.image_publish.before",
    "agent.build.image_publish.after",
    "agent.build.disk_create.before",
    "agent.build.disk_create.after",
    "agent.recv.before",
    "agent.recv.after",
    "agent.parse.before",
    "agent.parse.after",
    "agent.journal_insert.before",
    "agent.journal_insert.after",
    "agent.ack.before",
    "agent.ack.after",
};

}  // namespace

std::vector<std::string> AllFailpoints() {
  std::vector<std::string> names = core::AllFailpoints();
  names.insert(names.end(), std::begin(kOfAdapters), std::end(kOfAdapters));
  return names;
}

}  // namespace kilonova::agent::app
