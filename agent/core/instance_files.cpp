// SPDX-License-Identifier: Apache-2.0
#include "agent/core/instance_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "agent/core/files.h"

namespace kilonova::agent::core {
namespace fs = std::filesystem;
std::string JsonQuote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char buffer[8];
      std::snprintf(buffer, sizeof buffer, "\\u%04x", static_cast<unsigned>(c));
      out += buffer;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

Status PrepareStateDir(const Paths& paths) {
  std::error_code error;
  fs::create_directories(paths.state_dir, error);
  if (error) return FileError(error.value(), "mkdir", paths.state_dir);
  RETURN_IF_ERROR(MakeDir(paths.state_dir, 0711));
  RETURN_IF_ERROR(MakeDir(paths.Images(), 0711));
  RETURN_IF_ERROR(MakeDir(paths.Downloads(), 0700));
  RETURN_IF_ERROR(MakeDir(paths.Instances(), 0711));
  return MakeDir(paths.Quarantine(), 0700);
}

Status MakeInstanceDir(const Paths& paths, const Uuid& instance) {
  return MakeDir(paths.Instance(instance), 0711);
}

Status WriteDiskInfo(const Paths& paths, const Uuid& instance,
                     const std::vector<DiskFormatNote>& disks) {
  std::string json = "{";
  const auto add = [&json](const fs::path& path, std::string_view format) {
    std::error_code error;
    if (!fs::exists(path, error)) return;
    json += (json.size() > 1 ? ", " : "") + JsonQuote(path.string()) + ": " + JsonQuote(format);
  };
  for (const DiskFormatNote& disk : disks) add(disk.path, disk.format);
  json += "}";
  const fs::path target = paths.DiskInfo(instance);
  const fs::path draft = target.string() + ".tmp";
  const int fd = open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (fd < 0) return FileError(errno, "open", draft);
  const ssize_t written = write(fd, json.data(), json.size());
  const int error = written < 0 ? errno : ENOSPC;
  close(fd);
  if (written != static_cast<ssize_t>(json.size())) return FileError(error, "write", draft);
  if (rename(draft.c_str(), target.c_str()) != 0) return FileError(errno, "rename", target);
  return OkStatus();
}

Status RemoveInstanceDir(const Paths& paths, const Uuid& instance) {
  if (instance.empty()) return OkStatus();  // never the parent of them all
  std::error_code error;
  fs::remove_all(paths.Instance(instance), error);
  if (error && error != std::errc::no_such_file_or_directory) {
    return FileError(error.value(), "remove", paths.Instance(instance));
  }
  return OkStatus();
}

}  // namespace kilonova::agent::core
