// SPDX-License-Identifier: Apache-2.0
// kilonova-scheduler: one per cloud. Exit codes: 0 stopped as told, 1 cannot run, 2 wrong arguments
// or configuration.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <string>

#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/runtime/config.h"
#include "common/runtime/process.h"
#include "scheduler/app/options.h"
#include "scheduler/app/replay_command.h"
#include "scheduler/app/scheduler.h"
#include "scheduler/core/failpoint_names.h"

namespace kilonova::scheduler::app {
namespace {

struct Arguments {
  std::string config, ready_file;
  bool check = false, print = false, list_failpoints = false;
};

int Fail(int code, const Status& status) {
  std::fprintf(stderr, "kilonova-scheduler: %s\n", Message(status).c_str());
  for (const auto& [key, value] : DetailsOf(status)) {
    if (key == kOperatorDetail) std::fprintf(stderr, "  %s\n", value.c_str());
  }
  return code;
}

// For whoever waits for us, written whole or not at all.
Status WriteReadyFile(const std::string& path, const std::string& address) {
  const std::string temporary = path + ".tmp";
  std::ofstream(temporary) << address << "\n";
  if (std::rename(temporary.c_str(), path.c_str()) != 0) {
    return Error(Code::kInvalidArgument, reason::kConfigInvalid, "cannot write " + path);
  }
  return OkStatus();
}

void Reload(const Arguments& arguments, Scheduler& scheduler) {
  auto config = runtime::Config::Load(arguments.config);
  const auto options = config.ok() ? ReadOptions(*config) : Expected<Options>(config.status());
  if (!options.ok()) {
    LogError("configuration not reloaded, the old one stays", {F("why", options.status())});
    return;
  }
  SetLogLevel(options->log.level);
  if (const Status flavors = scheduler.LoadFlavors(); !flavors.ok()) {
    LogError("flavors not reloaded", {F("why", flavors)});
  }
  LogInfo("configuration reloaded", {});
}

int Serve(const Arguments& arguments, const Options& options) {
  auto started = Scheduler::Start(options);
  if (!started.ok()) {
    LogError("cannot start", {F("why", started.status())});
    return Fail(1, started.status());
  }
  Scheduler& scheduler = **started;
  LogInfo("listening", {F("address", scheduler.address()), F("metrics", scheduler.metrics_port()),
                        F("pid", getpid())});
  if (!arguments.ready_file.empty()) {
    if (const Status ready = WriteReadyFile(arguments.ready_file, scheduler.address());
        !ready.ok()) {
      return Fail(1, ready);
    }
  }
  runtime::Notify("READY=1");
  Status health;
  while (health.ok()) {
    const auto signal = runtime::WaitSignal(std::chrono::milliseconds(500));
    if (signal == runtime::Signal::kTerminate) break;
    if (signal == runtime::Signal::kReload) Reload(arguments, scheduler);
    scheduler.Tick();
    runtime::Notify("WATCHDOG=1");
    health = scheduler.Health();
  }
  runtime::Notify("STOPPING=1");
  if (health.ok()) {
    LogInfo("stopping", {});
  } else {
    LogError("stopping, to be started again", {F("why", health)});
  }
  scheduler.Drain();
  LogInfo("stopped", {});
  return health.ok() ? 0 : 1;
}

int ListFailpoints() {
  if (!kFailpointsCompiledIn) {
    std::fputs("kilonova-scheduler: built without failpoints\n", stderr);
    return 1;
  }
  for (const std::string_view name : core::kFailpoints) {
    std::printf("%.*s\n", static_cast<int>(name.size()), name.data());
  }
  return 0;
}

int Run(const Arguments& arguments) {
  if (arguments.list_failpoints) return ListFailpoints();
  runtime::BlockSignals();
  runtime::HardenProcess();
  auto config = runtime::Config::Load(arguments.config);
  if (!config.ok()) return Fail(2, config.status());
  const auto options = ReadOptions(*config);
  if (!options.ok()) return Fail(2, options.status());
  if (arguments.print) std::fputs(config->Print().c_str(), stdout);
  if (arguments.check && !arguments.print) std::puts("configuration is good");
  if (arguments.print || arguments.check) return 0;
  if (const Status log = runtime::InstallLogging(options->log); !log.ok()) return Fail(2, log);
  return Serve(arguments, *options);
}

}  // namespace
}  // namespace kilonova::scheduler::app

int main(int argc, char** argv) {
  kilonova::scheduler::app::Arguments arguments;
  CLI::App app("Kilonova's scheduler: accepts instances, places them, tells their hosts.",
               "kilonova-scheduler");
  app.set_version_flag("--version", std::string("kilonova-scheduler ") + KILONOVA_VERSION);
  app.add_option("--config", arguments.config, "YAML file; without it, defaults and KILONOVA_*");
  app.add_flag("--check-config", arguments.check, "Read the configuration, say what is wrong, end");
  app.add_flag("--print-config", arguments.print, "Print what is in force, secrets hidden, end");
  app.add_option("--ready-file", arguments.ready_file,
                 "Write the address listened on to this file once serving");
  app.add_flag("--list-failpoints", arguments.list_failpoints,
               "Print the names of the failpoints of a build that has them, end");
  kilonova::scheduler::app::ReplayCommand replay(app);
  try {
    app.parse(argc, argv);
    if (replay.asked()) return replay.Run();
    return kilonova::scheduler::app::Run(arguments);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "kilonova-scheduler: %s\n", e.what());
    return 1;
  }
}
