// SPDX-License-Identifier: Apache-2.0
// Images on this host. Implemented by agent/adapters/images.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/model/requests.h"

namespace kilonova::agent::core {

struct CachedImage {
  std::filesystem::path path;
  std::string format;              // "qcow2" or "raw": what every tool is told from now on
  std::uint64_t virtual_size = 0;  // bytes a guest would see
  // Shared by every copy of this value: while one of them lives, the image is not evicted.
  std::shared_ptr<const void> lease;
};

// A disk that begins empty but for a file system: Nova's ephemeral disks and swap.
struct BlankDisk {
  std::string name;              // its file in the instance's directory: "disk.eph0", "disk.swap"
  std::uint64_t size_bytes = 0;  // what the guest sees
  std::string filesystem;        // "ext4", "ext3", "xfs", "vfat", "ntfs" or "swap"
  std::string label;             // "ephemeral0"; "" = none
};

class ImageStore {
 public:
  virtual ~ImageStore() = default;

  // The image in the cache: fetched (at most `max_file_bytes`), its SHA-256 compared, inspected in
  // process before any tool opens it, then published by rename. Two callers wanting one image share
  // one download. Errors: IMAGE_FETCH_FAILED, IMAGE_CHECKSUM_MISMATCH, IMAGE_UNSAFE,
  // IMAGE_FORMAT_MISMATCH, IMAGE_FORMAT_NOT_SERVED, IMAGE_SOURCE_FORBIDDEN,
  // IMAGE_TOO_BIG_FOR_FLAVOR (known as soon as the header or the length says so), HOST_DISK_FULL.
  // Nothing is left behind by a failure.
  virtual Expected<CachedImage> Ensure(const model::ImageSource& image,
                                       std::uint64_t max_virtual_bytes, std::stop_token stop) = 0;

  // The root disk at `disk`, of `size_bytes` (0 = the base's own size): a qcow2 overlay on `base`,
  // all formats explicit, or with images_type raw a copy of it. Idempotent: what is there and right
  // is kept, a partial one replaced. FLAVOR_DISK_TOO_SMALL when size_bytes is under the base's
  // virtual size.
  virtual Status CreateOverlay(const CachedImage& base, const std::filesystem::path& disk,
                               std::uint64_t size_bytes) = 0;

  // Idempotent, as above. In the format of root disks; stands on no base.
  virtual Status CreateBlank(const BlankDisk& disk, const std::filesystem::path& target) = 0;
  // What a disk made here is: "qcow2" or "raw".
  virtual std::string DiskFormat() const { return "qcow2"; }

  // A private copy of a kernel or ramdisk: a reflink where possible, never a hard link, since
  // libvirt hands the file to QEMU's user. Idempotent.
  virtual Status PlaceFile(const CachedImage& image, const std::filesystem::path& target) = 0;

  // One pass of the image cache manager: cached images no disk stands on and nobody holds are
  // removed once they are old enough. What goes wrong is logged.
  virtual void RemoveUnused() {}
};

// Makes the config drive, volume label "config-2": ISO9660 with Rock Ridge and Joliet, or vfat, as
// config_drive_format says.
struct ConfigDriveFile {
  std::string path;  // "openstack/latest/meta_data.json"
  std::string content;
};

class ConfigDriveWriter {
 public:
  virtual ~ConfigDriveWriter() = default;
  // Idempotent; replaces `target` by rename. CONFIG_DRIVE_FAILED or HOST_DISK_FULL.
  virtual Status Write(const std::vector<ConfigDriveFile>& files,
                       const std::filesystem::path& target) = 0;
};

}  // namespace kilonova::agent::core
