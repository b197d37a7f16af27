// SPDX-License-Identifier: Apache-2.0
#include "agent/core/tpm_secret.h"

#include <absl/strings/escaping.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace kilonova::agent::core {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kSecretBytes = 384;
constexpr std::size_t kMostFileBytes = 4096;

Status SecretError(int error, std::string_view what, const fs::path& path) {
  const std::string detail = std::string(what) + " " + path.string() + ": " + std::strerror(error);
  if (error == ENOSPC || error == EDQUOT) {
    return Error(Code::kResourceExhausted, reason::kHostDiskFull, "the host's disk is full",
                 {{kOperatorDetail, detail}});
  }
  return Error(Code::kInternal, reason::kInternal,
               "the host could not keep the passphrase of the instance's TPM",
               {{kOperatorDetail, detail}});
}

// Closed at the end of its scope.
struct File {
  int fd = -1;
  explicit File(int the_fd) : fd(the_fd) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd >= 0) close(fd);
  }
};

Status SyncDirectory(const fs::path& path) {
  const File dir(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (dir.fd < 0 || fsync(dir.fd) != 0) return SecretError(errno, "fsync", path);
  return OkStatus();
}

Expected<std::string> NewSecret() {
  std::array<char, kSecretBytes> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return Error(Code::kInternal, reason::kInternal, "the host has no random numbers");
  }
  return absl::Base64Escape(std::string(bytes.data(), bytes.size()));
}

Status WriteDurably(const fs::path& target, const std::string& text) {
  const fs::path draft = target.string() + ".tmp";
  {
    const File file(
        open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (file.fd < 0 || fchmod(file.fd, 0600) != 0) return SecretError(errno, "open", draft);
    const ssize_t written = write(file.fd, text.data(), text.size());
    if (written != static_cast<ssize_t>(text.size())) {
      return SecretError(written < 0 ? errno : ENOSPC, "write", draft);
    }
    if (fsync(file.fd) != 0) return SecretError(errno, "fsync", draft);
  }
  if (std::rename(draft.c_str(), target.c_str()) != 0) return SecretError(errno, "rename", target);
  RETURN_IF_ERROR(SyncDirectory(target.parent_path()));
  return SyncDirectory(target.parent_path().parent_path());
}

}  // namespace

Expected<std::optional<std::string>> ReadTpmSecret(const Paths& paths, const Uuid& instance) {
  const fs::path path = paths.TpmSecret(instance);
  const File file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (file.fd < 0 && errno == ENOENT) return std::optional<std::string>();
  if (file.fd < 0) return SecretError(errno, "open", path);
  std::string text(kMostFileBytes, '\0');
  const ssize_t got = read(file.fd, text.data(), text.size());
  if (got < 0) return SecretError(errno, "read", path);
  text.resize(static_cast<std::size_t>(got));
  if (text.empty() || text.size() == kMostFileBytes) return SecretError(EINVAL, "read", path);
  return std::optional<std::string>(std::move(text));
}

bool HasTpmSecret(const Paths& paths, const Uuid& instance) {
  struct stat info = {};
  return lstat(paths.TpmSecret(instance).c_str(), &info) == 0;
}

Expected<std::string> EnsureTpmSecret(const Paths& paths, const Uuid& instance) {
  ASSIGN_OR_RETURN(auto known, ReadTpmSecret(paths, instance));
  if (known) return *std::move(known);
  ASSIGN_OR_RETURN(std::string secret, NewSecret());
  RETURN_IF_ERROR(WriteDurably(paths.TpmSecret(instance), secret));
  return secret;
}

}  // namespace kilonova::agent::core
