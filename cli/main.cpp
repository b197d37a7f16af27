// SPDX-License-Identifier: Apache-2.0
#include <csignal>

#include "cli/parse.h"

int main(int argc, char** argv) {
  // `kilonova watch | head` ends quietly.
  std::signal(SIGPIPE, SIG_DFL);
  return kilonova::cli::Main(argc, argv);
}
