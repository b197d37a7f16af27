// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/images/tool.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "agent/adapters/images/files.h"

extern "C" {  // glibc 2.36's header forgets it
#include <sys/pidfd.h>
}

namespace kilonova::agent::adapters::images {
namespace {

constexpr std::size_t kOutputLimit = 1U << 20;
constexpr std::size_t kDiagnosticsLimit = 4096;
constexpr int kStartFailed = 127;
constexpr int kPollMs = 50;  // how soon a stop request is noticed

struct Pipe {
  OwnedFd read, write;
};

Expected<Pipe> MakePipe() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return FileError(errno, "pipe", "");
  return Pipe{OwnedFd(fds[0]), OwnedFd(fds[1])};
}

void Limit(__rlimit_resource resource, std::uint64_t value) {
  const struct rlimit limit = {value, value};
  setrlimit(resource, &limit);
}

// In the child. Only async-signal-safe calls: other threads of the parent may hold any lock. (Not
// posix_spawn: it can set neither limits nor a namespace.)
[[noreturn]] void Become(const char* program, char* const* argv, const ToolRun& run, int out,
                         int err) {
  const int null = open("/dev/null", O_RDONLY);
  dup2(null, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  close_range(3, ~0U, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  Limit(RLIMIT_CPU, run.cpu_seconds);
  Limit(RLIMIT_AS, run.address_space);
  Limit(RLIMIT_CORE, 0);
  // Best effort: needs CAP_SYS_ADMIN. The formats that could make a tool open a connection have
  // been refused before it is started.
  static_cast<void>(unshare(CLONE_NEWNET));
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  char* const environment[] = {nullptr};
  execve(program, argv, environment);
  _exit(kStartFailed);
}

// Takes what is there; false at the end of the stream.
bool Drain(int fd, std::string& into, std::size_t limit) {
  std::array<char, 4096> buffer;
  const ssize_t n = read(fd, buffer.data(), buffer.size());
  if (n < 0) return errno == EINTR || errno == EAGAIN;
  const std::size_t room = limit - std::min(limit, into.size());
  into.append(buffer.data(), std::min(room, static_cast<std::size_t>(n)));
  return n > 0;
}

int Reap(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

Status Kill(pid_t child, Status why) {
  kill(child, SIGKILL);
  Reap(child);
  return why;
}

// Reads until both streams end and the child is gone.
Expected<ToolResult> Follow(pid_t child, Pipe& out, Pipe& err, const ToolRun& run,
                            const std::stop_token& stop) {
  const auto deadline = std::chrono::steady_clock::now() + run.wall_clock;
  const OwnedFd ended(pidfd_open(child, 0));
  ToolResult result;
  bool running = true;
  while (running || out.read.ok() || err.read.ok()) {
    if (stop.stop_requested()) {
      return Kill(child, Error(Code::kCancelled, reason::kUnavailable, "stopped"));
    }
    if (std::chrono::steady_clock::now() > deadline) {
      return Kill(child, Error(Code::kDeadlineExceeded, reason::kDeadlineExceeded,
                               "a host tool did not finish in time",
                               {{kOperatorDetail, run.program.string()}}));
    }
    std::array<struct pollfd, 3> fds = {{{out.read.get(), POLLIN, 0},
                                         {err.read.get(), POLLIN, 0},
                                         {running ? ended.get() : -1, POLLIN, 0}}};
    if (poll(fds.data(), fds.size(), kPollMs) < 0) continue;
    if (fds[0].revents != 0 && !Drain(out.read.get(), result.output, kOutputLimit)) {
      out.read.Close();
    }
    if (fds[1].revents != 0 && !Drain(err.read.get(), result.diagnostics, kDiagnosticsLimit)) {
      err.read.Close();
    }
    if (fds[2].revents != 0) running = false;
  }
  result.exit_code = Reap(child);
  return result;
}

}  // namespace

Expected<ToolResult> RunTool(const ToolRun& run, const std::stop_token& stop) {
  ASSIGN_OR_RETURN(Pipe out, MakePipe());
  ASSIGN_OR_RETURN(Pipe err, MakePipe());
  const std::string program = run.program.string();
  if (access(program.c_str(), X_OK) != 0) return FileError(errno, "run", run.program);
  std::vector<std::string> words = {program};
  words.insert(words.end(), run.arguments.begin(), run.arguments.end());
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  const pid_t child = fork();
  if (child == 0) Become(program.c_str(), argv.data(), run, out.write.get(), err.write.get());
  if (child < 0) return FileError(errno, "fork for", run.program);
  out.write.Close();
  err.write.Close();
  return Follow(child, out, err, run, stop);
}

}  // namespace kilonova::agent::adapters::images
