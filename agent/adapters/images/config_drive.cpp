// SPDX-License-Identifier: Apache-2.0
#include "agent/adapters/images/config_drive.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "agent/adapters/images/disk_image_store.h"
#include "agent/adapters/images/files.h"
#include "agent/adapters/images/tool.h"
#include "common/base/failpoint.h"

namespace kilonova::agent::adapters::images {
namespace fs = std::filesystem;
namespace {

constexpr off_t kVfatBytes = 64 << 20;  // Nova's CONFIGDRIVESIZE_BYTES

Status Failed(std::string detail) {
  return Error(Code::kInternal, reason::kConfigDriveFailed, "the config drive could not be made",
               {{kOperatorDetail, std::move(detail)}});
}

// HOST_DISK_FULL stays what it is; any other trouble here is the config drive's.
Status AsConfigDriveError(const Status& status) {
  const bool ours =
      HasReason(status, reason::kHostDiskFull) || HasReason(status, reason::kConfigDriveFailed);
  if (status.ok() || ours) return status;
  return Failed(Describe(status));
}

// Removes the tree at the end of the scope.
class Workspace {
 public:
  explicit Workspace(fs::path path) : path_(std::move(path)) { Remove(); }
  ~Workspace() { Remove(); }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  const fs::path& path() const { return path_; }

 private:
  void Remove() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  fs::path path_;
};

bool IsPlainRelative(const fs::path& path) {
  const auto plain = [](const fs::path& part) {
    return part != ".." && part != "." && !part.empty();
  };
  return !path.empty() && path.is_relative() && std::all_of(path.begin(), path.end(), plain);
}

Status Place(const core::ConfigDriveFile& file, const fs::path& root) {
  const fs::path relative = file.path;
  if (!IsPlainRelative(relative) || file.path.find('\0') != std::string::npos) {
    return Failed("path " + file.path);
  }
  fs::path dir = root;
  const fs::path parent = relative.parent_path();
  for (const fs::path& part : parent) {
    dir /= part;
    RETURN_IF_ERROR(MakeDir(dir, 0755));  // as the guest sees it; the root is private
  }
  const fs::path target = root / relative;
  ASSIGN_OR_RETURN(const OwnedFd fd, CreateFile(target, 0644));
  if (fchmod(fd.get(), 0644) != 0) return FileError(errno, "chmod", target);
  return WriteAll(fd.get(), file.content, target);
}

Status RunXorriso(const ToolOptions& tools, const fs::path& tree, const fs::path& iso) {
  ToolRun run;
  run.program = tools.xorriso;
  run.wall_clock = tools.wall_clock;
  // -no_rc: no start-up files. The rest as genisoimage takes it: long names in any case and with
  // any dots, Rock Ridge with sane owners, Joliet.
  run.arguments = {"-no_rc",
                   "-as",
                   "mkisofs",
                   "-quiet",
                   "-o",
                   iso.string(),
                   "-ldots",
                   "-allow-lowercase",
                   "-allow-multidot",
                   "-l",
                   "-publisher",
                   "Kilonova",
                   "-J",
                   "-r",
                   "-V",
                   "config-2",
                   tree.string()};
  ASSIGN_OR_RETURN(const ToolResult result, RunTool(run));
  if (result.exit_code == 0) return OkStatus();
  return ToolFileError(reason::kConfigDriveFailed, "the config drive could not be made",
                       iso.parent_path(), result.diagnostics);
}

// The tree's own entries, in order, so that the same contents give the same directory.
std::vector<std::string> EntriesOf(const fs::path& tree) {
  std::vector<std::string> entries;
  std::error_code error;
  for (fs::directory_iterator it(tree, error), end; !error && it != end; it.increment(error)) {
    entries.push_back(it->path().string());
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

Status MakeVfat(const ToolOptions& tools, const fs::path& tree, const fs::path& image) {
  {
    ASSIGN_OR_RETURN(const OwnedFd fd, CreateFile(image, 0600));
    if (ftruncate(fd.get(), kVfatBytes) != 0) return FileError(errno, "size", image);
  }
  RETURN_IF_ERROR(MakeFilesystem(tools, "vfat", "config-2", image));
  ToolRun run;
  run.program = tools.mcopy;
  run.wall_clock = tools.wall_clock;
  run.arguments = {"-s", "-Q", "-m", "-i", image.string()};
  for (std::string& entry : EntriesOf(tree)) run.arguments.push_back(std::move(entry));
  run.arguments.push_back("::/");
  ASSIGN_OR_RETURN(const ToolResult result, RunTool(run));
  if (result.exit_code == 0) return OkStatus();
  return ToolFileError(reason::kConfigDriveFailed, "the config drive could not be made",
                       image.parent_path(), result.diagnostics);
}

}  // namespace

Status ToolConfigDrive::Write(const std::vector<core::ConfigDriveFile>& files,
                              const fs::path& target) {
  RETURN_IF_FAILPOINT("agent.build.config_drive.before");
  // Fixed names: what a crash left is replaced.
  const Workspace tree(target.string() + ".d");
  Draft iso(target.string() + ".tmp");
  if (unlink(iso.path().c_str()) != 0 && errno != ENOENT) {
    return AsConfigDriveError(FileError(errno, "remove", iso.path()));
  }
  const auto make = [&]() -> Status {
    RETURN_IF_ERROR(MakeDir(tree.path(), 0700));
    for (const core::ConfigDriveFile& file : files) RETURN_IF_ERROR(Place(file, tree.path()));
    RETURN_IF_ERROR(format_ == "vfat" ? MakeVfat(tools_, tree.path(), iso.path())
                                      : RunXorriso(tools_, tree.path(), iso.path()));
    if (chmod(iso.path().c_str(), 0600) != 0) return FileError(errno, "chmod", iso.path());
    RETURN_IF_ERROR(SyncFile(iso.path()));
    return Publish(iso, target);
  };
  RETURN_IF_ERROR(AsConfigDriveError(make()));
  RETURN_IF_FAILPOINT("agent.build.config_drive.after");
  return OkStatus();
}

}  // namespace kilonova::agent::adapters::images
