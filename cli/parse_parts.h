// SPDX-License-Identifier: Apache-2.0
// What the parts of the parser share. Only parse*.cpp include it: CLI11 costs seconds to compile.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <utility>

#include "cli/options.h"

namespace kilonova::cli {

class Client;

// What the chosen command will run once everything is parsed.
struct Chosen {
  std::function<int(const Client&)> run;
  std::function<int()> offline;  // needs no scheduler
};

template <class Options>
std::shared_ptr<Options> Make() {
  // Shared by the parser's bindings and the closure that runs later.
  return std::make_shared<Options>();
}

inline void Bind(CLI::App* command, Chosen* chosen, std::function<int(const Client&)> run) {
  command->callback([chosen, run = std::move(run)] { chosen->run = run; });
}

void AddTemplate(CLI::App* command, TemplateOptions* what, bool need);
// parse_operators.cpp
void AddHost(CLI::App* app, Chosen* chosen);
void AddAggregate(CLI::App* app, Chosen* chosen);
void AddServerGroup(CLI::App* app, Chosen* chosen);
void AddSharingProvider(CLI::App* app, Chosen* chosen);
void AddPlacement(CLI::App* app, Chosen* chosen);

}  // namespace kilonova::cli
