// SPDX-License-Identifier: Apache-2.0
#include "agent/core/console.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/model/bounds.h"

namespace kilonova::agent::core {
namespace {

struct Piece {
  std::string bytes;
  bool more = false;
};

Expected<Piece> TailOf(const std::filesystem::path& path, std::size_t most) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) {
    if (errno == ENOENT) return Piece{};
    return Error(Code::kInternal, reason::kInternal, "the console log cannot be read",
                 {{kOperatorDetail, path.string() + ": " + std::strerror(errno)}});
  }
  struct stat info = {};
  Piece piece;
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(fd);
    return piece;
  }
  const auto size = static_cast<std::size_t>(info.st_size);
  const std::size_t want = std::min(size, most);
  piece.more = size > want;
  piece.bytes.resize(want);
  std::size_t got = 0;
  while (got < want) {
    const ssize_t n =
        pread(fd, piece.bytes.data() + got, want - got, static_cast<off_t>(size - want + got));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;  // cut shorter meanwhile: what is there is the answer
    got += static_cast<std::size_t>(n);
  }
  piece.bytes.resize(got);
  close(fd);
  return piece;
}

}  // namespace

Expected<ConsoleTail> ReadConsoleTail(const std::filesystem::path& log, std::size_t max_bytes) {
  const std::size_t most = std::min(max_bytes, model::kMaxConsoleBytes);
  ASSIGN_OR_RETURN(Piece now, TailOf(log, most));
  ConsoleTail tail{std::move(now.bytes), now.more};
  if (tail.truncated) return tail;
  ASSIGN_OR_RETURN(Piece before, TailOf(log.string() + ".0", most - tail.output.size()));
  tail.truncated = before.more;
  tail.output.insert(0, before.bytes);
  return tail;
}

}  // namespace kilonova::agent::core
