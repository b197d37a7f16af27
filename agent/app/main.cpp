// SPDX-License-Identifier: Apache-2.0
// kilonova-agent. Exit codes: 0 stopped as told, 1 cannot run, 2 wrong arguments or configuration.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <thread>

#include "agent/app/daemon.h"
#include "agent/app/failpoints.h"
#include "agent/app/options.h"
#include "agent/app/version.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/runtime/process.h"

namespace {

using namespace kilonova;  // NOLINT: a main file
using agent::app::Daemon;

struct Arguments {
  std::string config, ready_file;
  bool check_config = false, print_config = false, list_failpoints = false;
};

int Complain(const Status& status, int code) {
  std::cerr << "kilonova-agent: " << Message(status) << "\n";
  const Details details = DetailsOf(status);
  if (const auto it = details.find(kOperatorDetail); it != details.end()) {
    std::cerr << "  " << it->second << "\n";
  }
  return code;
}

int ListFailpoints() {
  if (!kFailpointsCompiledIn) {
    std::cerr << "kilonova-agent: built without failpoints\n";
    return 1;
  }
  for (const std::string& name : agent::app::AllFailpoints()) std::cout << name << "\n";
  return 0;
}

void SayReady(const std::string& file) {
  runtime::Notify("READY=1");
  if (file.empty()) return;
  // By rename: whoever waits for it never finds half of it.
  const std::string draft = file + ".tmp";
  std::ofstream(draft) << getpid() << "\n";
  if (std::rename(draft.c_str(), file.c_str()) != 0) {
    LogWarn("cannot write the ready file", {F("file", file)});
  }
}

void DrainAndWatch(Daemon& daemon, std::chrono::milliseconds most) {
  runtime::Notify("STOPPING=1");
  LogInfo("stopping: nothing more is taken, guests keep running");
  std::atomic<bool> done = false;
  std::thread drain([&] {
    if (!daemon.Drain(std::chrono::steady_clock::now() + most)) {
      LogInfo("what was running is set aside in the journal");
    }
    done = true;
  });
  while (!done) {
    const auto signal = runtime::WaitSignal(std::chrono::milliseconds(50));
    if (signal != runtime::Signal::kTerminate) continue;
    // The journal is good for a kill at any instant; nothing is lost by not waiting.
    LogWarn("told twice: stopping at once");
    _exit(0);
  }
  drain.join();
}

int Serve(const Arguments& arguments, const agent::app::Options& options) {
  if (const Status status = runtime::InstallLogging(options.log); !status.ok()) {
    return Complain(status, 2);
  }
  runtime::HardenProcess();
  auto daemon = Daemon::Start(options);
  if (!daemon.ok()) {
    LogError("the agent cannot start", {F("why", daemon.status())});
    return Complain(daemon.status(), 1);
  }
  SayReady(arguments.ready_file);
  while (runtime::WaitSignal() != runtime::Signal::kTerminate) {
    LogInfo("nothing to reload: configuration is read at start");
  }
  DrainAndWatch(**daemon, options.drain_timeout);
  daemon->reset();
  LogInfo("stopped");
  return 0;
}

int Run(const Arguments& arguments) {
  if (arguments.list_failpoints) return ListFailpoints();
  const auto options = agent::app::LoadOptions(arguments.config);
  if (!options.ok()) return Complain(options.status(), 2);
  if (arguments.print_config) {
    std::cout << options->printed;
    return 0;
  }
  if (arguments.check_config) {
    std::cout << "configuration is good\n";
    return 0;
  }
  return Serve(arguments, *options);
}

}  // namespace

int main(int argc, char** argv) {
  runtime::BlockSignals();
  Arguments arguments;
  CLI::App app("Kilonova's compute agent: builds and runs VMs on this host.", "kilonova-agent");
  app.set_version_flag("--version", std::string("kilonova-agent ") + agent::app::kVersion);
  app.add_option("--config", arguments.config, "Configuration file (YAML)");
  app.add_option("--ready-file", arguments.ready_file, "Written once the agent is up");
  app.add_flag("--check-config", arguments.check_config, "Check the configuration and exit");
  app.add_flag("--print-config", arguments.print_config, "Print what is in force and exit");
  app.add_flag("--list-failpoints", arguments.list_failpoints,
               "Print the points where tests may kill this binary");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  try {
    return Run(arguments);
  } catch (const std::exception& e) {
    LogError("the agent ends by an exception", {F("what", e.what())});
    return 1;
  }
}
