// SPDX-License-Identifier: Apache-2.0
// What an instance gets of a cached image: an overlay, or a copy of a kernel or ramdisk.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "agent/adapters/images/disk_image_store.h"
#include "agent/adapters/images/files.h"
#include "agent/adapters/images/qemu_img.h"
#include "common/base/failpoint.h"

namespace kilonova::agent::adapters::images {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t kSector = 512;
constexpr std::chrono::hours kLongest{1};

std::uint64_t RoundUpToSector(std::uint64_t bytes) {
  return (bytes + kSector - 1) / kSector * kSector;
}

Status RemoveIfThere(const fs::path& path) {
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return FileError(errno, "remove", path);
  return OkStatus();
}

// A reflink where the file system has them, else a copy; never a hard link, for libvirt hands the
// ownership of a guest's files to QEMU's user, and the cache must stay the agent's.
Status Copy(const fs::path& from, const fs::path& to) {
  const OwnedFd source(open(from.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!source.ok()) return FileError(errno, "open", from);
  ASSIGN_OR_RETURN(const OwnedFd target, CreateFile(to, 0644));
  if (fchmod(target.get(), 0644) != 0) return FileError(errno, "chmod", to);
  if (ioctl(target.get(), FICLONE, source.get()) != 0) {
    ssize_t n = 0;
    do {
      n = copy_file_range(source.get(), nullptr, target.get(), nullptr, std::size_t{1} << 30, 0);
    } while (n > 0 || (n < 0 && errno == EINTR));
    if (n < 0) return FileError(errno, "copy to", to);
  }
  if (fsync(target.get()) != 0) return FileError(errno, "fsync", to);
  return OkStatus();
}

bool SameLength(const fs::path& a, const fs::path& b) {
  struct stat first = {};
  struct stat second = {};
  return lstat(a.c_str(), &first) == 0 && lstat(b.c_str(), &second) == 0 &&
         S_ISREG(second.st_mode) && first.st_size == second.st_size;
}

}  // namespace

Status DiskImageStore::CreateOverlay(const core::CachedImage& base, const fs::path& disk,
                                     std::uint64_t size_bytes) {
  RETURN_IF_FAILPOINT("agent.build.disk_create.before");
  const std::uint64_t least = RoundUpToSector(base.virtual_size);
  if (size_bytes != 0 && size_bytes < base.virtual_size) {
    return Error(
        Code::kInvalidArgument, reason::kFlavorDiskTooSmall,
        "the flavor's disk is smaller than the image's",
        {{"disk", std::to_string(size_bytes)}, {"image", std::to_string(base.virtual_size)}});
  }
  if (DiskFormat() == "raw") {
    RETURN_IF_ERROR(CopyRoot(base, disk, size_bytes == 0 ? least : RoundUpToSector(size_bytes)));
    RETURN_IF_FAILPOINT("agent.build.disk_create.after");
    return OkStatus();
  }
  const OverlayPlan plan{fs::absolute(base.path), base.format,
                         size_bytes == 0 ? least : RoundUpToSector(size_bytes)};
  if (ReadOverlay(disk) == plan) return OkStatus();
  Draft draft(disk.string() + ".tmp");  // a fixed name: what a crash left is replaced
  RETURN_IF_ERROR(RemoveIfThere(draft.path()));
  RETURN_IF_ERROR(MakeOverlay(options_.tools, plan, draft.path()));
  if (ReadOverlay(draft.path()) != plan) {
    return Error(Code::kInternal, reason::kInternal, "the host could not make the instance's disk",
                 {{kOperatorDetail, "qemu-img made an overlay other than the one asked for"}});
  }
  if (chmod(draft.path().c_str(), 0600) != 0) return FileError(errno, "chmod", draft.path());
  if (options_.disks.preallocate_images) RETURN_IF_ERROR(TakeSpace(draft.path(), plan.size));
  RETURN_IF_ERROR(SyncFile(draft.path()));
  RETURN_IF_ERROR(Publish(draft, disk));
  RETURN_IF_FAILPOINT("agent.build.disk_create.after");
  return OkStatus();
}

std::string DiskImageStore::DiskFormat() const {
  return options_.disks.images_type == "qcow2" ? "qcow2" : "raw";
}

// images_type raw: it stands on no base, so that it came by rename is all there is to check.
Status DiskImageStore::CopyRoot(const core::CachedImage& base, const fs::path& disk,
                                std::uint64_t size) {
  struct stat info = {};
  if (lstat(disk.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
      static_cast<std::uint64_t>(info.st_size) == size) {
    return OkStatus();
  }
  Draft draft(disk.string() + ".tmp");
  RETURN_IF_ERROR(RemoveIfThere(draft.path()));
  if (base.format == "raw") {
    RETURN_IF_ERROR(Copy(base.path, draft.path()));
  } else {
    RETURN_IF_ERROR(
        ConvertImage(options_.tools, {base.path, draft.path(), base.format, "raw", kLongest}));
  }
  if (truncate(draft.path().c_str(), static_cast<off_t>(size)) != 0) {
    return FileError(errno, "size", draft.path());
  }
  if (chmod(draft.path().c_str(), 0600) != 0) return FileError(errno, "chmod", draft.path());
  if (options_.disks.preallocate_images) RETURN_IF_ERROR(TakeSpace(draft.path(), size));
  RETURN_IF_ERROR(SyncFile(draft.path()));
  return Publish(draft, disk);
}

Status DiskImageStore::PlaceFile(const core::CachedImage& image, const fs::path& target) {
  if (SameLength(image.path, target)) return OkStatus();  // it came by rename, so it is whole
  Draft draft(target.string() + ".tmp");
  RETURN_IF_ERROR(RemoveIfThere(draft.path()));
  RETURN_IF_ERROR(Copy(image.path, draft.path()));
  return Publish(draft, target);
}

}  // namespace kilonova::agent::adapters::images
