// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace kilonova::cli {

// Parses the command line, runs the command it names, and returns the exit code.
int Main(int argc, char** argv);

}  // namespace kilonova::cli
