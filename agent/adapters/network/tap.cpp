// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/network/tap.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/base/log.h"

namespace kilonova::agent::adapters::network {
namespace {

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) close(fd_);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

Status Trouble(const char* what, int error) {
  return Error(Code::kInternal, reason::kInternal, "a network device could not be removed",
               {{kOperatorDetail, std::string(what) + ": " + std::strerror(error)}});
}

}  // namespace

Status DeleteTap(const std::string& name) {
  const Fd fd(open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  if (fd.get() < 0) return Trouble("/dev/net/tun", errno);
  ifreq request{};
  if (name.empty() || name.size() >= sizeof(request.ifr_name)) return Trouble("name", EINVAL);
  std::memcpy(request.ifr_name, name.data(), name.size());
  // Attaching fails with EBUSY while a guest holds it; detaching with persistence off deletes it.
  for (const int queues : {0, IFF_MULTI_QUEUE}) {
    request.ifr_flags = static_cast<short>(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | queues);
    if (ioctl(fd.get(), TUNSETIFF, &request) == 0) {
      if (ioctl(fd.get(), TUNSETPERSIST, 0) != 0) return Trouble("TUNSETPERSIST", errno);
      LogInfo("a leftover tap is removed", {F("tap", name)});
      return OkStatus();
    }
    if (errno == EBUSY) {
      return Error(Code::kFailedPrecondition, reason::kNetworkInUse,
                   "a network device is in use by a running guest");
    }
    if (errno != EINVAL) break;
  }
  return Trouble("TUNSETIFF", errno);
}

}  // namespace kilonova::agent::adapters::network
