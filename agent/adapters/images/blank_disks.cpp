// SPDX-License-Identifier: Apache-2.0
// Ephemeral disks and swap: made empty, given a file system and published by rename.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "agent/adapters/images/disk_image_store.h"
#include "agent/adapters/images/files.h"
#include "agent/adapters/images/qemu_img.h"
#include "agent/adapters/images/tool.h"

namespace kilonova::agent::adapters::images {
namespace fs = std::filesystem;
namespace {

constexpr std::array<std::string_view, 7> kFilesystems = {"ext2", "ext3", "ext4", "ntfs",
                                                          "swap", "vfat", "xfs"};

Status Refused(const std::string& what) {
  return Error(Code::kInvalidArgument, reason::kFlavorInvalid, "a disk cannot be made: " + what);
}

// File systems that would be found on the disk, so text a user chose never gets here unchecked.
Status CheckBlank(const core::BlankDisk& disk) {
  if (disk.size_bytes == 0) return Refused("it has no size");
  if (std::ranges::find(kFilesystems, disk.filesystem) == kFilesystems.end()) {
    return Refused("its file system is not served");
  }
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  };
  if (disk.label.size() > 16 || !std::ranges::all_of(disk.label, plain)) {
    return Refused("its label is none");
  }
  return OkStatus();
}

}  // namespace

Status MakeFilesystem(const ToolOptions& tools, const std::string& filesystem,
                      const std::string& label, const fs::path& file) {
  ToolRun run;
  const bool swap = filesystem == "swap";
  run.program = tools.mkfs_dir / (swap ? "mkswap" : "mkfs." + filesystem);
  if (filesystem.starts_with("ext")) run.arguments = {"-q", "-F"};
  if (filesystem == "ntfs") run.arguments = {"-q", "-F", "-f"};
  if (!label.empty()) {
    run.arguments.push_back(filesystem == "vfat" ? "-n" : "-L");
    run.arguments.push_back(label);
  }
  run.arguments.push_back(file.string());
  run.wall_clock = tools.wall_clock;
  ASSIGN_OR_RETURN(const ToolResult result, RunTool(run));
  if (result.exit_code == 0) return OkStatus();
  return ToolFileError(reason::kInternal, "the host could not make a file system",
                       file.parent_path(), result.diagnostics);
}

Status TakeSpace(const fs::path& file, std::uint64_t bytes) {
  const OwnedFd fd(open(file.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.ok()) return FileError(errno, "open", file);
  if (fallocate(fd.get(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(bytes)) == 0) {
    return OkStatus();
  }
  // As in Nova, a file system that cannot do it is lived with.
  return errno == EOPNOTSUPP ? OkStatus() : FileError(errno, "allocate", file);
}

Status DiskImageStore::CreateBlank(const core::BlankDisk& disk, const fs::path& target) {
  RETURN_IF_ERROR(CheckBlank(disk));
  struct stat info = {};
  if (lstat(target.c_str(), &info) == 0 && S_ISREG(info.st_mode)) return OkStatus();  // by rename
  Draft raw(target.string() + ".raw.tmp");
  Draft other(target.string() + ".tmp");
  for (const Draft* draft : {&raw, &other}) {
    if (unlink(draft->path().c_str()) != 0 && errno != ENOENT) {
      return FileError(errno, "remove", draft->path());
    }
  }
  {
    ASSIGN_OR_RETURN(const OwnedFd fd, CreateFile(raw.path(), 0600));
    if (ftruncate(fd.get(), static_cast<off_t>(disk.size_bytes)) != 0) {
      return FileError(errno, "size", raw.path());
    }
  }
  RETURN_IF_ERROR(MakeFilesystem(options_.tools, disk.filesystem, disk.label, raw.path()));
  const bool qcow2 = DiskFormat() == "qcow2";
  if (qcow2) {
    RETURN_IF_ERROR(ConvertImage(options_.tools, {raw.path(), other.path(), "raw", "qcow2"}));
    if (chmod(other.path().c_str(), 0600) != 0) return FileError(errno, "chmod", other.path());
  }
  Draft& made = qcow2 ? other : raw;
  if (options_.disks.preallocate_images) {
    RETURN_IF_ERROR(TakeSpace(made.path(), disk.size_bytes));
  }
  RETURN_IF_ERROR(SyncFile(made.path()));
  return Publish(made, target);
}

}  // namespace kilonova::agent::adapters::images
