// SPDX-License-Identifier: Apache-2.0
#include "common/runtime/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace kilonova::runtime {
namespace {

sigset_t Watched() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  return set;
}

Status SystemError(const std::filesystem::path& path, std::string_view what) {
  return Error(Code::kFailedPrecondition, reason::kConfigInvalid,
               path.string() + ": " + std::string(what) + ": " + std::strerror(errno),
               {{"file", path.string()}});
}

}  // namespace

void BlockSignals() {
  const sigset_t set = Watched();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, nullptr);
}

std::optional<Signal> WaitSignal(std::optional<std::chrono::milliseconds> timeout) {
  const sigset_t set = Watched();
  int got = -1;
  do {
    if (timeout) {
      timespec spec{};
      spec.tv_sec = timeout->count() / 1000;
      spec.tv_nsec = (timeout->count() % 1000) * 1000000;
      got = sigtimedwait(&set, nullptr, &spec);
    } else {
      got = sigwaitinfo(&set, nullptr);
    }
  } while (got < 0 && errno == EINTR && !timeout);
  if (got < 0) return std::nullopt;
  return got == SIGHUP ? Signal::kReload : Signal::kTerminate;
}

void Notify(const std::string& state) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || *path == '\0') return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::size_t length = std::strlen(path);
  if (length >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, path, length);
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  sendto(fd, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address),
         static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length));
  close(fd);
}

Expected<ProcessLock> ProcessLock::Take(const std::filesystem::path& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return SystemError(path, "cannot open the lock");
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const Status status = SystemError(path, "another process holds the lock");
    close(fd);
    return status;
  }
  return ProcessLock(fd);
}

ProcessLock::ProcessLock(ProcessLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
ProcessLock& ProcessLock::operator=(ProcessLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}
ProcessLock::~ProcessLock() {
  if (fd_ >= 0) close(fd_);
}

void HardenProcess() {
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
}

Status MakePrivateDirectory(const std::filesystem::path& path, unsigned mode) {
  std::error_code error;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), error);
  if (mkdir(path.c_str(), mode) != 0 && errno != EEXIST) {
    return SystemError(path, "cannot create the directory");
  }
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return SystemError(path, "not a directory of ours");
  struct stat info {};
  Status status = OkStatus();
  if (fstat(fd, &info) != 0 || info.st_uid != geteuid()) {
    errno = EPERM;
    status = SystemError(path, "owned by another user");
  } else if (fchmod(fd, static_cast<mode_t>(mode)) != 0) {
    status = SystemError(path, "cannot set the mode");
  }
  close(fd);
  return status;
}

}  // namespace kilonova::runtime
